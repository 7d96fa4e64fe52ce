"""Processes that write to one store at the same time, each to a workflow of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from measure import Figure

from sloth_runner import Execution
from sloth_state import open_store

PROCESSES = 8
SECONDS = 10.0


class Share(NamedTuple):
    """What one process got."""

    writes: int
    longest: float
    """Seconds that a write took, its turn awaited."""


def figures(folder: Path) -> list[Figure]:
    """The longest wait of any write, and how unequal the shares are."""
    database = folder / "contended.db"
    open_store(str(database)).close()
    command = [sys.executable, __file__, str(database)]
    processes = [
        subprocess.Popen(
            [*command, f"workflow-{number}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    shares = _shares(processes)
    writes = [share.writes for share in shares]
    with open_store(str(database)) as store:
        kept = [len(store.resources(f"workflow-{number}")) for number in range(PROCESSES)]
    assert kept == writes
    longest = max(share.longest for share in shares)
    return [
        Figure("8 processes write for 10 s: the longest wait", longest * 1000, "ms", 250),
        Figure(
            "8 processes write for 10 s: most writes / fewest", max(writes) / min(writes), "x", 2
        ),
        Figure("8 processes write for 10 s: writes together", sum(writes) / SECONDS, "/s"),
    ]


def _shares(processes: list[subprocess.Popen[str]]) -> list[Share]:
    """Of processes that all begin when the last one is ready."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    shares = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        told, _ = process.communicate()
        assert process.returncode == 0
        shares.append(Share(*json.loads(told)))
    return shares


def _write(database: str, workflow: str) -> Share:
    longest, writes = 0.0, 0
    with open_store(database) as store, Execution(store, workflow) as run:
        print("ready", flush=True)
        sys.stdin.readline()
        now = time.perf_counter()
        end = now + SECONDS
        while now < end:
            run.record("file", f"file-{writes}", {"path": f"/etc/file-{writes}"})
            before, now = now, time.perf_counter()
            longest, writes = max(longest, now - before), writes + 1
    return Share(writes, longest)


if __name__ == "__main__":
    print(json.dumps(_write(*sys.argv[1:])))
