"""Checking the whole store: that every row is what was written, and that rows fit each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sloth_state.errors import StoreDamaged
from sloth_state.model import Problem
from sloth_state.sqlite.base import StoreBase
from sloth_state.sqlite.chain import check_versions
from sloth_state.sqlite.checksums import content_hash, row_checksum
from sloth_state.sqlite.connection import Connection
from sloth_state.sqlite.resource_rows import HISTORY, SELECT_PAST, is_sound
from sloth_state.sqlite.tables import TABLES, Table


class Integrity(StoreBase):
    """The part of `Store` about integrity."""

    def verify(self) -> list[Problem]:
        with self._db.snapshot():
            problems = [*_attempt(self._db, "file", _check_file)]
            for table in TABLES:
                problems += _attempt(self._db, table.name, _rows_checker(table))
            problems += _attempt(self._db, HISTORY, _check_past)
            problems += _attempt(self._db, "contents", _check_contents)
            problems += _attempt(self._db, HISTORY, _check_intervals)
            # A hash that does not fit would only say again what is said already.
            return problems or list(_attempt(self._db, "state_versions", check_versions))


def _attempt(
    db: Connection, place: str, check: Callable[[Connection], Iterator[Problem]]
) -> Iterator[Problem]:
    """The problems that a check finds; that it cannot read on is one of them."""
    try:
        yield from check(db)
    except StoreDamaged as error:
        yield Problem(place, error.message)


def _check_file(db: Connection) -> Iterator[Problem]:
    for (text,) in db.stream("PRAGMA integrity_check"):
        if text != "ok":
            yield Problem("file", text)
    for table, key, parent, _ in db.stream("PRAGMA foreign_key_check"):
        yield Problem(f"{table} row {key}", f"refers to a row of {parent} that is not there")
    rows = db.stream("SELECT id FROM workflow_states WHERE run_key NOT IN state_versions_keys")
    for (run_id,) in rows:
        yield Problem(f"run {run_id}", "has no version")


def _rows_checker(table: Table) -> Callable[[Connection], Iterator[Problem]]:
    def check(db: Connection) -> Iterator[Problem]:
        for key, *columns, checksum in db.stream(f"SELECT {table.selected('t')} FROM {table.name} t"):
            if row_checksum(*columns) != checksum:
                yield Problem(f"{table.name} row {key}", "is not what was written")

    return check


def _check_past(db: Connection) -> Iterator[Problem]:
    for row in db.stream(SELECT_PAST):
        if not is_sound(row):
            yield Problem(f"{HISTORY} row {row[0]}", "is not what was written")


def _check_contents(db: Connection) -> Iterator[Problem]:
    for key, hash, content in db.stream("SELECT content_key, hash, content FROM contents"):
        if content_hash(content) != hash:
            yield Problem(f"contents row {key}", "is not what was written")


def _check_intervals(db: Connection) -> Iterator[Problem]:
    """Where one state of a resource ends the next must begin."""
    rows = db.stream(
        "SELECT resource_key, id, valid_from, valid_to FROM workflow_resource_history "
        "JOIN workflow_resources r USING (resource_key)"
    )
    yield from ()
    del rows
