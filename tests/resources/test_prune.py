"""Resources that a run no longer declares: told of, and deleted only if that is asked for."""

from __future__ import annotations

import json
from typing import Any

CHAIN = (
    'local a = resource.thing{ name = "a", id = "a" }',
    'local b = resource.thing{ name = "b", id = "b", depends_on = a }',
    'resource.thing{ name = "c", id = "c", of = b.id }',
    'resource.thing{ name = "d", id = "d" }',
)


def tail(out: str) -> str:
    """What follows the tasks, up to the summary."""
    return out.partition("✓ t  ")[2].partition("\n")[2].partition("\nw v")[0]


def test_what_is_no_longer_declared_is_told_of_and_stays(things: Any) -> None:
    things.declares(*CHAIN, 'state.resource{ type = "note", name = "n" }')
    things.script()
    assert tail(things.ok("run", "w.sloth")) == (
        "\n"
        "No longer declared (--prune deletes them):\n"
        "  - note/n  record only, stays\n"
        "  - thing/d\n"
        "  - thing/c\n"
        "  - thing/b\n"
        "  - thing/a\n"
    )
    assert sorted(things.world) == ["a", "b", "c", "d"]


def test_what_is_no_longer_declared_is_an_event(things: Any) -> None:
    things.declares(CHAIN[0])
    things.script()
    events = [json.loads(line) for line in things.ok("run", "w.sloth", "-o", "json").splitlines()]
    (event,) = (each for each in events if each["event"] == "resources_undeclared")
    assert event["pruned"] is False
    assert [(each["type"], each["name"]) for each in event["resources"]] == [("thing", "a")]


def test_prune_deletes_dependents_first_and_leaves_records_alone(things: Any) -> None:
    things.declares(*CHAIN, 'state.resource{ type = "note", name = "n" }')
    things.calls()
    things.script('resource.thing{ name = "d", id = "d" }')
    assert tail(things.ok("run", "w.sloth", "--prune")) == (
        "\n"
        "No longer declared:\n"
        "  - note/n  record only, stays\n"
        "  - thing/c\n"
        "  - thing/b\n"
        "  - thing/a\n"
    )
    assert things.calls() == ["delete c", "delete b", "delete a"]
    assert sorted(things.recorded) == ["note/n", "thing/d"]


def test_dependencies_count_even_against_age(things: Any) -> None:
    things.declares('resource.thing{ name = "old", id = "o" }')
    things.declares(
        'local new = resource.thing{ name = "new", id = "n" }',
        'resource.thing{ name = "old", id = "o", depends_on = new }',
    )
    things.calls()
    things.script()
    things.ok("run", "w.sloth", "--prune")
    assert things.calls() == ["delete old", "delete new"]


def test_the_setting_of_the_workflow_prunes_too(things: Any) -> None:
    things.declares('resource.thing{ name = "a", id = "a" }')
    things.script(config=":config({ prune = true })")
    things.ok("run", "w.sloth")
    assert things.world == things.recorded == {}


def two_tasks(things: Any, a: str, b: str, more: str = "") -> None:
    things.write(
        things.source().split('local t = task("t")')[0]
        + f'task("a"){more}:command(function() {a} end)\n'
        f'task("b"):command(function() {b} end)\n'
        'workflow.define("w"):tasks({ "a", "b" })'
    )


A, B = 'resource.thing{ name = "a", id = "a" }', 'resource.thing{ name = "b", id = "b" }'


def test_what_a_task_that_was_not_run_had_declared_stays(things: Any) -> None:
    two_tasks(things, A, B)
    things.ok("run", "w.sloth")
    for skip in (("--only", "b"), ("--skip", "a")):
        things.ok("run", "w.sloth", "--prune", *skip)
        assert sorted(things.world) == ["a", "b"]
    two_tasks(things, A, B, ":run_if(function() return false end)")
    things.ok("run", "w.sloth", "--prune")
    assert sorted(things.world) == ["a", "b"]
    two_tasks(things, "", "")
    things.ok("run", "w.sloth", "--prune", "--skip", "a")
    assert sorted(things.world) == ["a"]


def test_nothing_is_pruned_after_a_failure(things: Any) -> None:
    two_tasks(things, A, B)
    things.ok("run", "w.sloth")
    two_tasks(things, 'error("no")', "")
    assert things("run", "w.sloth", "--prune").code == 1
    assert sorted(things.world) == ["a", "b"]


def test_what_a_task_that_is_gone_from_the_file_had_declared_goes(things: Any) -> None:
    two_tasks(things, A, B)
    things.ok("run", "w.sloth")
    things.script(B)
    things.ok("run", "w.sloth", "--prune")
    assert sorted(things.world) == ["b"]


def test_what_is_gone_already_is_forgotten(things: Any) -> None:
    things.declares(A)
    things.remove("a")
    things.calls()
    things.script()
    things.ok("run", "w.sloth", "--prune")
    assert things.calls() == []
    assert things.recorded == {}


def test_a_delete_that_fails_stops_and_the_next_run_goes_on(things: Any) -> None:
    things.declares(
        'local a = resource.thing{ name = "a", id = "a" }',
        'resource.thing{ name = "b", id = "b", depends_on = a, clings = true }',
        'resource.thing{ name = "c", id = "c" }',
    )
    things.calls()
    things.script()
    assert things("run", "w.sloth", "--prune").code == 1
    assert things.calls() == ["delete c", "delete b"]
    assert sorted(things.recorded) == sorted(f"thing/{name}" for name in things.world)
    things.set("b")
    (things.folder / "world/b").unlink()
    things.ok("run", "w.sloth", "--prune")
    assert things.calls() == ["delete a"]


def test_a_type_that_the_file_no_longer_has_is_not_pruned_and_that_is_said(things: Any) -> None:
    things.declares(A)
    things.write('task("t"):command("true")\nworkflow.define("w"):tasks({ "t" })')
    told = (
        "No longer declared:\n"
        "  - thing/a  stays, for the file no longer defines its type: define it again, or forget it "
        "with sloth-runner state workflow rm w thing/a\n"
    )
    assert told in things.ok("plan", "w.sloth", "--prune")
    for _ in range(2):
        assert told in things.ok("run", "w.sloth", "--prune")
        assert sorted(things.world) == ["a"]
        assert sorted(things.recorded) == ["thing/a"]
    things.script()
    things.ok("run", "w.sloth", "--prune")
    assert things.world == things.recorded == {}


def test_what_something_declared_depends_on_is_not_pruned(things: Any) -> None:
    things.declares(
        'resource.thing{ name = "c", id = "c" }',
        'resource.thing{ name = "b", id = "b", depends_on = "thing/c" }',
        'resource.thing{ name = "a", id = "a", depends_on = "thing/b" }',
        'resource.thing{ name = "d", id = "d" }',
    )
    things.script('resource.thing{ name = "a", id = "a", depends_on = "thing/b" }')
    told = (
        "No longer declared:\n"
        "  - thing/b  stays, for thing/a depends on it\n"
        "  - thing/c  stays, for thing/b depends on it\n"
    )
    assert told in things.ok("plan", "w.sloth", "--prune")
    for _ in range(2):
        assert told in things.ok("run", "w.sloth", "--prune")
        assert sorted(things.world) == ["a", "b", "c"]
    things.script('resource.thing{ name = "a", id = "a" }')
    things.ok("run", "w.sloth", "--prune")
    assert sorted(things.world) == ["a"]


def test_a_type_without_delete_cannot_be_pruned_and_that_is_said(things: Any) -> None:
    before = (
        "resource.define('stone', { read = function() return fs.exists('stone') and {} or nil end, "
        "create = function() fs.write('stone', '') end })"
    )
    things.declares('resource.stone{ name = "s" }', before=before)
    things.script(before=before)
    result = things("run", "w.sloth", "--prune")
    assert "stone/s: its provider has no 'delete', so this cannot be done" in result.err


def test_a_circle_over_versions_is_cut_somewhere(things: Any) -> None:
    things.declares(A, 'resource.thing{ name = "b", id = "b", depends_on = "thing/a" }')
    things.declares(B, 'resource.thing{ name = "a", id = "a", depends_on = "thing/b" }')
    # Only b's old record depends on a; that is rewritten, so make the circle by hand.
    two_tasks(things, 'resource.thing{ name = "b", id = "b", depends_on = "thing/a" }', "")
    things.ok("run", "w.sloth", "--only", "a")
    assert {each["name"]: each["depends_on"] for each in things.json("resources", "w")} == {
        "a": ["thing/b"],
        "b": ["thing/a"],
    }
    things.script()
    things.ok("run", "w.sloth", "--prune")
    assert things.world == {}
