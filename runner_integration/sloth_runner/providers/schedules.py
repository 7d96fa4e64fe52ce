"""When cron runs something: crontab(5)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sloth_runner.session import Session

_NICKNAMES = (
    *("@reboot", "@yearly", "@annually", "@monthly", "@weekly"),
    *("@daily", "@midnight", "@hourly"),
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_ITEM = re.compile(r"(?:\*|(\w+)(?:-(\w+))?)(?:/(\d+))?")


class _Field(NamedTuple):
    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of the week", 0, 7, _DAYS),
)


def normalised(_session: Session, schedule: str) -> str | tuple[None, str]:
    """A schedule with single blanks; None and what is wrong if cron would refuse it."""
    parts = schedule.split()
    if len(parts) == 1 and parts[0].startswith("@"):
        if parts[0] in _NICKNAMES:
            return parts[0]
        return None, f"there is no {parts[0]!r}; there is {' '.join(_NICKNAMES)}"
    if len(parts) != len(_FIELDS):
        return None, f"it must have five fields or be one such as @daily, not {schedule!r}"
    for part, field in zip(parts, _FIELDS, strict=True):
        problem = next(filter(None, (_problem(item, field) for item in part.split(","))), None)
        if problem:
            return None, f"its {field.name} {part!r} {problem}"
    return " ".join(parts)


def _problem(item: str, field: _Field) -> str | None:
    match = _ITEM.fullmatch(item)
    if not match:
        return "is neither *, a number, a range nor a list of these"
    first, last, step = match.groups()
    if step is not None and (int(step) == 0 or (first and not last)):
        return "has a step that cron refuses; write */2 or 10-20/2"
    numbers = [_number(text, field) for text in (first, last) if text]
    if not all(number is not None for number in numbers):
        return f"must be within {field.least} to {field.most}"
    if len(numbers) == 2 and numbers[0] > numbers[1]:  # type: ignore[operator]
        return "is a range that ends before it begins"
    return None


def _number(text: str, field: _Field) -> int | None:
    if text.isascii() and text.isdigit():
        return int(text) if field.least <= int(text) <= field.most else None
    lowered = text.lower()
    return field.least + field.names.index(lowered) if lowered in field.names else None
