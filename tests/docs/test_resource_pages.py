"""Every type of resource has a page whose table is whole and whose example does what it says."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import sloth_lua

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs/reference/resources"
PROVIDERS = ROOT / "lua/sloth_lua/providers"
STAND_INS = Path(__file__).parent / "stand_ins"
"""Commands that the example of a page needs and a bare machine lacks, by page."""
TYPES = sloth_lua.providers()


def example(type: str) -> str:
    found = re.search(r"```lua\n(.*?)```", (PAGES / f"{type}.md").read_text(), re.S)
    assert found is not None
    return found[1]


def test_every_type_has_a_page_and_every_page_a_type() -> None:
    pages = {path.stem for path in PAGES.glob("*.md")} - {"README"}
    assert pages == set(TYPES)
    linked = re.findall(r"^\| \[(\w+)\]\((\w+)\.md\) \|", (PAGES / "README.md").read_text(), re.M)
    assert sorted(linked) == [(type, type) for type in TYPES]


@pytest.mark.parametrize("type", TYPES)
def test_the_table_of_a_page_has_all_fields_and_no_others(type: str) -> None:
    declared = re.search(r"\bfields = \{(.*?)\}", (PROVIDERS / f"{type}.lua").read_text(), re.S)
    assert declared is not None
    fields = re.findall(r"(\w+) = \"", declared[1])
    assert fields
    documented = re.findall(r"^\| `(\w+)` \|", (PAGES / f"{type}.md").read_text(), re.M)
    assert sorted(documented) == sorted(fields)


@pytest.mark.parametrize("type", TYPES)
def test_the_example_of_a_page_runs_twice_and_is_undone(sloth: Any, type: str) -> None:
    if (STAND_INS / type).exists():
        shutil.copytree(STAND_INS / type, sloth.folder / "bin")
        path = sloth.environment["PATH"]
        sloth.environment["PATH"] = f"{sloth.folder}/bin{os.pathsep}{path}"
    source = example(type)
    assert f"resource.{type}{{" in source
    sloth.write("example.sloth", source)
    try:
        first, second = sloth("run", "example.sloth"), sloth("run", "example.sloth")
        assert (first.returncode, first.stderr) == (0, "")
        assert (second.returncode, second.stderr) == (0, "")
        assert re.search(
            r"0 created, 0 updated, 0 deleted, [1-9]\d* unchanged$", second.stdout, re.M
        )
    finally:
        name = re.search(r'workflow\.define\("([^"]+)"\)', source)
        assert name is not None
        sloth.write("nothing.sloth", 'task("t"):command(function() end)')
        undone = sloth("run", name[1], "--file", "nothing.sloth", "--prune")
    assert (undone.returncode, undone.stderr) == (0, "")
    resources = sloth.json("state", "workflow", "resources", name[1])
    assert {each["action"] for each in resources} == {"delete"}
