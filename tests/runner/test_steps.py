"""`step`, and commands with a key: done once in a run, however often it is tried or resumed."""

from __future__ import annotations

import re
import signal
import time
from typing import Any

import pytest

from sloth_state.open import open_store


def did(sloth: Any) -> list[str]:
    """What was really done, in order."""
    path = sloth.folder / "did"
    lines: list[str] = path.read_text().splitlines() if path.exists() else []
    return lines


def run(sloth: Any, body: str, *options: str, task: str = "") -> Any:
    """Run one task with this body."""
    sloth.write("t.sloth", f'task("t"){task}:command(function(this)\n{body}\nend)\n')
    return sloth("run", "t.sloth", *options)


def told(result: Any) -> list[str]:
    """What the task printed."""
    return [
        line.removeprefix("t | ") for line in result.stdout.splitlines() if line.startswith("t | ")
    ]


STEPS = """
local function work(what) return exec.run("echo " .. what .. " >> did; echo " .. what) end
local image, tag = step("build image", function() return work("build").stdout, { 1, { a = "b" } }, nil, true end)
print(json.encode { image, tag })
step("push", function() work("push") end)
if not fs.exists("go") then error("stop") end
"""


# -- steps -----------------------------------------------------------------------------------


def test_a_step_is_done_once_in_a_run_and_in_those_that_resume_it(sloth: Any) -> None:
    line = '["build\\n",[1,{"a":"b"}]]'
    first = run(sloth, STEPS, task=":retries(1)")
    assert first.returncode == 1
    assert [each for each in told(first) if each.startswith("[")] == [line, line]
    for _ in range(2):
        assert sloth("run", "--resume", "t.sloth").returncode == 1
    sloth.write("go", "")
    last = sloth("run", "--resume", "t.sloth")
    assert (last.returncode, told(last)) == (0, [line])
    assert did(sloth) == ["build", "push"]
    sloth("run", "t.sloth")
    assert did(sloth) == ["build", "push", "build", "push"]
    assert sloth.json("state", "workflow", "verify")["ok"] is True


def test_a_step_returns_at_first_what_it_returns_when_it_is_replayed(sloth: Any) -> None:
    body = """
    local results = { step("all", function() return nil, 1, exec.run("echo x").stdout, json.null, { y = json.null }, nil end) }
    print(select("#", step("none", function() end)), select("#", unpack(results, 1, 6)))
    print(json.encode { results[2], results[3], results[5], results[1] == nil and results[4] == nil and results[6] == nil })
    error("stop")
    """
    expected = ["0 6", '[1,"x\\n",{"y":null},true]']
    assert told(run(sloth, body)) == expected
    assert told(sloth("run", "--resume", "t.sloth")) == expected


def test_a_step_is_durable_before_it_returns(sloth: Any) -> None:
    body = (
        'step("one", function() exec.run("echo one >> did") end) fs.write("waiting", "") sleep(60)'
    )
    sloth.write("t.sloth", f'task("t"):command(function() {body} end)')
    for _ in range(2):
        process = (
            sloth.start("run", "--resume", "t.sloth")
            if did(sloth)
            else sloth.start("run", "t.sloth")
        )
        while not (sloth.folder / "waiting").exists():
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        (sloth.folder / "waiting").unlink()
        assert did(sloth) == ["one"]


def test_an_error_in_a_step_is_not_remembered(sloth: Any) -> None:
    body = """
    print(pcall(step, "first", function() error("no " .. this.attempt) end))
    step("second", function() exec.run("echo second >> did") end)
    step("third", function() exec.run("echo third >> did") assert(fs.exists("go"), "not yet") end)
    """
    result = run(sloth, body, task=":retries(1)")
    assert "t.sloth:5: not yet" in result.stderr
    assert [line for line in told(result) if "no" in line and "try" not in line] == [
        "false t.sloth:3: no 1",
        "false t.sloth:3: no 2",
    ]
    sloth.write("go", "")
    assert sloth("run", "--resume", "t.sloth").returncode == 0
    assert did(sloth) == ["second", "third", "third", "third"]


def test_a_step_that_failed_can_be_tried_again_in_the_same_attempt(sloth: Any) -> None:
    body = """
    local tries = 0
    local function flaky() tries = tries + 1 assert(tries > 2, "no") return tries end
    local ok, got
    repeat ok, got = pcall(step, "flaky", flaky) until ok
    print(got, step("after", function() return "after" end))
    if tries > 0 then error("stop") end
    """
    assert told(run(sloth, body)) == ["3 after"]
    resumed = sloth("run", "--resume", "t.sloth")
    assert (resumed.returncode, told(resumed)) == (0, ["3 after"])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            'step("a", function() end) step("a", function() end)',
            "t.sloth:2: step: the task t has two steps called 'a'",
        ),
        (
            'step("a", function() step("b", function() end) end)',
            "t.sloth:2: step: 'b' cannot be inside the step 'a'",
        ),
        (
            'step("a", function() return print end)',
            "t.sloth:2: step 'a': its result[1] is a function, which cannot be kept",
        ),
        ('step("a")', "t.sloth:2: step: its function must be a function, not nothing"),
        ("step(nil, print)", "t.sloth:2: step: name must be a string, not nothing"),
        ("step('', print)", "t.sloth:2: the step's name is empty"),
    ],
)
def test_a_wrong_step_is_an_error_at_its_line(sloth: Any, body: str, message: str) -> None:
    result = run(sloth, body)
    assert result.returncode == 1
    assert result.stderr.splitlines()[0].startswith(f"Error: task t: {message}")


def test_a_result_that_is_too_large_to_be_kept_is_an_error_and_the_step_can_be_tried_again(
    sloth: Any,
) -> None:
    body = """
    local size = 1e7
    local function big() return string.rep("x", size) end
    print(pcall(step, "big", big))
    size = 3
    print(step("big", big))
    """
    refused, kept = told(run(sloth, body))
    assert refused.startswith("false t.sloth:5: what step big returns is 10,000,004 bytes of JSON")
    assert kept == "xxx"


def test_another_step_at_the_place_of_one_that_was_done_is_an_error_that_names_both(
    sloth: Any,
) -> None:
    body = """
    step("fetch", function() end)
    step(fs.exists("later") and "push" or "build image", function() end)
    error("stop")
    """
    assert run(sloth, body).returncode == 1
    sloth.write("later", "")
    error = sloth("run", "--resume", "t.sloth").stderr.splitlines()[0]
    assert error == (
        "Error: task t: t.sloth:4: step: step 2 of the task t was 'build image' when it was done, and "
        "now is 'push' (Steps must come in the same order each time; to do all of them anew, "
        "run without --resume)"
    )


@pytest.mark.parametrize("hook", ["run_if", "on_success"])
def test_a_step_belongs_to_a_try_of_a_task(sloth: Any, hook: str) -> None:
    source = f'task("t"):command("true"):{hook}(function() step("a", function() end) end)'
    result = sloth("run", sloth.write("t.sloth", source))
    assert "step can be used in a task's command, pre_hook and post_hook only" in result.stderr
    source = 'step("a", function() end) task("t"):command("true")'
    result = sloth("run", sloth.write("t.sloth", source))
    assert "step needs a run" in result.stderr


def test_a_plan_runs_steps_and_remembers_none(sloth: Any) -> None:
    body = 'step("a", function() exec.run("echo a >> did") end)'
    assert run(sloth, body + ' error("x")').returncode == 1
    planned = sloth("plan", "t.sloth").stdout
    assert "would run  exec.run  echo a >> did" in planned
    assert did(sloth) == ["a"]


# -- commands with a key ---------------------------------------------------------------------

KEYED = """
local r, problem, is_failed = exec.run("echo deploy >> did; printf 'out\\\\n'; echo err >&2", { key = "deploy" })
print(r.stdout:gsub("\\n", ""), r.stderr, r.exit_code, r.success, problem, is_failed)
if not fs.exists("go") then error("stop") end
"""


def test_a_command_with_a_key_that_succeeded_is_not_run_again(sloth: Any) -> None:
    first = run(sloth, KEYED, task=":retries(1)")
    lines = [line for line in told(first) if "try" not in line]
    assert lines[: len(lines) // 2] == lines[len(lines) // 2 :]
    assert sloth("run", "--resume", "t.sloth").returncode == 1
    sloth.write("go", "")
    last = sloth("run", "--resume", "t.sloth")
    assert (last.returncode, told(last)) == (0, lines[: len(lines) // 2])
    assert did(sloth) == ["deploy"]
    sloth("run", "t.sloth")
    assert did(sloth) == ["deploy", "deploy"]


def test_output_that_is_no_text_is_replayed_as_it_was(sloth: Any) -> None:
    body = """
    local r = exec.run("printf '\\\\377\\\\000x'", { key = "k" })
    print(crypto.hex(r.stdout), r.exit_code)
    error("stop")
    """
    assert told(run(sloth, body)) == ["ff0078 0"]
    assert told(sloth("run", "--resume", "t.sloth")) == ["ff0078 0"]


def test_a_command_with_a_key_that_failed_is_run_again(sloth: Any) -> None:
    body = 'local _, e = exec.run("echo x >> did; exit 3", { key = "k" }) error(e)'
    run(sloth, body, task=":retries(1)")
    sloth("run", "--resume", "t.sloth")
    assert did(sloth) == ["x"] * 4


def test_a_key_means_one_command(sloth: Any) -> None:
    body = 'exec.run("true", { key = "k" }) exec.run("false", { key = "k" })'
    assert run(sloth, body).stderr.splitlines()[0] == (
        "Error: task t: t.sloth:2: exec.run: the key 'k' belongs to another command of this run: true "
        "(Give each command a key of its own)"
    )
    body = 'exec.run("true", { rerun = true })'
    assert "t.sloth:2: exec.run: rerun is for a command with a key" in run(sloth, body).stderr


def interrupted(sloth: Any, options: str = "") -> str:
    """The id of a run that was killed while its command with a key ran."""
    body = f'exec.run("echo x >> did; test -e go || sleep 60", {{ key = "deploy-42"{options} }}) print("after")'
    sloth.write("t.sloth", f'task("t"):command(function() {body} end)')
    process = sloth.start("run", "t.sloth")
    while not did(sloth):
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    sloth.write("go", "")
    with open_store(sloth.environment["SLOTH_RUNNER_STATE"]) as store:
        return store.runs()[0].id


@pytest.mark.parametrize("options", [("--resume",), ()])
def test_an_interrupted_command_is_not_run_again_by_itself(
    sloth: Any, options: tuple[str, ...]
) -> None:
    first = interrupted(sloth)
    result = sloth("run", "t.sloth", *options)
    (error,) = [line for line in result.stderr.splitlines() if line.startswith("Error")]
    assert re.sub(r"at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "at T", error) == (
        "Error: task t: t.sloth:1: exec.run: the command with the key 'deploy-42' began at T "
        f"in run {first}, which was interrupted, and may be done: echo x >> did; test -e go || sleep 60 "
        "(Find out, and say so with: sloth-runner state workflow recover t --done exec/deploy-42 "
        "(or --not-done exec/deploy-42), or let it be run again with rerun = true)"
    )
    assert did(sloth) == ["x"]


def test_rerun_lets_an_interrupted_command_run_again(sloth: Any) -> None:
    interrupted(sloth, ", rerun = true")
    assert sloth("run", "--resume", "t.sloth").returncode == 0
    assert did(sloth) == ["x", "x"]
    with open_store(sloth.environment["SLOTH_RUNNER_STATE"]) as store:
        assert store.unfinished_operations("t") == []


def test_somebody_who_has_looked_settles_an_interrupted_command(sloth: Any) -> None:
    first = interrupted(sloth)
    listed = sloth("state", "workflow", "recover", "t")
    assert listed.returncode == 1
    assert listed.stdout.splitlines()[0] == (
        "? run exec/deploy-42: nobody knows whether it was done: echo x >> did; test -e go || sleep 60"
    )
    settled = sloth("state", "workflow", "recover", "t", "--done", "exec/deploy-42")
    assert (settled.returncode, settled.stdout.splitlines()[0]) == (
        0,
        "✓ run exec/deploy-42: it was done",
    )
    resumed = sloth("run", "--resume", "t.sloth")
    assert (resumed.returncode, told(resumed)) == (0, ["after"])
    assert did(sloth) == ["x"]
    assert sloth.json("state", "workflow", "show", first)["status"] == "failed"
    assert sloth.json("state", "workflow", "verify")["ok"] is True


def test_a_command_that_was_not_done_is_run_by_the_resumed_run(sloth: Any) -> None:
    interrupted(sloth)
    settled = sloth("state", "workflow", "recover", "t", "--not-done", "exec/deploy-42")
    assert settled.returncode == 0
    assert sloth("run", "--resume", "t.sloth").returncode == 0
    assert did(sloth) == ["x", "x"]


def test_a_command_that_was_stopped_can_be_run_again(sloth: Any) -> None:
    body = 'exec.run("echo x >> did; test $(wc -l < did) = 2 || sleep 60", { key = "k" })'
    assert run(sloth, body, task=':timeout("300ms"):retries(1)').returncode == 0
    assert did(sloth) == ["x", "x"]
