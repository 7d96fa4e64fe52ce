"""Times as Go programs leave them in SQLite."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from math import isfinite
from typing import Any

_TEXT = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d+))?"
    r"\s*(Z|[+-]\d\d:?\d\d)?(?: [A-Za-z]+| [+-]\d+)?(?: m=[+-][\d.]+)?"
)
_LARGEST_SECONDS = 10**11
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def go_time(value: Any) -> datetime | None:
    """A time in UTC; None for no time, for Go's zero time (year 1), and for what is no time.

    Takes RFC 3339, SQLite's CURRENT_TIMESTAMP, what `time.Time.String` prints ("2024-05-06
    07:08:09.1 +0200 CEST m=+0.1"), and seconds, milliseconds, microseconds or nanoseconds since
    1970. A time without a zone is UTC.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _since_epoch(value)
    found = _TEXT.fullmatch(str(value).strip())
    if found is None:
        return None
    day, clock, fraction, zone = found.groups()
    microseconds = int(((fraction or "0") + "000000")[:6])
    try:
        at = datetime.fromisoformat(f"{day} {clock}").replace(
            microsecond=microseconds, tzinfo=_zone(zone)
        )
        return at.astimezone(UTC) if at.year > 1 else None
    except (ValueError, OverflowError):
        return None


def _zone(text: str | None) -> timezone:
    if text in (None, "Z"):
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)


def _since_epoch(value: float) -> datetime | None:
    if value <= 0 or not isfinite(value):
        return None
    while value >= _LARGEST_SECONDS:
        value /= 1000
    return _EPOCH + timedelta(seconds=value)
