"""Events that a script listens to with `state.on`."""

from __future__ import annotations

from typing import Any

LISTEN = """
state.on("resource_changed", function(facts)
  print("heard", facts.action, facts.type .. "/" .. facts.name, facts.attributes and facts.attributes.size)
end)
"""


def heard(result: Any) -> list[str]:
    assert result.code == 0, result
    return [line.split("heard ")[1] for line in result.out.splitlines() if "heard " in line]


def test_a_script_hears_of_each_change_and_of_nothing_else(things: Any) -> None:
    things.set("c", size=3)
    things.script(
        'resource.thing{ name = "a", id = "a", size = 1 }',
        'resource.thing{ name = "b", id = "b", size = 1 }',
        'resource.thing{ name = "c", id = "c", size = 3 }',
        'state.resource{ type = "note", name = "n", attributes = { size = 1 } }',
        before=LISTEN,
    )
    assert heard(things("run", "w.sloth")) == [
        "create thing/a 1",
        "create thing/b 1",
        "create note/n nil",
    ]
    assert heard(things("run", "w.sloth")) == []
    things.script(
        'resource.thing{ name = "a", id = "a", size = 2 }',
        'state.remove_resource("note", "n")',
        before=LISTEN,
    )
    assert heard(things("run", "w.sloth", "--prune")) == [
        "update thing/a 2",
        "delete note/n nil",
        "delete thing/c nil",
        "delete thing/b nil",
    ]


def test_a_listener_that_fails_is_reported_and_changes_nothing(things: Any) -> None:
    before = 'state.on("resource_changed", function() error("deaf") end)' + LISTEN
    things.script('resource.thing{ name = "a", id = "a", size = 1 }', before=before)
    result = things("run", "w.sloth")
    assert heard(result) == ["create thing/a 1"]
    assert "t | state.on('resource_changed') failed: w.sloth:" in result.out
    assert "deaf" in result.out


def test_what_a_listener_declares_and_records_is_no_event(things: Any) -> None:
    before = (
        'state.on("resource_changed", function(facts)\n'
        '  state.resource{ type = "log", name = facts.name }\n'
        '  resource.thing{ name = "of " .. facts.name, id = "of-" .. facts.name }\n'
        "end)" + LISTEN
    )
    things.script('resource.thing{ name = "a", id = "a", size = 1 }', before=before)
    assert heard(things("run", "w.sloth")) == ["create thing/a 1"]
    assert sorted(things.recorded) == ["log/a", "thing/a", "thing/of a"]


def test_a_listener_may_wait(things: Any) -> None:
    before = (
        'state.on("resource_changed", function(f) exec.run("printf " .. f.name .. " > heard") end)'
    )
    things.script('resource.thing{ name = "a", id = "a" }', before=before)
    things.ok("run", "w.sloth")
    assert (things.folder / "heard").read_text() == "a"


def test_an_event_that_does_not_exist_is_an_error_that_names_the_nearest(things: Any) -> None:
    things.script(before='state.on("resource_change", print)')
    assert "state.on: there is no event 'resource_change'; did you mean 'resource_changed'?" in (
        things("run", "w.sloth").err
    )


def test_drift_is_told_and_the_listener_may_act(things: Any) -> None:
    before = (
        'state.on("drift_detected", function(facts)\n'
        '  fs.write("told", json.encode(facts))\n  exec.run("touch acted")\nend)'
    )
    things.declares(
        'resource.thing{ name = "a", id = "a", size = 1 }',
        'resource.thing{ name = "b", id = "b" }',
        'resource.thing{ name = "c", id = "c" }',
        before=before,
    )
    assert things.workflow("drift", "w").code == 0
    assert not (things.folder / "told").exists()
    things.set("a", size=2)
    things.remove("b")
    things.workflow("drift", "w")
    assert (things.folder / "acted").exists()
    import json

    assert json.loads((things.folder / "told").read_text()) == {
        "workflow": "w",
        "version": 1,
        "resources": [
            {"type": "thing", "name": "a", "state": "drifted", "attributes": ["size"]},
            {"type": "thing", "name": "b", "state": "missing", "attributes": ["id"]},
        ],
    }


ROLLBACK = """
state.on("before_rollback", function(facts)
  fs.append("told", "before " .. json.encode(facts) .. "\\n")
  return values.refuse == nil, "the shop is open"
end)
state.on("after_rollback", function(facts)
  fs.append("told", "after " .. facts.status .. " " .. facts.version .. "\\n")
end)
"""


def test_a_rollback_is_told_before_and_after(things: Any) -> None:
    things.declares('resource.thing{ name = "a", id = "a", size = 1 }')
    things.declares('resource.thing{ name = "a", id = "a", size = 2 }', before=ROLLBACK)
    things.ok("state", "workflow", "rollback", "w", "1", "--force")
    assert (things.folder / "told").read_text().splitlines() == [
        'before {"from_version":2,"steps":[{"action":"update","name":"a","type":"thing"}],'
        '"to_version":1,"workflow":"w"}',
        "after rolled_back 3",
    ]


def test_a_script_can_refuse_a_rollback_and_nothing_is_changed(things: Any) -> None:
    things.declares('resource.thing{ name = "a", id = "a", size = 1 }')
    things.script('resource.thing{ name = "a", id = "a", size = 2 }', before=ROLLBACK)
    things.ok("run", "w.sloth", "--set", "refuse=1")
    things.calls()
    result = things.workflow("rollback", "w", "1", "--force")
    assert result.code == 1
    assert "the shop is open" in result.err
    assert things.calls() == []
    assert things.world == {"a": {"id": "a", "size": 2}}
    assert things.recorded["thing/a"] == {"id": "a", "size": 2}
    assert [status for _, status, _ in things.versions()] == ["failed", "success", "success"]
    assert (things.folder / "told").read_text().splitlines()[1:] == ["after failed 3"]


def test_a_listener_that_fails_before_a_rollback_refuses_it(things: Any) -> None:
    things.declares('resource.thing{ name = "a", id = "a", size = 1 }')
    before = 'state.on("before_rollback", function() error("no idea") end)'
    things.declares('resource.thing{ name = "a", id = "a", size = 2 }', before=before)
    result = things.workflow("rollback", "w", "--force")
    assert result.code == 1
    assert "no idea" in result.err
    assert things.world == {"a": {"id": "a", "size": 2}}
