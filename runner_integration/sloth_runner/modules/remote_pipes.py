"""What `io.popen` does in a task that runs on another machine."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from sloth_runner.errors import WorkflowError
from sloth_runner.subprocesses import run_command

if TYPE_CHECKING:
    from sloth_runner.command import Command, CommandResult


class RemotePipe:
    """A command on another machine. What it writes can be read when it is over."""

    def __init__(self, command: Command, mode: str) -> None:
        """Raises WorkflowError for a command that is to be written to."""
        if mode != "r":
            raise WorkflowError(
                f"io.popen cannot write to a command on {command.host}; "
                "use exec.run, whose option stdin is what the command reads"
            )
        self.finished = asyncio.Event()
        self.is_watched = asyncio.Event()
        self._is_read = False
        self._running = asyncio.create_task(run_command(command))
        self._running.add_done_callback(self._note_end)

    def _note_end(self, running: asyncio.Task[CommandResult]) -> None:
        self.finished.set()
        if not running.cancelled():
            running.exception()  # raised where the script asks for the output

    async def watched(self) -> None:
        """Returns when somebody sees to it that the command ends."""
        await self.is_watched.wait()

    async def read(self) -> bytes | None:
        """All that it has written, when it is over; None the next time."""
        result = await asyncio.shield(self._running)
        already, self._is_read = self._is_read, True
        return None if already else result.stdout or None

    async def write(self, _data: bytes) -> bool:
        """Nothing can be written to it."""
        return False

    async def close(self) -> int:
        """Wait until the command exits, and give its exit code."""
        return (await asyncio.shield(self._running)).exit_code

    async def end(self) -> None:
        """End the command."""
        self._running.cancel()
        with suppress(asyncio.CancelledError, WorkflowError):
            await self._running
