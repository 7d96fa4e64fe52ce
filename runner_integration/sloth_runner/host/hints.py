"""What to do about Lua's own messages."""

from __future__ import annotations

import os
import re

import sloth_lua

_GLOBAL_IS_NIL = r"attempt to (?:index|call) global '(\w+)' \(a nil value\)"
_FIELD_IS_NIL = r"attempt to call (?:field|method) '(\w+)' \(a nil value\)"
_LIBRARY_PARTS = [
    "boot",
    "builders",
    "calls",
    "elsewhere",
    "events",
    "host",
    "looking",
    "on_first_use",
    "pipes",
    "resources",
    "sandbox",
    "standard",
    "tasks",
    "threads",
    "wire",
    "workflows",
]
_LANGUAGE = [
    *("task", "workflow", "group", "require", "string", "table", "math", "os", "io", "coroutine"),
    *("assert", "error", "ipairs", "next", "pairs", "pcall", "print", "select", "tonumber"),
    *("tostring", "type", "unpack"),
]
_LUAS_OWN = {
    "coroutine": "create resume running status wrap yield",
    "io": "close flush input lines open output popen read tmpfile type write",
    "math": "abs acos asin atan atan2 ceil cos cosh deg exp floor fmod frexp ldexp log log10 max "
    "min modf pow rad random randomseed sin sinh sqrt tan tanh",
    "os": "clock date difftime execute getenv remove rename time tmpname",
    "string": "byte char find format gmatch gsub len lower match rep reverse sub upper",
    "table": "concat insert maxn remove sort",
}

_HINTS = (
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
    if found := re.search(_FIELD_IS_NIL, message):
        return _unknown_function(found[1], excerpt)
    if found := re.search(_GLOBAL_IS_NIL, message):
        return _unknown_global(found[1])
    return next((hint for text, hint in _HINTS if text in message), None)


def module_names() -> list[str]:
    """The built-in modules, sorted."""
    return [name for name in sloth_lua.names() if name not in _LIBRARY_PARTS]


def _unknown_function(name: str, excerpt: str) -> str | None:
    called = re.search(rf"(\w+)\s*[.:]\s*{name}\b", excerpt)
    if called is None or called[1] not in (*_LUAS_OWN, *module_names()):
        return None
    import difflib

    module = called[1]
    nearest = difflib.get_close_matches(name, _functions_of(module), n=1)
    meant = f"; did you mean {module}.{nearest[0]}?" if nearest else "."
    return f"There is no {module}.{name}{meant}"


def _functions_of(module: str) -> list[str]:
    """From the descriptions for editors, which have all of ours."""
    described = "standard" if module in _LUAS_OWN else module
    path = os.path.join(sloth_lua.definitions_folder(), f"{described}.lua")
    with open(path, encoding="utf-8") as file:
        ours = re.findall(rf"^function {module}\.(\w+)", file.read(), re.MULTILINE)
    return sorted({*ours, *_LUAS_OWN.get(module, "").split()})


def _unknown_global(name: str) -> str:
    import difflib

    known = [*module_names(), *_LANGUAGE]
    nearest = difflib.get_close_matches(name, known, n=1)
    if nearest:
        return f"There is no global {name!r}; did you mean {nearest[0]!r}?"
    return f"There is no global {name!r}. Modules are: {', '.join(module_names())}."
