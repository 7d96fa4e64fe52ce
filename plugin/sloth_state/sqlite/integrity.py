"""Checking the whole store: that every row is what was written, and that rows fit each other."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from sloth_state.errors import StoreDamaged
from sloth_state.model import Problem
from sloth_state.sqlite.chain import check_versions
from sloth_state.sqlite.checksums import is_content_of
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
    if not any(problem.place == "file" for problem in problems):
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
        if not is_content_of(hash, content):
            yield Problem(f"contents row {key}", "is not what was written")


def _check_intervals(db: Connection) -> Iterator[Problem]:
    """The states of a resource follow each other: each begins where the one before ends.

    States that no version has any more may be missing, as after `prune`, but not be there.
    """
    versions = version_numbers(db)
    rows = db.stream(
        "SELECT resource_key, r.workflow_key, id, h.valid_from, h.valid_to "
        "FROM workflow_resource_history h JOIN workflow_resources r USING (resource_key) "
        "UNION ALL SELECT resource_key, workflow_key, id, valid_from, NULL FROM workflow_resources "
        "ORDER BY 1, 4"
    )
    before, end = None, None
    for key, workflow_key, id, valid_from, valid_to in rows:
        known = versions.get(workflow_key, [])
        if key == before and end is not None and not follows(known, end, valid_from):
            what = f"has a state that ends at {end}, and the next at {valid_from}"
            yield Problem(f"resource {id}", what)
        if valid_to is not None and not any_between(known, valid_from, valid_to):
            what = f"has a state from {valid_from} to {valid_to} that no version has"
            yield Problem(f"resource {id}", what)
        before, end = key, valid_to


def version_numbers(db: Connection) -> dict[int, list[int]]:
    """The numbers of each workflow's versions, sorted, by its key."""
    versions: dict[int, list[int]] = {}
    for key, version in db.stream("SELECT workflow_key, version FROM workflow_states ORDER BY 2"):
        versions.setdefault(key, []).append(version)
    return versions


def follows(versions: list[int], end: int, start: int) -> bool:
    """Whether a state that begins at `start` is the next one that any version has."""
    return end == start or (end < start and not any_between(versions, end, start))


def any_between(versions: list[int], first: int, end: int) -> bool:
    """Whether there is a version from `first` up to, but not in, `end`."""
    at = bisect_left(versions, first)
    return at < len(versions) and versions[at] < end
