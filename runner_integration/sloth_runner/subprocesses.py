"""Commands as children of the event loop, each in a process group of its own."""

import asyncio
import os
import signal
import time
from contextlib import suppress
from functools import cache
from typing import Any, TypeVar

from sloth_runner.child_watcher import watch_without_threads
from sloth_runner.children import MARK, ProcessGroups
from sloth_runner.command import Command, CommandResult, lines_of, problem_of
from sloth_runner.errors import WorkflowError

KILL_AFTER_SECONDS = 2.0
"""How long a process group has between SIGTERM and SIGKILL."""
CAPTURE_LIMIT = 64 * 2**20
"""Bytes of each stream that are kept; the rest is read and dropped."""
FINISH_SECONDS = 10.0
"""How long a command that `is_left_to_finish` may go on when it is cancelled."""
DRAIN_SECONDS = 0.2
"""How long after the command's end its streams may be silent and open (a child in the background
holds them) before they are left alone."""
DRAIN_ROUNDS = 5
"""How often that is granted anew because something came."""

groups = ProcessGroups()
"""Those of the commands that run now."""


class Child(asyncio.SubprocessProtocol):
    """The event loop's side of a child, which is the leader of one of `groups`."""

    _transport: asyncio.SubprocessTransport

    def __init__(self) -> None:
        self.exited = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport

    def process_exited(self) -> None:
        self.exited.set()
        groups.remove(self._transport.get_pid())


_AnyChild = TypeVar("_AnyChild", bound=Child)


class Capture(Child):
    """Collects what the child writes and tells when it is over."""

    def __init__(self, command: Command) -> None:
        super().__init__()
        self.closed = asyncio.Event()
        self.streams = {1: bytearray(), 2: bytearray()}
        self.received = 0
        self._open = {1, 2}
        self._lines = {1: lines_of(command, "stdout"), 2: lines_of(command, "stderr")}

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self.received += len(data)
        stream = self.streams[fd]
        stream += data[: max(0, CAPTURE_LIMIT - len(stream))]
        if lines := self._lines[fd]:
            lines.take(data)

    def pipe_connection_lost(self, fd: int, _error: Exception | None) -> None:
        self._open.discard(fd)
        if not self._open:
            self.closed.set()

    def close(self) -> None:
        """Read no more. What came last is a line, even if it has no end."""
        self._transport.close()
        for lines in self._lines.values():
            if lines:
                lines.end()


async def run_command(command: Command) -> CommandResult:
    """Run a command to its end; when cancelled, end its whole process group first.

    If this process is killed, its process group is killed too. Those that are not ended so soon
    say so: see `Command.is_left_to_finish`.

    Processes that the command leaves in the background are not waited for.
    Raises WorkflowError if it cannot be started.
    """
    if command.host is not None:
        from sloth_runner.remote import run_remotely

        return await run_remotely(command)
    started = time.monotonic()
    transport, capture = await start_child(
        command, Capture(command), with_stdin=command.stdin is not None
    )
    pid = transport.get_pid()
    timed_out = False
    try:
        _feed(transport, command.stdin)
        try:
            async with asyncio.timeout(command.timeout):
                await capture.exited.wait()
        except TimeoutError:
            timed_out = True
            await end_group(pid, capture.exited)
        await drain(capture)
    except asyncio.CancelledError:
        if command.is_left_to_finish:
            with suppress(TimeoutError):
                async with asyncio.timeout(FINISH_SECONDS):
                    await capture.exited.wait()
        await end_group(pid, capture.exited)
        raise
    finally:
        capture.close()
    code = 124 if timed_out else _shell_code(transport.get_returncode())
    stdout, stderr = bytes(capture.streams[1]), bytes(capture.streams[2])
    problem = problem_of(command, code, stderr)
    if timed_out:
        problem = f"timed out after {command.timeout:g} s"
    return CommandResult(stdout, stderr, code, time.monotonic() - started, problem)


async def start_child(
    command: Command, child: _AnyChild, *, with_stdin: bool
) -> tuple[asyncio.SubprocessTransport, _AnyChild]:
    """Start a command, whose streams `child` serves; without a stdin of its own it reads nothing.

    Raises WorkflowError if it cannot be started.
    """
    # It is only then cancelled, because asyncio would wait for ever in between.
    starting = asyncio.ensure_future(_start(command, child, with_stdin))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        await asyncio.wait([starting])
        if starting.exception() is None:
            transport, _ = starting.result()
            await end_group(transport.get_pid(), child.exited)
            transport.close()
        raise


async def _start(
    command: Command, child: _AnyChild, with_stdin: bool
) -> tuple[asyncio.SubprocessTransport, _AnyChild]:
    if not os.path.isdir(command.workdir):
        raise WorkflowError(
            f"the folder {command.workdir} to run the command in does not exist",
            hint="Make it before, for instance with this.workdir.ensure() in the task's pre_hook.",
        )
    identity = _identity(command.user)
    text = command.text
    watch_without_threads()
    try:
        mark = "" if command.is_left_to_finish else groups.announce()
        transport, _ = await asyncio.get_running_loop().subprocess_exec(
            lambda: child,
            *((_bash(), "-c", text) if isinstance(text, str) else text),
            cwd=command.workdir,
            env={**os.environ, **_home_of(command.user), **command.environment, MARK: mark},
            stdin=asyncio.subprocess.PIPE if with_stdin else asyncio.subprocess.DEVNULL,
            start_new_session=True,
            **identity,
        )
    except FileNotFoundError as error:  # bash, or awk, see `children`
        raise WorkflowError(
            f"the command cannot be started, because there is no {error.filename}",
            hint="Install it, or put it on PATH.",
        ) from None
    except (OSError, ValueError) as error:
        raise WorkflowError(f"the command cannot be started: {error}") from None
    if not command.is_left_to_finish:
        groups.add(transport.get_pid(), mark)
    if child.exited.is_set():
        groups.remove(transport.get_pid())
    return transport, child


@cache
def _bash() -> str:
    """Where it is. Looking for it in each folder of PATH costs a child a quarter of its start."""
    import shutil  # it takes 2 ms of a run's start

    return shutil.which("bash") or "bash"


def _identity(user: str | None) -> dict[str, Any]:
    """The arguments that make a child run as somebody else."""
    if user is None:
        return {}
    import pwd

    try:
        entry = pwd.getpwnam(user)
    except (KeyError, ValueError):  # nor can there be one with a NUL byte in the name
        raise WorkflowError(
            f"there is no user {user!r} to run the command as",
            hint="Declare it before with resource.user, or correct the name.",
        ) from None
    if entry.pw_uid == os.geteuid():
        return {}
    if os.geteuid() != 0:
        raise WorkflowError(f"only root can run a command as {user!r}")
    others = os.getgrouplist(user, entry.pw_gid)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": others}


def _home_of(user: str | None) -> dict[str, str]:
    if user is None:
        return {}
    return {"USER": user, "LOGNAME": user, "HOME": os.path.expanduser(f"~{user}")}


def _feed(transport: asyncio.SubprocessTransport, stdin: bytes | None) -> None:
    if stdin is not None:
        pipe = transport.get_pipe_transport(0)
        assert isinstance(pipe, asyncio.WriteTransport)
        pipe.write(stdin)
        pipe.write_eof()


async def drain(capture: Capture) -> None:
    """Wait for what is still in the pipes, but not for a child in the background that writes on."""
    for _ in range(DRAIN_ROUNDS):
        received = capture.received
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await capture.closed.wait()
        if capture.closed.is_set() or received == capture.received:
            return


async def end_group(pid: int, exited: asyncio.Event) -> None:
    """End a process group: SIGTERM, and SIGKILL to what is left after `KILL_AFTER_SECONDS`."""
    try:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(KILL_AFTER_SECONDS):
                await exited.wait()
    finally:  # also when whoever waits for it is cancelled once more
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    await exited.wait()


def _shell_code(returncode: int | None) -> int:
    code = returncode if returncode is not None else -signal.SIGKILL
    return 128 - code if code < 0 else code
