"""How functions of a script are called as commands, conditions and hooks, and what their results mean."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sloth_runner.errors import ScriptError
from sloth_runner.session import TaskContext
from sloth_runner.workflow import Call

# Body of a command and what it meant.
# Nothing at all is a plain success.
OUTCOMES = {
    "": {},
    "return": {},
    "return nil": {},
    "return nil, 'why'": {"ok": True, "message": "why"},
    "return true": {},
    "return true, 'done'": {"ok": True, "message": "done"},
    "return true, 'done', { n = 1 }": {"ok": True, "message": "done", "output": {"n": 1}},
    "return true, nil, { n = 1 }": {"ok": True, "output": {"n": 1}},
    "return true, 5": {"ok": True, "message": "5"},
    "return true, nil, 'no table'": {"ok": True},
    "return true, nil, {}": {"ok": True, "output": {}},
    "return true, nil, { changed = false }": {"ok": True, "output": {"changed": False}},
    "return true, { n = 1 }": {"ok": True, "output": {"n": 1}},
    "return true, { n = 1, message = 'done' }": {"ok": True, "message": "done", "output": {"n": 1, "message": "done"}},
    "return true, nil, { 1, 2 }": {"ok": True, "output": [1, 2]},
    "return false": {"ok": False},
    "return false, 'disk full'": {"ok": False, "message": "disk full"},
    "return false, { 1 }": {"ok": False, "output": [1]},
    "return false, { n = 1, message = 'no' }": {"ok": False, "message": "no", "output": {"n": 1, "message": "no"}},
    "return false, { error = 'no' }": {"ok": False, "message": "no", "output": {"error": "no"}},
    "return false, 'x', { n = 1 }": {"ok": False, "message": "x", "output": {"n": 1}},
    "return 'just text'": {"ok": True, "message": "just text"},
    "return 0": {"ok": True},
    "return { success = true }": {"ok": True},
    "return { success = false, error = 'no' }": {"ok": False, "message": "no"},
    "return { success = false, message = 'no' }": {"ok": False, "message": "no"},
    "return { message = 'yes', outputs = { n = 1 } }": {"ok": True, "message": "yes", "output": {"n": 1}},
    "return { message = 'yes', output = { n = 1 } }": {"ok": True, "message": "yes", "output": {"n": 1}},
    "return {}": {"ok": True},
    "return { n = 1 }": {"ok": True},
    "return { changed = false, message = 'same' }": {"ok": True, "message": "same", "output": {"changed": False}},
    "fs.mkdir('p') return stow.stow({ package = 'p', target = '.' })": {
        "ok": True, "message": "p is stowed already", "output": {"changed": False},
    },
    "return exec.run('true')": {"ok": True},
    "return exec.run('echo no >&2; exit 3')": {"ok": False, "message": "exit code 3: no"},
    "return exec.sh('echo out')": {"ok": True, "message": "out\n"},
    "return fs.read('/none')": {"ok": True, "message": "/none: No such file or directory"},
    "return fs.rm('/none')": {"ok": False, "message": "/none: No such file or directory"},
    "return json.null": {"ok": True},
}  # fmt: skip


@pytest.mark.parametrize(("body", "meaning"), OUTCOMES.items(), ids=OUTCOMES)
def test_what_a_command_returns_says_how_it_went(
    script: Any, body: str, meaning: dict[str, Any]
) -> None:
    found = script(f"task('t'):command(function() {body} end)").call()
    assert found == meaning


def test_an_output_that_is_no_json_is_an_error_at_the_command(script: Any) -> None:
    loaded = script(
        "local x\ntask('t'):command(function()\n  return true, nil, { f = print }\nend)"
    )
    with pytest.raises(ScriptError) as caught:
        loaded.call()
    assert str(caught.value) == (
        "t.sloth:2: the task's result.output.f is a function, which cannot be kept; "
        "only text, numbers, booleans, lists and maps can"
    )


ARGUMENTS = {
    "this.name": "t",
    "this.name()": "t",
    "'<' .. this.name .. '>'": "<t>",
    "this.name:upper()": "T",
    "this.attempt": 2,
    "this.agent": "local",
    "params.task_name": "t",
    "params.workflow_name": "w",
    "params.workdir": "PWD",
    "deps.build.out": [1, None],
    "deps.none": None,
    "this.workdir.get()": "PWD",
    "this.workdir:get()": "PWD",
    "tostring(this.workdir)": "PWD",
    "this.workdir .. '/x'": "PWD/x",
    "'cd ' .. this.workdir": "cd PWD",
    "this.workdir.exists() and this.workdir:exists()": True,
    "fs.exists(this.workdir)": True,
}


@pytest.mark.parametrize(("expression", "value"), ARGUMENTS.items(), ids=ARGUMENTS)
def test_a_command_is_told_of_its_task(script: Any, expression: str, value: Any) -> None:
    source = f"task('t'):command(function(this, params, deps) return true, nil, {{ v = {expression} }} end)"
    found = script(source).call(attempt=2, deps={"build": {"out": [1, None]}})["output"].get("v")
    assert found == (value.replace("PWD", str(script.folder)) if isinstance(value, str) else value)


def test_only_the_name_of_a_task_can_be_called(script: Any) -> None:
    loaded = script("task('t'):command(function(this) local x = ('no task')() end)")
    with pytest.raises(ScriptError) as caught:
        loaded.call()
    assert str(caught.value) == 't.sloth:1: attempt to call the string "no task"'


@pytest.mark.parametrize("dot", [".", ":"])
def test_the_folder_of_a_task_is_made_emptied_and_removed(script: Any, dot: str) -> None:
    folder = script.folder / "work"
    source = f"""
        task("t"):command(function(this)
          local before = this.workdir{dot}exists()
          assert(this.workdir{dot}ensure()) fs.write(this.workdir .. "/old", "x")
          assert(this.workdir{dot}recreate())
          local entries = #fs.ls(this.workdir .. "")
          assert(this.workdir{dot}cleanup())
          return true, nil, {{ before, entries, this.workdir{dot}exists() }}
        end)
    """
    loaded = script(source)
    assert loaded.call(workdir=str(folder), owns_workdir=True)["output"] == [False, 0, False]


@pytest.mark.parametrize(
    ("body", "met"),
    [("return true", True), ("return false", False), ("return nil", False), ("", False), ("return 0", True), ("return 'x'", True)],
)  # fmt: skip
def test_a_condition_is_met_by_what_lua_calls_true(script: Any, body: str, met: bool) -> None:
    loaded = script(f"task('t'):run_if(function(this, params) {body} end):command('x')")
    assert loaded.call(kind="condition") == {"met": met}


def test_a_hook_is_told_of_the_tasks_output(script: Any) -> None:
    source = """task("t"):on_success(function(this, params, output)
        print(this.name, params.workflow_name, output.n) end):command("x")"""
    loaded = script(source)
    assert loaded.call(kind="hook", output={"n": 5}) == {}
    assert loaded.lines == ["t w 5"]


def test_a_workflows_last_hook_is_told_of_all_results(script: Any) -> None:
    source = """workflow("w"):on_complete(function(success, results)
        print(success, #results, results.build.files, results[1] == results.build, results.build.status,
              results.build.success, results.test.error, results[2].attempts, results.none)
      end):tasks({})"""
    loaded = script(source)
    tasks = [
        {"name": "build", "output": {"files": 3}, "facts": {"status": "success", "success": True}},
        {"name": "test", "output": {}, "facts": {"status": "failed", "error": "E", "attempts": 2}},
    ]
    assert loaded.call(kind="complete", success=False, tasks=tasks) == {}
    assert loaded.lines == ["false 2 3 true success true E 2 nil"]


def test_what_a_task_logs_is_told_under_its_name_while_others_run(script: Any) -> None:
    loaded = script("""
        for _, name in ipairs({ "a", "b" }) do
          task(name):command(function()
            for i = 1, 3 do log.info(i) sleep(0.001) end
            string.gsub("x", "x", function() log.info("last") end)
          end)
        end
    """)

    async def both() -> None:
        facts = {"task": "t", "workflow": "w", "workdir": ".", "attempt": 1, "deps": {}}
        calls = [
            loaded.driver.call("command", Call(number), TaskContext(name, "."), facts)
            for number, name in ((1, "a"), (2, "b"))
        ]
        await asyncio.gather(*calls)

    asyncio.run(both())
    said = [(event.task, event.text) for event in loaded.events]
    for name in ("a", "b"):
        assert [text for task, text in said if task == name] == ["1", "2", "3", "last"]
    assert said[:4] == [("a", "1"), ("b", "1"), ("a", "2"), ("b", "2")]


def test_tasks_share_what_the_file_has_defined(script: Any) -> None:
    loaded = script("""
        local count = 0
        task("a"):command(function() count = count + 1 return true, tostring(count) end)
        task("b"):command(function() count = count + 10 return true, tostring(count) end)
    """)
    assert [loaded.call(number)["message"] for number in (1, 2, 1)] == ["1", "11", "12"]


@pytest.mark.parametrize(
    ("source", "outputs"),
    [
        ("outputs = { url = 'x', list = { 1 } }", {"url": "x", "list": [1]}),
        ("outputs = {}", {}),
        ("outputs = 'text'", {}),
        ("local x = 1", {}),
    ],
)
def test_the_global_outputs_are_given_to_the_runner(
    script: Any, source: str, outputs: dict[str, Any]
) -> None:
    assert script(source).driver.host.outputs() == outputs


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("outputs = { 1 }", "the global 'outputs': it must be a table of names to values, not a list"),
        ("outputs = { f = print }", "outputs.f is a function, which cannot be kept; only text, numbers, booleans, lists and maps can"),
        ("outputs = {} outputs.o = outputs", "outputs.o.o.o.o.o.o… contains itself"),
    ],
)  # fmt: skip
def test_global_outputs_that_are_no_map_are_an_error(
    script: Any, source: str, message: str
) -> None:
    loaded = script(source)
    with pytest.raises(ScriptError) as caught:
        loaded.driver.host.outputs()
    assert str(caught.value) == message


def test_older_functions_without_this_are_known_by_their_parameters(script: Any) -> None:
    loaded = script("""
        task("a"):command(function(params, deps) return true, params.task_name .. deps.before.x end)
        task("b"):command(function(x, params) return true, x.name .. params.workflow_name end)
    """)
    assert loaded.call(1, deps={"before": {"x": 1}})["message"] == "t1"
    assert loaded.call(2)["message"] == "tw"


def test_a_table_with_failed_is_a_failure(script: Any) -> None:
    loaded = script("task('t'):command(function() return { failed = true, message = 'no' } end)")
    result = loaded.call()
    assert (result["ok"], result["message"]) == (False, "no")


def test_a_failed_tasks_output_can_be_taken_for_its_error(script: Any) -> None:
    loaded = script(
        "task('t'):command('x'):on_failure(function(params, err) print('failed: ' .. err, err.error) end)"
    )
    loaded.call(1, kind="hook", output={"error": "no space"})
    assert loaded.lines == ["failed: no space no space"]


def test_a_hook_before_the_end_gets_what_its_task_gets(script: Any) -> None:
    loaded = script("task('t'):command('x'):pre_hook(function(params, deps) print(deps.a.x) end)")
    loaded.call(1, kind="hook", deps={"a": {"x": 1}})
    assert loaded.lines == ["1"]
