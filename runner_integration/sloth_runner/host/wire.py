"""Values as they cross to Lua: nil, booleans, numbers, bytes, and JSON text for the rest."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

from sloth_state.errors import InvalidValue
from sloth_state.values import MAX_DEPTH, check_text, to_json

if TYPE_CHECKING:
    from collections.abc import Callable

Plain: TypeAlias = None | bool | int | float | bytes
Answer: TypeAlias = tuple[Plain, ...]

# Tags of an answer; the same numbers are in lua/sloth_lua/host.lua.
FAILED, VALUES, JSON, STOPPED = 0, 1, 2, 3

_PLAIN = frozenset((type(None), bool, int, float, bytes))

MAX_EXACT_INTEGER = 2**53
"""Lua's numbers are doubles; larger integers would be rounded."""


def text(data: bytes) -> str:
    """Text of a Lua string. Bytes that are not UTF-8 survive as surrogates, as in file names."""
    return data.decode("utf-8", "surrogateescape")


def answer(result: object) -> Answer:
    """An operation's result as tagged plain values.

    A tuple is several results; a dict or a list becomes a table. Raises InvalidValue for an
    integer that Lua cannot hold, TypeError for what is not plain at all.
    """
    if isinstance(result, tuple):
        return (VALUES, *map(_plain, result))
    if isinstance(result, (dict, list)):
        return (JSON, dump(result))
    return (VALUES, _plain(result))


def _plain(value: object) -> Plain:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    if value is None or isinstance(value, (bool, float, bytes)):
        return value
    if isinstance(value, int):
        return _exact(value)
    raise TypeError(f"{type(value).__name__} cannot cross to Lua")


def _exact(number: int) -> int:
    if abs(number) > MAX_EXACT_INTEGER:
        raise InvalidValue(
            f"the integer {number} is beyond 2^53, which Lua cannot hold exactly",
            hint="Keep it as a string.",
        )
    return number


def dump(value: object) -> bytes:
    """Compact JSON of a value for Lua's decoder."""
    return to_json(value).encode("utf-8", "surrogateescape")


def check(value: object, depth: int = 0) -> None:
    """Raise InvalidValue if a JSON value has anything in it that Lua cannot hold or give back."""
    if isinstance(value, dict | list) and depth == MAX_DEPTH:
        raise InvalidValue(f"it is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        for key, item in value.items():
            check(key)
            check(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            check(item, depth + 1)
    else:
        _check_scalar(value)


def _check_scalar(value: object) -> None:
    if isinstance(value, str):
        check_text(value, "a text in it")
    elif isinstance(value, float) and not math.isfinite(value):
        raise InvalidValue("it has a number that is too large")
    elif isinstance(value, int):
        _exact(value)


def takes_text(operation: Callable[..., object], raw: frozenset[int]) -> Callable[..., Answer]:
    """Wrap an operation: Lua strings become str, but for the positions in `raw`."""

    def call(*arguments: Any) -> Answer:
        return answer(operation(*convert(arguments, raw)))

    return call


def convert(arguments: tuple[Any, ...], raw: frozenset[int]) -> list[Any]:
    """Arguments from Lua, as Python takes them. Raises TypeError for any Lua object."""
    if not _PLAIN.issuperset(map(type, arguments)):
        wrong = next(number for number, each in enumerate(arguments, 1) if type(each) not in _PLAIN)
        raise TypeError(f"argument {wrong} of an operation is no plain value")
    if raw:
        return [
            text(value) if type(value) is bytes and position not in raw else value
            for position, value in enumerate(arguments)
        ]
    return [  # without a call for each
        value.decode("utf-8", "surrogateescape") if type(value) is bytes else value
        for value in arguments
    ]
