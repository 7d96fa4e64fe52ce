"""Runs commands, each in a forked process that may be ended at one of its durable boundaries.

A boundary is the moment before or after something that is there for others from then on: a commit,
an fsync, a new, renamed or removed name. Each line of input is a command as JSON, see `Command`; it
is answered with the exit code and what the command said. The names of the boundaries that it came
past are in the file `boundaries`, and what it was told is kept in `told`.
"""

from __future__ import annotations

import ctypes
import json
import os
import pkgutil
import signal
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

from planted_bugs import BUGS
from told import tell_of_writes

import sloth_runner
import sloth_state
from sloth_runner.cli.root import root
from sloth_state.cli import run_cli
from sloth_state.sqlite.connection import Connection

KILLED = 137
NAMES = ("fsync", "rename", "replace", "unlink", "mkdir", "rmdir", "link", "symlink")
PR_SET_CHILD_SUBREAPER = 36


class Command(NamedTuple):
    """One line of input."""

    folder: str
    arguments: list[str]
    boundary: int = 0
    """Where the process ends as if it was killed; 0: nowhere."""
    seconds: float = 0.0
    """After what time it is killed by SIGKILL; 0: never."""
    bug: str | None = None


class Boundaries:
    """Counts those that this process comes past."""

    def __init__(self, folder: str, fatal: int) -> None:
        self._log = os.open(f"{folder}/boundaries", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        self._fatal = fatal
        self._count = 0

    def install(self) -> None:
        for name in NAMES:
            setattr(os, name, self._around(name, getattr(os, name)))
        open, create = os.open, self._around("create", os.open)
        os.open = lambda path, flags, *mode, **options: (create if flags & os.O_EXCL else open)(
            path, flags, *mode, **options
        )
        run, close = Connection._run, self._around("close", Connection.close)
        commit = self._around("commit", run)
        patched: Any = Connection
        patched._run = lambda each, sql: (commit if sql == "COMMIT" else run)(each, sql)
        patched.close = lambda each: None if each._closed else close(each)

    def _around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def with_boundaries(*arguments: Any, **options: Any) -> Any:
            self._pass(f"before {name}")
            result = function(*arguments, **options)
            self._pass(f"after {name}")
            return result

        return with_boundaries

    def _pass(self, name: str) -> None:
        self._count += 1
        os.write(self._log, f"{name}\n".encode())
        if self._count == self._fatal:
            os._exit(KILLED)


def run(command: Command) -> int:
    """Run it in this process, which is a forked one."""
    said = os.open(f"{command.folder}/said", os.O_WRONLY)
    os.dup2(said, 1)
    os.dup2(said, 2)
    os.chdir(command.folder)
    os.environ["SLOTH_RUNNER_STATE"] = f"sqlite:///{command.folder}/state.db"
    if command.bug is not None:
        BUGS[command.bug]()
    tell_of_writes(command.folder)
    Boundaries(command.folder, command.boundary).install()
    return run_cli(root, command.arguments)


def fork(command: Command) -> int:
    """The exit code of the command, once it and whatever it has started is over."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(run(command))
        finally:
            sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
            os._exit(70)
    if command.seconds:
        time.sleep(command.seconds)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    wait_for_orphans()
    return os.waitstatus_to_exitcode(status)


def wait_for_orphans() -> None:
    """What a killed process has started becomes ours, and ends soon."""
    try:
        while True:
            os.wait()
    except ChildProcessError:
        pass


def import_all() -> None:
    """Import the whole product, so that no forked process has to."""
    for package in (sloth_state, sloth_runner):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                import_module(module.name)


def main() -> None:
    import_all()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    for line in sys.stdin:
        command = Command(*json.loads(line))
        with open(f"{command.folder}/said", "w+", errors="replace") as said:
            code = fork(command)
            print(json.dumps([code, said.read()]), flush=True)


if __name__ == "__main__":
    main()
