"""What may be kept: JSON values and names, checked before anything is written.

The store keeps every value as canonical JSON text (sorted keys, no spaces), so equal values are
equal bytes and hash alike.
"""

from __future__ import annotations

from _json import encode_basestring, make_encoder
from json import JSONDecoder, JSONEncoder
from math import isfinite
from typing import Any

from sloth_state.errors import InvalidValue

MAX_BYTES = 10_000_000
"""Of the JSON text of one value, or of all attributes of one resource."""
MAX_DEPTH = 100
MAX_INTEGER = 2**53
"""Beyond it a double, and so Lua and JavaScript, cannot tell neighbours apart."""
MAX_NAME = 200
"""Characters."""

# What JSONEncoder makes anew for each value, which takes longer than encoding a small one: 1.4 µs
# instead of 0.6. It does not look for cycles; a value that contains itself is a RecursionError.
_encode = make_encoder(
    None, JSONEncoder().default, encode_basestring, None, ":", ",", True, False, False
)
_decode = JSONDecoder().scan_once  # type: ignore[attr-defined]
_SCALARS = frozenset((str, bool, float, type(None)))


quoted = encode_basestring
"""A text as canonical JSON has it."""


def to_json(value: object) -> str:
    """Canonical text of a value that is known to be sound; `canonical` also checks it."""
    return "".join(_encode(value, 0))


def from_json(text: str) -> Any:
    """The value of canonical text. Checks nothing: for what was kept and is known to be sound."""
    return _decode(text, 0)[0]


def canonical(value: object, where: str) -> str:
    """The value as canonical JSON text. `where` names it in errors, for instance "attributes".

    Only what JSON has is accepted: None, bool, int within ±2^53, finite float, str, list, and
    dict with str keys. Nothing is converted. Raises InvalidValue naming the place that is wrong.
    """
    try:
        text = to_json(value)
        # The encoder takes more than JSON has: tuples, keys of other types.
        sound = _is_plain(value)
        size = utf8_size(text)
    except (TypeError, ValueError, RecursionError):
        sound, text, size = False, "", 0
    if not sound or _may_be_too_deep(text):
        _find_culprit(value, where, 0)
    return check_size(text, size, where)


def incremented(key: str, number: object, by: int | float) -> int | float:
    """The sum of a key's value and `by`. Raises InvalidValue if it cannot be kept as a number."""
    canonical(by, "the increment")
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise InvalidValue(f"{key} cannot be incremented: its value is not a number")
    total = number + by
    canonical(total, key)
    return total


def utf8_size(text: str) -> int:
    """Bytes. Raises UnicodeEncodeError for what UTF-8 cannot hold."""
    return len(text) if text.isascii() else len(text.encode())


def check_size(text: str, size: int, where: str) -> str:
    """The JSON text itself if that many bytes can be kept. Raises InvalidValue."""
    if size > MAX_BYTES:
        raise InvalidValue(f"{where} is {size:,} bytes of JSON, and the most is {MAX_BYTES:,}")
    return text


def _may_be_too_deep(text: str) -> bool:
    # Each level takes two characters, so nearly all texts need not be counted.
    return len(text) > 2 * MAX_DEPTH and text.count("[") + text.count("{") > MAX_DEPTH


def _is_plain(value: object) -> bool:
    """Whether there are only exact JSON types and integers in it. False may be a false alarm."""
    kind = type(value)
    if kind is dict:
        for key, item in value.items():  # type: ignore[attr-defined]
            if type(key) is not str or not (type(item) in _SCALARS or _is_plain(item)):
                return False
        return True
    if kind is list:
        for item in value:  # type: ignore[attr-defined]  # noqa: SIM110 - all() takes twice as long
            if not (type(item) in _SCALARS or _is_plain(item)):
                return False
        return True
    if kind is int:
        return -MAX_INTEGER <= value <= MAX_INTEGER  # type: ignore[operator]
    return kind in _SCALARS


def _find_culprit(value: object, where: str, depth: int) -> None:
    if isinstance(value, dict | list) and depth == MAX_DEPTH:
        raise InvalidValue(f"{where[:80]}… is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise InvalidValue(f"{where} has the key {key!r}, and keys must be strings")
            check_text(key, f"a key of {where}")
            _find_culprit(item, f"{where}.{key}", depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _find_culprit(item, f"{where}[{index}]", depth + 1)
    else:
        _check_scalar(value, where)


def _check_scalar(value: object, where: str) -> None:
    match value:
        case None | bool():
            pass
        case str():
            check_text(value, where)
        case int():
            if abs(value) > MAX_INTEGER:
                raise InvalidValue(f"{where} is {value}, an integer beyond 2^53")
        case float():
            if not isfinite(value):
                raise InvalidValue(f"{where} is {value}, which JSON does not have")
        case _:
            raise InvalidValue(f"{where} is a {type(value).__name__}, which JSON does not have")


def check_text(text: object, where: str) -> str:
    """The text itself if it is a string that UTF-8 can hold. Raises InvalidValue."""
    if not isinstance(text, str):
        raise InvalidValue(f"{where} must be a string, not {type(text).__name__}")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InvalidValue(f"{where} is not valid UTF-8 text") from error
    return text


def check_name(name: object, where: str) -> str:
    """The name itself if it is 1 to 200 characters, none of them a control character.

    Raises InvalidValue; `where` says whose name it is, for instance "the workflow's name".
    """
    if isinstance(name, str) and 0 < len(name) <= MAX_NAME and name.isprintable():
        return name  # as nearly all are; what follows finds out what is wrong
    text = check_text(name, where)
    if not text:
        raise InvalidValue(f"{where} is empty")
    if len(text) > MAX_NAME:
        raise InvalidValue(f"{where} has {len(text)} characters, and the most is {MAX_NAME}")
    if not text.isprintable() and any(_is_control(character) for character in text):
        raise InvalidValue(f"{where} {text!r} has a control character in it")
    return text


def _is_control(character: str) -> bool:
    return character < " " or "\x7f" <= character <= "\x9f"
