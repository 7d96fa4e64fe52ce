"""What goes wrong around a run: files that vanish, outputs that close, hooks that hang."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

WAITS = 'task("t"):command(function() fs.write("on", "") sleep("%s") state.resource{type="r", name="n"} end)'


def wait_for_file(sloth: Any, name: str) -> None:
    deadline = time.monotonic() + 10
    while not (sloth.folder / name).exists():
        assert time.monotonic() < deadline, "it did not start in time"
        time.sleep(0.02)


# -- looking at a file -----------------------------------------------------------------------


@pytest.mark.parametrize("command", ["validate", "list"])
def test_looking_at_a_file_changes_nothing(sloth: Any, command: str) -> None:
    sloth.write("keep", "content")
    sloth.write(
        "look.sloth",
        """
        os.remove("keep")
        os.rename("keep", "moved")
        os.execute("touch executed")
        io.open("opened", "w"):close()
        io.popen("touch popened"):close()
        fs.write("written", "")
        fs.rm("keep")
        exec.run("touch ran")
        state.set("k", 1)
        task("t"):command("true")
        """,
    )
    before = {path.name: path.read_bytes() for path in sloth.folder.iterdir()}
    result = sloth(command, "look.sloth")
    assert result.returncode == 0, result.stderr
    assert {path.name: path.read_bytes() for path in sloth.folder.iterdir()} == before


def test_an_error_that_comes_from_doing_nothing_says_so(sloth: Any) -> None:
    sloth.write(
        "v.sloth",
        'local v = exec.run("echo v1").stdout:match("v(%d)") + 1\ntask("t"):command("true")',
    )
    result = sloth("validate", "v.sloth")
    assert result.returncode == 1
    assert "Hint: Looking at a file changes nothing, so exec.run did nothing" in result.stderr
    assert sloth("run", "v.sloth").returncode == 0


@pytest.mark.parametrize("call", ["cleanup", "recreate"])
@pytest.mark.parametrize("workdir", ["", ':workdir(".")', ':workdir("..")'])
def test_a_task_cannot_delete_a_folder_that_is_not_its_own(
    sloth: Any, call: str, workdir: str
) -> None:
    script = f'task("t"){workdir}:command(function(this) this.workdir.{call}() end)'
    result = sloth("run", sloth.write("c.sloth", script))
    assert result.returncode == 1
    assert f"c.sloth:1: this.workdir.{call}: the task has no folder of its own" in result.stderr
    assert (sloth.folder / "c.sloth").exists()


def test_a_task_can_delete_the_folder_it_named(sloth: Any) -> None:
    sloth.write(
        "c.sloth",
        """task("t"):workdir("work"):command(function(this)
          assert(this.workdir.ensure()) fs.write("x", "") this.workdir.recreate()
          assert(not fs.exists("x")) this.workdir.cleanup()
        end)""",
    )
    result = sloth("run", "c.sloth")
    assert result.returncode == 0, result.stderr
    assert not (sloth.folder / "work").exists()


# -- the store's file ------------------------------------------------------------------------


@pytest.mark.parametrize("mishap", ["removed", "replaced"])
def test_a_store_that_vanishes_under_a_run_is_no_success(sloth: Any, mishap: str) -> None:
    process = sloth.start("run", sloth.write("w.sloth", WAITS % "500ms"))
    wait_for_file(sloth, "on")
    os.unlink(sloth.folder / "state.db")
    if mishap == "replaced":
        sloth.write("state.db", "something else")
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 6
    assert "was removed, moved or replaced while it was in use" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("size", ["60k", "120k", "180k", "240k"])
def test_a_disk_too_small_for_a_new_store_is_full_and_not_damaged(sloth: Any, size: str) -> None:
    sloth.write("w.sloth", 'task("t"):command("true")')
    script = f"""
    mkdir disk && mount -t tmpfs -o size={size} none disk
    run() {{ "$PYTHON" -m sloth_runner run w.sloth -q --state disk/s.db; echo "exit $?"; }}
    run; mount -o remount,size=20m disk; run
    """
    result = subprocess.run(
        ["unshare", "-rm", "bash", "-c", script],
        cwd=sloth.folder,
        env={**sloth.environment, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in result.stdout.splitlines() if not line.startswith(" ")]
    assert [line for line in lines if line.startswith("exit")] == ["exit 6", "exit 0"]
    assert re.search("no room left on its disk|the disk is full", result.stderr)
    assert "Traceback" not in result.stderr


# -- time ------------------------------------------------------------------------------------

HANGS = {
    "on_success": ':on_success(function() while true do end end):command("true")',
    "on_complete": ':on_complete(function() sleep(60) end):command("true")',
    "run_if": ':run_if("sleep 60"):command("true")',
    "abort_if": ':abort_if(function() while true do end end):command("true")',
    "pre_hook": ':pre_hook(function() sleep(60) end):command("true")',
}


@pytest.mark.parametrize("hook", HANGS)
def test_the_timeout_of_a_task_bounds_its_hooks_and_conditions(sloth: Any, hook: str) -> None:
    sloth.write("h.sloth", f'task("t"):timeout("200ms"){HANGS[hook]}')
    started = time.monotonic()
    result = sloth("run", "h.sloth")
    assert time.monotonic() - started < 5
    assert "took longer than its timeout of 0.2 s" in result.stdout + result.stderr
    assert result.returncode == (0 if hook == "on_complete" else 1)


def test_the_timeout_of_a_workflow_stops_busy_hooks_too(sloth: Any) -> None:
    sloth.write(
        "h.sloth",
        """
        local busy = task("busy"):command("true"):on_success(function() while true do end end)
        local later = task("later"):depends_on(busy):command("true")
        workflow("h"):tasks { busy, later }:config { timeout = "300ms" }
          :on_complete(function(ok, results) log.info("seen", ok, results.busy.status, results.later.status) end)
        """,
    )
    result = sloth("run", "h.sloth")
    assert result.returncode == 1
    assert "| seen false failed skipped" in result.stdout
    tasks = sloth.json("state", "workflow", "show", "h")["tasks"]
    assert [task["status"] for task in tasks] == ["failed", "skipped"]


@pytest.mark.parametrize(
    "where",
    [
        'task("t"):timeout(0):command("true")',
        'workflow("w"):tasks{task("t"):command("true")}:config{timeout="0s"}',
    ],
)
def test_a_timeout_of_nothing_is_refused(sloth: Any, where: str) -> None:
    result = sloth("validate", sloth.write("z.sloth", where))
    assert result.returncode == 1
    assert "must be more than 0" in result.stderr


# -- stopping --------------------------------------------------------------------------------


def test_a_closed_terminal_ends_a_run_like_ctrl_c(sloth: Any) -> None:
    process = sloth.start("run", sloth.write("w.sloth", WAITS % "60s"))
    wait_for_file(sloth, "on")
    process.send_signal(signal.SIGHUP)
    _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (130, "Error: interrupted by SIGHUP\n")


def test_a_stopped_run_tells_of_all_its_tasks(sloth: Any) -> None:
    sloth.write("w.sloth", f'{WAITS % "60s"}\ntask("u"):depends_on("t"):command("true")')
    process = sloth.start("run", "w.sloth")
    wait_for_file(sloth, "on")
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=10)
    assert "  Tasks      1 failed, 1 skipped\n" in output
    tasks = sloth.json("state", "workflow", "show", "w")["tasks"]
    assert [(task["status"], task["error_msg"]) for task in tasks] == [
        ("failed", "interrupted by Ctrl-C"),
        ("skipped", "not started, because the run was interrupted"),
    ]


def test_after_a_kill_no_task_is_left_running(sloth: Any) -> None:
    process = sloth.start("run", sloth.write("w.sloth", WAITS % "60s"))
    wait_for_file(sloth, "on")
    process.kill()
    process.communicate()
    (task,) = sloth.json("state", "workflow", "show", "w")["tasks"]
    assert (task["status"], task["error_msg"]) == ("failed", "interrupted: the run ended before it")
    assert sloth.json("state", "workflow", "verify")["ok"] is True


def test_an_error_in_on_start_is_named_and_runs_no_task(sloth: Any) -> None:
    sloth.write(
        "s.sloth",
        """workflow("s"):tasks{task("t"):command("touch ran")}:on_start(function() error("no") end)
          :on_complete(function(ok) log.info("complete", ok) end)""",
    )
    result = sloth("run", "s.sloth")
    assert result.returncode == 1
    assert result.stderr.startswith("Error: on_start: s.sloth:1: no\n")
    assert "| complete false" in result.stdout
    assert not (sloth.folder / "ran").exists()


# -- outputs and arguments -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("redirection", "told"),
    [
        (">/dev/full", "Note: the output cannot be written: No space left on device\n"),
        ("-o json >/dev/full", "Note: the output cannot be written: No space left on device\n"),
        (">&-", ""),
        ("| head -1 >/dev/null", ""),
        ("-o json | head -1 >/dev/null", ""),
    ],
)
def test_a_run_goes_on_when_its_output_cannot_be_written(
    sloth: Any, redirection: str, told: str
) -> None:
    sloth.write("o.sloth", 'task("t"):command(function() for i = 1, 3000 do log.info(i) end end)')
    result = subprocess.run(
        [
            *("bash", "-o", "pipefail", "-c"),
            f'"$0" -m sloth_runner run o.sloth {redirection}',
            sys.executable,
        ],
        cwd=sloth.folder,
        env=sloth.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, told)
    assert sloth.json("state", "workflow", "show", "o")["status"] == "success"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("state", "workflow", "show", "\udcff"), 2, "is not valid UTF-8 text"),
        (("run", "t.sloth", "--set", "a." * 2000 + "b=1"), 2, "nested deeper than 100 levels"),
        (("run", "", "--file", "t.sloth"), 2, "the name of the file or of the state is empty"),
        (("run", "app@3", "--file", "t.sloth"), 2, "would mean version 3 of 'app'"),
    ],
    ids=["not UTF-8", "deep --set", "empty name", "name@N"],
)
def test_a_bad_argument_is_one_clear_error(
    sloth: Any, arguments: tuple[str, ...], code: int, message: str
) -> None:
    sloth.write("t.sloth", 'task("t"):command("true")')
    sloth("run", "t.sloth")
    result = sloth(*arguments)
    assert result.returncode == code
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert len(sloth.json("state", "workflow", "list")) == 1
