"""Durations as people write them: "1h30m", "90s", "250ms", or a number of seconds."""

from __future__ import annotations

import re

from sloth_state.errors import InvalidValue

LONGEST = 100 * 365 * 86400.0
"""Seconds; more than this, and sums with the present time overflow."""

_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|[dhms])\s*")


def parse_duration(text: str | float) -> float:
    """Seconds of a duration. Raises InvalidValue for anything else, also for negative ones."""
    seconds = _parse_text(text) if isinstance(text, str) else float(text)
    if not 0 <= seconds < float("inf"):
        raise _not_a_duration(text)
    if seconds > LONGEST:
        raise InvalidValue(f"{text!r} is longer than 100 years", hint="Is its unit right?")
    return seconds


def _parse_text(text: str) -> float:
    stripped = text.strip()
    if _NUMBER.fullmatch(stripped):
        return float(stripped)
    total, position = 0.0, 0
    while position < len(stripped):
        part = _PART.match(stripped, position)
        if part is None:
            raise _not_a_duration(text)
        total += float(part[1]) * _UNITS[part[2]]
        position = part.end()
    if position == 0:
        raise _not_a_duration(text)
    return total


def _not_a_duration(text: str | float) -> InvalidValue:
    return InvalidValue(
        f"{text!r} is not a duration", hint='Write "1h30m", "90s", "250ms" or a number of seconds.'
    )
