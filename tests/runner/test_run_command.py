"""`sloth-runner run` from outside: what it prints, keeps and returns."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

THREE_TASKS = """
task("fetch"):command(function() return true, "fetched", { files = 2 } end)
task("build"):depends_on("fetch"):command(function(this, params, deps)
  state.resource { type = "artifact", name = "app", attributes = { files = deps.fetch.files } }
  state.set_output("files", deps.fetch.files)
  state.set_output("token", "s3cret", { sensitive = true })
end)
task("tell"):depends_on("build"):command("echo told")
"""


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


# -- success ---------------------------------------------------------------------------------


def test_a_run_prints_its_tasks_and_a_summary(sloth: Any) -> None:
    result = sloth("run", sloth.write("app.sloth", THREE_TASKS))
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert lines[0].startswith("app v1  run ")
    assert [line.split("  ")[0] for line in lines[1:5]] == ["✓ fetch", "", "✓ build", "✓ tell"]
    assert lines[2] == "  + artifact/app"
    assert lines[-6].startswith("app v1  success  in ")
    assert lines[-5:] == [
        "  Tasks      3 succeeded",
        "  Resources  1 created, 0 updated, 0 deleted, 0 unchanged",
        "  Outputs",
        "    files  2",
        "    token  (sensitive)",
    ]


def test_sensitive_outputs_are_not_printed(sloth: Any) -> None:
    sloth.write("app.sloth", THREE_TASKS)
    for form in ([], ["-o", "json"]):
        result = sloth("run", "app.sloth", *form)
        assert "(sensitive)" in result.stdout
        assert "s3cret" not in result.stdout + result.stderr


def test_json_is_one_documented_event_a_line(sloth: Any) -> None:
    result = sloth("run", sloth.write("app.sloth", THREE_TASKS), "-o", "json")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [event["event"] for event in events] == [
        "run_started",
        "task_started",
        "task_finished",
        "task_started",
        "resource_changed",
        "task_finished",
        "task_started",
        "task_output",
        "task_finished",
        "run_finished",
    ]
    assert events[0]["tasks"] == ["fetch", "build", "tell"]
    assert events[7]["level"] == "stdout"
    assert events[7]["text"] == "told"
    assert events[-1]["status"] == "success"
    assert events[-1]["tasks"] == {"success": 3, "failed": 0, "skipped": 0}
    assert events[-1]["outputs"] == {"files": 2, "token": "(sensitive)"}


def test_a_task_that_was_not_run_has_changed_nothing(sloth: Any) -> None:
    source = """
    task("bad"):command("false")
    task("after"):depends_on("bad"):command("true")
    task("unmet"):run_if("false"):command("true")
    task("done"):command("true")
    """
    sloth.write("w.sloth", source)
    for options in ((), ("--resume",)):
        result = sloth("run", "w.sloth", "-o", "json", *options)
        events = [json.loads(line) for line in result.stdout.splitlines()]
        over = [event for event in events if event["event"] == "task_finished"]
        skipped = {event["task"] for event in over if event["status"] == "skipped"}
        assert skipped == {"after", "unmet", *(["done"] if options else [])}
        assert {event["task"] for event in over if not event["changed"]} == skipped


def test_a_script_that_writes_to_stdout_does_not_break_the_json(sloth: Any) -> None:
    sloth.write(
        "app.sloth",
        'task("x"):command(function() io.write("raw\\n") io.stdout:write("out\\n") print("p")'
        'local file = io.open("/dev/stdout", "w") file:write("stray\\n") file:close() end)',
    )
    result = sloth("run", "app.sloth", "-o", "json")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [e["text"] for e in events if e["event"] == "task_output"] == ["raw", "out", "p"]
    assert "stray\n" in result.stderr


def test_the_state_tells_who_ran_what_and_from_where(sloth: Any) -> None:
    sloth.write("app.sloth", THREE_TASKS)
    sloth("run", "app.sloth", "--metadata", "team=web", "--message", "first try")
    shown = sloth.json("state", "workflow", "show", "app")
    assert shown["status"] == "success"
    assert shown["version"] == 1
    assert shown["metadata"]["team"] == "web"
    assert shown["metadata"]["source_file"].endswith("app.sloth")
    assert len(shown["metadata"]["source_hash"]) == 64
    assert {"user", "host", "cwd"} <= set(shown["metadata"])
    assert shown["outputs"] == {"files": 2, "token": "(sensitive)"}
    assert [task["status"] for task in shown["tasks"]] == ["success"] * 3
    versions = sloth.json("state", "workflow", "versions", "app")
    assert [version["description"] for version in versions] == ["first try"]


def test_one_file_serves_several_environments(sloth: Any) -> None:
    script = 'task("t"):command(function() state.set_output("env", values.env) end)'
    sloth.write("app.sloth", script)
    for env in ("staging", "prod"):
        assert sloth("run", env, "--file", "app.sloth", "--set", f"env={env}").returncode == 0
    assert sloth.json("state", "workflow", "outputs", "staging") == {"env": "staging"}
    assert sloth.json("state", "workflow", "outputs", "prod") == {"env": "prod"}


def test_values_files_and_set_are_merged_and_typed(sloth: Any) -> None:
    sloth.write("base.yaml", "web:\n  replicas: 1\n  image: nginx\nzones: [a, b]\n")
    sloth.write("app.sloth", 'task("t"):command(function() state.set_output("v", values) end)')
    result = sloth(
        *("run", "app.sloth", "--values", "base.yaml"),
        *("--set", "web.replicas=3", "--set", "version=1.10", "--set", "debug=true"),
    )
    assert result.returncode == 0, result.stderr
    assert sloth.json("state", "workflow", "outputs", "app", "v") == {
        "web": {"replicas": 3, "image": "nginx"},
        "zones": ["a", "b"],
        "version": "1.10",
        "debug": True,
    }


def test_what_a_task_that_is_left_out_published_stays_published(sloth: Any) -> None:
    sloth.write(
        "app.sloth",
        """
        task("net"):command(function()
          state.set_output("subnet", values.subnet)
          state.set_output("key", "k1", { sensitive = true })
        end)
        task("dns"):command(function() state.set_output("zone", values.subnet .. ".zone") end)
        """,
    )
    for arguments in (
        ("--set", "subnet=a"),
        ("--set", "subnet=b", "--only", "dns"),
        ("--set", "subnet=c", "--skip", "dns"),
    ):
        result = sloth("run", "app.sloth", *arguments)
        assert result.returncode == 0, result.stderr
    shown = [sloth.json("state", "workflow", "outputs", f"app@{version}") for version in (1, 2, 3)]
    assert shown == [
        {"subnet": "a", "key": "(sensitive)", "zone": "a.zone"},
        {"subnet": "a", "key": "(sensitive)", "zone": "b.zone"},
        {"subnet": "c", "key": "(sensitive)", "zone": "b.zone"},
    ]


def test_only_runs_a_task_and_what_it_needs_and_skip_leaves_one_out(sloth: Any) -> None:
    sloth.write("app.sloth", THREE_TASKS)

    def done(*options: str) -> list[str]:
        assert sloth("run", "app.sloth", *options).returncode == 0
        tasks = sloth.json("state", "workflow", "show", "app")["tasks"]
        return [task["name"] for task in tasks if task["status"] == "success"]

    assert done("--only", "fetch") == ["fetch"]
    assert done("--only", "build") == ["fetch", "build"]
    assert done("--skip", "tell") == ["fetch", "build"]


def test_a_file_with_several_workflows_needs_a_choice(sloth: Any) -> None:
    sloth.write(
        "two.sloth",
        'for _, n in ipairs{"a", "b"} do workflow.define(n):tasks{task(n .. "1"):command("true")} end',
    )
    undecided = sloth("run", "two.sloth")
    assert undecided.returncode == 2
    assert undecided.stderr == (
        "Error: two.sloth defines 2 workflows: a, b\nHint: Choose one: --workflow a\n"
    )
    assert sloth("run", "two.sloth", "--workflow", "b").returncode == 0
    assert [run["name"] for run in sloth.json("state", "workflow", "list")] == ["b"]


def test_independent_tasks_run_at_the_same_time(sloth: Any) -> None:
    meet = """
    for _, name in ipairs { "a", "b" } do
      local other = name == "a" and "b" or "a"
      task(name):timeout("8s"):command(function()
        fs.write(name, "")
        while not fs.exists(other) do sleep("10ms") end
      end)
    end
    """
    sloth.write("meet.sloth", meet)
    assert sloth("run", "meet.sloth", "--max-parallel", "2").returncode == 0


# -- failure ---------------------------------------------------------------------------------


def test_a_lua_error_ends_with_its_line_and_is_kept(sloth: Any) -> None:
    sloth.write("app.sloth", 'task("x"):command(function()\n  local t = nil\n  return t.y\nend)\n')
    result = sloth("run", "app.sloth")
    assert result.returncode == 1
    assert result.stderr == (
        "Error: task x: app.sloth:3: attempt to index local 't' (a nil value)\n"
        "    3 |   return t.y\n"
        "Hint: 't' is nil. A function that fails returns nil or false, and why behind it.\n"
    )
    shown = sloth.json("state", "workflow", "show", "app")
    assert shown["status"] == "failed"
    assert shown["error_msg"] == "task x: app.sloth:3: attempt to index local 't' (a nil value)"
    assert shown["tasks"][0]["location"] == "app.sloth:3"
    assert shown["completed_at"] is not None
    assert shown["locked_by"] is None


def test_what_a_failed_run_recorded_is_kept(sloth: Any) -> None:
    sloth.write(
        "app.sloth",
        'task("x"):command(function() state.resource{type="t", name="n"} error("later") end)',
    )
    assert sloth("run", "app.sloth").returncode == 1
    assert [r["name"] for r in sloth.json("state", "workflow", "resources", "app")] == ["n"]


def test_a_failed_task_skips_all_behind_it_and_nothing_else(sloth: Any) -> None:
    sloth.write(
        "app.sloth",
        """
        task("bad"):command("echo oops >&2; exit 3")
        task("next"):depends_on("bad"):command("true")
        task("after"):depends_on("next"):command("true")
        task("other"):command("true")
        """,
    )
    result = sloth("run", "app.sloth")
    assert result.returncode == 1
    assert "Error: task bad: exit code 3: oops" in result.stderr
    tasks = sloth.json("state", "workflow", "show", "app")["tasks"]
    assert {task["name"]: task["status"] for task in tasks} == {
        "bad": "failed",
        "next": "skipped",
        "after": "skipped",
        "other": "success",
    }


def test_continue_on_error_off_starts_nothing_more(sloth: Any) -> None:
    sloth.write(
        "app.sloth",
        """
        local bad, other = task("bad"):command("false"), task("other"):command("true")
        workflow("app"):tasks{ bad, other }:config{ continue_on_error = false, max_parallel_tasks = 1 }
        """,
    )
    assert sloth("run", "app.sloth").returncode == 1
    tasks = sloth.json("state", "workflow", "show", "app")["tasks"]
    assert [task["status"] for task in tasks] == ["failed", "skipped"]


def test_retries_count_their_tries_and_can_succeed(sloth: Any) -> None:
    sloth.write(
        "app.sloth",
        'task("x"):retries(1):command(function(this) return this.attempt == 2, "try " .. this.attempt end)',
    )
    result = sloth("run", "app.sloth")
    assert result.returncode == 0
    assert "x | try 1 failed, next in 1 s: try 1" in result.stdout
    assert sloth.json("state", "workflow", "show", "app")["tasks"][0]["attempts"] == 2


def test_a_timeout_ends_a_command_with_its_children(sloth: Any) -> None:
    sloth.write("app.sloth", 'task("x"):timeout("300ms"):command("sleep 60 & echo $! > pid; wait")')
    result = sloth("run", "app.sloth")
    assert result.returncode == 1
    assert "the task 'x' took longer than its timeout of 0.3 s" in result.stderr
    pid = int((sloth.folder / "pid").read_text())
    wait_for(lambda: not os.path.exists(f"/proc/{pid}") or _is_zombie(pid))


def _is_zombie(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


BAD_FILES = {
    "syntax": ("local x = = 1", 1, "Error: bad.sloth:1: unexpected symbol near '='"),
    "binary": ("\x1bLua\0\0", 1, "Error: bad.sloth is a binary file, not Lua text"),
    "empty": ("", 1, "Error: bad.sloth defines no tasks"),
    "cycle": (
        'task("a"):depends_on("b"):command("true")\ntask("b"):depends_on("a"):command("true")',
        1,
        "Error: tasks depend on each other in a circle: a -> b -> a",
    ),
    "unknown dependency": (
        'task("build"):command("true")\ntask("b"):depends_on("biuld"):command("true")',
        1,
        "Error: bad.sloth:2: the task 'b' depends on 'biuld', which is not in its workflow\n"
        "Hint: Did you mean 'build'?",
    ),
    "duplicate": (
        'task("a"):command("true")\n\ntask("a"):command("true")',
        1,
        "Error: bad.sloth:3: the task 'a' is defined twice\nHint: The first one is at bad.sloth:1.",
    ),
    "misspelt method": (
        'task("a"):comand("true")',
        1,
        "Error: bad.sloth:1: a task has no method 'comand'; did you mean 'command'?",
    ),
    "bad duration": (
        'task("a"):timeout("5 parsecs"):command("true")',
        1,
        "Error: bad.sloth:1: task:timeout: its argument: '5 parsecs' is not a duration.",
    ),
    "no command": ('task("a")', 1, "Error: bad.sloth:1: the task 'a' has no command"),
    "unknown module": ('require("jsn")', 1, "no module 'jsn'; did you mean 'json'?"),
}


@pytest.mark.parametrize(("source", "code", "message"), BAD_FILES.values(), ids=BAD_FILES.keys())
@pytest.mark.parametrize("command", ["run", "validate", "list"])
def test_a_bad_file_is_one_clear_error(
    sloth: Any, command: str, source: str, code: int, message: str
) -> None:
    result = sloth(command, sloth.write("bad.sloth", source))
    assert (result.returncode, result.stdout) == (code, "")
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert not (sloth.folder / "state.db").exists() or sloth.json("state", "workflow", "list") == []


def test_a_missing_file_names_the_nearest_and_a_folder_its_files(sloth: Any) -> None:
    sloth.write("deploy.sloth", "")
    missing = sloth("run", "depoly.sloth")
    assert missing.returncode == 3
    assert missing.stderr == (
        "Error: there is no file depoly.sloth\nHint: Did you mean deploy.sloth?\n"
    )
    folder = sloth("run", ".")
    assert folder.returncode == 1
    assert folder.stderr == "Error: . is a folder\nHint: Name a file in it: ./deploy.sloth\n"


MISTYPED = {
    "run prod": (
        3,
        "there is no file prod",
        "To run a file under this name: sloth-runner run prod --file x.sloth",
    ),
    "plan prod": (
        3,
        "there is no file prod",
        "To run a file under this name: sloth-runner plan prod --file x.sloth",
    ),
    "run x/prod.sloth": (3, "there is no file x/prod.sloth", "Check the path."),
    "run prod --file": (2, "Option '--file' requires an argument", "See: sloth-runner run --help"),
    "run --file app.sloth": (
        2,
        "with --file, the argument is the name of the state, and it is missing",
        "For instance: sloth-runner run prod --file app.sloth, or without a name: sloth-runner run app.sloth",
    ),
    "run": (2, "missing argument 'FILE'", "For instance: sloth-runner run x.sloth"),
    "rum app.sloth": (
        2,
        "there is no command 'rum'; did you mean run?",
        "See: sloth-runner --help",
    ),
    "app.sloth": (
        2,
        "there is no command 'app.sloth'",
        "To run the file: sloth-runner run app.sloth",
    ),
    "state workflow shwo": (
        2,
        "there is no command 'shwo'; did you mean show?",
        "See: sloth-runner state workflow --help",
    ),
    "run app.sloth --set a": (
        2,
        "--set 'a' is not name=value",
        "For instance: --set web.replicas=3",
    ),
    "run app.sloth --values text.yaml --set a.b=1": (
        2,
        "--set a.b: a is set to something that is no map",
        "Set it as a whole: --set a=…",
    ),
    "run app.sloth --set a=1 --set a.b=1": (
        2,
        "--set a.b: a is set to something that is no map",
        "Set it as a whole: --set a=…",
    ),
    "run app.sloth --values list.yaml": (
        2,
        "the values file list.yaml must hold a map of names to values",
        "For instance: replicas: 3",
    ),
    "run app.sloth --values bad.yaml": (
        2,
        "the values file bad.yaml is not YAML: expected the node content, but found '<stream end>' at line 2",
        "For instance: replicas: 3",
    ),
    "run app.sloth --values none.yaml": (
        3,
        "there is no values file none.yaml",
        "Check the path.",
    ),
    "run app.sloth --only biuld": (
        2,
        "the workflow app has no task 'biuld'",
        "Did you mean build?",
    ),
    "run app.sloth --max-parallel 0": (
        2,
        "Invalid value for '--max-parallel': '0' is not a whole number from 1 on",
        "See: sloth-runner run --help",
    ),
    "run app.sloth --lock-timeout abc": (
        2,
        "--lock-timeout: 'abc' is not a duration",
        'Write "1h30m", "90s", "250ms" or a number of seconds.',
    ),
}


@pytest.mark.parametrize("words", MISTYPED)
def test_what_is_easily_mistyped_is_one_sentence_and_a_hint(sloth: Any, words: str) -> None:
    sloth.write("app.sloth", 'task("build"):command("touch ran") workflow.define("app")')
    for name, content in {"text": "a: x\n", "list": "- a\n", "bad": "a: [\n"}.items():
        sloth.write(f"{name}.yaml", content)
    result = sloth(*words.split())
    code, message, hint = MISTYPED[words]
    assert (result.returncode, result.stdout) == (code, "")
    assert result.stderr == f"Error: {message}\nHint: {hint}\n"
    assert not (sloth.folder / "ran").exists()


BAD_RECORDS = {
    "no type": ('{ name = "x" }', "state.resource: type must be a string, not nothing"),
    "a function": (
        '{ type = "t", name = "n", attributes = { f = function() end } }',
        "state.resource: attributes.f is a function, which cannot be kept",
    ),
    "a cycle": ("cyclic()", "contains itself"),
    "NaN": ('{ type = "t", name = "n", attributes = { x = 0/0 } }', "which is no JSON number"),
    "not UTF-8": (
        '{ type = "t", name = "n", attributes = { x = "\\255" } }',
        "state.resource: attributes.x is not UTF-8 text",
    ),
    "a hole": (
        '{ type = "t", name = "n", attributes = { l = {1, nil, 3} } }',
        "state.resource: attributes.l has a gap",
    ),
    "50 MB": (
        '{ type = "t", name = "n", attributes = { x = string.rep("x", 5e7) } }',
        "attributes is 50,000,008 bytes of JSON, and the most is 10,000,000",
    ),
    "200 levels": ("deep(200)", "is nested deeper than 100 levels"),
    "a misspelt field": (
        '{ type = "t", name = "n", atributes = {} }',
        "state.resource: it has no field 'atributes'; did you mean 'attributes'?",
    ),
    "an unknown action": (
        '{ type = "t", name = "n", action = "creat" }',
        "action must be one of create, update, delete, read, noop, not 'creat'",
    ),
}
HELPERS = """
local function cyclic() local c = {} c.c = c return { type = "t", name = "n", attributes = c } end
local function deep(n) local t = {} for _ = 1, n do t = { t } end return { type = "t", name = "n", attributes = { t = t } } end
"""


@pytest.mark.parametrize(("record", "message"), BAD_RECORDS.values(), ids=BAD_RECORDS.keys())
def test_a_bad_record_blames_the_scripts_line_and_writes_nothing(
    sloth: Any, record: str, message: str
) -> None:
    sloth.write(
        "x.sloth", f'{HELPERS}task("x"):command(function()\n  state.resource({record})\nend)'
    )
    result = sloth("run", "x.sloth")
    assert result.returncode == 1
    assert "x.sloth:5: " in result.stderr
    assert message in result.stderr
    assert len(result.stderr) < 1000
    assert sloth.json("state", "workflow", "resources", "x") == []


# -- locks, signals, kills -------------------------------------------------------------------

SLOW = """
task("slow"):command(function()
  state.resource { type = "t", name = "before" }
  fs.write("started", "")
  exec.run("echo $$ > child; exec sleep 60")
end)
"""


@pytest.fixture
def slow(sloth: Any) -> Any:
    """A run that waits in a command until it is stopped."""
    process = sloth.start("run", sloth.write("slow.sloth", SLOW))
    wait_for((sloth.folder / "child").exists)
    sloth.process = process
    yield sloth
    process.kill()
    process.communicate()


def test_a_second_run_of_the_same_workflow_is_told_who_runs_it(slow: Any) -> None:
    result = slow("run", "slow.sloth")
    assert result.returncode == 4
    assert "slow is locked by " in result.stderr
    assert f"pid {slow.process.pid}" in result.stderr
    assert len(slow.json("state", "workflow", "list")) == 1


def test_a_second_run_can_wait_for_the_first(sloth: Any) -> None:
    body = 'fs.write("on", "") repeat sleep(0.02) until fs.exists("go")'
    sloth.write("wait.sloth", f'task("x"):command(function() {body} end)')
    first = sloth.start("run", "wait.sloth")
    wait_for((sloth.folder / "on").exists)
    second = sloth.start("run", "wait.sloth", "--lock-timeout", "20s")
    note = second.stderr.readline()
    (sloth.folder / "go").touch()
    assert note.startswith("Note: wait is locked by ")
    assert note.endswith("; waiting\n")
    assert [each.communicate(timeout=20)[1] for each in (first, second)] == ["", ""]
    assert (first.returncode, second.returncode) == (0, 0)
    assert [run["version"] for run in sloth.json("state", "workflow", "list")] == [2, 1]


@pytest.mark.parametrize(
    ("number", "name"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")]
)
def test_a_signal_ends_the_run_and_its_commands(slow: Any, number: int, name: str) -> None:
    slow.process.send_signal(number)
    _, errors = slow.process.communicate(timeout=10)
    assert slow.process.returncode == 130
    assert errors == f"Error: interrupted by {name}\n"
    shown = slow.json("state", "workflow", "show", "slow")
    assert shown["status"] == "failed"
    assert shown["error_msg"] == f"interrupted by {name}"
    assert shown["tasks"][0]["status"] == "failed"
    assert [resource["name"] for resource in shown["resources"]] == ["before"]
    assert _is_zombie(int((slow.folder / "child").read_text()))
    assert slow.json("state", "workflow", "locks") == []


@pytest.mark.parametrize(
    "loop",
    [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "local co = coroutine.wrap(function() while true do end end) co()",
    ],
)
def test_ctrl_c_stops_a_busy_script(sloth: Any, loop: str) -> None:
    sloth.write("busy.sloth", f'task("x"):command(function() fs.write("on", "") {loop} end)')
    process = sloth.start("run", "busy.sloth")
    wait_for((sloth.folder / "on").exists)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (130, "Error: interrupted by Ctrl-C\n")
    assert sloth.json("state", "workflow", "show", "busy")["status"] == "failed"


def test_a_second_ctrl_c_ends_even_a_script_that_is_stuck_in_c(sloth: Any) -> None:
    stuck = 'fs.write("on", "") string.find(string.rep("a", 60000), string.rep("a?", 30) .. string.rep("a*", 9) .. "b")'
    sloth.write("stuck.sloth", f'task("x"):command(function() {stuck} end)')
    process = sloth.start("run", "stuck.sloth")
    wait_for((sloth.folder / "on").exists)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None, "it was not stuck, so this shows nothing"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert process.returncode == 130
    assert sloth.json("state", "workflow", "show", "stuck")["status"] == "failed"


def test_after_kill_9_the_next_look_says_interrupted_and_the_next_run_goes_on(slow: Any) -> None:
    slow.process.kill()
    slow.process.communicate()
    looked = slow("state", "workflow", "show", "slow", "-o", "json")
    assert "was interrupted" in looked.stderr
    shown = json.loads(looked.stdout)
    assert shown["status"] == "failed"
    assert shown["error_msg"].startswith("interrupted")
    assert [resource["name"] for resource in shown["resources"]] == ["before"]
    slow.write("slow.sloth", 'task("slow"):command("true")')
    assert slow("run", "slow.sloth").returncode == 0
    assert slow.json("state", "workflow", "verify")["problems"] == []
    with suppress(ProcessLookupError):
        os.kill(int((slow.folder / "child").read_text()), signal.SIGKILL)


def test_after_kill_9_the_next_run_takes_over_at_once(slow: Any) -> None:
    slow.process.kill()
    slow.process.communicate()
    slow.write("slow.sloth", 'task("slow"):command("true")')
    assert slow("run", "slow.sloth").returncode == 0
    runs = slow.json("state", "workflow", "list")
    assert [(run["version"], run["status"]) for run in runs] == [(2, "success"), (1, "failed")]
    with suppress(ProcessLookupError):
        os.kill(int((slow.folder / "child").read_text()), signal.SIGKILL)


def test_what_a_dependency_has_not_given_is_empty(sloth: Any) -> None:
    source = """
    task("a"):command(function() end)
    task("b"):depends_on("a"):command(function(_, _, deps)
      print(type(deps.a), next(deps.a), deps.nobody)
    end)
    """
    result = sloth("run", sloth.write("w.sloth", source))
    assert (result.returncode, "b | table nil nil" in result.stdout.splitlines()) == (0, True)


def test_a_plan_that_fails_says_what_it_has_left_undone(sloth: Any) -> None:
    source = """task("t"):command(function()
      fs.write("made", "text") exec.run("true")
      return true, fs.read("made"):upper()
    end)"""
    assert sloth("run", sloth.write("t.sloth", source)).returncode == 0
    (sloth.folder / "made").unlink()
    result = sloth("plan", "t.sloth")
    assert result.returncode == 1
    assert (
        "Hint: A plan changes nothing, so fs.write, exec.run did nothing. That may be why."
        in result.stderr
    )


def test_a_plan_tries_as_often_as_a_run_but_does_not_wait(sloth: Any) -> None:
    source = """
    task("flaky"):retries(6, "exponential"):command(function(this)
      return this.attempt == 7, "not yet"
    end)
    """
    result = sloth("plan", sloth.write("w.sloth", source), timeout=20)
    assert (result.returncode, result.stderr) == (0, "")
