"""`plan --out FILE` and `run --plan FILE`: exactly that, or nothing."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from typing import Any

import pytest

ONE = 'resource.thing{ name = "a", id = "a", size = 1 }'
TWO = 'resource.thing{ name = "a", id = "a", size = 2 }'


def test_a_saved_plan_is_carried_out_whatever_became_of_the_file(things: Any) -> None:
    things.declares(ONE)
    things.script(TWO)
    things.ok("plan", "w.sloth", "--out", "p")
    things.script(ONE)
    things.ok("run", "--plan", "p")
    assert things.world == {"a": {"id": "a", "size": 2}}
    (things.folder / "w.sloth").unlink()
    result = things("run", "--plan", "p")
    assert result.code == 1
    assert result.err == (
        "Error: w is at version 2 now, and the plan was made before that; nothing was changed\n"
        "Hint: Make the plan again.\n"
    )


def test_a_saved_plan_has_values_modules_and_choices(things: Any) -> None:
    (things.folder / "names.lua").write_text('return { first = "from module" }')
    things.write(
        things.source().split('local t = task("t")')[0] + 'local names = require("names")\n'
        'task("a"):command(function() resource.thing{ name = names.first, id = values.id } end)\n'
        'task("b"):command(function() resource.thing{ name = "b", id = "b" } end)\n'
        'workflow.define("w"):tasks({ "a", "b" })\nworkflow.define("v"):tasks({ "b" })'
    )
    things.ok(
        "plan", "prod", "--file", "w.sloth", "--workflow", "w", "--set", "id=x", "--skip", "b", "--out", "p"
    )  # fmt: skip
    (things.folder / "names.lua").unlink()
    things.ok("run", "--plan", "p")
    assert things.world == {"x": {"id": "x"}}
    assert [each["name"] for each in things.json("list")] == ["prod"]


def test_a_saved_plan_prunes_if_it_was_made_so(things: Any) -> None:
    things.declares(ONE)
    things.script()
    things.ok("plan", "w.sloth", "--prune", "--out", "p")
    things.ok("run", "--plan", "p")
    assert things.world == things.recorded == {}


def test_a_plan_of_a_new_workflow_is_refused_once_there_is_one(things: Any) -> None:
    things.script(ONE)
    things.ok("plan", "w.sloth", "--out", "p")
    things.ok("run", "w.sloth")
    result = things("run", "--plan", "p")
    assert (result.code, result.err.splitlines()[0]) == (
        1,
        "Error: w is at version 1 now, and the plan was made before that; nothing was changed",
    )


@pytest.mark.parametrize("change", ["changed", "gone", "new"])
def test_a_plan_is_refused_when_reality_differs(things: Any, change: str) -> None:
    things.declares(ONE)
    things.script(TWO, 'resource.thing{ name = "b", id = "b" }')
    things.ok("plan", "w.sloth", "--out", "p")
    if change == "changed":
        things.set("a", size=7)
    elif change == "gone":
        things.remove("a")
    else:
        things.set("b", colour="red")
    things.calls()
    result = things("run", "--plan", "p")
    name = "thing/b" if change == "new" else "thing/a"
    assert (result.code, result.err) == (
        1,
        f"Error: the plan p is out of date, and nothing was changed; it differs in {name}\n"
        "Hint: Make the plan again.\n",
    )
    assert things.calls() == []
    assert [version for version, *_ in things.versions()] == [1]


def test_a_plan_is_refused_when_only_what_is_sensitive_differs(things: Any) -> None:
    declare = 'resource.thing{{ name = "a", id = "a", password = "{}", sensitive = {{ "password" }} }}'.format
    things.declares(declare("one"))
    things.script(declare("two"))
    things.ok("plan", "w.sloth", "--out", "p")
    things.set("a", password="three")
    assert things("run", "--plan", "p").code == 1
    assert things.world["a"]["password"] == "three"


def test_a_plan_that_is_not_whole_is_not_written(things: Any) -> None:
    things.script(ONE, 'error("too early")')
    result = things("plan", "w.sloth", "--out", "p")
    assert result.code == 1
    assert "the plan is not whole, so it is not written: " in result.err
    assert "too early" in result.err
    assert not (things.folder / "p").exists()


def test_a_plan_is_readable_by_its_owner_alone_even_over_another_file(things: Any) -> None:
    things.script(ONE)
    (things.folder / "p").write_text("")
    (things.folder / "p").chmod(0o644)
    things.ok("plan", "w.sloth", "--out", "p")
    assert stat.S_IMODE((things.folder / "p").stat().st_mode) == 0o600


def test_a_plan_goes_into_a_device_and_leaves_its_mode(things: Any) -> None:
    things.script(ONE)
    os.mkfifo(things.folder / "p")
    (things.folder / "p").chmod(0o644)
    reader = os.open(things.folder / "p", os.O_RDONLY | os.O_NONBLOCK)
    things.ok("plan", "w.sloth", "--out", "p")
    assert os.read(reader, 1) == b"{"
    os.close(reader)
    assert stat.filemode((things.folder / "p").stat().st_mode) == "prw-r--r--"


def test_a_plan_without_a_store_and_a_place_for_temporary_files_says_so(things: Any) -> None:
    things.script(ONE)
    limit = f"ulimit -f 0; exec {sys.executable} -m sloth_runner plan w.sloth"
    ran = subprocess.run(["bash", "-c", limit], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert re.fullmatch(
        r"Error: there is no folder for temporary files: No usable temporary directory .*\n"
        r"Hint: Name one that can be written to with TMPDIR\.\n",
        ran.stderr,
    )


def test_a_plan_that_cannot_be_written_leaves_the_one_that_was_there(things: Any) -> None:
    things.script(ONE)
    things.ok("run", "w.sloth")
    things.ok("plan", "w.sloth", "--out", "p")
    before = (things.folder / "p").read_bytes()
    limit = f"ulimit -f 0; exec {sys.executable} -m sloth_runner plan w.sloth --out p"
    ran = subprocess.run(["bash", "-c", limit], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stderr.endswith("\nError: the plan cannot be written to p: File too large\n")
    assert (things.folder / "p").read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no plan",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b'{"format": "sloth-runner plan 2"}',
        b'{"format": "sloth-runner plan 1"}',
    ],
)
def test_what_is_no_plan_is_refused(things: Any, content: bytes) -> None:
    (things.folder / "p").write_bytes(content)
    result = things("run", "--plan", "p")
    assert (result.code, result.err) == (
        2,
        "Error: p is no plan of this release of sloth-runner\n"
        "Hint: Make one: plan FILE --out PLAN\n",
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("source", "cHJpbnQoKQ=="),
        ("path", 5),
        ("modules", []),
        ("prune", True),
        ("after_run", "0" * 12),
        ("changes", [{}]),
        ("values", {"a": 1}),
        ("more", 1),
    ],
)
def test_a_damaged_plan_is_refused(things: Any, field: str, value: Any) -> None:
    things.script(ONE)
    things.ok("plan", "w.sloth", "--out", "p")
    plan = json.loads((things.folder / "p").read_text())
    (things.folder / "p").write_text(json.dumps({**plan, field: value}))
    result = things("run", "--plan", "p")
    assert (result.code, result.err) == (
        2,
        "Error: the plan p is damaged\nHint: Make the plan again.\n",
    )
    assert things.world == {}


def test_a_plan_that_is_missing_or_a_folder_or_comes_with_other_options(things: Any) -> None:
    missing = things("run", "--plan", "p")
    assert (missing.code, missing.err) == (
        3,
        "Error: there is no plan p\nHint: Make one: plan FILE --out PLAN\n",
    )
    assert things("run", "--plan", ".").err == "Error: the plan . cannot be read: Is a directory\n"
    for more in (("w.sloth",), ("--set", "a=1"), ("--prune",), ("--only", "t")):
        assert things("run", "--plan", "p", *more).err.splitlines()[0] == (
            "Error: a plan says what runs, so --plan goes without FILE and its options"
        )
    things.script(ONE)
    assert things("plan", "w.sloth", "--out", "no/such/folder").code == 1


def test_confirm_shows_the_plan_and_does_it_only_if_told(things: Any) -> None:
    things.script(ONE)
    refused = things("run", "w.sloth", "--confirm")
    assert refused.code == 2
    assert "--yes" in refused.err
    assert things.world == {}
    code, shown = things.at_a_terminal("n\n", "run", "w.sloth", "--confirm")
    assert code == 1
    assert "+ thing/a" in shown
    assert things.world == {}
    code, shown = things.at_a_terminal("y\n", "run", "w.sloth", "--confirm")
    assert code == 0
    assert things.world == {"a": {"id": "a", "size": 1}}
    things.script(TWO)
    assert things("run", "w.sloth", "--confirm", "--yes").code == 0
    assert things("run", "w.sloth", "--yes").code == 0
