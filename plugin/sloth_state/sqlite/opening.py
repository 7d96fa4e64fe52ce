"""Making a store's file, and getting at one by the best way its surroundings allow."""

from __future__ import annotations

import os

import apsw

from sloth_state.errors import StoreError, StoreFull, StoreReadOnly, StoreUnreadable
from sloth_state.sqlite import files, schema
from sloth_state.sqlite.connection import DISK_FULL, Connection
from sloth_state.sqlite.translation import translate
from sloth_state.sqlite.write_queue import WriteQueue

BUSY_MILLISECONDS = 5000


def connect(path: str, *, create: bool) -> Connection:
    """Open the store at an absolute path, making it first if `create` allows.

    Raises the errors of the tree under StoreError, each for its own condition of the file.
    """
    if not files.store_exists(path):
        if not create:
            raise files.missing(path)
        _create(path)
    reason = files.why_read_only(path)
    if reason is None:
        try:
            return _open_for_writing(path)
        except StoreFull:
            reason = DISK_FULL
        except StoreUnreadable:
            reason = "SQLite cannot keep its log on this file system"
    return _open_for_reading(path, reason)


def _create(path: str) -> None:
    """Make the file complete under another name first: nobody ever sees an unfinished store."""
    files.make_folder(path)
    queue = WriteQueue(path)
    queue.acquire()
    try:
        if not files.store_exists(path):
            _build(path)
    finally:
        queue.close()


def _build(path: str) -> None:
    unfinished = path + ".new"
    try:
        _remove_with_logs(unfinished)
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL, 0o600))
        _initialise(unfinished, path)
        # A log left behind by a store that somebody removed would be replayed into the new one.
        _remove_with_logs(path)
        os.rename(unfinished, path)
        files.sync_folder(path)
    except OSError as error:
        raise files.unmakeable(path, f"the file {unfinished}", error) from error
    finally:
        _remove_with_logs(unfinished)


def _initialise(unfinished: str, path: str) -> None:
    database = apsw.Connection(unfinished, flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        # Readers then never wait for writers. A file system without shared memory keeps the old
        # mode and says so, see `_configure`.
        database.pragma("journal_mode", "WAL")
        schema.create(database)
    except apsw.Error as error:
        raise translate(error, path, database.system_errno) from error
    finally:
        database.close()


def _remove_with_logs(path: str) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        files.remove_if_there(path + suffix)


def _open_for_writing(path: str) -> Connection:
    queue = WriteQueue(path)
    database = _open(path, apsw.SQLITE_OPEN_READWRITE)
    try:
        _configure(database)
        schema.check(database, path)
        schema.upgrade(database, queue)
    except apsw.Error as error:
        raise _close_after(error, database, path) from error
    except StoreError:
        database.close()
        raise
    return Connection(database, path, queue=queue, read_only=None)


def _configure(database: apsw.Connection) -> None:
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
    # A crafted file must not call functions through its schema.
    database.pragma("trusted_schema", False)


def _open_for_reading(path: str, reason: str) -> Connection:
    """Read where writing is impossible, which SQLite by itself refuses if it has to make files."""
    database = _readable(path)
    try:
        database.pragma("trusted_schema", False)
        database.pragma("query_only", True)
        schema.check(database, path)
        schema.refuse_upgrade(database, path, reason)
    except apsw.Error as error:
        raise _close_after(error, database, path) from error
    except StoreError:
        database.close()
        raise
    return Connection(database, path, queue=WriteQueue(path), read_only=reason)


def _readable(path: str) -> apsw.Connection:
    """SQLite reads a file with a log only if shared memory is there; it must not make some here,
    for what a reader leaves behind may keep the owner out.
    """
    if not files.uses_log(path) or os.path.exists(path + "-shm"):
        try:
            return _open_usable(path)
        except (StoreFull, StoreReadOnly, StoreUnreadable):
            pass
    unfinished = [suffix for suffix in ("-wal", "-journal") if _has_content(path + suffix)]
    return _image(path, unfinished) if unfinished else _open_immutable(path)


def _open_usable(path: str) -> apsw.Connection:
    database = _open(path, apsw.SQLITE_OPEN_READONLY)
    try:
        database.set_busy_timeout(BUSY_MILLISECONDS)
        database.pragma("user_version")
    except apsw.Error as error:
        raise _close_after(error, database, path) from error
    return database


def _has_content(path: str) -> bool:
    try:
        return os.stat(path).st_size > 0
    except FileNotFoundError:
        return False


def _open_immutable(path: str) -> apsw.Connection:
    from urllib.parse import quote

    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    return _open(f"file:{quote(path)}?immutable=1", flags, path)


def _image(path: str, unfinished: Sequence[str]) -> apsw.Connection:
    """The database in memory, with what its log or journal holds: a copy can replay that."""
    from shutil import copyfile
    from tempfile import TemporaryDirectory

    memory_folder = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with TemporaryDirectory(prefix="sloth-runner-", dir=memory_folder) as folder:
        copy = f"{folder}/state.db"
        for suffix in ("", *unfinished):
            copyfile(path + suffix, copy + suffix)
        return _loaded(copy, path)


def _loaded(copy: str, path: str) -> apsw.Connection:
    image = apsw.Connection(":memory:")
    source = _open(copy, apsw.SQLITE_OPEN_READWRITE, path)
    try:
        with image.backup("main", source, "main") as backup:
            backup.step()
    except apsw.Error as error:
        raise _close_after(error, image, path) from error
    finally:
        source.close()
    return image


def _open(name: str, flags: int, path: str | None = None) -> apsw.Connection:
    try:
        return apsw.Connection(name, flags=flags)
    except apsw.Error as error:
        raise translate(error, path or name) from error


def _close_after(error: apsw.Error, database: apsw.Connection, path: str) -> Exception:
    translated = translate(error, path, database.system_errno)
    database.close()
    return translated
