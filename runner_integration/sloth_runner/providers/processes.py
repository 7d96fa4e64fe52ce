"""Programs that providers run, without a shell."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sloth_runner.command import Command
from sloth_runner.errors import WorkflowError
from sloth_runner.subprocesses import run_command

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping
    from contextlib import AbstractAsyncContextManager

    from sloth_runner.session import Session

_SYSTEM_FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin"
"""Where the system's own programs are, which an ordinary user's PATH does not name."""

_queues: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, asyncio.Lock]]
_queues = WeakKeyDictionary()


async def run(
    session: Session, arguments: str, options: str | None = None, stdin: bytes | None = None
) -> dict[str, Any]:
    """Run a program to its end: its `exit_code`, and `stdout` and `stderr` as text.

    `arguments` is a JSON list, the program first; it is looked for on PATH and among the system's
    programs. `options` is a JSON object: `env` (over the inherited variables; LC_ALL is C.UTF-8,
    because providers read messages), `workdir`, `timeout` in seconds, `check` (raise if it exits
    with another code than 0), and `queue`: programs of the same queue run one after the other.
    Bytes that are no UTF-8 are replaced. Raises WorkflowError if the program is not installed.
    """
    program, *rest = json.loads(arguments)
    chosen = json.loads(options) if options else {}
    environment = {"LC_ALL": "C.UTF-8", **chosen.get("env", {})}
    command = Command(
        [find_program(program, environment), *rest],
        workdir=session.path(chosen.get("workdir", "")),
        environment=environment,
        stdin=stdin,
        timeout=chosen.get("timeout"),
        secrets=session.secrets,
    )
    async with queue(chosen.get("queue")):
        result = await run_command(command)
    if chosen.get("check") and result.problem is not None:
        raise WorkflowError(f"{os.path.basename(program)} failed: {result.problem}")
    return {
        "exit_code": result.exit_code,
        "stdout": result.stdout.decode(errors="replace"),
        "stderr": result.stderr.decode(errors="replace"),
    }


def find_program(program: str, environment: Mapping[str, str] = os.environ) -> str:
    """The path of a program. Raises WorkflowError if it is not installed."""
    found = _find(program, environment)
    if found is None:
        raise WorkflowError(
            f"the command {program} is not installed",
            hint=f"Install {program}, or put it on PATH.",
        )
    return os.path.abspath(found)


def is_installed(_session: Session, program: str) -> bool:
    """Whether there is such a program."""
    return _find(program, os.environ) is not None


def _find(program: str, environment: Mapping[str, str]) -> str | None:
    path = environment.get("PATH", os.environ.get("PATH", os.defpath))
    return shutil.which(program, path=f"{path}:{_SYSTEM_FOLDERS}")


def queue(name: str | None) -> AbstractAsyncContextManager[Any]:
    """What serialises users of one thing within this process; no name: nothing does."""
    if name is None:
        return nullcontext()
    import asyncio

    queues = _queues.setdefault(asyncio.get_running_loop(), {})
    return queues.setdefault(name, asyncio.Lock())
