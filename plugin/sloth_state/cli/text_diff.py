"""Two texts as a unified diff."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sloth_state.cli.text import counted, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTEXT = 3
"""Lines around a change that are shown with it."""
MOST_LINES = 50_000
"""Of both texts together. The time grows with the square of it where lines recur a lot."""

_COLOURS = {"@": "cyan", "-": "red", "+": "green"}


def unified_diff(before: str, after: str, *, colour: bool) -> Iterator[str]:
    """The lines of a unified diff without its two head lines, safe to print.

    Lines end at line feeds only. A missing one at the end is told where the other text has it.
    """
    old, new = _lines(before), _lines(after)
    if len(old) + len(new) > MOST_LINES:
        yield f"({counted(len(old), 'line')} → {counted(len(new), 'line')}, too many to compare)"
        return
    from difflib import unified_diff

    tells_end = bool(before and after) and before.endswith("\n") != after.endswith("\n")
    lines = unified_diff(old, new, n=CONTEXT, lineterm="")
    for number, line in enumerate(lines):
        if number < 2:  # the names of the files, which are none
            continue
        yield _coloured(printable(line.removesuffix("\n"), keep="\t"), colour)
        if tells_end and line[0] != "@" and not line.endswith("\n"):
            yield "\\ No newline at end of file"


def _lines(text: str) -> list[str]:
    *lines, last = text.split("\n")
    return [*(f"{line}\n" for line in lines), *([last] if last else [])]


def _coloured(line: str, colour: bool) -> str:
    shade = _COLOURS.get(line[0])
    return click.style(line, fg=shade) if colour and shade else line
