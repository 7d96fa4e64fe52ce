"""What must be so before another file takes the place of a store's: for a restore and a repair."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apsw

from sloth_state.errors import LockHeld, StoreDamaged
from sloth_state.healing import why_abandoned
from sloth_state.sqlite.lock_rows import SELECT_LOCKS, checked_lock, lock_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sloth_state.model import Holder
    from sloth_state.sqlite.connection import Connection


def check_unused(db: Connection, is_dead: Callable[[Holder], bool]) -> None:
    """Raise LockHeld while somebody works with a store: holds a lock whose lease lasts, and lives.

    A lock whose row is damaged counts for nothing.
    """
    for row in db.select(f"{SELECT_LOCKS} WHERE user IS NOT NULL"):
        try:
            lock = lock_of(checked_lock(db, row))
        except StoreDamaged:
            continue
        if why_abandoned(lock, is_dead) is None:
            raise LockHeld(lock)


def fold_in_log(path: str) -> bool:
    """Bring the log into the file, so that this is complete, if both can be read and written.

    False if somebody who reads keeps a part of the log from it.
    """
    try:
        database = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            (busy, *_) = next(iter(database.execute("PRAGMA wal_checkpoint(TRUNCATE)")))
        finally:
            database.close()
    except apsw.BusyError:
        return False
    except apsw.Error:
        return True
    return not busy
