"""Sees to it that commands end with the runner, even when it is killed.

A killed process cannot end its children, so a small process beside it does. It reads from a pipe
which process groups run, and the end of the pipe is the end of the runner, however that came. Linux
could signal a child when its parent dies (PR_SET_PDEATHSIG), but not the child's own children.

A command runs a moment before the runner learns its process id. If the runner is killed in that
moment, it finds the command by a mark in its environment.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress

MARK = "SLOTH_RUNNER_COMMAND"
"""The variable that tells a command of this process from others."""

_WATCH = f"""
$1 == "start" {{ starting[$2] }}
$1 == "run" {{ groups[$2]; delete starting[$3] }}
$1 == "end" {{ delete groups[$2] }}
END {{
  for (group in groups) targets = targets " -" group
  if (targets) system("kill -s KILL --" targets)
  for (mark in starting) marks = marks " -e {MARK}=" mark
  if (marks) system("for found in $(grep -lzxF" marks " /proc/[0-9]*/environ); do " \\
    "found=${{found#/proc/}}; kill -s KILL -- -${{found%/environ}}; done")
}}
"""
"""An awk program, because that reads many lines at once; a shell takes one byte at a time."""


class ProcessGroups:
    """The process groups that this process has started and that still run.

    They are killed at once when this process is gone. What watches is started with the first of
    them, in a session of its own, and ends with this process too.
    """

    def __init__(self) -> None:
        self._groups: set[int] = set()
        self._pipe: int | None = None
        self._count = 0

    def announce(self) -> str:
        """A group is about to be started: what `MARK` must be in its environment."""
        self._count += 1
        mark = f"{os.getpid()}.{self._count}"
        self._tell(f"start {mark}")
        return mark

    def add(self, group: int, mark: str) -> None:
        """It was started."""
        self._groups.add(group)
        with suppress(OSError):  # it runs, and whoever watches next is told of it
            self._tell(f"run {group} {mark}")

    def remove(self, group: int) -> None:
        """A group is over. What it left in the background goes on."""
        if group in self._groups:
            self._groups.remove(group)
            with suppress(OSError):  # it is over, and whoever watches next is not told of it
                self._tell(f"end {group}")

    def kill_all(self) -> None:
        """SIGKILL all of them. Any thread may call it."""
        for group in list(self._groups):
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)

    def _tell(self, line: str) -> None:
        """Tell what watches; start it, anew if somebody has ended it. Raises OSError if it cannot
        be started, and tries again the next time."""
        if self._pipe is None or not _write(self._pipe, line):
            if self._pipe is not None:
                os.close(self._pipe)
                self._pipe = None
            self._pipe = _start_watching()
            for group in self._groups:
                _write(self._pipe, f"run {group}")
            _write(self._pipe, line)


def _start_watching() -> int:
    """The end of a pipe to a new watching process."""
    reader, writer = os.pipe()
    try:
        os.posix_spawnp(
            "awk",
            ["awk", _WATCH],
            {"PATH": os.defpath},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, reader, 0),
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ],
            setsid=True,
        )
    except OSError:
        os.close(writer)
        raise
    finally:
        os.close(reader)
    return writer


def _write(pipe: int, line: str) -> bool:
    try:
        os.write(pipe, f"{line}\n".encode())
    except BrokenPipeError:
        return False
    return True
