"""What to do about Lua's own messages."""

from __future__ import annotations

import os
import re

import sloth_lua

_LIBRARY_PARTS = [
    "boot",
    "builders",
    "calls",
    "deadlock",
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
        "string expected, got table",
        "tostring(x), or x.stdout, is the text of what exec.run returns.",
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
    for pattern, make in _ABOUT_NAMES:
        if found := re.search(pattern, message):
            return make(found[1], excerpt)
    return next((hint for text, hint in _HINTS if text in message), None)


def module_names() -> list[str]:
    """The built-in modules, sorted."""
    return [name for name in sloth_lua.names() if name not in _LIBRARY_PARTS]


def _nil(name: str, _excerpt: str) -> str:
    return f"{name!r} is nil. A function that fails returns nil or false, and why behind it."


def _boolean(name: str, _excerpt: str) -> str:
    return (
        f"{name!r} is true or false. A function that changes something returns that first, "
        "and a table behind it: local ok, result = …"
    )


def _setenv(_name: str, _excerpt: str) -> str:
    return "Tasks share the environment; a command gets its own with exec.run(…, { env = { … } })."


def _modules(_name: str, _excerpt: str) -> str:
    return f"Modules are: {', '.join(module_names())}."


def _required(name: str, excerpt: str) -> str:
    path = name.replace(".", "/")
    own = f"A file of your own would be {path}.lua or {path}/init.lua beside the workflow's file."
    return own if "/" in path else f"{_modules(name, excerpt)} {own}"


def _not_in(function: str, excerpt: str) -> str | None:
    """`task.checkpoint`, where `task` is no table."""
    asked_for = re.search(rf"\b{function}\s*\.\s*(\w+)", excerpt)
    return f"There is no {function}.{asked_for[1]}." if asked_for else None


def _unknown_function(name: str, excerpt: str) -> str | None:
    called = re.search(rf"(\w+)\s*[.:]\s*{name}\b", excerpt)
    if called is None or called[1] not in (*_LUAS_OWN, *module_names()):
        return None
    import difflib

    module = called[1]
    if module == "values":
        return f"No value '{name}' was given. Give it with --values FILE or --set {name}=…."
    known = _functions_of(module)
    nearest = difflib.get_close_matches(name, known, n=1)
    if nearest:
        return f"There is no {module}.{name}; did you mean {module}.{nearest[0]}?"
    if module in _LUAS_OWN:
        return f"There is no {module}.{name}."
    return f"There is no {module}.{name}. Functions of {module} are: {', '.join(known)}."


def _functions_of(module: str) -> list[str]:
    """From the descriptions for editors, which have all of ours."""
    described = "standard" if module in _LUAS_OWN else module
    path = os.path.join(sloth_lua.definitions_folder(), f"{described}.lua")
    with open(path, encoding="utf-8") as file:
        ours = re.findall(rf"^function {module}[.:](\w+)", file.read(), re.MULTILINE)
    return sorted({*ours, *_LUAS_OWN.get(module, "").split()})


def _unknown_global(name: str, excerpt: str) -> str:
    import difflib

    known = [*module_names(), *_LANGUAGE]
    nearest = difflib.get_close_matches(name, known, n=1)
    if nearest:
        return f"There is no global {name!r}; did you mean {nearest[0]!r}?"
    return f"There is no global {name!r}. {_modules(name, excerpt)}"


_ABOUT_NAMES = (
    (r"'(setenv)' \(a nil value\)", _setenv),
    (r"attempt to (?:call|index) (?:field|method) '(\w+)' \(a nil value\)", _unknown_function),
    (r"attempt to (?:index|call) global '(\w+)' \(a nil value\)", _unknown_global),
    (r"attempt to index (?:local|upvalue) '(\w+)' \(a nil value\)", _nil),
    (r"attempt to index (?:local|upvalue|field) '(\w+)' \(a boolean value\)", _boolean),
    (r"attempt to index global '(\w+)' \(a function value\)", _not_in),
    (r"require: there is no module '([^']*)'", _required),
)
