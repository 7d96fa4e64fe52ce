"""Many tasks: what scheduling one costs, commands beside each other, channels, memory."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import recording
from measure import Figure, seconds

from sloth_runner import RunRequest, run_file
from sloth_state import open_store

LAYERS = 10
TRIES = 5
COMMANDS = 200
AT_ONCE = 50
SENDS = 100_000
WAITING = 10_000
CHANNEL = f"""
local channel, sum = goroutine.channel(), 0
task("send"):command(function() for i = 1, {SENDS} do channel:send(i) end channel:close() end)
task("receive"):command(function() channel:range(function(value) sum = sum + value end) end)
"""


class Finished(NamedTuple):
    """A run in a process of its own."""

    seconds: float
    """From the first task's start to the last one's end."""
    megabytes: float
    """The most that the process held."""


def figures(folder: Path) -> list[Figure]:
    """Overhead of a task, and how it grows; `sleep` by the dozen; sends a second; memory."""
    thousand, ten_thousand = _layered(folder, 1000), _layered(folder, 10_000)
    writes = _seconds_of_writes(thousand, folder)
    of_thousand = statistics.median(_run(thousand, folder).seconds for _ in range(TRIES)) / 1000
    of_ten_thousand = _run(ten_thousand, folder).seconds / 10_000
    return [
        Figure("a task, over its two durable writes", (of_thousand - writes) * 1000, "ms", 0.2),
        Figure("a task of 10,000 / of 1,000", of_ten_thousand / of_thousand, "x", 1.2),
        Figure("200 commands, 50 at a time / xargs", _commands(folder), "x", 1.3),
        Figure("sends from task to task", SENDS / _channel_seconds(folder), "/s", at_least=300_000),
        Figure("memory of 10,000 waiting tasks", _waiting_megabytes(folder), "MB", 200),
    ]


def _layered(folder: Path, count: int) -> Path:
    """A script of that many empty tasks, each of which depends on one of the layer before."""
    width = count // LAYERS
    lines = []
    for number in range(count):
        needs = f':depends_on("t{number - width}")' if number >= width else ""
        lines.append(f'task("t{number}"):command(function() end){needs}')
    return _script(folder, f"layered-{count}", "\n".join(lines))


def _script(folder: Path, name: str, source: str) -> Path:
    path = folder / f"{name}.sloth"
    path.write_text(source)
    return path


def _run(script: Path, folder: Path, *options: str) -> Finished:
    database = folder / f"{script.stem}.db"
    database.unlink(missing_ok=True)
    environment = {**os.environ, "SLOTH_RUNNER_STATE": str(database)}
    command = [sys.executable, "-m", "sloth_runner", "run", str(script), "-q", *options]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    with open_store(str(database)) as store:
        tasks = store.tasks(store.runs(limit=1)[0].id)
    started = min(task.started_at for task in tasks if task.started_at)
    ended = max(task.ended_at for task in tasks if task.ended_at)
    return Finished((ended - started).total_seconds(), usage.ru_maxrss / 1024)


def _seconds_of_writes(script: Path, folder: Path) -> float:
    """Seconds a task of the same transactions in bare apsw."""
    database, empty = folder / "traced.db", folder / "empty.db"
    with open_store(str(database)):
        pass
    shutil.copy(database, empty)
    with recording.traced() as statements, open_store(str(database)) as store:
        run_file(store, RunRequest(str(script)))
    transactions = recording.transactions(statements)
    taken = []
    for number in range(TRIES):
        copy = folder / f"bare-tasks-{number}.db"
        shutil.copy(empty, copy)
        taken.append(recording.replay(copy, transactions, "INSERT INTO workflow_tasks") / 1000)
    return statistics.median(taken)


def _commands(folder: Path) -> float:
    source = f"""
    for number = 1, {COMMANDS} do
      task("t" .. number):command(function() exec.run("sleep 0.1") end)
    end
    """
    script = _script(folder, "commands", source)
    numbers = "\n".join(map(str, range(COMMANDS))).encode()
    xargs = ["xargs", "-P", str(AT_ONCE), "-I{}", "bash", "-c", "sleep 0.1"]
    ratios = []
    for _ in range(TRIES):
        ours = _run(script, folder, "--max-parallel", str(AT_ONCE)).seconds
        ratios.append(ours / seconds(lambda: subprocess.run(xargs, input=numbers, check=True)))
    return statistics.median(ratios)


def _channel_seconds(folder: Path) -> float:
    script = _script(folder, "channel", CHANNEL)
    return statistics.median(_run(script, folder).seconds for _ in range(TRIES))


def _waiting_megabytes(folder: Path) -> float:
    source = f'for i = 1, {WAITING} do task("t" .. i):command(function() sleep(15) end) end'
    script = _script(folder, "waiting", source)
    return _run(script, folder, "--max-parallel", str(WAITING)).megabytes
