"""Reading a store where nothing can be written, which SQLite refuses if it has to make files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import apsw

from sloth_state.errors import StoreError, StoreFull, StoreReadOnly, StoreUnreadable
from sloth_state.sqlite import files, schema, schema_text
from sloth_state.sqlite.connection import Connection
from sloth_state.sqlite.translation import close_after, open_file
from sloth_state.sqlite.write_queue import BUSY_MILLISECONDS, WriteQueue

if TYPE_CHECKING:
    from collections.abc import Sequence


def open_for_reading(path: str, reason: str) -> Connection:
    """Open the store at an absolute path; `reason` is why it can only be read.

    One of an older schema is read in a copy in memory, and that is upgraded.
    """
    database = readable(path)
    try:
        schema.check(database, path)
        if schema.is_older(database):
            database = _upgraded(database)
        schema_text.check(database, path)
        database.pragma("trusted_schema", False)
        database.pragma("query_only", True)
    except apsw.Error as error:
        raise close_after(error, database, path) from error
    except StoreError:
        database.close()
        raise
    return Connection(database, path, queue=WriteQueue(path), read_only=reason)


def _upgraded(older: apsw.Connection) -> apsw.Connection:
    """A copy in memory; `older` is closed."""
    copy = apsw.Connection(":memory:")
    with copy.backup("main", older, "main") as backup:
        backup.step()
    schema.migrate(copy)
    older.close()
    return copy


def readable(path: str) -> apsw.Connection:
    """A connection to any SQLite file that leaves nothing behind beside it."""
    # With a log SQLite needs shared memory. It must not make some here: what a reader leaves behind
    # may keep the owner out.
    if not files.uses_log(path) or os.path.exists(path + "-shm"):
        try:
            return _open_usable(path)
        except (StoreFull, StoreReadOnly, StoreUnreadable):
            pass
    unfinished = [suffix for suffix in ("-wal", "-journal") if _has_content(path + suffix)]
    return _image(path, unfinished) if unfinished else _open_immutable(path)


def _open_usable(path: str) -> apsw.Connection:
    database = open_file(path, apsw.SQLITE_OPEN_READONLY)
    try:
        database.set_busy_timeout(BUSY_MILLISECONDS)
        database.pragma("user_version")
    except apsw.Error as error:
        raise close_after(error, database, path) from error
    return database


def _has_content(path: str) -> bool:
    try:
        return os.stat(path).st_size > 0
    except FileNotFoundError:
        return False


def _open_immutable(path: str) -> apsw.Connection:
    from urllib.parse import quote

    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    return open_file(f"file:{quote(path)}?immutable=1", flags, path)


def _image(path: str, unfinished: Sequence[str]) -> apsw.Connection:
    """The database in memory, with what its log or journal holds: a copy can replay that."""
    from shutil import copyfile
    from tempfile import TemporaryDirectory

    memory_folder = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    try:
        with TemporaryDirectory(prefix="sloth-runner-", dir=memory_folder) as folder:
            copy = f"{folder}/state.db"
            for suffix in ("", *unfinished):
                copyfile(path + suffix, copy + suffix)
            return _loaded(copy, path)
    except OSError as error:
        raise files.unreadable(path, error) from error


def _loaded(copy: str, path: str) -> apsw.Connection:
    image = apsw.Connection(":memory:")
    source = open_file(copy, apsw.SQLITE_OPEN_READWRITE, path)
    try:
        with image.backup("main", source, "main") as backup:
            backup.step()
    except apsw.Error as error:
        raise close_after(error, image, path) from error
    finally:
        source.close()
    return image
