"""`plan`: what a run would do, and that finding out changes nothing at all."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest


def fingerprint(folder: Path) -> dict[str, tuple[str, int, int]]:
    """Every file in a folder: hash of its bytes, mode, and when it was written."""
    found = {}
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = os.path.join(parent, name)
            status = os.lstat(path)
            content = Path(path).read_bytes() if os.path.isfile(path) else b""
            digest = hashlib.sha256(content).hexdigest()
            found[os.path.relpath(path, folder)] = digest, status.st_mode, status.st_mtime_ns
    return found


EFFECTS = """
exec.run("touch effect.1")
fs.write("effect.2", "x")
local file = io.open("effect.3", "w") file:write("x") file:close()
os.execute("touch effect.4")
io.popen("touch effect.5"):read("*a")
os.remove("keep")
os.rename("keep", "effect.6")
fs.mkdir("effect.7") fs.rm("keep") fs.append("keep", "more") fs.copy("keep", "effect.8") fs.move("keep", "effect.9")
state.set("key", 1) state.increment("count") state.delete("count") state.compare_swap("key", 1, 2)
state.set_with_ttl("key", 1, "1h") state.clear()
state.resource{ type = "note", name = "n", attributes = { size = 1 } }
state.update_resource("note", "n", { status = "x" })
state.remove_resource("note", "n")
state.set_output("url", "x")
state.set_metadata("a", "b")
state.with_lock("l", { ttl = "5m" }, function() state.set("key", 3) end)
local other = state.create_workflow{ name = "other" }
state.complete_workflow(other)
sleep(600)
resource.thing{ name = "a", id = "a", size = 2 }
resource.thing{ name = "new", id = "new" }
resource.file{ name = "f", path = "effect.10", content = "x" }
resource.directory{ name = "d", path = "effect.11" }
"""


def effects_everywhere(things: Any) -> None:
    """The effects in every place where a script's code runs."""
    every = "fs.write('effect.hook', 'x') exec.run('touch effect.hook') state.set('hook', 1)"
    things.write(
        things.source().split('local t = task("t")')[0]
        + f"""
os.execute("touch effect.top")
exec.run("touch effect.top")
state.set("top", 1)
state.on("resource_changed", function() {every} end)
task("t"):retries(2):timeout("1m"):pre_hook(function() {every} end):post_hook(function() {every} end)
  :on_success(function() {every} end):on_complete(function() {every} end)
  :run_if(function() {every} return true end):abort_if("touch effect.abort; false")
  :command(function() {EFFECTS} end)
task("shell"):depends_on("t"):run_if("touch effect.if"):command("touch effect.shell")
task("fails"):retries(5, "exponential"):on_failure(function() {every} end):command(function() {every} error("never mind") end)
workflow.define("w"):tasks({{ "t", "shell", "fails" }}):on_start(function() {every} end)
  :on_complete(function() {every} end):on_failure(function() {every} end)
"""
    )


def test_nothing_on_disk_and_in_the_store_changes(things: Any) -> None:
    things.declares(
        'resource.thing{ name = "a", id = "a", size = 1 }',
        'resource.thing{ name = "gone", id = "gone" }',
        'state.set("count", 1)',
    )
    (things.folder / "keep").write_text("x")
    effects_everywhere(things)
    before = fingerprint(things.folder)
    result = things("plan", "w.sloth", "--prune")
    assert result.code == 1
    assert "task fails: " in result.err
    assert fingerprint(things.folder) == before
    assert "~ thing/a\n" in result.out
    assert "+ thing/new\n" in result.out
    for effect in (
        "> would run  exec.run  touch effect.1\n",
        "> would run  fs.write  effect.2\n",
        "> would run  io.open  effect.3\n",
        "> would run  os.execute  touch effect.4\n",
        "> would run  io.popen  touch effect.5\n",
        "touch effect.shell\n",
        "touch effect.if\n",
    ):
        assert effect in result.out
    assert things("plan", "w.sloth", "-o", "json").code == 1
    assert things("validate", "w.sloth").code == 0
    assert fingerprint(things.folder) == before


def test_a_plan_is_made_beside_a_run_and_with_a_store_that_can_only_be_read(things: Any) -> None:
    things.declares('resource.thing{ name = "a", id = "a" }')
    things.script(
        'if not resource.thing{ name = "a", id = "a" }.missing then '
        'fs.write("running", "") while not fs.exists("go on") do sleep(0.01) end end'
    )
    run = things.process("run", "w.sloth")
    while not (things.folder / "running").exists():
        assert run.poll() is None
    things.script('resource.thing{ name = "a", id = "b" }')
    assert things.ok("plan", "w.sloth").startswith("-/+ thing/a\n")
    (things.folder / "go on").touch()
    assert run.wait() == 0
    run.communicate()
    result = things.with_a_read_only_store("plan", "w.sloth")
    assert (result.code, result.out.splitlines()[0]) == (0, "-/+ thing/a")


def test_a_store_that_does_not_exist_is_not_made(things: Any) -> None:
    things.script('resource.thing{ name = "a", id = "a" }')
    before = fingerprint(things.folder)
    assert things.ok("plan", "w.sloth") == (
        "+ thing/a\n\nw: 1 to create, 0 to update, 0 to delete, 0 unchanged\n"
    )
    assert fingerprint(things.folder) == before


def test_a_plan_says_all_that_a_run_does_and_is_empty_afterwards(things: Any) -> None:
    things.declares(
        'resource.thing{ name = "changes", id = "a", size = 1, text = "old" }',
        'resource.thing{ name = "moves", id = "b" }',
        'resource.thing{ name = "stays", id = "c" }',
        'resource.thing{ name = "goes", id = "d" }',
        'state.resource{ type = "note", name = "n", attributes = { size = 1 } }',
    )
    things.script(
        'resource.thing{ name = "changes", id = "a", size = 2, text = "new" }',
        'resource.thing{ name = "moves", id = "e" }',
        'resource.thing{ name = "stays", id = "c" }',
        'resource.thing{ name = "comes", id = "f" }',
        'state.resource{ type = "note", name = "n", attributes = { size = 2 } }',
        'exec.run("true")',
    )
    changes = (
        "~ thing/changes\n"
        "    size: 1 → 2\n"
        '    text: "old" → "new"\n'
        "-/+ thing/moves\n"
        '    id: "b" → "e"\n'
        "= thing/stays\n"
        "+ thing/comes\n"
        "~ note/n  (record only)\n"
        "    size: 1 → 2\n"
        "> would run  exec.run  true\n"
    )
    assert things.ok("plan", "w.sloth") == (
        f"{changes}\n"
        "No longer declared (--prune deletes them):\n"
        "  - thing/goes\n"
        "\n"
        "w: 1 to create, 2 to update, 1 to replace, 0 to delete, 1 unchanged; 1 effect to run\n"
    )
    assert things.ok("plan", "w.sloth", "--prune") == (
        f"{changes}"
        "- thing/goes\n"
        "\n"
        "w: 1 to create, 2 to update, 1 to replace, 1 to delete, 1 unchanged; 1 effect to run\n"
    )
    things.ok("run", "w.sloth", "--prune")
    assert things.ok("plan", "w.sloth", "--exit-code") == (
        "= thing/changes\n= thing/moves\n= thing/stays\n= thing/comes\n= note/n  (record only)\n"
        "> would run  exec.run  true\n"
        "\n"
        "w: 0 to create, 0 to update, 0 to delete, 5 unchanged; 1 effect to run\n"
    )


def test_a_plan_as_json(things: Any) -> None:
    things.declares(
        'resource.thing{ name = "a", id = "a", size = 1 }', 'resource.thing{ name = "b", id = "b" }'
    )
    things.script('resource.thing{ name = "a", id = "a", size = 2 }', 'exec.run("true")')
    assert json.loads(things.ok("plan", "w.sloth", "-o", "json")) == {
        "workflow": "w",
        "version": 1,
        "changes": [
            {
                "type": "thing",
                "name": "a",
                "action": "update",
                "differences": [{"path": "size", "before": 1, "after": 2, "sensitive": False}],
                "task": "t",
                "record_only": False,
            }
        ],
        "effects": [{"task": "t", "operation": "exec.run", "detail": "true"}],
        "undeclared": ["thing/b"],
        "summary": {"create": 0, "update": 1, "replace": 0, "delete": 0, "noop": 0},
        "error": None,
        "failures": {},
    }


def test_exit_codes(things: Any) -> None:
    things.script('resource.thing{ name = "a", id = "a" }')
    assert things("plan", "w.sloth").code == 0
    assert things("plan", "w.sloth", "--exit-code").code == 5
    things.ok("run", "w.sloth")
    assert things("plan", "w.sloth", "--exit-code").code == 0
    things.script()
    assert things("plan", "w.sloth", "--exit-code").code == 0
    assert things("plan", "w.sloth", "--exit-code", "--prune").code == 5
    things.script('exec.run("true") state.set("k", 1)')
    assert things("plan", "w.sloth", "--exit-code").code == 0
    things.script('error("no")')
    assert things("plan", "w.sloth", "--exit-code").code == 1
    assert things("plan", "missing.sloth").code == 3


def test_every_task_that_cannot_be_planned_is_named_with_why(things: Any) -> None:
    tasks = "".join(f'task("{n}"):command(function() error("no {n}") end)\n' for n in ("a", "b"))
    things.write(tasks)
    result = things("plan", "w.sloth")
    assert result.code == 1
    assert result.out.startswith(
        "\nCould not be planned:\n  ✗ a  w.sloth:1: no a\n  ✗ b  w.sloth:2: no b\n\nw: 0 to create"
    )
    shape = json.loads(things("plan", "w.sloth", "-o", "json").out)
    assert shape["failures"] == {"a": "w.sloth:1: no a", "b": "w.sloth:2: no b"}


def test_what_a_plan_lacks_because_it_made_nothing_is_named(things: Any) -> None:
    things.script(
        'resource.file{ name = "source", path = "t.j2", content = "x" }',
        'resource.template{ name = "result", path = "result", source = "t.j2" }',
    )
    result = things("plan", "w.sloth")
    assert result.code == 1
    assert "there is no template 't.j2'" in result.err
    assert "Hint: A plan changes nothing, so file/source is not there yet. That may be why." in (
        result.err
    )
    things.ok("run", "w.sloth")


def test_what_only_a_run_can_know_is_marked(things: Any) -> None:
    things.script(
        'local commit = exec.run("git rev-parse HEAD")',
        'local base = resource.thing{ name = "base", id = "b", commit = commit .. "" }',
        'resource.thing{ name = "user", id = "u", address = base.address, text = "at " .. tostring(commit) }',
    )
    plan = json.loads(things.ok("plan", "w.sloth", "-o", "json"))
    values = {
        (change["name"], each["path"]): each["after"]
        for change in plan["changes"]
        for each in change["differences"]
    }
    assert values == {
        ("base", "id"): "b",
        ("base", "commit"): "(known after run)",
        ("user", "id"): "u",
        ("user", "address"): "(known after run)",
        ("user", "text"): "(known after run)",
    }


def test_what_is_sensitive_is_in_no_plan(things: Any) -> None:
    declare = 'resource.thing{{ name = "a", id = "a", login = {{ user = "u", password = "{}" }}, sensitive = {{ "login.password" }} }}'.format
    things.script(declare("hunter1"))
    plans = [things("plan", "w.sloth", "--details", *json) for json in ((), ("-o", "json"))]
    things.ok("run", "w.sloth")
    things.script(declare("hunter2"))
    plans += [things("plan", "w.sloth", "--details", *json) for json in ((), ("-o", "json"))]
    things.script('state.update_resource("thing", "a", { attributes = { login = "hunter3" } })')
    plans += [things("plan", "w.sloth", "--details", *json) for json in ((), ("-o", "json"))]
    things.script()
    for more in ((), ("-o", "json")):
        plans.append(things("plan", "w.sloth", "--details", "--prune", *more))
    assert [plan.code for plan in plans] == [0] * 8
    assert all("hunter1" not in plan.out and "hunter2" not in plan.out for plan in plans)
    assert '"(sensitive)"' in plans[1].out
    assert "password" in plans[2].out


def test_what_a_record_calls_sensitive_is_in_no_plan(things: Any) -> None:
    record = 'state.resource{{ type = "db", name = "a", status = "{}", attributes = {{ password = "{}", sensitive_attributes = {{ "password" }} }} }}'.format
    plans = []
    for status, password in (("up", "hunter1"), ("up", "hunter2"), ("down", "hunter2")):
        things.script(record(status, password))
        plans += [things("plan", "w.sloth", "--details", *json) for json in ((), ("-o", "json"))]
        things.ok("run", "w.sloth")
    assert all("hunter" not in plan.out for plan in plans)
    shown = [json.loads(plan.out)["changes"][0] for plan in plans[1::2]]
    assert [each["action"] for each in shown] == ["create", "update", "update"]
    assert [each["path"] for each in shown[0]["differences"] if each["sensitive"]] == ["password"]
    assert '(status): "up" → "down"' in plans[4].out


REFUSED = {
    'resource.file{ name = "a", path = "new", content = "1" } resource.file{ name = "b", path = "new", content = "2" }': "resource.file: file/b and file/a are both FOLDER/new (Declare what is at a path once.)",
    'resource.file{ name = "a", path = "there", content = "1" } resource.template{ name = "b", path = "there", content = "2" }': "resource.template: template/b and file/a are both FOLDER/there (Declare what is at a path once.)",
    'resource.file{ name = "pw", path = "pw", content = secrets.pw }': "the attribute content of file/pw has the secret 'pw' in it, and is not declared sensitive (Add sensitive = { \"content\" }, so that it is never shown)",
    'resource.file{ name = "old", path = "secret", content = "new" }': "the attribute content of file/old has the secret 'pw' in it, and is not declared sensitive (Add sensitive = { \"content\" }, so that it is never shown)",
    'resource.thing{ name = "a", id = "a", pw = secrets.pw }': "the attribute pw of thing/a has the secret 'pw' in it, and is not declared sensitive (Add sensitive = { \"pw\" }, so that it is never shown)",
    'state.resource{ type = "t", name = "" }': "state.resource: the resource's name is empty",
    'state.resource{ type = "", name = "n" }': "state.resource: the resource's type is empty",
    'state.resource{ type = "t", name = ("n"):rep(201) }': "state.resource: the resource's name has 201 characters, and the most is 200",
    'state.resource{ type = "t", name = "\\255" }': "state.resource: the resource's name is not valid UTF-8 text",
    'state.resource{ type = "t", name = "a\\n" }': "state.resource: the resource's name 'a\\n' has a control character in it",
    'state.resource{ type = "t", name = "n", status = "\\255" }': "state.resource: the status is not valid UTF-8 text",
    'state.set_output("", 1)': "state.set_output: the output's key is empty",
    'state.set_metadata("", "x")': "state.set_metadata: a key of the metadata is empty",
    'state.with_lock("", function() end)': "state.with_lock: the lock's name is empty",
    'step("", function() end)': "the step's name is empty",
    'step("s", function() return secrets.pw end)': "what step 's' returns has the secret 'pw' in it, which is not kept (Keep what is not secret, and ask secrets for the rest each time.)",
}  # fmt: skip


@pytest.mark.parametrize(("body", "why"), REFUSED.items(), ids=range(len(REFUSED)))
def test_a_plan_refuses_what_a_run_refuses(things: Any, body: str, why: str) -> None:
    (things.folder / "secrets.yaml").write_text("pw: hunter2-is-long")
    (things.folder / "secret").write_text("hunter2-is-long")
    (things.folder / "there").write_text("1")
    things.script(body)
    line = things.source().count("\n", 0, things.source().index("local t = task")) + 2
    told = f"task t: w.sloth:{line}: {why}\n".replace("FOLDER", str(things.folder))
    source = f"   {line} | {body}\n"
    not_written = "the plan is not whole, so it is not written: "
    for command, error in {
        "plan": told + source,
        "plan --out p": not_written + told,
        "run": told + source,
    }.items():
        result = things(*command.split(), "w.sloth", "--secrets", "secrets.yaml")
        assert (result.code, result.err) == (1, f"Error: {error}")
    assert not (things.folder / "p").exists()


def test_a_secret_in_one_file_is_no_reason_to_refuse_the_next(things: Any) -> None:
    (things.folder / "secrets.yaml").write_text("pw: hunter2-is-long")
    (things.folder / "old").write_text("hunter2-is-long")
    things.script(
        'resource.file{ name = "a", path = "old", content = "new", sensitive = { "content" } }',
        'resource.file{ name = "b", path = "b", content = secrets.pw, sensitive = { "content" } }',
        'resource.file{ name = "c", path = "c", content = "c" }',
    )
    out = things.ok("plan", "w.sloth", "--secrets", "secrets.yaml")
    assert out.endswith("w: 2 to create, 1 to update, 0 to delete, 0 unchanged\n")
    things.ok("run", "w.sloth", "--secrets", "secrets.yaml")


def test_a_plan_respects_conditions_selection_and_values(things: Any) -> None:
    things.write(
        things.source().split('local t = task("t")')[0]
        + 'task("a"):run_if(function() return false end)'
        ':command(function() resource.thing{ name = "a", id = "a" } end)\n'
        'task("b"):command(function() resource.thing{ name = values.name, id = "b" } end)\n'
        'task("c"):command(function() resource.thing{ name = "c", id = "c" } end)\n'
        'workflow.define("w"):tasks({ "a", "b", "c" })'
    )
    out = things.ok("plan", "w.sloth", "--set", "name=x", "--skip", "c")
    assert out.splitlines()[0] == "+ thing/x"
    assert "1 to create" in out


def test_what_another_workflow_would_record_is_an_effect(things: Any) -> None:
    things.script(
        'local other = state.create_workflow{ name = "other" }',
        'local bad = state.create_workflow{ name = "bad" }',
        'assert(state.add_resource(other, { type = "t", name = "n" }).action == "create")',
        'assert(state.add_resource(other, { type = "t", name = "n" }).action == "noop")',
        'state.add_resource(state.workflow().id, { type = "own", name = "n" })',
        'state.complete_workflow(other) state.fail_workflow(bad, "no")',
        "for _, id in ipairs{ other, state.workflow().id } do",
        '  local ok, problem = pcall(state.complete_workflow, id) exec.run(problem:match("^%S+ ([^(]+) "))',
        "end",
    )
    assert things("plan", "w.sloth") == (
        0,
        '> would run  state.create_workflow  {"metadata":{},"name":"other"}\n'
        '> would run  state.create_workflow  {"metadata":{},"name":"bad"}\n'
        "> would run  state.add_resource  t/n\n"
        "> would run  state.add_resource  t/n\n"
        "+ own/n  (record only)\n"
        "> would run  state.complete_workflow  000000000001\n"
        "> would run  state.fail_workflow  000000000002\n"
        "> would run  exec.run  state.complete_workflow: this script has no running "
        "workflow with the id '000000000001'\n"
        "> would run  exec.run  state.complete_workflow: the run of this file ends by itself, only "
        "others can be ended\n"
        "\n"
        "w: 1 to create, 0 to update, 0 to delete, 0 unchanged; 8 effects to run\n",
        "",
    )


def test_a_plan_increments_what_is_stored_and_stores_nothing(things: Any) -> None:
    things.declares('state.set("n", 41) state.set("text", "x")')
    things.script(
        'print = function(...) exec.run(table.concat({ ... }, " ")) end',
        'print(state.increment("n"), state.increment("n", 0.5), state.increment("new", -2))',
        'print((select(2, pcall(state.increment, "text")):gsub("^%S+ ", "")))',
        'print((select(2, pcall(state.increment, "")):gsub("^%S+ ", "")))',
    )
    assert things("plan", "w.sloth") == (
        0,
        "> would run  state.increment  n\n"
        "> would run  state.increment  n\n"
        "> would run  state.increment  new\n"
        "> would run  exec.run  42 41.5 -2\n"
        "> would run  exec.run  text cannot be incremented: its value is not a number\n"
        "> would run  exec.run  the key is empty\n"
        "\n"
        "w: 0 to create, 0 to update, 0 to delete, 0 unchanged; 6 effects to run\n",
        "",
    )
    with things.store() as store:
        assert store.kv_get("n") == (True, 41)


def test_a_plan_gives_every_lock_that_is_asked_for_at_once(things: Any) -> None:
    things.script(
        'state.with_lock("l", function()',
        '  assert(state.with_lock("l", function() exec.run("inner") return 1 end) == 1)',
        '  local ok, problem = pcall(state.with_lock, "l", function() error("no", 0) end)',
        '  assert(not ok and problem == "no", problem)',
        "end)",
        "for i = 1, 2 do",
        '  goroutine.spawn(function() state.with_lock("l", { wait = "1m" }, function()',
        '    exec.run("goroutine " .. i) sleep(0.01)',
        "  end) end)",
        "end",
        "goroutine.wait()",
    )
    assert things("plan", "w.sloth") == (
        0,
        "> would run  exec.run  inner\n"
        "> would run  exec.run  goroutine 1\n"
        "> would run  exec.run  goroutine 2\n"
        "> would run  sleep  0.01\n"
        "> would run  sleep  0.01\n"
        "\n"
        "w: 0 to create, 0 to update, 0 to delete, 0 unchanged; 5 effects to run\n",
        "",
    )


def test_many_unchanged_things_are_counted_not_listed(things: Any) -> None:
    body = 'for i = 1, 60 do resource.thing{ name = "n" .. i, id = "i" .. i } end'
    things.declares(body)
    lines = things.ok("plan", "w.sloth").splitlines()
    assert len([line for line in lines if line.startswith("= thing/")]) == 50
    assert lines[-3:] == [
        "= … and 10 more unchanged",
        "",
        "w: 0 to create, 0 to update, 0 to delete, 60 unchanged",
    ]
