"""Taking every row that can still be read out of a damaged file, into a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import apsw

from sloth_state.sqlite import schema

if TYPE_CHECKING:
    from collections.abc import Iterable

_SMALLEST_ROW = 32
"""Bytes; what the size of a file allows at most are as many rows, and so many keys are tried one by
one where nothing says which there are."""


def salvage(damaged: str, target: str) -> dict[str, int]:
    """Make a store at `target` of the rows in `damaged`; how many of each table were lost.

    Where nothing that can be read says how many there were, it is how many there may have been.
    A row that the schema does not allow counts as lost too. Raises apsw.Error if not even the names
    of the tables can be read.
    """
    database = apsw.Connection(target, flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
    try:
        schema.create(database)
        database.execute("ATTACH ? AS old", (damaged,))
        database.pragma("foreign_keys", False)
        # Whatever is damaged in the schema must not keep the rest from being read.
        database.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 0)
        database.pragma("writable_schema", True)
        # A transaction over both files cannot be committed when one of them is damaged, so each
        # statement is one of its own; the new file counts only when all is done and synced.
        database.pragma("journal_mode", "MEMORY")
        database.pragma("synchronous", "OFF")
        lost = {name: _Table(database, name).salvage() for name in _tables(database)}
        database.pragma("writable_schema", False)
        database.execute("DETACH old")
        database.pragma("journal_mode", "WAL")
    finally:
        database.close()
    return {name: number for name, number in lost.items() if number}


def _tables(database: apsw.Connection) -> list[str]:
    """Those that both files have, in the order in which rows refer to each other."""
    there = {name for (name,) in database.execute("SELECT name FROM old.sqlite_schema")}
    known = database.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table'")
    return [name for (name,) in known if name in there and name != "schema_migrations"]


class _Table:
    """One table of the damaged file and the same one of the new file."""

    def __init__(self, database: apsw.Connection, name: str) -> None:
        self._database = database
        self._name = name
        there = {row[1] for row in database.execute(f"PRAGMA old.table_info({name})")}
        described = list(database.execute(f"PRAGMA main.table_info({name})"))
        self._columns = ", ".join(row[1] for row in described if row[1] in there)
        keys = [row[1] for row in described if row[5]]
        self._key = keys[0] if len(keys) == 1 else None
        """The integer key; None if the rows are kept under several columns."""
        self._key_columns = ", ".join(keys)

    def salvage(self) -> int:
        """Copy what can be read; how many rows are lost."""
        if self._copy("NOT INDEXED"):
            return self._missing()
        if self._key is None:
            return self._salvage_in_both_orders()
        first, last = self._readable_keys("ASC"), self._readable_keys("DESC")
        known = self._keys_of_indexes()
        is_exact = known is not None
        if known is None:
            start = first[-1] + 1 if first else 1
            farthest = start + self._most_rows()
            if last and last[-1] > farthest:  # such a key is damaged itself
                last = []
            known = [*first, *range(start, last[-1] if last else farthest), *last]
        unread = sum(not self._copy(f"WHERE {self._key} = ?", key) for key in known)
        # Where the end cannot be read, nobody knows how many of the keys tried there were in use.
        return unread if last or is_exact else 1

    def _copy(self, which: str, *bindings: int) -> bool:
        """Copy rows in one statement, all or none; whether they could be read and be written."""
        try:
            self._database.execute(
                f"INSERT OR IGNORE INTO main.{self._name} ({self._columns}) "
                f"SELECT {self._columns} FROM old.{self._name} {which}",
                bindings,
            )
        except (apsw.CorruptError, apsw.ConstraintError, apsw.IOError):
            return False
        return True

    def _readable_keys(self, order: str) -> list[int]:
        """The keys from one end of the table to the first that cannot be read."""
        keys = []
        try:
            for (key,) in self._database.execute(
                f"SELECT {self._key} FROM old.{self._name} NOT INDEXED ORDER BY {self._key} {order}"
            ):
                keys.append(key)
        except (apsw.CorruptError, apsw.IOError):
            pass
        return keys

    def _most_rows(self) -> int:
        pages: int = self._database.pragma("page_count", schema="old")
        page_size: int = self._database.pragma("page_size", schema="old")
        return pages * page_size // _SMALLEST_ROW

    def _keys_of_indexes(self) -> list[int] | None:
        """The keys of all rows, as an index knows them; None if no index can be read."""
        for index in self._indexes():
            try:
                rows: list[Any] = self._database.execute(
                    f"SELECT {self._key} FROM old.{self._name} INDEXED BY {index}"
                ).fetchall()
            except (apsw.CorruptError, apsw.SQLError, apsw.IOError):
                continue
            return sorted(key for (key,) in rows)
        return None

    def _indexes(self) -> Iterable[str]:
        """Those that have every row."""
        rows: list[Any] = self._database.execute(f"PRAGMA old.index_list({self._name})").fetchall()
        return [row[1] for row in rows if not row[4] and row[3] != "pk"]

    def _missing(self) -> int:
        """How many rows the indexes know and the new table does not have."""
        if self._key is None:
            return 0
        copied = {
            key for (key,) in self._database.execute(f"SELECT {self._key} FROM main.{self._name}")
        }
        return len(set(self._keys_of_indexes() or ()) - copied)

    def _salvage_in_both_orders(self) -> int:
        """The same for rows kept under several columns. Their other index has all of them."""
        if any(self._copy(f"INDEXED BY {index}") for index in self._indexes()):
            return 0
        for order in ("ASC", "DESC"):
            rows = self._readable_rows(order)
            marks = ", ".join("?" * len(self._columns.split(", ")))
            self._database.executemany(
                f"INSERT OR IGNORE INTO main.{self._name} ({self._columns}) VALUES ({marks})", rows
            )
        return 1

    def _readable_rows(self, order: str) -> list[tuple[apsw.SQLiteValue, ...]]:
        keys = ", ".join(f"{column} {order}" for column in self._key_columns.split(", "))
        rows: list[tuple[apsw.SQLiteValue, ...]] = []
        try:
            for row in self._database.execute(
                f"SELECT {self._columns} FROM old.{self._name} ORDER BY {keys}"
            ):
                rows.append(row)
        except (apsw.CorruptError, apsw.IOError, UnicodeDecodeError):
            pass
        return rows
