"""Times as text."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


def rfc3339(time: datetime) -> str:
    """RFC 3339 in UTC with a Z; fractions of a second only where there are some."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
