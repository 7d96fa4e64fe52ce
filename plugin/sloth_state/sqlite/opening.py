"""Opening a store's file in the best way its surroundings allow."""

from __future__ import annotations

import apsw

from sloth_state.errors import StoreError, StoreFull, StoreUnreadable
from sloth_state.sqlite import files, schema, schema_text
from sloth_state.sqlite.connection import DISK_FULL, LOG_PAGES, Connection
from sloth_state.sqlite.translation import close_after, open_file
from sloth_state.sqlite.write_queue import BUSY_MILLISECONDS, WriteQueue

OLDER = "the store's schema is older than this release's, and only what writes upgrades it"
"""Why a store is read only for those who do not want it upgraded."""


def connect(path: str, *, create: bool, upgrade: bool = True) -> Connection:
    """Open the store at an absolute path, making it first if `create` allows.

    Without `upgrade` a file of an older schema stays as it is, and can only be read.
    Raises the errors of the tree under StoreError, each for its own condition of the file.
    """
    if not files.store_exists(path):
        if not create:
            raise files.missing(path)
        from sloth_state.sqlite.creation import create_store

        create_store(path)
    reason = files.why_read_only(path)
    if reason is None and not files.has_room_for_shared_memory(path):
        reason = DISK_FULL
    if reason is None:
        try:
            connection = _open_for_writing(path, upgrade=upgrade)
            if connection is not None:
                return connection
            reason = OLDER
        except StoreFull:
            reason = DISK_FULL
        except StoreUnreadable:
            reason = "SQLite cannot keep its log on this file system"
    from sloth_state.sqlite.read_only import open_for_reading

    return open_for_reading(path, reason)


def _open_for_writing(path: str, *, upgrade: bool) -> Connection | None:
    """None if it would have to be upgraded first and must not be."""
    queue = WriteQueue(path)
    database = open_file(path, apsw.SQLITE_OPEN_READWRITE)
    try:
        configure(database)
        schema.check(database, path)
        if upgrade:
            schema.upgrade(database, queue)
        elif schema.is_older(database):
            database.close()
            return None
        schema_text.check(database, path)
    except apsw.Error as error:
        raise close_after(error, database, path) from error
    except StoreError:
        database.close()
        raise
    return Connection(database, path, queue=queue, read_only=None)


def configure(database: apsw.Connection) -> None:
    """Set what a connection that writes to a store needs."""
    # The write queue orders writers. This is for what it does not order: the moment in which a
    # connection recovers or folds in the log, and writers that do not know the queue.
    database.set_busy_timeout(BUSY_MILLISECONDS)
    # With a log FULL syncs at every commit, which is what makes a commit durable; with a rollback
    # journal it takes EXTRA, which also syncs the folder when the journal goes.
    log = database.pragma("journal_mode") == "wal"
    database.pragma("synchronous", "FULL" if log else "EXTRA")
    # SQLite ignores REFERENCES unless told otherwise, in every connection anew.
    database.pragma("foreign_keys", True)
    # Kibibytes. Reading an old version goes back and forth between two tables; with SQLite's own
    # 2 MB that costs half as much again.
    database.pragma("cache_size", -16000)
    database.wal_autocheckpoint(LOG_PAGES)
    # A crafted file must not call functions through its schema.
    database.pragma("trusted_schema", False)
