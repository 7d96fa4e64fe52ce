"""Runs a click command as a process: errors become text and an exit code, bugs a traceback."""

from __future__ import annotations

import io
import os
import sys
from itertools import pairwise
from typing import TYPE_CHECKING

import click

from sloth_state.cli.failures import discard, render_error, write_words
from sloth_state.errors import SlothError, UsageError, interrupted

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = "sloth-runner"
COMPLETION_VARIABLE = "_SLOTH_RUNNER_COMPLETE"
BROKEN_PIPE = 141
"""What a shell reports for a process that SIGPIPE ended."""


def run_cli(command: click.Command, arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (default: the process's) and return the exit code.

    Every SlothError and every usage error is rendered on stderr. An error of any other kind is a
    bug: its traceback is printed, and the code is 1. Answers the shell when that asks for
    completions.
    """
    if COMPLETION_VARIABLE in os.environ:
        return _complete(command)
    _replace_closed_streams()
    _escape_what_cannot_be_encoded()
    try:
        return _run(command, list(sys.argv[1:] if arguments is None else arguments))
    except BrokenPipeError:
        discard(sys.stdout)  # nobody reads on
        discard(sys.stderr)
        return BROKEN_PIPE


def _run(command: click.Command, words: list[str]) -> int:
    try:
        return _invoke(command, words)
    except BrokenPipeError:
        raise
    except (SlothError, click.ClickException, KeyboardInterrupt) as cause:
        error = _as_sloth_error(cause)
    except Exception as problem:
        interruption = _interruption_behind(problem)
        if interruption is None:
            return _report_bug()
        error = interrupted(interruption)
    return report(error, words)


def report(error: SlothError, words: Sequence[str]) -> int:
    """Render an error in the way that the arguments ask for; its exit code."""
    render_error(error, wants_json(words), no_color="--no-color" in words)
    return error.exit_code


def _invoke(command: click.Command, words: list[str]) -> int:
    try:
        with command.make_context(PROGRAM, list(words)) as context:
            command.invoke(context)
        code = 0
    except click.exceptions.Exit as exit:
        code = exit.exit_code
    sys.stdout.flush()
    return code


def _complete(command: click.Command) -> int:
    """Print completions, and nothing else whatever happens: the user is in the middle of a line."""
    from contextlib import redirect_stderr

    try:
        with redirect_stderr(io.StringIO()):
            command.main(prog_name=PROGRAM, complete_var=COMPLETION_VARIABLE)
    except SystemExit as exit:
        return exit.code if isinstance(exit.code, int) else 1
    except Exception:
        return 1


def wants_json(words: Sequence[str]) -> bool:
    """Whether the arguments ask for JSON, found without parsing: they may be wrong."""
    if "-ojson" in words or "--output=json" in words:
        return True
    return any(flag in ("-o", "--output") and value == "json" for flag, value in pairwise(words))


def _as_sloth_error(cause: SlothError | click.ClickException | KeyboardInterrupt) -> SlothError:
    if isinstance(cause, SlothError):
        return cause
    if isinstance(cause, KeyboardInterrupt):
        return interrupted(cause)
    context = getattr(cause, "ctx", None)
    path = context.command_path if context else PROGRAM
    return UsageError(cause.format_message().rstrip("."), hint=f"See: {path} --help")


def _interruption_behind(problem: BaseException | None) -> KeyboardInterrupt | None:
    """What Ctrl-C raised, if it is behind it: what it meets while modules are imported can hide
    it."""
    seen: list[BaseException] = []  # two errors may each have the other as their context
    while problem is not None and problem not in seen:
        if isinstance(problem, KeyboardInterrupt):
            return problem
        seen.append(problem)
        problem = problem.__cause__ or problem.__context__
    return None


def _report_bug() -> int:
    import traceback

    text = traceback.format_exc()
    write_words(f"{text}This is a bug, please report it with the text above.\n")
    return 1


def _replace_closed_streams() -> None:
    """A process may be started without stdout or stderr; Python then has None in their place."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115


def _escape_what_cannot_be_encoded() -> None:
    """A terminal of another encoding than UTF-8 gets escapes, and not an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
