"""Commands of a runner that is killed: they end with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

STUBBORN = """
trap '' TERM HUP INT
(while sleep 0.02; do date +%s%N > beat; done) &
echo $$ > pid
wait
"""


def start(sloth: Any, source: str, *waits_for: str) -> subprocess.Popen[str]:
    """A run that has come so far that these files are there."""
    process: subprocess.Popen[str] = sloth.start("run", sloth.write("t.sloth", source))
    deadline = time.monotonic() + 20
    while not all((sloth.folder / name).exists() for name in waits_for):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process


def beats(sloth: Any) -> bool:
    """Whether the command still does something."""
    path: Path = sloth.folder / "beat"
    before = path.read_text()
    time.sleep(0.3)
    return path.read_text() != before


def members(group: int) -> list[int]:
    """Living processes of a process group."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, pgrp = stat.read_text().rpartition(")")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(pgrp) == group and state not in "ZX":
            found.append(int(stat.parent.name))
    return found


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT])
def test_a_killed_runner_takes_its_commands_and_their_children_with_it(
    sloth: Any, number: signal.Signals
) -> None:
    sloth.write("stubborn", STUBBORN)
    source = 'task("t"):command(function() exec.run("bash stubborn") end)'
    process = start(sloth, source, "beat", "pid")
    assert beats(sloth)
    group = os.getpgid(int((sloth.folder / "pid").read_text()))
    process.send_signal(number)
    process.communicate()
    deadline = time.monotonic() + 5
    while members(group) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert members(group) == []
    assert not beats(sloth)


def test_all_commands_that_run_end_with_a_killed_runner(sloth: Any) -> None:
    source = "".join(
        f'task("t{n}"):command("echo $$ > pid{n}; echo x >> started; sleep 60; echo x >> late")\n'
        for n in range(3)
    )
    source += 'workflow.define("w"):tasks({ "t0", "t1", "t2" }):config({ max_parallel_tasks = 3 })'
    process = start(sloth, source, "pid0", "pid1", "pid2")
    kill(process)
    groups = [int((sloth.folder / f"pid{n}").read_text()) for n in range(3)]
    deadline = time.monotonic() + 5
    while any(map(members, groups)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [members(group) for group in groups] == [[], [], []]
    sloth.write("next.sloth", 'task("t"):command("true")')
    assert sloth("run", "w", "--file", "next.sloth").returncode == 0
    assert not (sloth.folder / "late").exists()


def test_a_command_whose_process_id_the_runner_has_not_learned_yet_ends_with_it(
    tmp_path: Path,
) -> None:
    program = """
import asyncio, os, signal
from sloth_runner import subprocesses
from sloth_runner.command import Command
from sloth_runner.subprocesses import run_command

def killed(group, mark):
    while not os.path.exists("pid"):
        pass
    os.kill(os.getpid(), signal.SIGKILL)

subprocesses.groups.add = killed
asyncio.run(run_command(Command("(sleep 60; true) & echo $$ > pid; wait", ".")))
"""
    result = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=False)
    assert result.returncode == -signal.SIGKILL
    group = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 5
    while members(group) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert members(group) == []


def test_what_an_ended_command_left_in_the_background_outlives_a_killed_runner(
    sloth: Any,
) -> None:
    background = "(while sleep 0.02; do date +%s%N > beat; done) & echo $! > pid"
    source = f"""task("t"):command(function()
      exec.run("{background}")
      fs.write("waiting", "")
      sleep(60)
    end)"""
    process = start(sloth, source, "beat", "pid", "waiting")
    kill(process)
    try:
        assert beats(sloth)
    finally:
        os.kill(int((sloth.folder / "pid").read_text()), signal.SIGKILL)


def test_a_watching_process_that_was_ended_is_replaced(tmp_path: Path) -> None:
    program = """
import asyncio, os, signal, sys, time
from pathlib import Path
from sloth_runner.command import Command
from sloth_runner.subprocesses import run_command

def watchers():
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [int(c) for c in children if b"delete starting" in Path(f"/proc/{c}/cmdline").read_bytes()]

async def main():
    first = asyncio.ensure_future(run_command(Command("echo $$ > first; sleep 60", ".")))
    while not Path("first").exists() or not watchers(): await asyncio.sleep(0.01)
    (watcher,) = watchers()
    os.kill(watcher, signal.SIGKILL)
    await asyncio.sleep(0.1)
    second = asyncio.ensure_future(run_command(Command("echo $$ > second; sleep 60", ".")))
    while not Path("second").exists(): await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
    result = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=False)
    assert result.returncode == -signal.SIGKILL
    groups = [int((tmp_path / name).read_text()) for name in ("first", "second")]
    deadline = time.monotonic() + 5
    while any(map(members, groups)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [members(group) for group in groups] == [[], []]


def watching_processes(parent: int) -> list[int]:
    """Children of a runner that look after its process groups."""
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [
        int(pid)
        for pid in listed
        if b"delete starting" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def test_the_watching_process_ends_with_the_runner(sloth: Any) -> None:
    source = 'task("t"):command("echo $PPID > runner; sleep 2")'
    process = start(sloth, source, "runner")
    parent = int((sloth.folder / "runner").read_text())
    watching = watching_processes(parent)
    deadline = time.monotonic() + 5
    while not watching and time.monotonic() < deadline:  # it starts beside the command
        watching = watching_processes(parent)
    assert len(watching) == 1
    process.communicate()
    deadline = time.monotonic() + 5
    while members(watching[0]) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert members(watching[0]) == []
