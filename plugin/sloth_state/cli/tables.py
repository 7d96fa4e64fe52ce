"""Tables as aligned text, the same at a terminal and in a pipe but for colour and width."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

import click

from sloth_state.cli.text import printable, shortened, width

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

GAP = "  "
NARROWEST_SHORTENED = 12
"""Columns of a terminal below which a cell is not cut any further."""

STATUS_COLOURS = {
    "success": "green",
    "failed": "red",
    "running": "yellow",
    "rolled_back": "magenta",
    "pending": "blue",
    "skipped": "bright_black",
}
ACTION_COLOURS = {
    "create": "green",
    "update": "yellow",
    "delete": "red",
    "replace": "red",
    "noop": "bright_black",
    "read": "bright_black",
}

Row = TypeVar("Row")


class Column(Generic[Row]):
    """A heading, what a row says under it, and the colours that some of these words have."""

    __slots__ = ("cell", "colours", "heading")

    def __init__(
        self,
        heading: str,
        cell: Callable[[Row], str],
        colours: Mapping[str, str] | None = None,
    ) -> None:
        self.heading = heading
        self.cell = cell
        self.colours = colours or {}


def table(
    rows: Sequence[Row],
    columns: Sequence[Column[Row]],
    *,
    colour: bool = False,
    room: int | None = None,
    indent: str = "",
) -> list[str]:
    """The lines of a table: headings, then a line a row, no space at their ends.

    `room` is the width of the terminal; cells are cut to fit into it. Without it nothing is cut.
    """
    cells = [[printable(column.cell(row)) for column in columns] for row in rows]
    headings = [column.heading for column in columns]
    widths = [max(width(text) for text in column) for column in zip(headings, *cells, strict=True)]
    if room is not None:
        widths = _fitted(widths, room - len(indent))
    lines = [_line(headings, widths, ["bold" if colour else None] * len(columns))]
    for row in cells:
        styles = [
            column.colours.get(text) if colour else None
            for column, text in zip(columns, row, strict=True)
        ]
        lines.append(_line(row, widths, styles))
    return [indent + line for line in lines]


def _fitted(widths: Sequence[int], room: int) -> list[int]:
    """The widths with the widest column taken back first, then the next, until all fit."""
    fitted = list(widths)
    excess = sum(widths) + len(GAP) * (len(widths) - 1) - room
    for index in sorted(range(len(widths)), key=fitted.__getitem__, reverse=True):
        cut = max(0, min(excess, fitted[index] - NARROWEST_SHORTENED))
        fitted[index] -= cut
        excess -= cut
    return fitted


def _line(cells: Sequence[str], widths: Sequence[int], styles: Sequence[str | None]) -> str:
    line = ""
    padding = 0
    for text, columns, style in zip(cells, widths, styles, strict=True):
        cell = shortened(text, columns)
        line += " " * padding + _styled(cell, style)
        padding = columns - width(cell) + len(GAP)
    return line.rstrip()


def _styled(text: str, style: str | None) -> str:
    if style is None or not text:
        return text
    return click.style(text, bold=True) if style == "bold" else click.style(text, fg=style)
