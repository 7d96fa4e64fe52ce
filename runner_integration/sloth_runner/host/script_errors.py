"""What Lua says of an error, as the error that a user sees: place, line of source, hint."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sloth_runner.errors import ScriptError, ScriptSyntaxError
from sloth_runner.host.hints import hint_for

if TYPE_CHECKING:
    from sloth_runner.script import Script

_LONGEST_MESSAGE = 10_000
"""Characters of an error that are kept."""


def syntax_error(script: Script, message: bytes) -> ScriptSyntaxError:
    """Why Lua does not compile a script."""
    text = _printable(message)
    where, _ = _split(script, text)
    excerpt = script.excerpt(where)
    return ScriptSyntaxError(text, where=where, excerpt=excerpt, hint=hint_for(text))


def script_error(
    script: Script, message: bytes, raised_at: bytes = b"", trace: bytes = b""
) -> ScriptError:
    """What a script raised. `raised_at` is where, if the message does not say it."""
    where, text = _split(script, _printable(message)[:_LONGEST_MESSAGE])
    if where is None or where.startswith("sloth_lua/"):
        where = _printable(raised_at) or None
    told = f"{where}: {text}" if where else text
    excerpt = script.excerpt(where)
    hint = hint_for(told, excerpt or "")
    return ScriptError(told, where=where, excerpt=excerpt, trace=_printable(trace), hint=hint)


def _split(script: Script, message: str) -> tuple[str | None, str]:
    """Where an error was raised, as in "deploy.sloth:12: no space", and its text.

    `error` and `assert` put another place before an error that is raised again; the last one is
    where it came from.
    """
    name = re.escape(script.name)
    place = rf'(?:{name}|[^:\n]*\.lua|\[string "[^\n]*?"\]):\d+'
    places = re.match(rf"(?:({place}): )*", message)
    assert places is not None  # it matches the empty text
    return places[1], message[places.end() :]


def _printable(text: bytes) -> str:
    return text.decode(errors="replace")
