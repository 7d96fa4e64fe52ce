"""What differs between two values, attribute by attribute.

A path names an attribute: "ports[1].host". A key that has dots, brackets or quotes in it stands in
quotes: `labels["app.name"]`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sloth_state.model import Json


class Absent:
    """Stands for a value that is not there, which null is not."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = Absent()


class Difference(NamedTuple):
    """One attribute that differs."""

    path: str
    before: Json | Absent
    after: Json | Absent


def differences(
    before: Mapping[str, Json], after: Mapping[str, Json], *, ignore: Sequence[str] = ()
) -> list[Difference]:
    """The attributes that differ, ordered by path; maps are compared by key, lists by position.

    Numbers are compared by value, so 1 and 1.0 do not differ; 1 and true do. What only one side
    has is one difference, however much is in it. `ignore`: paths that do not count, see `matches`.
    """
    found = list(_compare_maps("", before, after))
    ignore = _with_what_is_kept_of_content(ignore, after)
    return [each for each in found if not matches(each.path, ignore)] if ignore else found


def matches(path: str, patterns: Sequence[str]) -> bool:
    """Whether a path is one of these, or below one of them.

    `*` stands for any one step ("users.*.password" and "users[*].password" are the same), or for
    any characters inside of a step ("web_*").
    """
    return any(_pattern(pattern).match(path) for pattern in patterns)


def with_ignored(
    wanted: Mapping[str, Json], actual: Mapping[str, Json], ignore: Sequence[str], path: str = ""
) -> dict[str, Json]:
    """The wanted attributes, with what is there now in place of what `ignore` says does not count.

    `path` is where they are. What is ignored inside of a list is taken only with the whole list.
    """
    kept = dict(wanted)
    if not path:
        ignore = _with_what_is_kept_of_content(ignore, wanted)
    for key, value in actual.items():
        at = step(path, key)
        if (key in wanted or path) and matches(at, ignore):
            kept[key] = value
        elif isinstance(value, dict) and isinstance(inner := wanted.get(key), dict):
            kept[key] = with_ignored(inner, value, ignore, at)
    return kept


_KEPT_OF_CONTENT = ("content_sha256", "size")
"""What is recorded of an attribute `content`, and shown and declared as that."""


def _with_what_is_kept_of_content(
    ignore: Sequence[str], attributes: Mapping[str, Json]
) -> Sequence[str]:
    if ignore and _KEPT_OF_CONTENT[0] in attributes and matches("content", ignore):
        return [*ignore, *_KEPT_OF_CONTENT]
    return ignore


def step(path: str, key: str | int) -> str:
    """The path of what a map has under a key, or a list at an index."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    if not key or not _NEEDS_QUOTES.isdisjoint(key):
        quoted = key.replace("\\", "\\\\").replace('"', '\\"')
        return f'{path}["{quoted}"]'
    return f"{path}.{key}" if path else key


_NEEDS_QUOTES = frozenset('.[]"')
_STAR_STEP = r"(?:^|\.)\*(?=[.\[]|\Z)|\[\*\]"
_ANY_STEP = r'(?:(?:^|\.)[^.\[\]"]+|\[[0-9]+\]|\["(?:[^"\\]|\\.)*"\])'
_ANY_CHARACTERS = r'[^.\[\]"]*'


@lru_cache
def _pattern(path: str) -> re.Pattern[str]:
    steps = re.split(_STAR_STEP, path)
    pieces = [re.escape(step).replace(r"\*", _ANY_CHARACTERS) for step in steps]
    return re.compile(_ANY_STEP.join(pieces) + r"(?=[.\[]|\Z)", re.DOTALL)


def _compare(path: str, before: object, after: object) -> Iterator[Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _compare_maps(path, before, after)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _compare_lists(path, before, after)
    else:
        yield Difference(path, before, after)  # type: ignore[arg-type]


def _compare_maps(
    path: str, before: Mapping[str, Json], after: Mapping[str, Json]
) -> Iterator[Difference]:
    for key in sorted({*before, *after}):
        left, right = before.get(key, ABSENT), after.get(key, ABSENT)
        if not _same(left, right):
            yield from _compare(step(path, key), left, right)


def _compare_lists(
    path: str, before: Sequence[Json], after: Sequence[Json]
) -> Iterator[Difference]:
    for index in range(max(len(before), len(after))):
        left = before[index] if index < len(before) else ABSENT
        right = after[index] if index < len(after) else ABSENT
        if not _same(left, right):
            yield from _compare(step(path, index), left, right)


def _same(before: object, after: object) -> bool:
    """Whether two values are the same scalar. Of maps and lists, only comparing them tells."""
    if isinstance(before, dict | list) and isinstance(after, dict | list):
        return before is after
    return before == after and isinstance(before, bool) is isinstance(after, bool)
