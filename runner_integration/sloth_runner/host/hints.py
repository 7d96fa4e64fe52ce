"""What to do about Lua's own messages."""

from __future__ import annotations

import re

import sloth_lua

_GLOBAL_IS_NIL = re.compile(r"attempt to (?:index|call) global '(\w+)' \(a nil value\)")
_FIELD_IS_NIL = re.compile(r"attempt to call (?:field|method) '(\w+)' \(a nil value\)")
_LIBRARY_PARTS = [
    "boot",
    "builders",
    "calls",
    "elsewhere",
    "events",
    "host",
    "looking",
    "pipes",
    "resources",
    "sandbox",
    "standard",
    "tasks",
    "threads",
    "wire",
    "workflows",
]
_LANGUAGE = ["task", "workflow", "group", "require", "string", "table", "math", "os", "io"]


_HINTS = (
    (
        "'setenv'",
        "Tasks share the environment; a command gets its own with exec.run(…, { env = { … } }).",
    ),
    ("not enough memory", "Let a command or a file hold large data, not a Lua value."),
    (
        "attempt to concatenate",
        "One part of the text is nil; tostring(x) or (x or '') makes text of it.",
    ),
    (
        "unexpected symbol near '}'",
        "Look for a missing comma or an unclosed bracket above this line.",
    ),
    ("'}' expected", "Look for a missing comma or an unclosed bracket above this line."),
    ("'end' expected", "A function, if, for or while above is not closed with `end`."),
)


def hint_for(message: str, excerpt: str = "") -> str | None:
    """A sentence that helps with this message of Lua; None if there is nothing to add.

    `excerpt` is the line of the script that it is about.
    """
    if found := _FIELD_IS_NIL.search(message):
        meant = _unknown_function(found[1], excerpt)
        if meant is not None:
            return meant
    if found := _GLOBAL_IS_NIL.search(message):
        return _unknown_global(found[1])
    return next((hint for text, hint in _HINTS if text in message), None)


def module_names() -> list[str]:
    """The built-in modules, sorted."""
    return [name for name in sloth_lua.names() if name not in _LIBRARY_PARTS]


def _unknown_function(name: str, excerpt: str) -> str | None:
    called = re.search(rf"(\w+)\s*[.:]\s*{name}\b", excerpt)
    if called is None or called[1] not in module_names():
        return None
    import difflib

    module = called[1]
    # A module names its functions in its source, those made in a loop as strings.
    source = sloth_lua.source(module).decode()
    known = {*re.findall(rf"\b{module}\.(\w+)", source), *re.findall(r'"(\w+)"', source)}
    nearest = difflib.get_close_matches(name, known, n=1)
    meant = f"; did you mean {module}.{nearest[0]}?" if nearest else "."
    return f"There is no {module}.{name}{meant}"


def _unknown_global(name: str) -> str:
    import difflib

    known = [*module_names(), *_LANGUAGE]
    nearest = difflib.get_close_matches(name, known, n=1)
    if nearest:
        return f"There is no global {name!r}; did you mean {nearest[0]!r}?"
    return f"There is no global {name!r}. Modules are: {', '.join(module_names())}."
