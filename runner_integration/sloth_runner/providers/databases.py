"""Databases that migrations run in: SQLite by a file, PostgreSQL by its URL."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote, urlsplit, urlunsplit

import apsw

from sloth_runner.errors import WorkflowError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

WAIT_SECONDS = 10
"""How long to wait for a server to take a connection, or in SQLite for somebody who writes."""
_SQLITE, _POSTGRES = "sqlite:///", ("postgresql", "postgres")


class DatabaseError(Exception):
    """The database refused; in its own words."""


class Database(Protocol):
    """An open connection. Its methods raise DatabaseError."""

    begin: Sequence[str]
    """Statements that begin a transaction which excludes other migrations."""
    has_table: str
    """A query that gives a row if there is a table of the name that is its parameter."""
    parameter: str
    """How a parameter is written in a statement."""

    def query(self, statement: str, *parameters: str) -> list[tuple[Any, ...]]:
        """Run one statement; the rows it gives."""

    def script(self, text: str) -> None:
        """Run statements inside of a transaction, which they must neither end nor begin."""

    def undo(self) -> None:
        """Undo the transaction, if there still is one."""

    def interrupt(self) -> None:
        """Make what runs in another thread raise."""

    def close(self) -> None:
        """Close the connection."""


@contextmanager
def transaction(database: Database) -> Iterator[None]:
    """All that is done in the block, or nothing of it if it raises."""
    for statement in database.begin:
        database.query(statement)
    try:
        yield
        database.query("COMMIT")
    except BaseException:
        database.undo()
        raise


def without_password(url: str, resolve: Callable[[str], str]) -> tuple[str, str | None]:
    """The one URL by which a database is known, and the password that was in it.

    `resolve` makes the path of an SQLite file absolute. Raises WorkflowError for other databases.
    """
    if url.startswith(_SQLITE) and len(url) > len(_SQLITE):
        path = os.path.normpath(resolve(url.removeprefix(_SQLITE)))
        return f"{_SQLITE}{path}", None
    parts = urlsplit(url)
    if parts.scheme not in _POSTGRES:
        raise WorkflowError(
            "resource.sql_migration: database must be sqlite:///PATH or postgresql://…, "
            f"not {url!r}"
        )
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    host = parts.netloc.rpartition("@")[2]
    netloc = f"{user}@{host}" if user else host
    known = urlunsplit(parts._replace(scheme="postgresql", netloc=netloc))
    return known, unquote(password) if password else None


def is_missing(url: str) -> bool:
    """Whether it is a file that is not there; opening it would make it."""
    return url.startswith(_SQLITE) and not os.path.exists(url.removeprefix(_SQLITE))


def connect(url: str, password: str | None) -> Database:
    """Open a database. Raises DatabaseError, or WorkflowError if its driver is not installed."""
    if url.startswith(_SQLITE):
        return _Sqlite(url.removeprefix(_SQLITE))
    return _Postgres(url, password)


class _Sqlite:
    begin: Sequence[str] = ("BEGIN IMMEDIATE",)
    has_table = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    parameter = "?"

    def __init__(self, path: str) -> None:
        with _in_own_words(apsw.Error):
            self._db = apsw.Connection(path)
            self._db.set_busy_timeout(WAIT_SECONDS * 1000)

    def query(self, statement: str, *parameters: str) -> list[tuple[Any, ...]]:
        with _in_own_words(apsw.Error):
            return list(self._db.execute(statement, parameters))

    def script(self, text: str) -> None:
        self._db.authorizer = _refuse_transactions
        try:
            self._db.execute(text)
        except apsw.AuthError:
            raise DatabaseError("it must not begin or end a transaction, it runs in one") from None
        except apsw.Error as error:
            raise DatabaseError(str(error)) from None
        finally:
            self._db.authorizer = None

    def undo(self) -> None:
        if self._db.in_transaction:
            self.query("ROLLBACK")

    def interrupt(self) -> None:
        with suppress(apsw.ConnectionClosedError):
            self._db.interrupt()

    def close(self) -> None:
        self._db.close()


def _refuse_transactions(action: int, *_details: str | None) -> int:
    return apsw.SQLITE_DENY if action == apsw.SQLITE_TRANSACTION else apsw.SQLITE_OK


class _Postgres:
    # Unlike a lock of the table, this one can be taken before there is a table.
    begin: Sequence[str] = (
        "BEGIN",
        "SELECT pg_advisory_xact_lock(hashtext('sloth_runner.sql_migration'))",
    )
    has_table = "SELECT 1 WHERE to_regclass(quote_ident(%s)) IS NOT NULL"
    parameter = "%s"

    def __init__(self, url: str, password: str | None) -> None:
        psycopg = _driver()
        options = {"client_encoding": "utf8"}  # or texts of an SQL_ASCII database would be bytes
        if password is not None:
            options["password"] = password
        self._error: type[Exception] = psycopg.Error
        with _in_own_words(self._error):
            self._db = psycopg.connect(
                url, autocommit=True, connect_timeout=WAIT_SECONDS, **options
            )

    def query(self, statement: str, *parameters: str) -> list[tuple[Any, ...]]:
        with _in_own_words(self._error):
            cursor = self._db.execute(statement.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []

    def script(self, text: str) -> None:
        self.query(text)
        if not self._is_in_transaction():
            raise DatabaseError(
                "it ended the transaction that it ran in, so what it did until then stays"
            )

    def undo(self) -> None:
        if not self._db.closed and self._is_in_transaction():
            self.query("ROLLBACK")

    def _is_in_transaction(self) -> bool:
        return bool(self._db.info.transaction_status.name != "IDLE")

    def interrupt(self) -> None:
        self._db.cancel()

    def close(self) -> None:
        self._db.close()


def _driver() -> Any:
    try:
        import psycopg
    except ImportError:
        raise WorkflowError(
            "a postgresql:// database needs the Python package psycopg, which is not installed",
            hint="Install it with: pip install 'sloth-runner[postgres]'",
        ) from None
    return psycopg


@contextmanager
def _in_own_words(kind: type[Exception]) -> Iterator[None]:
    try:
        yield
    except kind as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise DatabaseError(lines[0]) from None
