"""Commands on other machines, through the OpenSSH client.

What is run there is a small bash program that gets all it needs on its standard input: the command,
its variables, what it reads. That input stays open while the command runs. Its end, however it
came (a timeout, an interruption, the runner was killed, the connection broke), is the end of the
command's process group too.

The program marks where the command's output begins and ends in both streams. So what ssh and login
scripts say is kept out of it, the command's own exit code 255 is none of ssh's, and a child that is
left in the background does not hold up the result.
"""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import time
from contextlib import suppress
from secrets import token_hex
from typing import TYPE_CHECKING

from sloth_runner.command import Command, CommandResult, last_line, problem_of
from sloth_runner.errors import WorkflowError
from sloth_runner.remote_output import RemoteCapture
from sloth_runner.subprocesses import (
    DRAIN_SECONDS,
    KILL_AFTER_SECONDS,
    drain,
    end_group,
    start_child,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECT_SECONDS = 10
"""How long ssh tries to reach a machine."""
ALIVE_SECONDS = 15
"""How often ssh asks a silent machine whether it is there; after three times it gives up."""
SSH_FAILED = 255
"""The exit code of ssh itself, when there is no connection."""

_WATCHED_SECONDS = 3.0
"""How much longer than a command may take to end the shell there may take."""

_OPTIONS = {
    "BatchMode": "yes",
    "ConnectTimeout": CONNECT_SECONDS,
    "ServerAliveInterval": ALIVE_SECONDS,
    "RequestTTY": "no",
    # What a user's configuration may have for a shell at a terminal:
    "RemoteCommand": "none",
    "ClearAllForwardings": "yes",
}

# Reads the program itself, up to a NUL. Any login shell understands its quotes.
_START = """bash -c 'IFS= read -r -d "" program && eval "$program"'"""

_AS_USER = (
    """bash -c 'if [ "$(id -un)" = "$0" ]; then exec bash -c "$1"; """
    """else exec sudo -n -H -u "$0" -- bash -c "$1"; fi' """
)

# `set -m` gives the command a process group of its own; with it, `wait` would return when the
# command is only stopped. The shell's own remarks on its jobs go nowhere. Its input ends with the
# runner or the connection. A shell that has not ended the command in time then is ended with it,
# for nobody else would: one was seen to wait for a child that was gone.
_PROGRAM = r"""
cd ~ 2> /dev/null || cd /
{folder}
{variables}
take() {{
  local file got
  file=$(mktemp) || exit 1
  head -c "$1" > "$file"
  exec 3< "$file"
  got=$(wc -c < "$file")
  rm -- "$file"
  [ "$got" -eq "$1" ] || exit 1
}}
{stdin}
exec 4>&2 2> /dev/null
mark() {{ printf '\036%s %s;' {token} "$1"; printf '\036%s %s;' {token} "$1" >&4; }}
ended=
trap 'ended=1' USR1
mark begin
set -m
bash -c {command} <&3 3<&- 2>&4 4>&- & group=$!
{{
  cat
  for try in {{1..{tries}}}; do kill -USR1 $$ || exit; sleep 0.2; done
  kill -KILL -- "-$group" $$
}} > /dev/null 3<&- 4>&- & watcher=$!
set +m
wait "$group"
code=$?
if [ -n "$ended" ]; then
  trap '' USR1
  kill -TERM -- "-$group"
  set -m
  {{ sleep {patience}; kill -KILL -- "-$group"; }} > /dev/null 4>&- & timer=$!
  set +m
  wait "$group"
  code=$?
  kill -KILL -- "-$group" "-$timer"
fi
kill -KILL -- "-$watcher"
mark "$code"
"""


async def run_remotely(command: Command) -> CommandResult:
    """Run a command on its `host`; when cancelled, end its process group there first.

    Like `run_command` otherwise. Raises WorkflowError if it cannot be started there, and if the
    connection fails or is lost.
    """
    from sloth_runner.providers.processes import find_program

    started, token = time.monotonic(), token_hex(16)
    ssh = [find_program("ssh"), *_ssh_arguments(command)]
    program = _program(command, token)
    transport, capture = await start_child(
        Command(ssh, "."), RemoteCapture(token, command), with_stdin=True
    )
    timed_out = False
    try:
        stdin = transport.get_pipe_transport(0)
        assert isinstance(stdin, asyncio.WriteTransport)
        stdin.write(program + b"\0" + (command.stdin or b""))
        try:
            async with asyncio.timeout(command.timeout):
                await capture.exited.wait()
        except TimeoutError:
            timed_out = True
            await _end(transport, capture)
        await drain(capture)
        await _exit_of(capture)
    except asyncio.CancelledError:
        await _end(transport, capture)
        raise
    finally:
        capture.close()
    return _result(capture, transport.get_returncode(), command, started, timed_out)


def _ssh_arguments(command: Command) -> list[str]:
    assert command.host is not None
    options = [f"-o{name}={value}" for name, value in _OPTIONS.items()]
    start = "exec " + _START
    if command.user is not None:
        program = shlex.split(_START)[-1]
        start = f"exec {_AS_USER}{shlex.quote(command.user)} {shlex.quote(program)}"
    return [*options, "--", command.host, start]


def _program(command: Command, token: str) -> bytes:
    text = command.text if isinstance(command.text, str) else shlex.join(command.text)
    given = "exec 3< /dev/null" if command.stdin is None else f"take {len(command.stdin)}"
    program = _PROGRAM.format(
        folder=f"cd -- {shlex.quote(_below_home(command.workdir))} || exit 1",
        variables=_exports(command.environment),
        stdin=given,
        command=shlex.quote(text),
        token=token,
        patience=KILL_AFTER_SECONDS,
        tries=round((KILL_AFTER_SECONDS + _WATCHED_SECONDS) / 0.2),
    )
    if "\0" in program:
        raise WorkflowError("the command cannot be started: embedded null byte")
    return os.fsencode(program)


def _below_home(folder: str) -> str:
    """A folder as the program names it, which begins in the home."""
    if folder == "~" or folder.startswith("~/"):
        return folder[1:].lstrip("/") or "."
    return folder


def _exports(variables: Mapping[str, str]) -> str:
    for name in variables:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise WorkflowError(
                f"the command cannot be started: {name!r} is no variable of a shell, "
                "and others cannot be set on another machine"
            )
    return "\n".join(
        f"export {name}={shlex.quote(value)} || exit 1" for name, value in variables.items()
    )


async def _exit_of(capture: RemoteCapture) -> None:
    """ssh exits by itself, unless a child in the background holds the streams open there."""
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            await capture.gone.wait()


async def _end(transport: asyncio.SubprocessTransport, capture: RemoteCapture) -> None:
    """End the process group there, which the end of its input does, and then ssh."""
    stdin = transport.get_pipe_transport(0)
    if stdin is not None and capture.has_begun:
        stdin.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(KILL_AFTER_SECONDS + 1):
                await capture.exited.wait()
    if transport.get_returncode() is None:
        await end_group(transport.get_pid(), capture.gone)


def _result(
    capture: RemoteCapture,
    ssh_code: int | None,
    command: Command,
    started: float,
    timed_out: bool,
) -> CommandResult:
    duration = time.monotonic() - started
    stdout, stderr = bytes(capture.streams[1]), bytes(capture.streams[2])
    if timed_out:
        late = f"timed out after {command.timeout:g} s"
        return CommandResult(stdout, stderr, 124, duration, late)
    if capture.exit_code is None:
        raise _failure(command, capture, ssh_code)
    problem = problem_of(command, capture.exit_code, stderr)
    return CommandResult(stdout, stderr, capture.exit_code, duration, problem)


def _failure(command: Command, capture: RemoteCapture, ssh_code: int | None) -> WorkflowError:
    if capture.has_begun:
        why = _reason(command, capture.streams[2].decode(errors="replace"))
        return WorkflowError(f"the connection was lost before the command ended{why}")
    why = _reason(command, capture.said_before)
    if ssh_code == SSH_FAILED:
        return WorkflowError(
            f"the connection by ssh failed{why}",
            hint="ssh must get there without asking: a key, a known host, a name that it knows.",
        )
    why = re.sub(r": bash: (line \d+: )?", ": ", why, count=1)
    return WorkflowError(f"the command cannot be started there{why}")


def _reason(command: Command, said: str) -> str:
    last = last_line(command, said)
    return f": {last}" if last else ""
