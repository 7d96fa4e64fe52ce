"""What to do about Lua's own messages."""

from __future__ import annotations

import re

import sloth_lua

_GLOBAL_IS_NIL = re.compile(r"attempt to (?:index|call) global '(\w+)' \(a nil value\)")
_LIBRARY_PARTS = [
    "boot",
    "builders",
    "calls",
    "host",
    "sandbox",
    "tasks",
    "threads",
    "wire",
    "workflows",
]
_LANGUAGE = ["task", "workflow", "group", "require", "string", "table", "math", "os", "io"]


def hint_for(message: str) -> str | None:
    """A sentence that helps with this message of Lua; None if there is nothing to add."""
    if found := _GLOBAL_IS_NIL.search(message):
        return _unknown_global(found[1])
    if message.endswith("not enough memory"):
        return "Let a command or a file hold large data, not a Lua value."
    if "attempt to concatenate" in message and "a nil value" in message:
        return "One part of the text is nil; tostring(x) or (x or '') makes text of it."
    if "unexpected symbol near '}'" in message or "'}' expected" in message:
        return "Look for a missing comma or an unclosed bracket above this line."
    if "'end' expected" in message:
        return "A function, if, for or while above is not closed with `end`."
    return None


def module_names() -> list[str]:
    """The built-in modules, sorted."""
    return [name for name in sloth_lua.names() if name not in _LIBRARY_PARTS]


def _unknown_global(name: str) -> str:
    import difflib

    known = [*module_names(), *_LANGUAGE]
    nearest = difflib.get_close_matches(name, known, n=1)
    if nearest:
        return f"There is no global {name!r}; did you mean {nearest[0]!r}?"
    return f"There is no global {name!r}. Modules are: {', '.join(module_names())}."
