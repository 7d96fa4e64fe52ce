"""Commands as children: how they end, what is kept of them, and what they leave behind."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sloth_runner import children as children_module
from sloth_runner.command import Command, CommandResult
from sloth_runner.errors import WorkflowError
from sloth_runner.secrets import Secrets
from sloth_runner.subprocesses import CAPTURE_LIMIT, run_command


def run(text: str, **options: Any) -> CommandResult:
    return asyncio.run(run_command(Command(text, **{"workdir": "/", **options})))


def is_gone(pid: int, seconds: float = 5) -> bool:
    """Whether a process ends in time; a zombie counts as ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state in "ZX":
            return True
        time.sleep(0.01)
    return False


def pid_in(path: Path, seconds: float = 5) -> int:
    deadline = time.monotonic() + seconds
    while not (path.exists() and path.read_text().strip()):
        assert time.monotonic() < deadline, "the child did not start"
        time.sleep(0.01)
    return int(path.read_text())


# -- results ---------------------------------------------------------------------------------------

ENDS = {
    "true": (0, b"", b"", None),
    "exit 3": (3, b"", b"", "exit code 3"),
    "echo out; echo err >&2": (0, b"out\n", b"err\n", None),
    "echo err >&2; exit 1": (1, b"", b"err\n", "exit code 1: err"),
    "printf 'a\\n\\n  last  \\n \\n' >&2; exit 255": (
        255,
        b"",
        b"a\n\n  last  \n \n",
        "exit code 255: last",
    ),
    "kill -KILL $$": (137, b"", b"", "exit code 137"),
    "kill -USR1 $$": (138, b"", b"", "exit code 138"),
    "kill -SEGV $$": (139, b"", b"", "exit code 139"),
    "printf '\\0\\377'": (0, b"\0\xff", b"", None),
    "cat": (0, b"", b"", None),
    "exec 1>&- 2>&-; exit 4": (4, b"", b"", "exit code 4"),
}


@pytest.mark.parametrize("text", ENDS)
def test_a_command_ends_as_shells_say_it(text: str) -> None:
    result = run(text)
    assert (result.exit_code, result.stdout, result.stderr, result.problem) == ENDS[text]
    assert 0 <= result.duration < 5


def test_a_long_complaint_is_cut(tmp_path: Path) -> None:
    assert run("printf '%0600d' 1 >&2; exit 1").problem == f"exit code 1: {'0' * 500}"


def test_a_secret_is_taken_out_of_a_complaint_before_that_is_cut() -> None:
    text = "printf '%0495dcorrect-horse' 0 >&2; exit 1"
    problem = run(text, secrets=Secrets({"password": "correct-horse"})).problem
    assert problem == f"exit code 1: {'0' * 495}***"


def test_a_shell_that_does_not_know_a_command_says_so() -> None:
    result = run("no-such-command")
    assert result.exit_code == 127
    assert result.problem is not None
    assert "no-such-command: command not found" in result.problem


def test_the_environment_is_inherited_and_added_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A", "old")
    monkeypatch.setenv("B", "kept")
    assert run('echo "$A $B"', environment={"A": "new"}).stdout == b"new kept\n"


def told_of(text: str, *secrets: str) -> list[tuple[str, list[str]]]:
    """What the listener of a command with these secrets hears, by piece."""
    told: list[tuple[str, list[str]]] = []
    known = Secrets({str(number): secret for number, secret in enumerate(secrets)})
    run(text, on_lines=lambda stream, lines: told.append((stream, lines)), secrets=known)
    return told


def test_output_is_told_as_it_comes() -> None:
    assert sorted(told_of("echo a; echo b >&2")) == [("stderr", ["b"]), ("stdout", ["a"])]


def test_only_whole_lines_are_told_and_the_last_one_at_the_end() -> None:
    pieces = told_of("printf 'a b'; sleep 0.2; printf ' c\\n\\n\\nnext '; sleep 0.2; printf line")
    assert pieces == [("stdout", ["a b c"]), ("stdout", ["next line"])]
    assert told_of("printf 'sure? '; sleep 60 & sleep 0.1") == [("stdout", ["sure? "])]


def test_each_state_of_a_progress_bar_is_a_line() -> None:
    assert told_of("printf '10%%\\r20%%\\r100%%\\n'") == [("stdout", ["10%", "20%", "100%"])]


def test_a_line_without_end_is_told_in_parts_that_never_part_a_secret() -> None:
    secret = "correct-horse"
    text = f"for i in {{1..9000}}; do printf 'x%.0s{secret}' 1; done"
    told = told_of(text, secret)
    assert len(told) > 2
    known = Secrets({"password": secret})
    parts = [known.masked(line) for _, lines in told for line in lines]
    assert "".join(parts).replace("x***", "") == ""
    assert "".join(parts).count("x") == 9000


# -- standard input ----------------------------------------------------------------------------------


def test_any_bytes_are_fed_to_standard_input() -> None:
    data = bytes(range(256)) * 4096
    assert run("cat", stdin=data).stdout == data
    assert run("wc -c", stdin=b"").stdout.strip() == b"0"


def test_a_command_need_not_read_its_input() -> None:
    result = run("exec 0<&-; echo done", stdin=b"x" * 5_000_000)
    assert (result.stdout, result.exit_code) == (b"done\n", 0)


# -- timeouts --------------------------------------------------------------------------------------


def test_a_timeout_ends_the_whole_group_even_those_that_ignore_it(tmp_path: Path) -> None:
    """The leader ends at SIGTERM, its child does not and is killed."""
    text = f"(trap '' TERM; echo $BASHPID > {tmp_path}/stubborn; while true; do sleep 60 & wait; done) & sleep 60"
    started = time.monotonic()
    result = run(text, timeout=0.3)
    assert time.monotonic() - started < 3
    assert (result.exit_code, result.problem) == (124, "timed out after 0.3 s")
    assert is_gone(pid_in(tmp_path / "stubborn"))


def test_a_command_that_ignores_the_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sloth_runner.subprocesses.KILL_AFTER_SECONDS", 0.2)
    started = time.monotonic()
    result = run("trap '' TERM; echo early; while true; do sleep 60 & wait; done", timeout=0.2)
    assert 0.4 <= time.monotonic() - started < 3
    assert (result.exit_code, result.stdout) == (124, b"early\n")


def test_a_command_may_clean_up_when_its_time_is_over(tmp_path: Path) -> None:
    result = run(f"trap 'echo cleaned > {tmp_path}/x; exit' TERM; sleep 60 & wait", timeout=0.2)
    assert result.exit_code == 124
    assert (tmp_path / "x").read_text() == "cleaned\n"


def test_a_cancelled_command_is_ended_with_its_children(tmp_path: Path) -> None:
    async def cancel() -> None:
        text = f"(trap '' TERM; echo $BASHPID > {tmp_path}/child; while true; do sleep 60 & wait; done) & wait"
        running = asyncio.create_task(run_command(Command(text, "/")))
        while not (tmp_path / "child").exists():
            await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(cancel())
    assert is_gone(pid_in(tmp_path / "child"))


def test_a_command_can_be_cancelled_at_any_moment_of_its_start() -> None:
    async def cancel_after(turns: int) -> None:
        running = asyncio.create_task(run_command(Command("sleep 60 & sleep 60", "/")))
        for _ in range(turns):
            await asyncio.sleep(0)
            time.sleep(0.01)  # the loop is busy, and the command goes on
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            async with asyncio.timeout(10):
                await running
        assert children() == watching

    def children() -> list[str]:
        return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()

    run("true")
    watching = children()
    for turns in range(9):
        asyncio.run(cancel_after(turns))


# -- children in the background ------------------------------------------------------------------------


def test_a_child_in_the_background_does_not_hold_the_command_up(tmp_path: Path) -> None:
    started = time.monotonic()
    result = run(f"sleep 60 & echo $! > {tmp_path}/child; echo started")
    assert time.monotonic() - started < 2
    assert (result.stdout, result.exit_code) == (b"started\n", 0)
    os.kill(pid_in(tmp_path / "child"), 9)  # it goes on until somebody ends it


def test_a_child_in_the_background_that_keeps_writing_does_not_either(tmp_path: Path) -> None:
    started = time.monotonic()
    text = f"(trap '' PIPE; while true; do echo again; sleep 0.02; done) & echo $! > {tmp_path}/child; echo started"
    result = run(text)
    assert time.monotonic() - started < 4
    assert b"started\n" in result.stdout
    os.kill(pid_in(tmp_path / "child"), 9)


def test_what_is_still_in_the_pipe_is_read() -> None:
    assert run("head -c 60000 /dev/zero").stdout == b"\0" * 60000


# -- limits ----------------------------------------------------------------------------------------


def test_two_hundred_megabytes_of_output_take_bounded_memory() -> None:
    """In a process of its own: what is kept, once while it grows and once as the result."""
    program = f"""
import asyncio, resource
from sloth_runner.command import Command
from sloth_runner.subprocesses import run_command

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

async def main():
    before = peak()
    result = await run_command(Command("head -c 200M /dev/zero; head -c 100 /dev/zero >&2", "/"))
    print(result.exit_code, len(result.stdout), len(result.stderr), peak() - before < 2.5 * {CAPTURE_LIMIT})

asyncio.run(main())
"""
    child = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert child.stdout.split() == ["0", str(CAPTURE_LIMIT), "100", "True"]


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    run("true")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(10):
        run("echo x; echo y >&2", stdin=b"z")
        with pytest.raises(WorkflowError):
            run("true", workdir=f"{tmp_path}/none")
    assert len(os.listdir("/proc/self/fd")) == before


# -- what cannot be started ----------------------------------------------------------------------------

NEVER_STARTED: dict[str, tuple[dict[str, Any], str]] = {
    "missing folder": ({"workdir": "/none"}, "the folder /none to run the command in does not exist"),
    "file as folder": ({"workdir": "/etc/passwd"}, "the folder /etc/passwd to run the command in does not exist"),
    "unknown user": ({"user": "nobody-at-all"}, "there is no user 'nobody-at-all' to run the command as"),
    "bad name of a variable": ({"environment": {"A=B": "x"}}, "the command cannot be started: illegal environment variable name"),
    "bad value of a variable": ({"environment": {"A": "\0"}}, "the command cannot be started: embedded null byte"),
    "too many arguments": ({"environment": {"A": "x" * 200_000}}, f"the command cannot be started: [Errno 7] Argument list too long: '{shutil.which('bash')}'"),
}  # fmt: skip


@pytest.mark.parametrize("case", NEVER_STARTED)
def test_a_command_that_cannot_start_says_why(case: str) -> None:
    options, message = NEVER_STARTED[case]
    with pytest.raises(WorkflowError) as caught:
        run("true", **options)
    assert caught.value.message == message


def test_a_machine_without_processes_to_spare_is_told_of() -> None:
    """In a process of its own, as somebody whose number of processes can be limited."""
    program = """
import asyncio, os, resource
from sloth_runner.errors import WorkflowError
from sloth_runner.secrets import Secrets
from sloth_runner.command import Command
from sloth_runner.subprocesses import run_command
resource.setrlimit(resource.RLIMIT_NOFILE, (12, 12))
held = []
try:
    while True: held.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    os.close(held.pop())
    os.close(held.pop())
    os.close(held.pop())
    os.close(held.pop())
try:
    asyncio.run(run_command(Command("true", "/")))
except WorkflowError as error:
    print(error.message)
"""
    child = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert child.stdout == "the command cannot be started: [Errno 24] Too many open files\n", (
        child.stderr[-500:]
    )


def test_a_command_ends_although_what_watches_it_is_gone_and_cannot_be_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run("true")
    with monkeypatch.context() as patch:
        patch.setattr(children_module, "_start_watching", no_more_processes)
        result = run("pkill -KILL -P $PPID awk; sleep 0.1; echo done")
        assert (result.stdout, result.exit_code) == (b"done\n", 0)
        with pytest.raises(WorkflowError, match=r"cannot be started: .*temporarily unavailable"):
            run("true")
    assert run("echo again").stdout == b"again\n"


def no_more_processes() -> int:
    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))


def test_the_limits_of_this_process_are_inherited() -> None:
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == int(run("ulimit -n").stdout)
