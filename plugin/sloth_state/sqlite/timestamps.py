"""Times as the store keeps them: whole microseconds since 1970 in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_microseconds(moment: datetime) -> int:
    """Exact, unlike `datetime.timestamp`. The moment must be aware."""
    return (moment - _EPOCH) // _MICROSECOND


def from_microseconds(microseconds: int) -> datetime:
    return _EPOCH + timedelta(0, 0, microseconds)


def to_optional_microseconds(moment: datetime | None) -> int | None:
    return None if moment is None else to_microseconds(moment)


def from_optional_microseconds(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else from_microseconds(microseconds)
