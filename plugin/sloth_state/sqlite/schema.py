"""The schema and how a file of an older one becomes one of this release."""

from __future__ import annotations

import time
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from sloth_state.errors import StoreNewer
from sloth_state.sqlite.files import APPLICATION_ID

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import apsw

    from sloth_state.sqlite.write_queue import WriteQueue


class Migration:
    """A step from the schema before to `number`, all of it in one transaction."""

    def __init__(self, number: int, name: str, statements: str | None = None) -> None:
        """`statements`: SQL, by default that of the module `schema_N`."""
        self.number = number
        self.name = name
        self._statements = statements

    @property
    def statements(self) -> str:
        """Its SQL, which is imported only where it is needed."""
        if self._statements is None:
            module = import_module(f"sloth_state.sqlite.schema_{self.number}")
            self._statements = str(module.STATEMENTS)
        return self._statements


MIGRATIONS = (
    Migration(1, "first schema"),
    Migration(2, "declared resources"),
    Migration(3, "tickets for locks"),
)


def create(database: apsw.Connection) -> None:
    """Make an empty file a store."""
    database.pragma("application_id", APPLICATION_ID)
    migrate(database)


def check(database: apsw.Connection, path: str) -> None:
    """Raise StoreNewer for a schema that this release does not know."""
    found = database.pragma("user_version")
    if found > MIGRATIONS[-1].number:
        raise StoreNewer(path, found, MIGRATIONS[-1].number)


def is_older(database: apsw.Connection) -> bool:
    """Whether a file must be upgraded before this release can read it."""
    return bool(database.pragma("user_version") < MIGRATIONS[-1].number)


def upgrade(database: apsw.Connection, queue: WriteQueue) -> None:
    """Bring a file to the newest schema; the usual case, that it is, costs one look."""
    if is_older(database):
        queue.acquire()
        try:
            migrate(database)
        finally:
            queue.release()


def migrate(database: apsw.Connection, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Apply those migrations that the file lacks. The caller holds the write queue."""
    for migration in migrations:
        with _transaction(database):
            # Another process may have done it while this one waited for its turn.
            if database.pragma("user_version") < migration.number:
                _apply(database, migration)


@contextmanager
def _transaction(database: apsw.Connection) -> Iterator[None]:
    """apsw's own one fails where SQLite has rolled back already, as it does on a full disk."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _apply(database: apsw.Connection, migration: Migration) -> None:
    database.execute(migration.statements)
    database.execute(
        "INSERT INTO schema_migrations (number, name, applied_at) VALUES (?, ?, ?)",
        (migration.number, migration.name, time.time_ns() // 1000),
    )
    database.pragma("user_version", migration.number)
