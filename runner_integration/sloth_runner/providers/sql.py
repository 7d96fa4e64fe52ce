"""Migrations of databases: applied and reverted in one transaction with the row that says so."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from threading import Event
from typing import TYPE_CHECKING, TypeVar

from sloth_runner.blocking import on_thread
from sloth_runner.errors import WorkflowError
from sloth_runner.providers.databases import (
    DatabaseError,
    connect,
    is_missing,
    transaction,
    without_password,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sloth_runner.providers.databases import Database
    from sloth_runner.session import Session

T = TypeVar("T")


def locate(session: Session, url: str) -> tuple[str, str | None]:
    """The one URL by which a database is known, without the password, and the password."""
    return without_password(url, session.path)


async def applied(
    _session: Session, url: str, password: str | None, table: str, version: str
) -> str | None:
    """The SHA-256 of the `up` with which a migration was applied; None if it was not.

    Does not make a database or a table that is missing.
    """
    if is_missing(url):
        return None
    return await _with(url, password, lambda database: _hash_of(database, table, version))


async def apply(
    _session: Session,
    url: str,
    password: str | None,
    table: str,
    version: str,
    hash: str,
    up: str,
) -> None:
    """Apply a migration, unless that was done already."""

    def work(database: Database) -> None:
        with transaction(database):
            database.query(
                f'CREATE TABLE IF NOT EXISTS "{table}" (version TEXT PRIMARY KEY, '
                "content_sha256 TEXT NOT NULL, applied_at TEXT NOT NULL)"
            )
            if _hash_of(database, table, version) == hash:
                return  # by a run that was killed before it could say so
            _script(database, f"the up of the migration {version}", up)
            now = datetime.now(UTC).isoformat(timespec="seconds")
            values = ", ".join([database.parameter] * 3)
            database.query(f'INSERT INTO "{table}" VALUES ({values})', version, hash, now)

    await _with(url, password, work)


async def revert(
    _session: Session, url: str, password: str | None, table: str, version: str, down: str
) -> None:
    """Undo a migration, unless it is not applied."""

    def work(database: Database) -> None:
        with transaction(database):
            if _hash_of(database, table, version) is None:
                return
            _script(database, f"the down of the migration {version}", down)
            database.query(f'DELETE FROM "{table}" WHERE version = {database.parameter}', version)

    await _with(url, password, work)


def _hash_of(database: Database, table: str, version: str) -> str | None:
    if not database.query(database.has_table, table):
        return None
    query = f'SELECT content_sha256 FROM "{table}" WHERE version = {database.parameter}'
    rows = database.query(query, version)
    return str(rows[0][0]) if rows else None


def _script(database: Database, what: str, text: str) -> None:
    try:
        database.script(text)
    except DatabaseError as error:
        raise WorkflowError(f"{what} failed: {error}") from None


async def _with(url: str, password: str | None, work: Callable[[Database], T]) -> T:
    """Work with a connection on a thread of its own. Cancelling it undoes its transaction."""
    opened: list[Database] = []
    cancelled = Event()

    def run() -> T:
        try:
            with closing(connect(url, password)) as database:
                opened.append(database)
                if cancelled.is_set():
                    raise WorkflowError(f"the database {url}: cancelled")
                return work(database)
        except DatabaseError as error:
            raise WorkflowError(f"the database {url}: {error}") from None

    def interrupt() -> None:
        cancelled.set()
        for database in opened:
            database.interrupt()

    return await on_thread(run, on_cancel=interrupt)
