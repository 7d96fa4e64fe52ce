"""What `os.execute` and `io.popen` do: commands of the shell, while other tasks go on."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING

from sloth_runner.command import Command, lines_of
from sloth_runner.errors import WorkflowError
from sloth_runner.subprocesses import (
    DRAIN_SECONDS,
    KILL_AFTER_SECONDS,
    Child,
    end_group,
    run_command,
    start_child,
)

if TYPE_CHECKING:
    from typing import Self

    from sloth_runner.modules.remote_pipes import RemotePipe
    from sloth_runner.session import Session

MOST_UNREAD = 2**20
"""Bytes of output that wait for the script; then the command has to wait."""


async def execute(session: Session, text: str) -> int:
    """What `os.execute` returns: an exit status as the system's wait() tells it."""
    result = await run_command(_command(session, text))
    return result.exit_code * 256


def _command(session: Session, text: str) -> Command:
    context = session.current
    return Command(
        text,
        workdir=context.workdir,
        user=context.user,
        on_lines=session.child_output(),
        secrets=session.secrets,
        host=context.host,
    )


def _remote(command: Command, mode: str) -> RemotePipe:
    from sloth_runner.modules.remote_pipes import RemotePipe  # few scripts need it

    return RemotePipe(command, mode)


class Pipes:
    """The commands that a script has opened, by number, in the form of `LuaModule.waiting`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._pipes: dict[int, Pipe | RemotePipe] = {}
        self._numbers = count(1)

    async def open(self, text: str, mode: str) -> tuple[int | None, str | None]:
        """The number of a command that now runs, or None and why it cannot."""
        command = _command(self._session, text)
        if command.host is not None:
            return self._keep(_remote(command, mode)), None
        try:
            return self._keep(await Pipe.start(command, mode)), None
        except WorkflowError as error:
            return None, error.message

    def _keep(self, pipe: Pipe | RemotePipe) -> int:
        number = next(self._numbers)
        self._pipes[number] = pipe
        return number

    async def watch(self, number: int) -> None:
        """Returns when the command is over; when cancelled, sees to it that it is."""
        pipe = self._pipes[number]
        pipe.is_watched.set()
        try:
            await pipe.finished.wait()
        finally:
            await pipe.end()

    async def watched(self, number: int) -> None:
        """Returns when somebody watches the command."""
        await self._pipes[number].watched()

    async def read(self, number: int) -> bytes | None:
        """What the command has written since the last time; None at the end."""
        return await self._pipes[number].read()

    async def write(self, number: int, data: bytes) -> bool:
        """Whether the command still takes what is written to it."""
        return await self._pipes[number].write(data)

    async def close(self, number: int) -> tuple[str, int]:
        """Wait for the command's end: "exit" and its code, or "signal" and its number."""
        code = await self._pipes.pop(number).close()
        return ("signal", -code) if code < 0 else ("exit", code)


class Pipe(Child):
    """A command whose output is read, or whose input is written, while it runs."""

    def __init__(self, mode: str, command: Command) -> None:
        super().__init__()
        self.finished = asyncio.Event()
        """It has exited, and nobody holds its streams open."""
        self.is_watched = asyncio.Event()
        self._reads = mode == "r"
        self._lines = {1: lines_of(command, "stdout"), 2: lines_of(command, "stderr")}
        self._unread = bytearray()
        self._arrived, self._at_end = asyncio.Event(), False
        self._takes_more, self._broken = asyncio.Event(), False
        self._takes_more.set()

    @classmethod
    async def start(cls, command: Command, mode: str) -> Self:
        """`mode`: "r" to read what it writes, "w" to write what it reads."""
        pipe = cls(mode, command)
        await start_child(command, pipe, with_stdin=mode == "w")
        return pipe

    async def watched(self) -> None:
        """Returns when somebody sees to it that the command ends."""
        await self._or_end(self.is_watched)

    async def read(self) -> bytes | None:
        """What has arrived, as soon as there is something; None at the end."""
        while not self._unread and not self._at_end:
            self._arrived.clear()
            await self._or_end(self._arrived)
        data, self._unread = bytes(self._unread), bytearray()
        if not self._at_end:
            self._output().resume_reading()
        return data or None

    async def write(self, data: bytes) -> bool:
        """Returns when the command has taken most of it: whether it still listens."""
        if not self._broken:
            stdin = self._transport.get_pipe_transport(0)
            assert isinstance(stdin, asyncio.WriteTransport)
            stdin.write(data)
            await self._or_end(self._takes_more)
        return not self._broken

    async def close(self) -> int:
        """Close this end, wait until the command exits, and give its return code."""
        self._close_this_end()
        await self._or_end(self.exited)
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await self.finished.wait()
        self._transport.close()
        code = self._transport.get_returncode()
        assert code is not None
        return code

    async def end(self) -> None:
        """Close this end; a command that does not exit by itself soon after that is killed."""
        self._close_this_end()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(KILL_AFTER_SECONDS):
                    await self.exited.wait()
            if not self.exited.is_set():
                await end_group(self._transport.get_pid(), self.exited)
        except asyncio.CancelledError:  # for the second time: there is no time left
            with suppress(ProcessLookupError):
                os.killpg(self._transport.get_pid(), signal.SIGKILL)
            await self.exited.wait()
            raise
        finally:
            self._drop_unwritten()
            self._transport.close()

    async def _or_end(self, event: asyncio.Event) -> None:
        """Wait; when cancelled, end the whole process group first."""
        try:
            await event.wait()
        except asyncio.CancelledError:
            if not self.exited.is_set():
                await end_group(self._transport.get_pid(), self.exited)
            raise

    def _close_this_end(self) -> None:
        end = self._transport.get_pipe_transport(1 if self._reads else 0)
        if end is not None:
            end.close()

    def _drop_unwritten(self) -> None:
        """Closing would wait for somebody to read what the command has not."""
        stdin = self._transport.get_pipe_transport(0)
        if isinstance(stdin, asyncio.WriteTransport) and stdin.get_write_buffer_size():
            stdin.abort()

    def _output(self) -> asyncio.ReadTransport:
        stdout = self._transport.get_pipe_transport(1)
        assert isinstance(stdout, asyncio.ReadTransport)
        return stdout

    # -- called by the event loop ----------------------------------------------------------

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 1 and self._reads:
            self._unread += data
            self._arrived.set()
            if len(self._unread) > MOST_UNREAD:
                self._output().pause_reading()
        elif lines := self._lines[fd]:
            lines.take(data)

    def pipe_connection_lost(self, fd: int, _error: Exception | None) -> None:
        if lines := self._lines.get(fd):
            lines.end()
        if fd == 1:
            self._at_end = True
            self._arrived.set()
        elif fd == 0:
            self._broken = True
            self._takes_more.set()

    def pause_writing(self) -> None:
        self._takes_more.clear()

    def resume_writing(self) -> None:
        self._takes_more.set()

    def connection_lost(self, _error: Exception | None) -> None:
        self.finished.set()
