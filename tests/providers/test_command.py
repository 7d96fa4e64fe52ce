"""`resource.command`: shell commands that are run once, or when their guard says so."""

from __future__ import annotations

import shutil
from typing import Any

import pytest


def declare(workflow: Any, *commands: str) -> None:
    workflow.declares(*(f"command{{ {each} }}" for each in commands))


def lines(workflow: Any, name: str = "log") -> list[str]:
    path = workflow.folder / name
    return path.read_text().splitlines() if path.exists() else []


def test_without_a_guard_a_command_runs_once(workflow: Any) -> None:
    declare(workflow, 'name = "once", command = "echo ran >> log"')
    assert workflow.run() == "1 created, 0 updated, 0 deleted, 0 unchanged"
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 1 unchanged"
    assert lines(workflow) == ["ran"]
    assert workflow.attributes("once") == {
        "command": "echo ran >> log",
        "workdir": str(workflow.folder),
        "done": True,
    }


def test_creates_decides_by_the_file(workflow: Any) -> None:
    declare(workflow, 'name = "made", run = "echo ran >> log; touch made", creates = "made"')
    assert workflow.run() == "1 created, 0 updated, 0 deleted, 0 unchanged"
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 1 unchanged"
    (workflow.folder / "made").unlink()
    assert workflow.run() == "1 created, 0 updated, 0 deleted, 0 unchanged"
    assert lines(workflow) == ["ran", "ran"]


def test_what_was_done_before_the_workflow_knew_it_is_only_recorded(workflow: Any) -> None:
    (workflow.folder / "made").touch()
    declare(
        workflow,
        'name = "made", command = "echo ran >> log", creates = "made", triggers = { 1, 2 }',
    )
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 0 unchanged, 1 read"
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 1 unchanged"
    assert lines(workflow) == []


@pytest.mark.parametrize("guard", ['unless = "test -f made"', 'only_if = "test ! -f made"'])
def test_a_guard_in_a_folder_that_is_not_there_yet_can_be_planned(
    workflow: Any, sloth: Any, guard: str
) -> None:
    workflow.declares(
        'directory{ name = "work", path = "work" }',
        f'command{{ name = "made", command = "touch made", workdir = "work", {guard} }}',
    )
    planned = sloth("plan", "w.sloth")
    assert planned.stdout.startswith("+ directory/work\n+ command/made\n"), planned.stderr
    assert workflow.run() == "2 created, 0 updated, 0 deleted, 0 unchanged"
    shutil.rmtree(workflow.folder / "work")
    assert workflow.drift() == {"command/made": "missing", "directory/work": "missing"}
    workflow.heals()
    assert (workflow.folder / "work/made").exists()


@pytest.mark.parametrize("guard", ['unless = "test -f made"', 'only_if = "test ! -f made"'])
def test_a_guard_decides_by_its_exit_code(workflow: Any, guard: str) -> None:
    declare(workflow, f'name = "made", command = "echo ran >> log; touch made", {guard}')
    assert workflow.run() == "1 created, 0 updated, 0 deleted, 0 unchanged"
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 1 unchanged"
    (workflow.folder / "made").unlink()
    assert workflow.run() == "1 created, 0 updated, 0 deleted, 0 unchanged"
    assert lines(workflow) == ["ran", "ran"]


def test_changed_triggers_and_a_changed_command_run_it_again(workflow: Any) -> None:
    declare(workflow, 'name = "c", command = "echo ran >> log", triggers = { version = values.v }')
    assert workflow.run("--set", "v=1") == "1 created, 0 updated, 0 deleted, 0 unchanged"
    assert workflow.run("--set", "v=1") == "0 created, 0 updated, 0 deleted, 1 unchanged"
    assert workflow.run("--set", "v=2") == "0 created, 1 updated, 0 deleted, 0 unchanged"
    declare(workflow, 'name = "c", command = "echo anew >> log", triggers = { version = values.v }')
    assert workflow.run("--set", "v=2") == "0 created, 1 updated, 0 deleted, 0 unchanged"
    assert workflow.run("--set", "v=2") == "0 created, 0 updated, 0 deleted, 1 unchanged"
    assert lines(workflow) == ["ran", "ran", "anew"]


def test_a_change_of_all_else_runs_nothing_and_is_recorded(workflow: Any) -> None:
    declare(workflow, 'name = "c", command = "echo ran >> log"')
    assert workflow.run() == "1 created, 0 updated, 0 deleted, 0 unchanged"
    declare(
        workflow,
        'name = "c", command = "echo ran >> log", undo = "rm log", timeout = "1m", env = { A = "1" }',
    )
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 0 unchanged, 1 read"
    assert lines(workflow) == ["ran"]
    assert workflow.attributes("c") == {
        "command": "echo ran >> log",
        "undo": "rm log",
        "timeout": 60,
        "env": {"A": "1"},
        "workdir": str(workflow.folder),
        "done": True,
    }


def test_a_command_has_its_folder_and_its_variables(workflow: Any) -> None:
    (workflow.folder / "sub").mkdir()
    declare(workflow, 'name = "c", command = "echo $A > log", workdir = "sub", env = { A = "b c" }')
    assert workflow.run() == "1 created, 0 updated, 0 deleted, 0 unchanged"
    assert lines(workflow, "sub/log") == ["b c"]


def test_a_command_that_fails_is_not_done(workflow: Any) -> None:
    declare(workflow, 'name = "c", command = "echo ran >> log; echo no luck >&2; exit 3"')
    result = workflow.sloth("run", "w.sloth")
    assert result.returncode == 1
    assert "w.sloth:2: command/c: create:" in result.stderr
    assert "exit code 3: no luck" in result.stderr
    declare(workflow, 'name = "c", command = "echo ran >> log"')
    assert workflow.run() == "1 created, 0 updated, 0 deleted, 0 unchanged"
    assert lines(workflow) == ["ran", "ran"]


def test_a_failure_after_a_change_is_tried_again(workflow: Any) -> None:
    command = 'name = "c", command = "echo ran >> log; test -f good", triggers = values.v'
    (workflow.folder / "good").touch()
    declare(workflow, command)
    assert workflow.run("--set", "v=1") == "1 created, 0 updated, 0 deleted, 0 unchanged"
    (workflow.folder / "good").unlink()
    assert workflow.sloth("run", "w.sloth", "--set", "v=2").returncode == 1
    (workflow.folder / "good").touch()
    assert workflow.run("--set", "v=2") == "0 created, 1 updated, 0 deleted, 0 unchanged"
    assert workflow.run("--set", "v=2") == "0 created, 0 updated, 0 deleted, 1 unchanged"
    assert lines(workflow) == ["ran", "ran", "ran"]


def test_a_timeout_ends_the_command(workflow: Any) -> None:
    declare(workflow, 'name = "c", command = "sleep 30", timeout = "100ms"')
    result = workflow.sloth("run", "w.sloth", timeout=10)
    assert result.returncode == 1
    assert "timed out after 0.1 s" in result.stderr


REFUSED = (
    ("creates = 'made'", "resource.command: give it a command (or run), and only one of them"),
    (
        "command = 'a', run = 'b'",
        "resource.command: give it a command (or run), and only one of them",
    ),
    (
        "command = 'a', creates = 'x', unless = 'y'",
        "resource.command: give it only one of creates, unless and only_if",
    ),
    ("command = 'a', timeout = 0", "resource.command: timeout must be more than 0"),
    (
        "command = 'a', comand = 'b'",
        "resource.command: it has no field 'comand'; did you mean 'command'?",
    ),
    (
        "command = 'true', creates = '/no/such'",
        "the command was run, and yet it did not create /no/such",
    ),
    ("command = 'true', unless = 'false'", "the command was run, and yet its 'unless' fails still"),
    (
        "command = 'true', only_if = 'true'",
        "the command was run, and yet its 'only_if' succeeds still",
    ),
)


def test_what_makes_no_sense_is_refused_at_its_line(workflow: Any) -> None:
    said = workflow.refusals("command", *(fields for fields, _ in REFUSED))
    for each, (fields, message) in zip(said, REFUSED, strict=True):
        assert each.endswith(f": {message}"), (fields, each)


def test_prune_undoes_what_has_an_undo(workflow: Any) -> None:
    declare(
        workflow,
        'name = "a", command = "echo $A > a", undo = "echo $A > b; rm a", env = { A = "x" }',
        'name = "b", command = "touch stays"',
    )
    assert workflow.run() == "2 created, 0 updated, 0 deleted, 0 unchanged"
    declare(workflow)
    assert workflow.run("--prune") == "0 created, 0 updated, 2 deleted, 0 unchanged"
    assert not (workflow.folder / "a").exists()
    assert lines(workflow, "b") == ["x"]
    assert (workflow.folder / "stays").exists()


def test_a_rollback_undoes_what_the_version_did_not_have_and_runs_what_it_had(
    workflow: Any,
) -> None:
    declare(workflow, 'name = "a", command = "echo a >> log", undo = "echo undo a >> log"')
    assert workflow.run() == "1 created, 0 updated, 0 deleted, 0 unchanged"
    declare(workflow, 'name = "b", command = "echo b >> log", undo = "echo undo b >> log"')
    assert workflow.run("--prune") == "1 created, 0 updated, 1 deleted, 0 unchanged"
    assert lines(workflow) == ["a", "b", "undo a"]
    workflow.rolls_back(1)
    assert lines(workflow) == ["a", "b", "undo a", "undo b", "a"]
    workflow.rolls_back(1)
    assert lines(workflow) == ["a", "b", "undo a", "undo b", "a"]


def test_a_rollback_runs_the_command_of_the_version_again(workflow: Any) -> None:
    declare(
        workflow,
        'name = "a", command = "echo " .. values.v .. " > current", undo = "rm current", triggers = values.v',
    )
    assert workflow.run("--set", "v=1") == "1 created, 0 updated, 0 deleted, 0 unchanged"
    assert workflow.run("--set", "v=2") == "0 created, 1 updated, 0 deleted, 0 unchanged"
    workflow.rolls_back(1)
    assert lines(workflow, "current") == ["1"]
    assert workflow.run("--set", "v=1") == "0 created, 0 updated, 0 deleted, 1 unchanged"


def test_drift_asks_the_guard_and_runs_nothing(workflow: Any) -> None:
    declare(
        workflow,
        'name = "a", command = "echo ran >> log; touch made", creates = "made"',
        'name = "b", command = "echo ran >> log"',
    )
    assert workflow.run() == "2 created, 0 updated, 0 deleted, 0 unchanged"
    (workflow.folder / "made").unlink()
    assert workflow.drift() == {"command/a": "missing", "command/b": "in-sync"}
    assert lines(workflow) == ["ran", "ran"]
    assert not (workflow.folder / "made").exists()


def test_a_plan_asks_the_guard_and_runs_nothing(workflow: Any) -> None:
    declare(
        workflow,
        'name = "a", command = "echo ran >> log", creates = "made"',
        'name = "b", command = "echo ran >> log"',
        'name = "c", command = "echo ran >> log", unless = "true"',
    )
    plan = workflow.sloth("plan", "w.sloth")
    assert plan.returncode == 0, plan.stderr
    marks = [line.split()[:2] for line in plan.stdout.splitlines() if "command/" in line]
    assert marks == [["+", "command/a"], ["+", "command/b"], ["=", "command/c"]]
    assert lines(workflow) == []
