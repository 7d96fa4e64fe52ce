"""`rollback`: the world as it was at a version, and the records with it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

FORCE = ("state", "workflow", "rollback")


def a(size: int, more: str = "") -> str:
    return f'resource.thing{{ name = "a", id = "a", size = {size}{more} }}'


B, C = 'resource.thing{ name = "b", id = "b" }', 'resource.thing{ name = "c", id = "c" }'


def three_versions(things: Any) -> list[dict[str, Any]]:
    """v1: a, b. v2: a changed, c new. v3: b gone too. The world after each."""
    worlds = [things.declares(a(1), B) and things.world]
    worlds.append(things.declares(a(2), B, C) and things.world)
    things.script(a(2), C)
    things.ok("run", "w.sloth", "--prune")
    worlds.append(things.world)
    things.calls()
    return worlds


def test_the_plan_says_all_and_is_carried_out(things: Any) -> None:
    worlds = three_versions(things)
    plan = (
        "Rollback of w: from v3 to v1\n"
        "\n"
        "  - thing/c\n"
        "  ~ thing/a\n"
        "      size: 2 → 1\n"
        "  + thing/b\n"
        "\n"
        "1 to create, 1 to update, 1 to delete, 0 unchanged\n"
    )
    assert things.workflow("rollback", "w", "1", "--dry-run") == (0, plan, "")
    assert things.calls() == []
    result = things.workflow("rollback", "w", "1", "--force")
    assert result == (
        0,
        "w is back at v1 (rolled_back), recorded as version 4\n",
        "  - thing/c\n  ~ thing/a\n  + thing/b\n",
    )
    assert things.world == worlds[0]
    assert things.calls() == ["delete c", "update a", "create b"]
    assert things.versions()[0] == (4, "rolled_back", "rolled back from v3 to v1")
    assert things.workflow("drift", "w").out.endswith("w@4: no drift, 2 resources in sync\n")
    things.script(a(1), B)
    assert things("plan", "w.sloth", "--exit-code").code == 0


def test_every_version_can_be_gone_to_in_any_order(things: Any) -> None:
    worlds = three_versions(things)
    for version in (1, 2, 3, 1, 3, 2):
        things.ok(*FORCE, "w", str(version), "--force")
        assert things.world == worlds[version - 1], version
        assert sorted(things.recorded) == [f"thing/{name}" for name in things.world]


@pytest.mark.parametrize(
    ("arguments", "target"),
    [
        (("w",), 2),
        (("w", "1"), 1),
        (("w@1",), 1),
        (("w-v1",), 1),
        (("w", "v1"), 1),
        (("w", "@2"), 2),
    ],
)
def test_all_ways_to_name_a_version(things: Any, arguments: tuple[str, ...], target: int) -> None:
    three_versions(things)
    assert things.json("rollback", *arguments, "--dry-run")["to"] == target


def test_a_version_by_its_run(things: Any) -> None:
    three_versions(things)
    first = things.json("list")[-1]["id"]
    assert things.json("rollback", first, "--dry-run")["to"] == 1


def test_without_a_version_it_goes_before_the_last_good_one(things: Any) -> None:
    worlds = three_versions(things)
    things.script('error("no")')
    things("run", "w.sloth")
    for world in (worlds[2], worlds[1], worlds[0]):
        things.remove("a")
        things.ok(*FORCE, "w", "--force")
        assert things.world == world
    result = things.workflow("rollback", "w", "--force")
    assert result.code == 3
    assert result.err.startswith(
        "Error: w has no successful version before version 1, which version 7 restored\n"
    )


def test_bad_addresses_and_options(things: Any) -> None:
    three_versions(things)
    for arguments, code in {
        ("nothing",): 3,
        ("w", "9"): 3,
        ("w", "3"): 2,
        ("w", "1", "--resume"): 2,
        ("w", "--resume"): 2,
        ("w", "1", "--target", "a"): 2,
        ("w", "1", "--target", "thing/x"): 3,
    }.items():
        result = things.workflow("rollback", *arguments, "--force")
        assert (result.code, things.calls()) == (code, []), arguments
        assert "Traceback" not in result.err


def test_reality_counts_not_the_record(things: Any) -> None:
    worlds = three_versions(things)
    things.set("a", size=1)  # as it shall be
    things.remove("c")
    things.set("b", colour="red")
    plan = things.json("rollback", "w", "1", "--dry-run")
    assert [(step["action"], step["name"]) for step in plan["steps"]] == [
        ("record", "a"),
        ("record", "b"),
        ("forget", "c"),
    ]
    things.ok(*FORCE, "w", "1", "--force")
    assert things.calls() == []
    assert things.world == {**worlds[0], "b": {"id": "b", "colour": "red"}}
    assert things.recorded["thing/a"] == {"id": "a", "size": 1}


def test_where_nothing_differs_no_version_is_made(things: Any) -> None:
    things.declares(a(1))
    things.declares(a(1))
    assert things.ok(*FORCE, "w", "1", "--force").splitlines()[1] == (
        "Nothing to do: 1 resource as they shall be"
    )
    assert [version for version, *_ in things.versions()] == [2, 1]


def test_things_that_moved_move_back(things: Any) -> None:
    things.declares('resource.thing{ name = "a", id = "x" }')
    things.declares('resource.thing{ name = "a", id = "y" }')
    things.ok(*FORCE, "w", "1", "--force")
    assert things.world == {"x": {"id": "x"}}


def test_a_thing_that_got_another_name_is_not_deleted(things: Any) -> None:
    things.declares('resource.thing{ name = "a", id = "x", size = 1 }')
    things.script('resource.thing{ name = "b", id = "x", size = 2 }')
    things.ok("run", "w.sloth")
    things.calls()
    things.ok(*FORCE, "w", "1", "--force")
    assert things.calls() == ["update a"]
    assert things.world == {"x": {"id": "x", "size": 1}}
    assert list(things.recorded) == ["thing/a"]


def test_outputs_source_and_values_are_those_of_the_version(things: Any) -> None:
    things.script(a(1), 'state.set_output("url", values.url)')
    things.ok("run", "w.sloth", "--set", "url=one")
    things.script(a(2), 'state.set_output("url", values.url)')
    things.ok("run", "w.sloth", "--set", "url=two")
    things.ok(*FORCE, "w", "--force")
    assert things.json("outputs", "w") == {"url": "one"}
    with things.store() as store:
        one, _, three = (store.version("w", number) for number in (1, 2, 3))
        assert (three.source_hash, three.values_hash) == (one.source_hash, one.values_hash)
    things.script("print(state.previous().version, state.previous().resources[1].attributes.size)")
    assert "t | 3 1\n" in things.ok("run", "w.sloth")


def test_providers_are_those_of_the_version(things: Any) -> None:
    things.declares(a(1))
    things.write('task("t"):command("true")\nworkflow.define("w"):tasks({ "t" })')
    things.ok("run", "w.sloth")
    (things.folder / "w.sloth").unlink()
    things.remove("a")
    things.ok(*FORCE, "w", "1", "--force")
    assert things.world == {"a": {"id": "a", "size": 1}}


def test_the_state_alone(things: Any) -> None:
    worlds = three_versions(things)
    things.ok(*FORCE, "w", "1", "--state-only", "--force")
    assert things.calls() == []
    assert things.world == worlds[2]
    assert sorted(things.recorded) == ["thing/a", "thing/b"]
    assert things.versions()[0][1:] == ("rolled_back", "rolled back from v3 to v1")


def test_one_resource_alone(things: Any) -> None:
    """The rest stays as it is, and so do the file, the values and the outputs it belongs to."""
    things.declares(a(1), 'state.set_output("url", "one")')
    kept = "resource.define('kept', { read = function() return {} end, create = print })"
    things.declares(
        a(2), C, 'resource.kept{ name = "k" }', 'state.set_output("url", "two")', before=kept
    )
    assert things.ok(*FORCE, "w", "1", "--target", "thing/a", "--force").endswith(
        "w: what --target names is back at v1 (rolled_back), recorded as version 3\n"
    )
    assert things.world == {"a": {"id": "a", "size": 1}, "c": {"id": "c"}}
    assert sorted(things.recorded) == ["kept/k", "thing/a", "thing/c"]
    assert things.json("outputs", "w") == {"url": "two"}
    assert things.workflow("drift", "w").out.endswith("w@3: no drift, 3 resources in sync\n")


def test_records_are_brought_back_as_records(things: Any) -> None:
    note = 'state.resource{{ type = "note", name = "n", attributes = {{ v = {} }} }}'.format
    things.declares(note(1))
    things.declares(note(2), 'state.resource{ type = "note", name = "m" }')
    plan = things.workflow("rollback", "w", "--dry-run").out
    assert plan == (
        "Rollback of w: from v2 to v1\n"
        "\n"
        "Record only (no provider; reality stays as it is):\n"
        "  ~ note/n\n"
        "      v: 2 → 1\n"
        "  - note/m\n"
        "\n"
        "0 to create, 0 to update, 0 to delete, 2 in the record alone, 0 unchanged\n"
    )
    things.ok(*FORCE, "w", "--force")
    assert things.recorded == {"note/n": {"v": 1}}


STEEL = """
resource.define("steel", {
  read = function(r) local text = fs.read("world/" .. r.id) return text and json.decode(text) end,
  create = function(r) fs.write("world/" .. r.id, json.encode({ id = r.id, size = r.size })) end,
  update = function(r) fs.write("world/" .. r.id, json.encode({ id = r.id, size = r.size })) end,
  delete = function(r) fs.rm("world/" .. r.id) end,
  irreversible = function(r) return r.name == "hard" and "steel cannot be softened" or nil end,
})
"""


def test_what_cannot_be_undone_is_said_and_stays(things: Any) -> None:
    steel = 'resource.steel{{ name = "{}", id = "{}", size = {} }}'.format
    things.declares(steel("hard", "h", 1), steel("soft", "s", 1), before=STEEL)
    things.declares(
        steel("hard", "h", 2),
        steel("soft", "s", 2),
        'resource.stone{ name = "new" }',
        before=STEEL
        + "resource.define('stone', { read = function() return fs.exists('stone') and {} or nil end, "
        "create = function() fs.write('stone', '') end })",
    )
    plan = things.workflow("rollback", "w", "--dry-run").out
    assert plan == (
        "Rollback of w: from v2 to v1\n"
        "\n"
        "  ~ steel/soft\n"
        "      size: 2 → 1\n"
        "\n"
        "Cannot be undone, so it stays:\n"
        "  ! stone/new: its provider has no delete\n"
        "  ! steel/hard: steel cannot be softened\n"
        "\n"
        "0 to create, 1 to update, 0 to delete, 2 not undone, 0 unchanged\n"
    )
    things.ok(*FORCE, "w", "--force")
    assert things.world == {"h": {"id": "h", "size": 2}, "s": {"id": "s", "size": 1}}
    assert things.recorded["steel/hard"]["size"] == 2
    assert (things.folder / "stone").exists()


def test_if_something_cannot_be_read_nothing_is_done(things: Any) -> None:
    worlds = three_versions(things)
    (things.folder / "world/a").write_text("no JSON")
    plan = things.workflow("rollback", "w", "1", "--dry-run").out
    assert "Cannot be read, so nothing will be done:\n  ? thing/a: w.sloth@1:" in plan
    result = things.workflow("rollback", "w", "1", "--force")
    assert result.code == 1
    assert result.err.startswith(
        "Error: thing/a cannot be read, so nothing was changed: w.sloth@1:"
    )
    assert things.calls() == []
    assert [version for version, *_ in things.versions()] == [3, 2, 1]
    things.remove("a")
    things.ok(*FORCE, "w", "1", "--force")
    assert things.world == worlds[0]


@pytest.mark.parametrize("more", [(), ("--state-only",)])
@pytest.mark.parametrize("how", ["rm", "prune", "gone"])
def test_what_was_removed_since_comes_back_as_created(
    things: Any, how: str, more: tuple[str, ...]
) -> None:
    things.declares(a(1), B)
    if how == "rm":
        things.ok("state", "workflow", "rm", "w", "thing/b")
    else:
        things.script(a(1))
        things.ok("run", "w.sloth", "--prune")
    if how == "gone":
        things.set("b", size=1)  # somebody else makes it again
    planned = things.workflow("rollback", "w", "1", "--dry-run", *more).out
    assert "  + thing/b\n" in planned
    done = things(*FORCE, "w", "1", "--force", *more).err
    assert ("+ thing/b" in done, "~ thing/b" in done) == (True, False)
    changes = things.json("versions", "w")[0]["changes"]
    assert (changes["created"], changes["updated"]) == (1, 0)
    assert things.workflow("diff", "w").out.splitlines()[-1] == "1 created"


UNREADABLE = """
resource.define("shy", { read = function(r) if fs.exists("shut") then error("it is shut", 0) end
  return { size = 1 } end, create = function(r) end, update = function(r) end, delete = function(r) end })
"""


@pytest.mark.parametrize("command", [("rollback", "w", "1"), ("reconcile", "w")])
def test_what_cannot_be_read_is_no_step_of_the_plan(things: Any, command: tuple[str, ...]) -> None:
    shy = 'resource.shy{ name = "s", size = 1 }'
    things.declares(a(1), shy, before=UNREADABLE)
    things.declares(a(1), shy, 'resource.shy{ name = "new", size = 1 }', before=UNREADABLE)
    (things.folder / "shut").touch()
    things.remove("a")
    shown = things.workflow(*command, "--dry-run").out
    is_rollback = command[0] == "rollback"
    heading = "Rollback of w: from v2 to v1" if is_rollback else "Reconcile w with v2"
    cannot = ["  ? shy/new: it is shut", "  ? shy/s: it is shut"]
    assert shown.splitlines() == [
        heading,
        "",
        "  + thing/a",
        "",
        "Cannot be read, so nothing will be done:",
        *cannot,
        "",
        "1 to create, 0 to update, 0 to delete, 0 unchanged",
    ]
    things.set("a", size=1)
    shown = things.workflow(*command, "--dry-run").out
    assert shown.splitlines() == [
        heading,
        "",
        "Cannot be read, so nothing will be done:",
        *cannot,
        "",
        "0 to create, 0 to update, 0 to delete, 1 unchanged",
    ]
    result = things.workflow(*command, "--force")
    assert result.code == 1
    assert "cannot be read, so nothing was changed: it is shut" in result.err
    assert len(things.versions()) == 2


def test_it_asks_and_a_no_changes_nothing(things: Any) -> None:
    worlds = three_versions(things)
    refused = things.workflow("rollback", "w", "1")
    assert refused.code == 2
    assert "--force" in refused.err
    code, shown = things.at_a_terminal("n\n", *FORCE, "w", "1")
    assert code == 1
    assert "~ thing/a" in shown
    assert "declined; nothing was changed" in shown
    assert (things.calls(), len(things.versions())) == ([], 3)
    code, _ = things.at_a_terminal("y\n", *FORCE, "w", "1")
    assert code == 0
    assert things.world == worlds[0]


def test_a_failure_half_way_is_a_failed_version_that_can_be_finished(things: Any) -> None:
    things.declares(a(1), B)
    things.declares(a(2), C, 'resource.thing{ name = "d", id = "d", clings = true }')
    things.remove("b")
    things.calls()
    result = things.workflow("rollback", "w", "1", "--force")
    assert result.code == 1
    assert "thing/d: delete: " in result.err
    assert result.err.endswith("finish it with: sloth-runner state workflow rollback w --resume\n")
    assert things.calls() == ["delete d"]
    things.set("d", clings=True)
    things.script(a(2), C, 'resource.thing{ name = "d", id = "d", clings = false }')
    assert things.versions()[0] == (3, "failed", "rolled back from v2 to v1")
    assert sorted(things.recorded) == ["thing/a", "thing/b", "thing/c", "thing/d"]
    things.remove("d")  # somebody helps
    things.ok(*FORCE, "w", "--resume", "--force")
    assert things.versions()[0] == (4, "rolled_back", "rolled back from v3 to v1")
    assert things.world == {"a": {"id": "a", "size": 1}, "b": {"id": "b"}}
    assert sorted(things.recorded) == ["thing/a", "thing/b"]


@pytest.mark.parametrize("stderr", ["2>/dev/full", "2>&1 | true"])
def test_a_rollback_goes_on_when_nobody_can_be_told_of_it(things: Any, stderr: str) -> None:
    worlds = three_versions(things)
    command = f'"$0" -m sloth_runner state workflow rollback w 1 --force {stderr}'
    subprocess.run(
        ["bash", "-c", command, sys.executable], cwd=things.folder, check=False, timeout=60
    )
    assert things.world == worlds[0]
    assert things.versions()[0] == (4, "rolled_back", "rolled back from v3 to v1")


def test_what_was_done_before_a_failure_is_recorded(things: Any) -> None:
    things.declares(a(1), B, 'resource.thing{ name = "e", id = "e", size = 1 }')
    things.declares(a(2), B, 'resource.thing{ name = "e", id = "e", size = 2 }', C)
    (things.folder / "world/e").unlink()
    (things.folder / "world/e").symlink_to("no/where")  # cannot be read nor written
    things.calls()
    assert things.workflow("rollback", "w", "1", "--force").code == 1
    assert things.calls() == ["delete c", "update a", "create e"]
    assert things.recorded["thing/a"]["size"] == 1
    assert things.recorded["thing/e"]["size"] == 2
    assert "thing/c" not in things.recorded
    with things.store() as store:
        errors = [each.error is None for each in store.operations(store.runs(limit=1)[0].id)]
        assert errors == [True, True, False]
    (things.folder / "world/e").unlink()
    things.ok(*FORCE, "w", "--resume", "--force")
    assert things.world["e"] == {"id": "e", "size": 1}


WAITS = """
resource.define("slow", {
  read = function(r) local text = fs.read("world/" .. r.id) return text and json.decode(text) end,
  create = function(r)
    fs.write("world/" .. r.id, json.encode({ id = r.id }))
    if fs.exists("wait") then
      fs.write("waiting", "")
      while fs.exists("wait") do sleep(0.01) end
    end
  end,
  delete = function(r) fs.rm("world/" .. r.id) end,
})
"""


@pytest.mark.parametrize("by", [2, 9, 15])
def test_a_rollback_that_is_stopped_half_way_can_be_finished(things: Any, by: int) -> None:
    slow = 'resource.slow{ name = "s", id = "s" }'
    things.declares(slow, before=WAITS)
    things.script(C, before=WAITS)
    things.ok("run", "w.sloth", "--prune")
    (things.folder / "wait").touch()
    rollback = things.process(*FORCE, "w", "1", "--force")
    while not (things.folder / "waiting").exists():
        assert rollback.poll() is None
    rollback.send_signal(by)
    _, err = rollback.communicate()
    assert rollback.returncode == (-9 if by == 9 else 130)
    hint = "Hint: Finish it with: sloth-runner state workflow rollback w --resume\n"
    assert err.endswith("" if by == 9 else hint)
    assert "Traceback" not in err
    things.ok("state", "workflow", "list")  # which says that a run was killed
    assert [status for _, status, _ in things.versions()] == ["failed", "success", "success"]
    assert things.recorded == {}
    (things.folder / "wait").unlink()
    result = things.workflow("rollback", "w", "--resume", "--force")
    assert result.code == 0, result
    assert "Note: create slow/s was interrupted; it was done\n" in result.err
    assert things.world == {"s": {"id": "s"}}
    assert list(things.recorded) == ["slow/s"]


def test_a_version_made_in_between_stops_it_before_anything_is_changed(things: Any) -> None:
    from sloth_runner.restoring import plan_restoration, restore
    from sloth_runner.world import World
    from sloth_state.errors import StateMoved

    three_versions(things)
    with things.store() as store:
        newest, target = store.version("w", 3), store.version("w", 1)
        with World(store) as world:
            restoration = plan_restoration(world, store, newest, target)
            things.ok("run", "w.sloth")
            things.calls()
            with pytest.raises(StateMoved):
                restore(world, store, restoration)
        assert [run.version for run in store.runs(name="w")] == [4, 3, 2, 1]
    assert things.calls() == []


def test_a_workflow_that_somebody_runs_is_not_rolled_back(things: Any) -> None:
    three_versions(things)
    things.script('fs.write("running", "") while not fs.exists("go on") do sleep(0.01) end')
    run = things.process("run", "w.sloth")
    while not (things.folder / "running").exists():
        assert run.poll() is None
    result = things.workflow("rollback", "w", "1", "--force")
    (things.folder / "go on").touch()
    run.communicate()
    assert result.code == 4
    assert things.calls() == []


@pytest.mark.parametrize(
    "command",
    [
        ("rollback", "w", "1", "--force"),
        ("reconcile", "w", "--force"),
        ("rm", "w", "thing/c"),
        ("mv", "w", "thing/c", "d"),
        ("mv", "v", "thing/a", "d", "--to-workflow", "w"),
    ],
)
def test_a_lock_timeout_waits_for_a_run_that_goes_on(things: Any, command: tuple[str, ...]) -> None:
    three_versions(things)
    things.ok("run", "v", "--file", "w.sloth")
    things.script('fs.write("running", "") while not fs.exists("go on") do sleep(0.01) end')
    run = things.process("run", "w.sloth")
    while not (things.folder / "running").exists():
        assert run.poll() is None
    waiting = things.process("state", "workflow", *command, "--lock-timeout", "30s")
    while not any(line.endswith("  1") for line in locks(things)):
        assert waiting.poll() is None
    (things.folder / "go on").touch()
    run.communicate()
    _, err = waiting.communicate()
    assert waiting.returncode == 0, err
    assert err.startswith("Note: w is locked by ")


def locks(things: Any) -> list[str]:
    lines: list[str] = things.ok("state", "workflow", "locks").splitlines()
    return lines


def test_a_rollback_is_undone_like_any_version(things: Any) -> None:
    worlds = three_versions(things)
    things.ok(*FORCE, "w", "1", "--force")
    things.ok(*FORCE, "w", "3", "--force")
    assert things.world == worlds[2]
    things.ok(*FORCE, "w", "4", "--force")
    assert things.world == worlds[0]
    assert [description for *_, description in things.versions()[:3]] == [
        "rolled back from v5 to v4",
        "rolled back from v4 to v3",
        "rolled back from v3 to v1",
    ]


def test_as_json(things: Any) -> None:
    three_versions(things)
    plan = things.json("rollback", "w", "1", "--dry-run")
    assert [(step["action"], step["type"], step["name"]) for step in plan.pop("steps")] == [
        ("delete", "thing", "c"),
        ("update", "thing", "a"),
        ("create", "thing", "b"),
    ]
    assert plan == {"workflow": "w", "from": 3, "to": 1, "unchanged": 0, "unreadable": []}
    result = json.loads(things.ok(*FORCE, "w", "1", "--force", "-o", "json"))
    assert (result["version"], result["status"]) == (4, "rolled_back")


def test_dependents_go_first_and_come_last(things: Any) -> None:
    chain = (
        'local z = resource.thing{ name = "z", id = "z" }',
        'local y = resource.thing{ name = "y", id = "y", depends_on = z }',
        'resource.thing{ name = "x", id = "x", depends_on = y }',
    )
    things.declares()
    things.declares(*chain)
    things.calls()
    things.ok(*FORCE, "w", "1", "--force")
    assert things.calls() == ["delete x", "delete y", "delete z"]
    things.ok(*FORCE, "w", "2", "--force")
    assert things.calls() == ["create z", "create y", "create x"]


def test_what_is_ignored_survives_a_rollback(things: Any) -> None:
    more = ', replicas = 1, ignore = { "replicas" }'
    things.declares(a(1, more))
    things.declares(a(2, more))
    things.set("a", size=2, replicas=9)
    things.ok(*FORCE, "w", "--force")
    assert things.world == {"a": {"id": "a", "size": 1, "replicas": 9}}


def test_a_real_file_comes_back_byte_for_byte(things: Any) -> None:
    path = things.folder / "f"
    path.write_bytes(b"theirs \xff\0")
    path.chmod(0o640)
    things.declares()
    for content in ("one", "two"):
        things.declares(f'resource.file{{ name = "f", path = "f", content = "{content}" }}')
    path.write_bytes(b"somebody")
    things.ok(*FORCE, "w", "2", "--force")
    assert path.read_bytes() == b"one"
    things.ok(*FORCE, "w", "1", "--force")
    assert path.read_bytes() == b"theirs \xff\0"
    assert path.stat().st_mode & 0o777 == 0o640


# -------------------------------------------------------------------- after a failed run


def test_a_run_that_fails_can_roll_back_by_itself(things: Any) -> None:
    things.declares(a(1), B)
    world = things.world
    things.script(
        a(2), C, 'resource.thing{ name = "d", id = "d", breaks = "after" }', 'error("never")'
    )
    result = things("run", "w.sloth", "--on-failure=rollback")
    assert result.code == 1
    assert result.err.startswith("Error: task t: ")
    assert "Rollback to v1, recorded as v3: rolled_back\n" in result.out
    assert things.world == world
    assert sorted(things.recorded) == ["thing/a", "thing/b"]
    assert things.versions()[0] == (3, "rolled_back", "rolled back from v2 to v1")


def test_a_run_that_changed_nothing_needs_no_rollback(things: Any) -> None:
    things.declares(a(1))
    things.script(a(1), 'error("no")')
    result = things("run", "w.sloth", "--on-failure=rollback")
    assert result.code == 1
    assert "Note: nothing had to be rolled back\n" in result.err
    assert [status for _, status, _ in things.versions()] == ["failed", "success"]


def test_a_first_run_that_fails_has_nothing_to_go_back_to_and_says_so(things: Any) -> None:
    things.script(a(1), 'error("no")')
    result = things("run", "w.sloth", "--on-failure=rollback")
    assert result.code == 1
    assert (
        "Note: it was not rolled back: w has no successful version before version 1" in result.err
    )


def test_a_run_that_succeeds_is_not_rolled_back(things: Any) -> None:
    things.declares(a(1))
    things.script(a(2))
    assert things("run", "w.sloth", "--on-failure=rollback").code == 0
    assert things.world == {"a": {"id": "a", "size": 2}}
