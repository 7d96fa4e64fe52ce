"""Changes of resources and outputs as lines of text, safe to print and without what is sensitive.

~ file/app.conf
    content:
      @@ -1 +1 @@
      -port = 80
      +port = 81
    mode: "0644" → "0600"
    + owner: "www-data"
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import click

from sloth_state.changes import KNOWN_AFTER_RUN, VisibleDifference, visible_differences
from sloth_state.cli.tables import ACTION_COLOURS
from sloth_state.cli.text import printable, shortened
from sloth_state.cli.text_diff import unified_diff
from sloth_state.differences import Absent
from sloth_state.errors import NotFound
from sloth_state.sensitive import CONTENT_HASH, SENSITIVE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sloth_state.changes import ResourceChange
    from sloth_state.model import Json
    from sloth_state.store import Store

KeptText: TypeAlias = Callable[[str], str | None]
"""The text with this SHA-256, or None if it is not kept or no text."""

MARKS = {"create": "+", "update": "~", "delete": "-", "replace": "-/+", "noop": "="}
WORDS = {
    "create": "created",
    "update": "updated",
    "replace": "replaced",
    "delete": "deleted",
    "noop": "unchanged",
}
LONG = 60
"""Characters from which on a value has lines of its own."""
HASH_DIGITS = 12
_HASH = re.compile(r"[0-9a-f]{64}")


def change_counts(changes: Iterable[ResourceChange]) -> str:
    """ "2 created, 1 updated", those that are not zero; empty for no changes."""
    actions = [change.action for change in changes]
    counts = {word: actions.count(action) for action, word in WORDS.items()}  # type: ignore[arg-type]
    return ", ".join(f"{count:,} {word}" for word, count in counts.items() if count)


def kept_text(store: Store, hash: str, *, also: Mapping[str, bytes] = {}) -> str | None:
    """A text that the store keeps under this hash; None if it keeps none or it is no text.

    `also`: contents that are known by their hash and not kept.
    """
    try:
        return as_text(also[hash] if hash in also else store.content(hash))
    except NotFound:
        return None


def as_text(content: bytes) -> str | None:
    """The text that a content is; None if it is none."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


class ChangeView:
    """How changes are shown: with colours or not, and how much of them."""

    def __init__(
        self, kept: KeptText, *, colour: bool, details: bool = False, unchanged: bool = False
    ) -> None:
        """`details`: also the attributes of resources that are created or deleted.

        `unchanged`: also the names of those that stay as they are.
        """
        self._kept = kept
        self._colour = colour
        self._details = details
        self._unchanged = unchanged

    def lines(self, changes: Iterable[ResourceChange]) -> Iterator[str]:
        """A line for each resource, and below it those for its attributes."""
        for change in changes:
            if change.action != "noop" or self._unchanged:
                yield self._title(change)
            if change.action in ("update", "replace") or self._details:
                yield from self._attributes(change)

    def outputs(self, changes: Iterable[VisibleDifference]) -> Iterator[str]:
        """The lines for outputs, in the same form as attributes."""
        for change in changes:
            yield from self._difference(change)

    def _title(self, change: ResourceChange) -> str:
        name = printable(f"{change.type}/{change.name}")
        return self._styled(f"{MARKS[change.action]} {name}", ACTION_COLOURS[change.action])

    def _attributes(self, change: ResourceChange) -> Iterator[str]:
        if change.status is not None:
            _, before, after = change.status
            yield from self._difference(VisibleDifference("(status)", before, after, False))
        for difference in visible_differences(change):
            is_hash = difference.path == CONTENT_HASH and not difference.sensitive
            yield from self._difference(self._content(difference) if is_hash else difference)

    def _content(self, hashes: VisibleDifference) -> VisibleDifference:
        """The texts that two hashes stand for; the beginnings of the hashes if one is not kept."""
        _, before, after, _ = hashes
        if isinstance(before, str) and isinstance(after, str):
            old, new = self._kept(before), self._kept(after)
            if old is not None and new is not None:
                return VisibleDifference("content", old, new, sensitive=False)
        return hashes._replace(before=_beginning(before), after=_beginning(after))

    def _difference(self, difference: VisibleDifference) -> Iterator[str]:
        path, before, after, sensitive = difference
        texts = None if sensitive or after == KNOWN_AFTER_RUN else _texts(before, after)
        label = f"    {self._mark(before, after)}{printable(path)}:"
        if texts is None:
            yield f"{label} {self._on_one_line(difference)}"
            return
        yield label
        for line in unified_diff(*texts, colour=self._colour):
            yield f"      {line}"

    def _mark(self, before: Json | Absent, after: Json | Absent) -> str:
        if isinstance(before, Absent):
            return self._styled("+", "green") + " "
        return self._styled("-", "red") + " " if isinstance(after, Absent) else ""

    def _on_one_line(self, difference: VisibleDifference) -> str:
        _, before, after, sensitive = difference
        if isinstance(before, Absent):
            return self._styled(_value_text(after), "green")
        if isinstance(after, Absent):
            return self._styled(_value_text(before), "red")
        if sensitive:
            return self._styled("(changed)", "yellow")
        old = _value_text(before)
        if after == KNOWN_AFTER_RUN:  # however long, there is nothing to compare it with
            old = shortened(old, LONG)
        return f"{self._styled(old, 'red')} → {self._styled(_value_text(after), 'green')}"

    def _styled(self, text: str, colour: str) -> str:
        return click.style(text, fg=colour) if self._colour else text


def _texts(before: Json | Absent, after: Json | Absent) -> tuple[str, str] | None:
    """Both values as text of several lines, if one of them is too large for one line."""
    values = [value for value in (before, after) if not isinstance(value, Absent)]
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) == len(values):
        large = any(_is_large(text, has_counterpart=len(texts) == 2) for text in texts)
        return (_or_empty(before, str), _or_empty(after, str)) if large else None
    large = any(len(_json(value)) > LONG for value in values)
    return (_or_empty(before, _indented), _or_empty(after, _indented)) if large else None


def _is_large(text: str, *, has_counterpart: bool) -> bool:
    # A long line without another to compare it with is best left beside its name.
    return "\n" in text or (has_counterpart and len(text) > LONG and not _HASH.fullmatch(text))


def _value_text(value: Json | Absent) -> str:
    is_word = value in (KNOWN_AFTER_RUN, SENSITIVE)
    return str(value) if is_word else printable(_json(value))


def _beginning(hash: Json | Absent) -> Json | Absent:
    if isinstance(hash, str) and len(hash) > HASH_DIGITS and hash != KNOWN_AFTER_RUN:
        return f"{hash[:HASH_DIGITS]}…"
    return hash


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _or_empty(value: Json | Absent, as_text: Callable[[object], str]) -> str:
    return "" if isinstance(value, Absent) else as_text(value)


def _indented(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
