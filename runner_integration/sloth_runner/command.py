"""What a command is, and how it ended."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from sloth_runner.child_lines import ChildLines
from sloth_runner.secrets import NO_SECRETS, Secrets

LONGEST_PROBLEM = 500
"""Characters of a complaint that are told."""


class Command(NamedTuple):
    """What to run: `bash -c text` in a folder, with variables over the inherited ones."""

    text: str | Sequence[str]
    """A sequence is a program and its arguments, which no shell sees."""
    workdir: str
    environment: Mapping[str, str] = {}
    stdin: bytes | None = None
    user: str | None = None
    timeout: float | None = None
    """Seconds."""
    on_lines: Callable[[str, list[str]], None] | None = None
    """Called with "stdout" or "stderr" and the lines that have just become whole."""
    secrets: Secrets = NO_SECRETS
    """What is not in `problem`."""
    host: str | None = None
    """The machine to run it on, as ssh knows it; None for this one."""
    is_left_to_finish: bool = False
    """Whether it goes on to its end when it is cancelled, for a while, or when this process is
    killed, because what it does must not stay half-done."""


class CommandResult(NamedTuple):
    """How a command ended. `problem` is None exactly if it exited with 0."""

    stdout: bytes
    stderr: bytes
    exit_code: int
    """128 + n when signal n ended it, 124 when its timeout did, as shells say it."""
    duration: float
    problem: str | None


def lines_of(command: Command, stream: str) -> ChildLines | None:
    """What makes lines of one of its streams; None if nobody wants them."""
    on_lines = command.on_lines
    if on_lines is None:
        return None
    return ChildLines(lambda lines: on_lines(stream, lines), command.secrets)


def problem_of(command: Command, code: int, stderr: bytes) -> str | None:
    """What is wrong with a command that exits with this code; None for 0."""
    if code == 0:
        return None
    last = last_line(command, stderr.decode(errors="replace"))
    return f"exit code {code}: {last}" if last else f"exit code {code}"


def last_line(command: Command, said: str) -> str:
    """The last line that says anything, without secrets, and cut only then; or ""."""
    last = next((line.strip() for line in reversed(said.split("\n")) if line.strip()), "")
    return command.secrets.masked(last)[:LONGEST_PROBLEM]
