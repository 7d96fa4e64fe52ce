"""Hooks of tasks that fail before their command, or are ended from outside."""

from __future__ import annotations

import re
import signal
import time
from typing import Any

import pytest


def told(output: str) -> list[str]:
    """What hooks printed."""
    return [line for line in output.splitlines() if re.match(r"(\w+ )?\| ", line)]


def wait_for(sloth: Any, name: str) -> None:
    deadline = time.monotonic() + 20
    while not (sloth.folder / name).exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


INTERRUPTED = """
task("waits"):command("echo > ready; sleep 60")
  :on_failure(function(this, _, output) print("failed:", output) exec.run("echo cleaned > cleaned") end)
  :on_complete(function() print("complete") end)
task("busy"):command(function()
  while not fs.exists("ready") do sleep(0.01) end
  fs.write("begun", "")
  while true do pcall(function() while true do end end) end
end):on_failure(function() print("failed") end)
task("later"):depends_on("waits"):command("true"):on_complete(function() print("never") end)
workflow.define("i"):tasks({ "waits", "busy", "later" }):config({ max_parallel_tasks = 2 })
  :on_failure(function(success, results) print(success, results.waits.error) end)
  :on_complete(function(success) print("over", success) end)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_runs_the_hooks_of_what_it_ended_once_all_is_over(
    sloth: Any, number: signal.Signals
) -> None:
    process = sloth.start("run", sloth.write("i.sloth", INTERRUPTED))
    wait_for(sloth, "begun")
    process.send_signal(number)
    output, errors = process.communicate(timeout=20)
    by = "Ctrl-C" if number is signal.SIGINT else "SIGTERM"
    assert sorted(told(output)) == sorted(
        [
            f"waits | failed: interrupted by {by}",
            "waits | complete",
            "busy | failed",
            f"| false interrupted by {by}",
            "| over false",
        ]
    )
    assert (process.returncode, errors) == (130, f"Error: interrupted by {by}\n")
    assert (sloth.folder / "cleaned").exists()
    shown = sloth.json("state", "workflow", "show", "i")
    assert [(task["name"], task["status"]) for task in shown["tasks"]] == [
        ("waits", "failed"),
        ("busy", "failed"),
        ("later", "skipped"),
    ]


def test_a_second_interruption_ends_a_hook_at_once(sloth: Any) -> None:
    source = """task("t"):command("echo > ready; sleep 60"):on_failure(function()
      fs.write("hook", "")
      while true do end
    end)"""
    process = sloth.start("run", sloth.write("t.sloth", source))
    for name in ("ready", "hook"):
        wait_for(sloth, name)
        process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "interrupted twice" in errors
    assert sloth.json("state", "workflow", "show", "t")["status"] == "failed"


def test_the_end_of_the_workflows_time_runs_the_hooks_of_what_it_ended(sloth: Any) -> None:
    source = """
    local waits = task("waits"):command("sleep 60"):on_timeout(function() print("out of time") end)
    local busy = task("busy"):command(function() while true do end end):timeout("1m")
      :on_timeout(function(_, _, output) print(output) end)
    workflow.define("w"):tasks({ waits, busy }):config({ timeout = "500ms", max_parallel_tasks = 2 })
      :on_complete(function(success) print(success) end)
    """
    result = sloth("run", sloth.write("w.sloth", source))
    why = "the workflow took longer than its timeout of 0.5 s"
    assert sorted(told(result.stdout)) == sorted(
        ["waits | out of time", f"busy | {why}", "| false"]
    )
    assert (result.returncode, result.stderr.splitlines()[0]) == (1, f"Error: {why}")
    tasks = sloth.json("state", "workflow", "show", "w")["tasks"]
    assert {task["error_msg"] for task in tasks} == {why}


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        (':run_if(function() error("no idea") end)', "t.sloth:1: no idea"),
        (':abort_if("true")', "abort_if is met, so the workflow stops here"),
        (
            ':run_if(function() while true do end end):timeout("300ms")',
            "run_if of the task 't' took longer than its timeout of 0.3 s",
        ),
    ],
)
def test_a_condition_that_fails_a_task_runs_its_hooks(sloth: Any, condition: str, why: str) -> None:
    hooks = ":on_failure(function(_, _, output) print(output) end):on_complete(function() print('over') end)"
    source = f'task("t"):command(function() print("never") end){condition}{hooks}'
    result = sloth("run", sloth.write("t.sloth", source))
    assert (result.returncode, told(result.stdout)) == (1, [f"t | {why}", "t | over"])


def test_a_task_that_run_if_leaves_out_runs_no_hooks(sloth: Any) -> None:
    source = 'task("t"):command("true"):run_if("false"):on_complete(function() print("never") end)'
    result = sloth("run", sloth.write("t.sloth", source))
    assert (result.returncode, told(result.stdout)) == (0, [])


def test_a_condition_can_look_before_the_task_has_made_its_folder(sloth: Any) -> None:
    source = """task("t"):workdir("made"):run_if("test ! -e made"):abort_if("test -e stop")
      :command(function(this) this.workdir.ensure() exec.run("echo > here") end)"""
    sloth.write("t.sloth", source)
    assert sloth("run", "t.sloth").returncode == 0
    assert (sloth.folder / "made" / "here").exists()


def test_a_post_hook_gets_the_commands_output(sloth: Any) -> None:
    source = """task("t"):command(function() return true, "done", { n = 3 } end)
      :post_hook(function(_, _, output) print(output.n) end)
      :pre_hook(function(_, _, deps) print(type(deps)) end)"""
    result = sloth("run", sloth.write("t.sloth", source))
    assert told(result.stdout) == ["t | table", "t | 3"]


def test_what_a_failed_command_returns_behind_its_message_is_kept(sloth: Any) -> None:
    source = """
    local check = task("check"):retries(1):command(function(this)
      return false, "unhealthy", { services = { "db" }, attempt = this.attempt, error = "own" }
    end):on_failure(function(_, _, output) print(output.services[1], output.error, "" .. output) end)
    workflow.define("w"):tasks({ check }):on_complete(function(_, results)
      print(results.check.services[1], results.check.attempt)
    end)
    """
    result = sloth("run", sloth.write("t.sloth", source))
    printed = [line for line in result.stdout.splitlines() if "| " in line]
    assert printed[1:] == ["check | db unhealthy unhealthy", "| db 2"]
    (task,) = sloth.json("state", "workflow", "show", "w")["tasks"]
    assert task["output"] == {"services": ["db"], "attempt": 2, "error": "own"}


def test_goroutines_of_the_top_level_end_before_the_run_does(sloth: Any) -> None:
    source = """
    goroutine.spawn(function() exec.run("trap 'sleep 0.3; echo > ended; exit' TERM; echo > begun; while true; do sleep 0.01; done") end)
    task("t"):command("while ! test -e begun; do sleep 0.01; done"):build()
    error_after = values.fails and task("u"):command("false")
    """
    for more in ([], ["--set", "fails=true"]):
        result = sloth("run", sloth.write("t.sloth", source), *more)
        assert (result.returncode, (sloth.folder / "ended").exists()) == (1 if more else 0, True)
        for name in ("begun", "ended"):
            (sloth.folder / name).unlink()
