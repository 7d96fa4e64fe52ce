"""The one place where an error becomes text or JSON on stderr."""

from __future__ import annotations

import os
import sys
from typing import TextIO

import click

from sloth_state.cli.text import printable
from sloth_state.errors import SlothError


class Declined(SlothError):
    """The user answered a question with no."""

    code = "declined"

    def __init__(self) -> None:
        super().__init__("declined; nothing was changed")


class OutputFailed(SlothError):
    """What a command has to say cannot be written to stdout."""

    code = "output"


def write_output(text: str) -> None:
    """Write to stdout at once. Raises OutputFailed for a full disk, say."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputFailed(f"the output cannot be written: {error.strerror}") from error


def write_words(text: str) -> None:
    """Write to stderr. Where that is not possible, a full disk say, nobody is told, and no more.

    What is done does not depend on it, nor does the exit code. A reader that is gone is an error.
    """
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except BrokenPipeError:
        raise
    except OSError:
        discard(sys.stderr)


def discard(stream: TextIO) -> None:
    """Let the rest go nowhere; what is buffered would fail again when the process ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def render_error(error: SlothError, as_json: bool, *, no_color: bool = False) -> None:
    """Write an error to stderr: the sentence, the lines of the script it is about, the hint.

    As JSON it is one object, `{"error": {"code", "message", "hint", "exit_code"}}`.
    """
    if as_json:
        write_words(_error_json(error) + "\n")
        return
    colour = uses_colour(sys.stderr, refused=no_color)
    lines = [_labelled("Error:", _safe(error.message), "red", colour)]
    excerpt = getattr(error, "excerpt", None)
    if excerpt:
        lines.append(_safe(excerpt))
    if error.hint:
        lines.append(_labelled("Hint:", _safe(error.hint), "yellow", colour))
    write_words("\n".join(lines) + "\n")


def _safe(text: str) -> str:
    """Scripts and commands have their words in it."""
    return printable(text, keep="\n\t")


def uses_colour(stream: TextIO, *, refused: bool) -> bool:
    """Whether a stream gets colours: a terminal does, unless NO_COLOR or the user says no."""
    if refused or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def _error_json(error: SlothError) -> str:
    import json

    facts = {
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "exit_code": error.exit_code,
    }
    return json.dumps({"error": facts}, ensure_ascii=False)


def _labelled(label: str, words: str, colour: str, colours: bool) -> str:
    return f"{click.style(label, fg=colour) if colours else label} {words}"
