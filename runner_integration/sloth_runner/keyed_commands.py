"""Commands that have a key: journaled, and not run again once they have succeeded."""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any, cast

from sloth_runner.command import CommandResult
from sloth_runner.errors import WorkflowError
from sloth_runner.resources.recovery import COMMAND, INTERRUPTED, RUN, settling_hint
from sloth_runner.subprocesses import run_command
from sloth_state.model import NewOperation
from sloth_state.values import check_name

if TYPE_CHECKING:
    from sloth_runner.active_run import ActiveRun
    from sloth_runner.command import Command
    from sloth_state.model import Json, Operation

KEPT_OUTPUT = 2**19
"""Bytes of each stream that are kept: the last ones."""


class KeyedCommands:
    """The commands with a key of one script. A key is an operation's name; it means one command."""

    def __init__(self) -> None:
        self._running: set[str] = set()

    async def run(
        self, run: ActiveRun, task: str | None, key: str, command: Command, *, rerun: bool
    ) -> CommandResult:
        """Run a command between its journaled begin and end, or replay what it gave in this run.

        `rerun`: also run one that was interrupted, of which nobody knows what it has done. Raises
        WorkflowError for such a one otherwise, for a key that another command has, for one whose
        command is running now, and InvalidValue for a key that cannot be kept.
        """
        check_name(key, "the key of the command")
        if key in self._running:
            raise WorkflowError(f"exec.run: the command with the key {key!r} is running already")
        done = _done(run, key, run.secrets.masked(str(command.text)))
        if done is not None:
            return _replayed(done)
        _settle_interrupted(run, key, rerun)
        self._running.add(key)
        try:
            return await _run(run, task, key, command)
        finally:
            self._running.discard(key)


async def _run(run: ActiveRun, task: str | None, key: str, command: Command) -> CommandResult:
    said: dict[str, Json] = {"command": run.secrets.masked(str(command.text))}
    number = run.begin_operation(NewOperation(RUN, COMMAND, key, None, task, None, said, {}))
    try:
        result = await run_command(command)
    except (asyncio.CancelledError, WorkflowError) as error:
        run.end_operation(number, error=str(error) or "stopped before its end")
        raise
    run.end_operation(number, error=result.problem, result=_shape(run.secrets.masked(result)))
    return result


def _done(run: ActiveRun, key: str, command: str) -> Operation | None:
    for each in reversed(run.operations()):
        if (each.verb, each.name) != (RUN, key) or each.ended_at is None or each.error is not None:
            continue
        if each.wanted["command"] != command:
            raise WorkflowError(
                f"exec.run: the key {key!r} belongs to another command of this run: "
                f"{each.wanted['command']}",
                hint="Give each command a key of its own",
            )
        return each
    return None


def _settle_interrupted(run: ActiveRun, key: str, rerun: bool) -> None:
    for run_id, each in run.unfinished_operations():
        if (each.verb, each.name) != (RUN, key):
            continue
        if not rerun:
            began = each.began_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
            raise WorkflowError(
                f"exec.run: the command with the key {key!r} began at {began} in run {run_id}, "
                f"which was interrupted, and may be done: {each.wanted['command']}",
                hint=f"{settling_hint(run.name, each)}, or let it be run again with rerun = true",
            )
        run.end_operation(each.number, of_run=run_id, error=INTERRUPTED)


def _shape(result: CommandResult) -> dict[str, Json]:
    return {
        "stdout": _text_of(result.stdout[-KEPT_OUTPUT:]),
        "stderr": _text_of(result.stderr[-KEPT_OUTPUT:]),
        "exit_code": result.exit_code,
        "duration": result.duration,
    }


def _replayed(operation: Operation) -> CommandResult:
    kept = cast("dict[str, Any]", operation.result)
    stdout, stderr = _bytes_of(kept["stdout"]), _bytes_of(kept["stderr"])
    return CommandResult(stdout, stderr, kept["exit_code"], kept["duration"], None)


def _text_of(data: bytes) -> Json:
    """Output in a form that JSON has: text, or for other bytes a map that holds them."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": b64encode(data).decode()}


def _bytes_of(kept: Any) -> bytes:
    return kept.encode() if isinstance(kept, str) else b64decode(kept["base64"])
