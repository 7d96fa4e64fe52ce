"""Tables of an SQLite file that another program wrote."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import apsw

from sloth_state.errors import HistoryRefused, StoreError
from sloth_state.sqlite.files import missing_bytes
from sloth_state.sqlite.read_only import readable

if TYPE_CHECKING:
    from collections.abc import Iterable


def foreign_tables(path: str, names: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """The rows of those tables that are there, in the order they were added, by column.

    Raises HistoryRefused for a file that is damaged or unreadable.
    """
    path = os.path.realpath(path)
    if absent := missing_bytes(path):
        raise HistoryRefused(f"{path} was cut off: {absent:,} bytes are missing at its end")
    try:
        database = readable(path)
        try:
            return {name: _rows(database, name) for name in names if _has(database, name)}
        finally:
            database.close()
    except (apsw.Error, UnicodeDecodeError, StoreError) as error:
        raise HistoryRefused(f"{path} cannot be read: {error}") from error


def _has(database: apsw.Connection, name: str) -> bool:
    found = database.execute(
        "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", (name,)
    )
    return found.fetchone() is not None


def _rows(database: apsw.Connection, name: str) -> list[dict[str, Any]]:
    cursor = database.execute(f'SELECT * FROM "{name}" ORDER BY rowid')
    rows = cursor.fetchall()
    if not rows:
        return []
    columns = [name for (_, name, *_) in database.execute(f'PRAGMA table_info("{name}")')]
    return [dict(zip(columns, row, strict=True)) for row in rows]
