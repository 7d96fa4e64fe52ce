"""Runs commands, each in a forked process whose system calls strace follows and lets fail.

Each line of input is a command as JSON, see `Command`; it is answered with the exit code and what
the command said. What strace saw is in the file `trace`.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from typing import NamedTuple

from disk_bugs import BUGS
from failpoint_child import import_all

from sloth_runner.cli.root import root
from sloth_state.cli import run_cli

PR_SET_PTRACER = 0x59616D61
PR_SET_PTRACER_ANY = ctypes.c_ulong(-1)


class Command(NamedTuple):
    """One line of input."""

    folder: str
    arguments: list[str]
    strace: list[str] | None = None
    """What strace is to follow and to let fail; None: it is not there."""
    bug: str | None = None


def run(command: Command, start: int) -> int:
    """Run it in this process, which is a forked one, once `start` is closed at its other end."""
    said = os.open(f"{command.folder}/said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(said, 1)
    os.dup2(said, 2)
    os.chdir(command.folder)
    os.environ["SLOTH_RUNNER_STATE"] = f"sqlite:///{command.folder}/state.db"
    if command.bug is not None:
        BUGS[command.bug]()
    # Where the system lets only ancestors trace, strace is none.
    ctypes.CDLL(None).prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0)
    os.read(start, 1)
    return run_cli(root, command.arguments)


def fork(command: Command) -> int:
    """The exit code of the command."""
    start, started = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(started)
            os._exit(run(command, start))
        finally:
            sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
            os._exit(70)
    os.close(start)
    tracer = None if command.strace is None else trace(child, command)
    os.close(started)
    _, status = os.waitpid(child, 0)
    if tracer is not None:
        tracer.communicate()
    return os.waitstatus_to_exitcode(status)


def trace(process: int, command: Command) -> subprocess.Popen[str]:
    """A strace that follows the process."""
    options = ["-f", "-y", "-o", f"{command.folder}/trace", "-p", str(process)]
    tracer = subprocess.Popen(
        ["strace", *options, *(command.strace or ())], stderr=subprocess.PIPE, text=True
    )
    assert tracer.stderr is not None
    said = tracer.stderr.readline()
    assert "attached" in said, said
    return tracer


def main() -> None:
    import_all()
    for line in sys.stdin:
        command = Command(*json.loads(line))
        code = fork(command)
        with open(f"{command.folder}/said", errors="replace") as said:
            print(json.dumps([code, said.read()]), flush=True)


if __name__ == "__main__":
    main()
