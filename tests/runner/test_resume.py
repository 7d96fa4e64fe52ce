"""`run --resume`: what a failed run has done is not done again, and the rest goes on."""

from __future__ import annotations

import json
import re
import signal
import time
from typing import Any

import pytest

from sloth_runner.execution import Execution
from sloth_runner.planner import plan_file
from sloth_runner.planning import Plan, PlannedEffect
from sloth_runner.runner import RunRequest
from sloth_state.model import RunStatus
from sloth_state.open import open_store

CHAIN = """
local fetch = task("fetch"):command(function()
  exec.run("echo fetch >> did")
  state.set_output("url", "https://example.org")
  state.set_metadata("commit", "a1b2")
  return true, "fetched", { files = 2 }
end)
local build = task("build"):depends_on("fetch"):command(function(_, _, deps)
  exec.run("echo build >> did")
  if not fs.exists("can-build") then error("cannot build") end
  return true, "built", { size = deps.fetch.files * 10 }
end)
local push = task("push"):depends_on({ "fetch", "build" }):command(function(_, _, deps)
  exec.run("echo push " .. deps.fetch.files .. " " .. deps.build.size .. " >> did")
  if not fs.exists("can-push") then error("cannot push") end
end)
workflow.define("app"):tasks({ fetch, build, push })
"""


def did(sloth: Any) -> list[str]:
    """What was really done, in order."""
    lines: list[str] = (sloth.folder / "did").read_text().splitlines()
    return lines


def tasks(sloth: Any, ref: str = "app") -> list[tuple[str, str, str | None]]:
    shown = sloth.json("state", "workflow", "show", ref)
    return [(each["name"], each["status"], each["error_msg"]) for each in shown["tasks"]]


def failed(sloth: Any, source: str = CHAIN) -> str:
    """The id of a run that has failed."""
    assert sloth("run", sloth.write("app.sloth", source)).returncode == 1
    newest: str = sloth.json("state", "workflow", "list")[0]["id"]
    return newest


def test_what_a_failed_run_has_done_is_not_done_again_and_the_rest_goes_on(sloth: Any) -> None:
    first = failed(sloth)
    sloth.write("can-build", "")
    sloth.write("can-push", "")
    result = sloth("run", "--resume", "app.sloth")
    assert (result.returncode, result.stderr) == (0, "")
    assert did(sloth) == ["fetch", "build", "build", "push 2 20"]
    assert result.stdout.splitlines()[1] == f"- fetch  skipped: done by run {first}"
    assert "  Tasks      2 succeeded, 1 skipped" in result.stdout
    assert tasks(sloth) == [
        ("fetch", "skipped", f"done by run {first}"),
        ("build", "success", None),
        ("push", "success", None),
    ]


def test_outputs_and_metadata_of_what_is_not_done_again_are_kept(sloth: Any) -> None:
    first = failed(sloth)
    sloth.write("can-build", "")
    sloth.write("can-push", "")
    sloth("run", "app.sloth", "--resume", "--metadata", "team=web")
    shown = sloth.json("state", "workflow", "show", "app")
    assert shown["outputs"] == {"url": "https://example.org"}
    assert shown["tasks"][0]["output"] == {"files": 2}
    metadata = shown["metadata"]
    assert (metadata["commit"], metadata["team"], metadata["resumes"]) == ("a1b2", "web", first)


def test_a_resumed_run_that_fails_can_be_resumed_again(sloth: Any) -> None:
    first = failed(sloth)
    sloth.write("can-build", "")
    assert sloth("run", "--resume", "app.sloth").returncode == 1
    second = sloth.json("state", "workflow", "list")[0]["id"]
    sloth.write("can-push", "")
    assert sloth("run", "--resume", "app.sloth").returncode == 0
    assert did(sloth) == ["fetch", "build", "build", "push 2 20", "push 2 20"]
    assert tasks(sloth) == [
        ("fetch", "skipped", f"done by run {first}"),
        ("build", "skipped", f"done by run {second}"),
        ("push", "success", None),
    ]
    assert sloth.json("state", "workflow", "verify")["ok"] is True


def test_a_run_without_resume_does_all_of_it(sloth: Any) -> None:
    failed(sloth)
    sloth("run", "app.sloth")
    assert did(sloth) == ["fetch", "build", "fetch", "build"]


def test_the_option_goes_with_a_name_and_a_file_too(sloth: Any) -> None:
    sloth.write("app.sloth", CHAIN)
    assert sloth("run", "prod", "--file", "app.sloth").returncode == 1
    assert sloth("run", "prod", "--resume", "--file", "app.sloth").returncode == 1
    assert did(sloth) == ["fetch", "build", "build"]


def test_a_run_that_was_killed_is_resumed(sloth: Any) -> None:
    sloth.write("can-build", "")
    source = CHAIN.replace('error("cannot push")', 'fs.write("waiting", "") sleep(60)')
    process = sloth.start("run", sloth.write("app.sloth", source))
    while not (sloth.folder / "waiting").exists():
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    sloth.write("can-push", "")
    result = sloth("run", "--resume", "app.sloth")
    assert result.returncode == 0, result.stderr
    assert did(sloth) == ["fetch", "build", "push 2 20", "push 2 20"]


# -- refusals --------------------------------------------------------------------------------


def refused(sloth: Any, *arguments: str) -> tuple[str, str]:
    """The sentence and the hint of a refusal, which makes no version."""
    with open_store(sloth.environment["SLOTH_RUNNER_STATE"]) as store:
        before = store.runs()
        result = sloth("run", *arguments)
        assert store.runs() == before
    assert (result.returncode, result.stdout) == (1, "")
    sentence, hint = result.stderr.splitlines()
    return sentence.removeprefix("Error: "), hint.removeprefix("Hint: ")


def test_there_must_be_a_run_that_failed(sloth: Any) -> None:
    sloth.write("ok.sloth", 'task("t"):command("true")')
    assert refused(sloth, "--resume", "ok.sloth") == (
        "ok has no run yet that could be resumed",
        "Run it without --resume.",
    )
    sloth("run", "ok.sloth")
    done = sloth.json("state", "workflow", "list")[0]["id"]
    assert refused(sloth, "--resume=force", "ok.sloth") == (
        f"only a failed run can be resumed, and run {done}, the newest of ok, ended as success",
        "Run it without --resume.",
    )


@pytest.mark.parametrize(
    ("change", "arguments", "what"),
    [
        ({"app.sloth": CHAIN + "-- more\n"}, (), "the file"),
        ({"lib.lua": "return 2\n"}, (), "what the file requires"),
        ({}, ("--set", "x=1"), "the values"),
        ({"app.sloth": "-- a\n" + CHAIN}, ("--set", "x=1"), "the file and the values"),
    ],
)
def test_a_workflow_that_has_changed_is_not_resumed_unless_forced(
    sloth: Any, change: dict[str, str], arguments: tuple[str, ...], what: str
) -> None:
    source = 'require("lib")\n' + CHAIN
    sloth.write("lib.lua", "return 1\n")
    first = failed(sloth, source)
    for name, text in change.items():
        sloth.write(name, 'require("lib")\n' + text if name == "app.sloth" else text)
    assert refused(sloth, "--resume", "app.sloth", *arguments) == (
        f"{what} changed since run {first} of app failed, so it cannot be resumed",
        "Run all of it without --resume, or go on all the same with --resume=force.",
    )
    sloth.write("can-build", "")
    sloth.write("can-push", "")
    assert sloth("run", "--resume=force", "app.sloth", *arguments).returncode == 0
    assert did(sloth) == ["fetch", "build", "build", "push 2 20"]


def test_a_rollback_that_failed_is_no_run_to_go_on_with(sloth: Any) -> None:
    sloth.write("app.sloth", CHAIN)
    with (
        open_store(sloth.environment["SLOTH_RUNNER_STATE"]) as store,
        Execution(store, "app", metadata={"rollback_to": "1"}) as run,
    ):
        run.fail("no")
    sentence, _ = refused(sloth, "--resume", "app.sloth")
    assert (
        sentence
        == f"only a failed run can be resumed, and run {run.id}, the newest of app, is a rollback"
    )


def test_a_plan_and_resuming_exclude_each_other(sloth: Any) -> None:
    result = sloth("run", "--resume", "--plan", "x")
    assert (result.returncode, result.stdout) == (2, "")


# -- beside it -------------------------------------------------------------------------------


def test_resources_of_tasks_that_are_not_run_again_stay(sloth: Any) -> None:
    source = """
    task("one"):command(function() resource.file { name = "a", path = "a", content = "1" } end)
    task("two"):depends_on("one"):command(function()
      resource.file { name = "b", path = "b", content = "2" }
      assert(fs.exists("go"))
    end)
    """
    failed(sloth, source)
    sloth.write("go", "")
    result = sloth("run", "--resume", "--prune", "app.sloth")
    assert (result.returncode, result.stderr) == (0, "")
    assert "No longer declared" not in result.stdout
    assert [each["name"] for each in sloth.json("state", "workflow", "resources", "app")] == [
        "a",
        "b",
    ]
    assert (sloth.folder / "a").exists()


def test_a_script_can_ask_what_is_resumed(sloth: Any) -> None:
    source = """task("t"):retries(1):command(function(this)
      print("asked", this.attempt, json.encode(state.resuming()))
      error("no")
    end)"""
    first = failed(sloth, source)
    printed = sloth("run", "--resume", "app.sloth").stdout
    earlier = f'{{"run_id":"{first}","version":1}}'
    assert re.findall(r"asked (.*)", printed) == [f"1 {earlier}", f"2 {earlier}"]
    assert re.findall(r"asked (.*)", sloth("run", "app.sloth").stdout) == ["1 false", "2 false"]


def test_a_plan_before_resuming_shows_only_the_rest(sloth: Any) -> None:
    failed(sloth)
    request = RunRequest(str(sloth.folder / "app.sloth"), resume="same")
    plan = Plan()
    with open_store(sloth.environment["SLOTH_RUNNER_STATE"]) as store:
        plan_file(store, request, plan)
    assert plan.effects == [PlannedEffect("build", "exec.run", "echo build >> did")]


def test_a_resumed_run_that_starts_no_task_forgets_none_that_is_done(sloth: Any) -> None:
    check = ':on_start(function() if fs.exists("stop") then error("no") end end)'
    first = failed(sloth, CHAIN.replace('define("app")', f'define("app"){check}'))
    sloth.write("stop", "")
    assert sloth("run", "--resume", "app.sloth").returncode == 1
    assert tasks(sloth)[0] == ("fetch", "skipped", f"done by run {first}")
    (sloth.folder / "stop").unlink()
    sloth("run", "--resume", "app.sloth")
    assert did(sloth) == ["fetch", "build", "build"]


def test_json_says_that_a_task_was_done_before(sloth: Any) -> None:
    first = failed(sloth)
    result = sloth("run", "--resume", "app.sloth", "-o", "json")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    (told,) = [e for e in events if e["event"] == "task_finished" and e["task"] == "fetch"]
    assert (told["status"], told["message"]) == ("skipped", f"done by run {first}")


def test_what_a_run_takes_over_is_there_as_soon_as_the_run_is(sloth: Any) -> None:
    first = failed(sloth)
    with open_store(sloth.environment["SLOTH_RUNNER_STATE"]) as store:
        with Execution(store, "app", resume=lambda: store.run(first)) as run:
            (fetch,) = store.tasks(run.id)
            assert (fetch.name, fetch.done_by, fetch.output) == ("fetch", first, {"files": 2})
            assert store.outputs(run.id)["url"].value == "https://example.org"
        assert store.run(run.id).status is RunStatus.SUCCESS
        assert store.verify() == []


def test_what_is_done_stays_done_even_if_what_it_depends_on_fails_now(sloth: Any) -> None:
    source = """
    task("maybe"):run_if("test -e later"):command("false")
    task("done"):depends_on("maybe"):command("echo done >> did")
    task("rest"):depends_on("done"):command("echo rest >> did; test -e later")
    """
    failed(sloth, source)
    sloth.write("later", "")
    assert sloth("run", "--resume", "app.sloth").returncode == 1
    assert did(sloth) == ["done", "rest", "rest"]
    assert [each[:2] for each in tasks(sloth)] == [
        ("done", "skipped"),
        ("maybe", "failed"),
        ("rest", "success"),
    ]


def test_a_try_that_timed_out_does_not_keep_its_lock_from_the_next(sloth: Any) -> None:
    sloth.write(
        "t.sloth",
        """
        task("t"):timeout("300ms"):retries(1):command(function(this)
          state.with_lock("l", { wait = "10ms" }, function() if this.attempt == 1 then sleep(9) end end)
        end)
        """,
    )
    result = sloth("run", "t.sloth")
    assert (result.returncode, "2 tries" in result.stdout) == (0, True)
