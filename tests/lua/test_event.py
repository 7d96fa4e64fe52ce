"""The module `event`: events are kept, shown, told to plugins and views, and none by a plan."""

from __future__ import annotations

import json
from typing import Any

import pytest


def events(sloth: Any) -> list[dict[str, Any]]:
    """What is kept of the newest run, without times."""
    shown = sloth.json("state", "workflow", "show", "w")["events"]
    for each in shown:
        each.pop("dispatched_at")
    found: list[dict[str, Any]] = shown
    return found


ALL = (
    'event.dispatch("deploy.started", { build = { 1, 2 }, by = "ada" })',
    'event.dispatch("empty")',
    'event.dispatch_custom("hello", "text")',
    'event.dispatch_custom("more", { n = 1 })',
    'event.dispatch_file("created", "/tmp/x")',
    'event.dispatch_file("deleted", "/tmp/x", "watcher-1")',
)


def test_events_are_kept_with_their_run_in_order(told: Any) -> None:
    assert told(*ALL) == [[True]] * len(ALL)
    kinds = [
        ("deploy.started", {"build": [1, 2], "by": "ada"}),
        ("empty", {}),
        ("custom", {"name": "hello", "message": "text"}),
        ("custom", {"name": "more", "message": {"n": 1}}),
        ("file.created", {"path": "/tmp/x"}),
        ("file.deleted", {"path": "/tmp/x", "watcher": "watcher-1"}),
    ]
    assert events(told.sloth) == [{"type": t, "data": d, "task": "t"} for t, d in kinds]


def test_each_event_is_a_line_of_json_output(told: Any) -> None:
    told.write('event.dispatch("a", { n = 1 })')
    lines = told.sloth("run", "w.sloth", "-o", "json").stdout.splitlines()
    found = [each for each in map(json.loads, lines) if each["event"] == "event_dispatched"]
    (line,) = found
    line.pop("at")
    assert line == {"event": "event_dispatched", "task": "t", "type": "a", "data": {"n": 1}}


def test_an_event_is_kept_even_if_its_task_fails_afterwards(sloth: Any) -> None:
    sloth.write("w.sloth", 'task("t"):command(function() event.dispatch("a") error("no") end)')
    assert sloth("run", "w.sloth").returncode == 1
    assert events(sloth) == [{"type": "a", "data": {}, "task": "t"}]


def test_a_plan_and_a_look_dispatch_nothing(told: Any) -> None:
    assert told.planned('event.dispatch("a", { n = 1 })') == [
        ["event.dispatch", "a"],
        ["fs.write", "told"],
    ]
    told.sloth.write("w.sloth", 'event.dispatch("a")\ntask("t"):command("true")')
    assert told.sloth("validate", "w.sloth").returncode == 0


WRONG = {
    "event.dispatch()": "event.dispatch: type must be a string, not nothing",
    'event.dispatch("")': "the event's type is empty",
    'event.dispatch("a", "b")': 'event.dispatch: data must be a table of names to values, not the string "b"',
    'event.dispatch("a", { 1 })': "event.dispatch: data must be a table of names to values, not a list",
    'event.dispatch("a", { f = print })': "event.dispatch: data.f is a function, which cannot be kept; only text, numbers, booleans, lists and maps can",
    'event.dispatch_file("creatd", "x")': "event.dispatch_file: there is no event of files 'creatd'; did you mean 'created'?",
    'event.dispatch_file("created")': "event.dispatch_file: path must be a string, not nothing",
    "event.dispatch_custom(nil, 1)": "event.dispatch_custom: name must be a string, not nothing",
}


def test_wrong_arguments_are_errors(told: Any) -> None:
    assert dict(zip(WRONG, told(*WRONG), strict=True)) == WRONG
    assert events(told.sloth) == []


def test_at_the_top_level_there_is_no_run_to_keep_an_event(sloth: Any) -> None:
    sloth.write("w.sloth", 'event.dispatch("a")\ntask("t"):command("true")')
    result = sloth("run", "w.sloth")
    assert result.returncode == 1
    assert result.stderr.startswith(
        "Error: w.sloth:1: event.dispatch needs a run, and while the file is loaded there is none"
    )


@pytest.mark.parametrize("failing", [False, True])
def test_plugins_are_told_of_events(told: Any, failing: bool) -> None:
    """One that fails is reported, and the event is kept all the same."""
    folder = told.sloth.folder / "site"
    info = folder / "listener-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: listener\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[sloth_runner]\nlistener = listener\n")
    body = (
        "raise ValueError('no')"
        if failing
        else "print('heard', event.task, event.type, event.data)"
    )
    (folder / "listener.py").write_text(
        f"from sloth_runner import hookimpl\n@hookimpl\ndef sloth_event_dispatched(event):\n    {body}\n"
    )
    told.sloth.environment["PYTHONPATH"] = str(folder)
    told.write('event.dispatch("a", { n = 1 })')
    output = told.sloth("run", "w.sloth").stdout
    expected = (
        "the plugin listener failed in sloth_event_dispatched: ValueError('no')"
        if failing
        else "heard t a {'n': 1}"
    )
    assert expected in output
    assert events(told.sloth) == [{"type": "a", "data": {"n": 1}, "task": "t"}]
