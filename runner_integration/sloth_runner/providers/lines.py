"""What the provider of `line_in_file` needs: one line of a text; all others stay as they are."""

from __future__ import annotations

import json
import os
import re
import stat
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sloth_runner.errors import WorkflowError
from sloth_runner.providers import durable
from sloth_runner.providers.durable import Permissions, explained, replacing
from sloth_runner.providers.files import facts_of, permissions_of
from sloth_state.errors import InvalidValue
from sloth_state.values import check_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sloth_runner.session import Session


_TOP = ""
"""Stands for the line before the first one."""


class Lines:
    """The lines of a file without their ends; saved, untouched ones are the bytes that they were.

    Bytes that are not UTF-8 survive as surrogates. A file whose last line has no end still has
    none after a change, and new lines end as the first one does.
    """

    def __init__(self, path: str) -> None:
        """Reads the file; `exists` tells whether there is one."""
        self.path = path
        facts = facts_of(path, stat.S_IFREG, "line_in_file")
        self.exists = facts is not None
        self._permissions = Permissions(*permissions_of(facts)) if facts else Permissions()
        text = ""
        if facts is not None:
            with explained(path), open(path, "rb") as file:
                text = file.read().decode("utf-8", "surrogateescape")
        self._last_is_ended = not text or text.endswith("\n")
        self._lines = text.split("\n")
        if self._last_is_ended:
            self._lines.pop()

    def __len__(self) -> int:
        return len(self._lines)

    def texts(self) -> list[str]:
        """The lines without `\\r` either."""
        return [line.removesuffix("\r") for line in self._lines]

    def find(self, wanted: Callable[[str], bool]) -> list[int]:
        """The positions of the lines that are wanted."""
        return [index for index, line in enumerate(self.texts()) if wanted(line)]

    def replace(self, index: int, text: str) -> None:
        self._lines[index] = text + self._carriage_return(index)

    def insert(self, index: int, text: str) -> None:
        self._lines.insert(index, text + (self._carriage_return(0) if self._lines else ""))

    def remove(self, index: int) -> str:
        return self._lines.pop(index).removesuffix("\r")

    def _carriage_return(self, index: int) -> str:
        return "\r" if self._lines[index].endswith("\r") else ""

    def save(self) -> None:
        """Replace the file as a whole; mode and owner stay."""
        text = "\n".join(self._lines)
        if self._lines and self._last_is_ended:
            text += "\n"
        with explained(self.path), replacing(self.path, self._permissions) as file:
            file.write(text.encode("utf-8", "surrogateescape"))


@contextmanager
def _changing(path: str) -> Iterator[Lines]:
    """The lines of a file, in which no other run changes any meanwhile."""
    with explained(path), durable.alone_in(os.path.dirname(path)):
        yield Lines(path)


# -- operations ----------------------------------------------------------------------------


def check(_session: Session, field: str, pattern: str) -> None:
    """Raise WorkflowError if a pattern is no regular expression."""
    try:
        re.compile(pattern)
    except re.error as error:
        raise WorkflowError(f"resource.line_in_file: {field} {pattern!r}: {error}") from error


def read(
    _session: Session, path: str, line: str, match: str | None, written: str | None
) -> tuple[bool, str | None]:
    """Whether the file exists, and which of its lines is the one.

    It is the line itself if it is there, else the one that was written for it before, else the
    last that matches.
    """
    lines = Lines(path)
    index = _the_one(lines, line, match, written)
    return lines.exists, None if index is None else _kept(path, lines.texts()[index])


def replace(_session: Session, path: str, old: str, new: str) -> None:
    """Replace the last line that is exactly `old`. Does nothing if there is none."""
    with _changing(path) as lines:
        found = lines.find(_wanted(old, None))
        if found and old != new:
            lines.replace(found[-1], new)
            lines.save()


def insert(_session: Session, path: str, line: str, places: str) -> str:
    """Insert a line and return a digest of the one before it.

    `places` (JSON): `after_line`, such a digest of an earlier insertion; `after`, `before`:
    patterns. The first of these that is found decides, else the line goes to the end.
    """
    with _changing(path) as lines:
        index = _place(lines, json.loads(places))
        lines.insert(index, line)
        lines.save()
        return _before(lines.texts(), index)


def remove(_session: Session, path: str, line: str, with_file: bool) -> None:
    """Remove the last line that is exactly this; `with_file`: an empty file goes too."""
    with _changing(path) as lines:
        found = lines.find(_wanted(line, None))
        if not found:
            return
        lines.remove(found[-1])
        if with_file and not len(lines):
            durable.remove(path)
        else:
            lines.save()


def matching(_session: Session, path: str, line: str, match: str | None) -> list[dict[str, Any]]:
    """All lines that match, or are exactly `line` if there is no pattern, and where they stand."""
    lines = Lines(path)
    texts = lines.texts()
    return [
        {"line": _kept(path, texts[index]), "index": index, "after": _before(texts, index)}
        for index in lines.find(_wanted(line, match))
    ]


def remove_all(_session: Session, path: str, line: str, match: str | None) -> None:
    """Remove all of these."""
    with _changing(path) as lines:
        for index in reversed(lines.find(_wanted(line, match))):
            lines.remove(index)
        lines.save()


def put_back(_session: Session, path: str, removed: str) -> None:
    """Insert lines that `matching` gave (JSON) where they stood. A file that is gone stays so."""
    with _changing(path) as lines:
        if not lines.exists:
            return
        for each in json.loads(removed):
            lines.insert(_former_place(lines, each["index"], each["after"]), each["line"])
        lines.save()


# -- which line ----------------------------------------------------------------------------


def _wanted(line: str, match: str | None) -> Callable[[str], bool]:
    if match is None:
        return line.__eq__
    pattern = re.compile(match)
    return lambda each: pattern.search(each) is not None


def _the_one(lines: Lines, line: str, match: str | None, written: str | None) -> int | None:
    found = lines.find(_wanted(line, None))
    if not found and written is not None:
        found = lines.find(_wanted(written, None))
    if not found and match is not None:
        found = lines.find(_wanted(line, match))
    return found[-1] if found else None


def _place(lines: Lines, places: Mapping[str, str]) -> int:
    if "after_line" in places:
        found = _places_behind(lines, places["after_line"])
        if len(found) == 1:
            return found[0]
    if "after" in places:
        found = lines.find(_wanted("", places["after"]))
        return found[-1] + 1 if found else len(lines)
    if "before" in places:
        found = lines.find(_wanted("", places["before"]))
        return found[0] if found else len(lines)
    return len(lines)


def _former_place(lines: Lines, index: int, after: str) -> int:
    """The same number if the same line is before it, else behind that line, wherever it is now."""
    candidates = _places_behind(lines, after)
    if index in candidates or not candidates:
        return min(index, len(lines))
    return candidates[-1]


def _before(texts: Sequence[str], index: int) -> str:
    """A digest of the line before this one: it may have any bytes in it, and is only compared."""
    return _digest(texts[index - 1]) if index else _TOP


def _places_behind(lines: Lines, after: str) -> list[int]:
    """The positions behind all lines with this digest."""
    if after == _TOP:
        return [0]
    return [index + 1 for index in lines.find(lambda each: _digest(each) == after)]


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _kept(path: str, text: str) -> str:
    try:
        return check_text(text, f"a line of {path}")
    except InvalidValue as error:
        raise WorkflowError(f"{error.message}, so it cannot be kept for later") from error
