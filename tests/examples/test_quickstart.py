"""The quickstart example, run as its README tells, from deploy to change to failure."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples/quickstart"


@pytest.fixture
def sloth(sloth: Any) -> Any:
    ignored = shutil.ignore_patterns("public", "state.db*")
    shutil.copytree(EXAMPLE, sloth.folder, dirs_exist_ok=True, ignore=ignored)
    return sloth


def test_the_first_run_makes_the_site_and_records_each_page(sloth: Any) -> None:
    result = sloth("run", "site.sloth")
    assert result.returncode == 0, result.stderr
    assert "Resources  2 created, 0 updated, 0 deleted, 0 unchanged" in result.stdout
    assert "<h1>Welcome</h1>" in (sloth.folder / "public/index.html").read_text()
    resources = sloth.json("state", "workflow", "resources", "quickstart")
    assert [(r["type"], r["name"], r["action"]) for r in resources] == [
        ("page", "about.html", "create"),
        ("page", "index.html", "create"),
    ]


def test_the_second_run_says_that_nothing_changed(sloth: Any) -> None:
    sloth("run", "site.sloth")
    result = sloth("run", "site.sloth")
    assert "quickstart v2  success" in result.stdout
    assert "Resources  0 created, 0 updated, 0 deleted, 2 unchanged" in result.stdout


def test_another_title_updates_both_pages_and_keeps_the_first_version(sloth: Any) -> None:
    sloth("run", "site.sloth")
    result = sloth("run", "site.sloth", "--set", "title=Another site")
    assert "Resources  0 created, 2 updated, 0 deleted, 0 unchanged" in result.stdout
    first = sloth.json("state", "workflow", "resources", "quickstart@1")
    second = sloth.json("state", "workflow", "resources", "quickstart@2")
    hashes = [[r["attributes"]["sha256"] for r in each] for each in (first, second)]
    assert hashes[0] != hashes[1]


def test_it_publishes_the_number_of_pages_and_bytes(sloth: Any) -> None:
    sloth("run", "site.sloth")
    size = sum(path.stat().st_size for path in (sloth.folder / "public").iterdir())
    assert sloth.json("state", "workflow", "outputs", "quickstart") == {"bytes": size, "pages": 2}


def test_a_broken_script_fails_with_its_line_and_a_hint(sloth: Any) -> None:
    script = sloth.folder / "site.sloth"
    script.write_text(script.read_text().replace("fs.read(path)", "fss.read(path)"))
    result = sloth("run", "site.sloth")
    assert result.returncode == 1
    assert "site.sloth:29: attempt to index global 'fss' (a nil value)" in result.stderr
    assert "   29 |       if fss.read(path) ~= html" in result.stderr
    assert "did you mean 'fs'?" in result.stderr
    assert "Traceback" not in result.stderr
    shown = sloth.json("state", "workflow", "show", "quickstart")
    assert shown["status"] == "failed"


def test_its_readme_shows_what_really_happens(story: Any) -> None:
    story("quickstart").assert_over()
