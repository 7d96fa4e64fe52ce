"""Values as people read them: times, durations, counts, and text that is safe to print."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


def printable(text: str, *, keep: str = "") -> str:
    """The text with everything escaped that could move a cursor, break a line or not be encoded.

    Characters in `keep` stay. Names and values come from scripts and commands, so a terminal
    never gets their escape sequences.
    """
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character in keep
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def width(text: str) -> int:
    """How many columns of a terminal the text takes; East Asian wide characters take two."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    from unicodedata import combining, east_asian_width

    if combining(character):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def shortened(text: str, room: int) -> str:
    """The text cut to at most `room` columns, its last one an ellipsis if anything is missing."""
    if width(text) <= room:
        return text
    kept, used = [], 0
    for character in text:
        columns = width(character)
        if used + columns > room - 1:
            break
        kept.append(character)
        used += columns
    return "".join(kept) + "…"


def local_time(at: datetime | None) -> str:
    """A time on the clock of this machine, to the second; "-" for none."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S") if at else "-"


def duration(seconds: float | None) -> str:
    """A duration in its two largest units ("3m 05s"), tenths below a minute; "-" for none.

    Below a tenth of a second it is in milliseconds.
    """
    if seconds is None:
        return "-"
    if seconds < 0.0995:
        return f"{seconds * 1000:.0f}ms"
    if round(seconds, 1) < 60:
        return f"{seconds:.1f}s"
    minutes, second = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {second:02}s"
    hours, minute = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}h {minute:02}m"
    return f"{hours // 24}d {hours % 24:02}h"


def counted(number: int, noun: str) -> str:
    """A number with its noun: "1 run", "12,000 runs"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
