"""The module `state` with a real run behind it: what scripts see, and what is kept."""

from __future__ import annotations

import subprocess
import time
from typing import Any

EQUAL = """
local function equal(got, wanted)
  got, wanted = json.encode(got), json.encode(wanted)
  if got ~= wanted then error("got " .. got .. ", wanted " .. wanted, 2) end
end
"""


def run(
    sloth: Any, body: str, *options: str, name: str = "app"
) -> subprocess.CompletedProcess[str]:
    """Run a workflow of one task with this body."""
    sloth.write(f"{name}.sloth", f'{EQUAL}task("t"):command(function()\n{body}\nend)\n')
    return sloth("run", f"{name}.sloth", *options)


def passes(sloth: Any, body: str, *options: str, name: str = "app") -> bool:
    result = run(sloth, body, *options, name=name)
    assert result.returncode == 0, result.stderr
    return True


def fails(sloth: Any, body: str) -> str:
    result = run(sloth, body)
    assert result.returncode == 1, result.stdout
    return result.stderr


def test_a_resource_is_created_then_equal_then_updated(sloth: Any) -> None:
    record = 'state.resource{type="c", name="web", attributes={image=%r}}.action'
    assert passes(sloth, f'equal({record % "a"}, "create") equal({record % "a"}, "noop")')
    assert passes(sloth, f'equal({record % "a"}, "noop") equal({record % "b"}, "update")')
    assert passes(
        sloth,
        'equal(state.resource{type="c", name="web", action="create", attributes={image="c"}}.action, "update")',
    )


def test_a_resource_keeps_its_id_through_delete_and_create(sloth: Any) -> None:
    assert passes(sloth, 'state.set_output("id", state.resource{type="c", name="web"}.id)')
    assert passes(
        sloth, 'state.remove_resource("c", "web") equal(state.get_resource("c", "web"), nil)'
    )
    assert sloth.json("state", "workflow", "resources", "app")[0]["action"] == "delete"
    assert passes(sloth, "equal(#state.resources(), 0)")
    assert sloth.json("state", "workflow", "resources", "app") == []
    assert passes(sloth, 'state.set_output("id", state.resource{type="c", name="web"}.id)')
    ids = [sloth.json("state", "workflow", "outputs", f"app@{n}", "id") for n in (1, 4)]
    assert ids[0] == ids[1]


def test_update_resource_keeps_what_it_does_not_name(sloth: Any) -> None:
    assert passes(
        sloth,
        """
        state.add_resource { type = "c", name = "web", status = "new", attributes = { a = 1, b = { 1, 2 } } }
        state.update_resource("c", "web", { status = "running", attributes = { a = 2 } })
        local found = state.get_resource("c", "web")
        equal({ found.status, found.attributes }, { "running", { a = 2, b = { 1, 2 } } })
        """,
    )
    assert "app has no resource c/wbe" in fails(sloth, 'state.update_resource("c", "wbe", {})')


def test_an_empty_list_of_json_is_an_empty_table_of_names(sloth: Any) -> None:
    assert passes(
        sloth,
        """
        state.resource { type = "c", name = "web", attributes = json.decode("[]") }
        equal(state.get_resource("c", "web").attributes, {})
        equal(exec.run("echo x", { env = json.decode("[]") }).stdout, "x\\n")
        """,
    )


def test_resources_can_be_chosen_by_type(sloth: Any) -> None:
    assert passes(
        sloth,
        """
        for _, each in ipairs { "b/2", "a/1", "b/1" } do
          local type, name = each:match("(.)/(.)")
          state.resource { type = type, name = name }
        end
        local names = {}
        for i, each in ipairs(state.resources()) do names[i] = each.type .. each.name end
        equal(names, { "a1", "b1", "b2" })
        equal(#state.resources { type = "b" }, 2)
        """,
    )


def test_outputs_are_kept_and_read_by_other_workflows(sloth: Any) -> None:
    assert passes(
        sloth,
        """
        state.set_output("url", "https://example.org")
        state.set_output("ports", { 80, 443 })
        state.set_output("key", "k3y", { sensitive = true })
        equal(state.get_output("ports"), { 80, 443 })
        equal(state.get_output("none"), nil)
        equal(state.outputs(), { url = "https://example.org", ports = { 80, 443 }, key = "k3y" })
        """,
        name="net",
    )
    assert passes(sloth, 'equal(state.output_of("net", "url"), "https://example.org")')
    assert "net has no output 'ulr' (Did you mean url?)" in fails(
        sloth, 'state.output_of("net", "ulr")'
    )
    assert "no workflow or run is called 'nte'" in fails(sloth, 'state.output_of("nte", "url")')


def test_previous_is_the_last_successful_version(sloth: Any) -> None:
    assert passes(
        sloth,
        'equal(state.previous(), nil) state.resource{type="c", name="a"} state.set_output("n", 1)',
    )
    fails(sloth, 'state.resource{type="c", name="b"} error("no")')
    assert passes(
        sloth,
        """
        local before = state.previous()
        equal({ before.version, #before.resources, before.outputs }, { 1, 1, { n = 1 } })
        """,
    )


def test_metadata_and_the_workflow_itself(sloth: Any) -> None:
    assert passes(
        sloth,
        """
        state.set_metadata("commit_sha", "a1b2c3d4")
        local me = state.workflow()
        equal({ me.name, me.version, me.status, #me.id }, { "app", 1, "running", 12 })
        """,
    )
    shown = sloth.json("state", "workflow", "show", "app")
    assert shown["metadata"]["commit_sha"] == "a1b2c3d4"


def test_the_global_outputs_are_published(sloth: Any) -> None:
    sloth.write(
        "app.sloth", 'outputs = { a = 1 }\ntask("t"):command(function() outputs.b = "x" end)'
    )
    assert sloth("run", "app.sloth").returncode == 0
    assert sloth.json("state", "workflow", "outputs", "app") == {"a": 1, "b": "x"}


def test_a_script_can_drive_several_workflows(sloth: Any) -> None:
    assert passes(
        sloth,
        """
        local good = state.create_workflow { name = "good", metadata = { by = "app" } }
        local bad = state.create_workflow { name = "bad" }
        state.create_workflow { name = "forgotten" }
        state.add_resource(good, { type = "c", name = "web" })
        state.complete_workflow(good)
        state.fail_workflow(bad, "no capacity")
        """,
    )
    runs = {run["name"]: run for run in sloth.json("state", "workflow", "list")}
    assert {name: run["status"] for name, run in runs.items()} == {
        "app": "success",
        "good": "success",
        "bad": "failed",
        "forgotten": "failed",
    }
    assert runs["bad"]["error_msg"] == "no capacity"
    assert runs["forgotten"]["error_msg"] == "the script neither completed nor failed it"
    assert sloth.json("state", "workflow", "resources", "good")[0]["name"] == "web"
    assert "has no running workflow with the id 'nope'" in fails(
        sloth, 'state.complete_workflow("nope")'
    )
    assert "state.fail_workflow: the run of this file ends by itself" in fails(
        sloth, 'state.fail_workflow(state.workflow().id, "x")'
    )


def test_a_lock_is_held_by_one_task_at_a_time_and_freed_by_errors(sloth: Any) -> None:
    script = """
    local inside, most = 0, 0
    for i = 1, 4 do
      task("t" .. i):command(function()
        state.with_lock("shared", { wait = "10s" }, function()
          inside = inside + 1
          most = math.max(most, inside)
          sleep("20ms")
          inside = inside - 1
        end)
      end)
    end
    task("check"):depends_on { "t1", "t2", "t3", "t4" }:command(function()
      assert(most == 1, "overlap: " .. most)
      assert(not pcall(state.with_lock, "shared", function() error("inside") end))
      assert(state.with_lock("shared", function() return "free again" end) == "free again")
      local ok, problem = pcall(state.with_lock, "shared", function()
        return state.with_lock("shared", { wait = "50ms" }, function() end)
      end)
      assert(not ok and problem:find("shared is locked by"), problem)
    end)
    """
    sloth.write("locks.sloth", script)
    result = sloth("run", "locks.sloth", "--max-parallel", "4")
    assert result.returncode == 0, result.stderr


def test_key_value_state_outlives_the_run_and_is_shared(sloth: Any) -> None:
    assert passes(
        sloth,
        """
        equal(state.get("missing"), nil)
        equal(state.get("missing", "default"), "default")
        state.set("a", { list = { 1, 2 }, map = {} })
        state.set("b.flag", false)
        equal({ state.exists("a"), state.exists("z") }, { true, false })
        equal({ state.increment("n"), state.increment("n", 2.5), state.increment("n", -1) }, { 1, 3.5, 2.5 })
        equal({ state.compare_swap("c", nil, 1), state.compare_swap("c", nil, 2), state.compare_swap("c", 1, 2) },
              { true, false, true })
        state.set_with_ttl("gone", 1, "50ms")
        """,
    )
    time.sleep(0.1)
    assert passes(
        sloth,
        """
        equal(state.get("a"), { list = { 1, 2 }, map = {} })
        equal(state.get("b.flag", true), false)
        equal(state.exists("gone"), false)
        equal(state.keys(), { "a", "b.flag", "c", "n" })
        equal(state.keys("b."), { "b.flag" })
        equal(state.stats().keys, 4)
        equal({ state.delete("a"), state.delete("a") }, { true, false })
        equal({ state.clear("b."), state.clear() }, { 1, 2 })
        """,
        name="other",
    )
    assert "is not a number" in fails(sloth, 'state.set("s", "text") state.increment("s")')


def test_key_value_state_works_at_the_top_level_and_is_left_alone_by_validate(sloth: Any) -> None:
    sloth.write("app.sloth", 'state.increment("loads")\ntask("t"):command("true")')
    assert sloth("validate", "app.sloth").returncode == 0
    assert sloth("run", "app.sloth").returncode == 0
    assert passes(sloth, 'equal(state.get("loads"), 1)', name="look")


def test_the_rest_of_state_needs_a_run(sloth: Any) -> None:
    sloth.write("app.sloth", '\nstate.set_output("a", 1)\ntask("t"):command("true")')
    result = sloth("run", "app.sloth")
    assert result.returncode == 1
    assert result.stderr == (
        "Error: app.sloth:2: state.set_output needs a run, and while the file is loaded there is "
        "none (Move it into a task's command.)\n"
        '    2 | state.set_output("a", 1)\n'
    )
