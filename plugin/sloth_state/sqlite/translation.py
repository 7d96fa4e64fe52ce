"""SQLite's errors in this product's words; the only place that knows both."""

from __future__ import annotations

import errno

import apsw

from sloth_state.errors import (
    StoreBusy,
    StoreError,
    StoreForeign,
    StoreFull,
    StoreReadOnly,
    StoreUnreadable,
)
from sloth_state.sqlite import files


def translate(error: Exception, path: str, system_errno: int = 0) -> Exception:
    """The error to raise instead, or the same one if it is a bug of this program.

    `system_errno` is what the system said to SQLite; it tells the input/output errors apart.
    """
    match error:
        case apsw.CorruptError():
            return _damaged(path, error)
        case apsw.SQLError() | UnicodeDecodeError():
            return files.damaged(path, f"is damaged: {error}")
        case apsw.NotADBError():
            return StoreForeign(path, "is not an SQLite database")
        case apsw.FullError():
            return full(path)
        case apsw.ReadOnlyError() | apsw.PermissionsError():
            return read_only(path, "the system does not allow it")
        case apsw.BusyError() | apsw.LockedError():
            return StoreBusy(path, "is in use by another process", hint="Try again")
        case apsw.IOError() | apsw.CantOpenError():
            return _refused_by_system(path, error, system_errno)
        case _:
            return error


def full(path: str) -> StoreFull:
    return StoreFull(
        path,
        "has no room left on its disk",
        hint="Nothing that was acknowledged is lost. Make room, then run it again",
    )


def read_only(path: str, reason: str) -> StoreReadOnly:
    return StoreReadOnly(
        path,
        f"cannot be written to: {reason}",
        hint="Reading it works. Name another store with --state or SLOTH_RUNNER_STATE",
    )


def _damaged(path: str, error: Exception) -> StoreError:
    if absent := files.missing_bytes(path):
        return files.damaged(path, f"was cut off: {absent:,} bytes are missing at its end")
    return files.damaged(path, f"is damaged: {error}")


def _refused_by_system(path: str, error: apsw.Error, system_errno: int) -> StoreError:
    if error.extendedresult == apsw.SQLITE_IOERR_SHMSIZE or system_errno == errno.ENOSPC:
        return full(path)
    if system_errno == errno.EROFS:
        return read_only(path, "the file system is read-only")
    return StoreUnreadable(path, f"cannot be used: {error}")
