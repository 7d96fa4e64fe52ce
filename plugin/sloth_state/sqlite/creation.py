"""Making a store's file."""

from __future__ import annotations

import os

import apsw

from sloth_state.sqlite import files, schema
from sloth_state.sqlite.translation import translate
from sloth_state.sqlite.write_queue import turn


def create_store(path: str) -> None:
    """Make the file, unless another process does so first.

    It is made complete under another name, so that nobody ever sees an unfinished store.
    """
    files.make_folder(path)
    with turn(path):
        if not files.store_exists(path):
            _build(path)


def _build(path: str) -> None:
    unfinished = path + ".new"
    try:
        files.remove_database(unfinished)
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL, 0o600))
        _initialise(unfinished, path)
        # A log left behind by a store that somebody removed would be replayed into the new one.
        files.remove_beside(path)
        os.rename(unfinished, path)
        files.sync_folder(path)
    except OSError as error:
        raise files.unmakeable(path, f"the file {unfinished}", error) from error
    finally:
        files.remove_database(unfinished)


def _initialise(unfinished: str, path: str) -> None:
    database = apsw.Connection(unfinished, flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        # Before there is a log, whatever does not fit on the disk is an error here and now. A log
        # is folded in when it is closed, which says nothing if there is no room.
        schema.create(database)
        # Readers then never wait for writers. A file system without shared memory keeps the old
        # mode and says so, see `configure`.
        database.pragma("journal_mode", "WAL")
    except apsw.Error as error:
        raise translate(error, path, database.system_errno) from error
    finally:
        database.close()
