"""Checking the whole store: that every row is what was written, and that rows fit each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_state.errors import StoreDamaged
from sloth_state.model import Problem
from sloth_state.sqlite.chain import check_versions
from sloth_state.sqlite.checksums import content_hash
from sloth_state.sqlite.resource_rows import HISTORY, SELECT_PAST, is_sound
from sloth_state.sqlite.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sloth_state.sqlite.connection import Connection
    from sloth_state.sqlite.tables import Table


def all_problems(db: Connection) -> list[Problem]:
    """What `Store.verify` finds. Call it in a snapshot."""
    problems = [*_attempt(db, "file", _check_file)]
    for table in TABLES:
        problems += _attempt(db, table.name, _rows_checker(table))
    problems += _attempt(db, HISTORY, _check_past)
    problems += _attempt(db, "contents", _check_contents)
    problems += _attempt(db, HISTORY, _check_intervals)
    # A hash that does not fit would only say again what is said already.
    return problems or list(_attempt(db, "state_versions", check_versions))


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
    for (run_id,) in db.stream(
        "SELECT id FROM workflow_states LEFT JOIN state_versions v USING (run_key) "
        "WHERE v.run_key IS NULL"
    ):
        yield Problem(f"run {run_id}", "has no version")


def _rows_checker(table: Table) -> Callable[[Connection], Iterator[Problem]]:
    def check(db: Connection) -> Iterator[Problem]:
        for key, *columns, checksum in db.stream(
            f"SELECT {table.selected('t')} FROM {table.name} t"
        ):
            if table.checksum(columns) != checksum:
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
    """The states of a resource follow each other: each begins where the one before ends."""
    rows = db.stream(
        "SELECT resource_key, id, h.valid_from, h.valid_to "
        "FROM workflow_resource_history h JOIN workflow_resources USING (resource_key) "
        "UNION ALL SELECT resource_key, id, valid_from, NULL FROM workflow_resources "
        "ORDER BY 1, 3"
    )
    before, expected = None, None
    for key, id, valid_from, valid_to in rows:
        if key == before and valid_from != expected:
            yield Problem(
                f"resource {id}",
                f"has a state that ends at {expected}, and the next at {valid_from}",
            )
        before, expected = key, valid_to
