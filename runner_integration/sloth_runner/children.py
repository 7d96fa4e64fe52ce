"""Sees to it that commands end with the runner, even when it is killed.

A killed process cannot end its children, so a small shell beside it does. It reads from a pipe
which process groups run, and the end of the pipe is the end of the runner, however that came. Linux
could signal a child when its parent dies (PR_SET_PDEATHSIG), but not the child's own children.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress

_WATCH = """
declare -A groups
while read -r change group; do
  if [[ $change == + ]]; then groups[$group]=1; else unset "groups[$group]"; fi
done
for group in "${!groups[@]}"; do kill -KILL -- "-$group"; done
"""


class ProcessGroups:
    """The process groups that this process has started and that still run.

    They are killed at once when this process is gone. The watching shell is started with the first
    of them, in a session of its own, and ends with this process too.
    """

    def __init__(self) -> None:
        self._groups: set[int] = set()
        self._pipe: int | None = None

    def add(self, group: int) -> None:
        """A group was started."""
        self._groups.add(group)
        if self._pipe is None or not _tell(self._pipe, f"+ {group}\n"):
            self._watch()

    def remove(self, group: int) -> None:
        """A group is over. What it left in the background goes on."""
        self._groups.discard(group)
        if self._pipe is not None:
            _tell(self._pipe, f"- {group}\n")

    def kill_all(self) -> None:
        """SIGKILL all of them. Any thread may call it."""
        for group in list(self._groups):
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)

    def _watch(self) -> None:
        """Start the watching shell, anew if somebody has ended it."""
        if self._pipe is not None:
            os.close(self._pipe)
        self._pipe = _start_watching()
        for group in self._groups:
            _tell(self._pipe, f"+ {group}\n")


def _start_watching() -> int:
    """The end of a pipe to a new shell."""
    reader, writer = os.pipe()
    os.posix_spawnp(
        "bash",
        ["bash", "-c", _WATCH],
        {},
        file_actions=[
            (os.POSIX_SPAWN_DUP2, reader, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ],
        setsid=True,
    )
    os.close(reader)
    return writer


def _tell(pipe: int, line: str) -> bool:
    try:
        os.write(pipe, line.encode())
    except BrokenPipeError:
        return False
    return True
