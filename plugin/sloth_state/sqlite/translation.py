"""SQLite's errors in this product's words; the only place that knows both."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import TypeAlias

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

_LONGEST = 200
"""Characters of what SQLite says that go into an error."""

_Translation: TypeAlias = Callable[[str, Exception, int], StoreError]


def translate(error: Exception, path: str, system_errno: int = 0) -> Exception:
    """The error to raise instead, or the same one if it is a bug of this program.

    `system_errno` is what the system said to SQLite; it tells the input/output errors apart.
    """
    if isinstance(error, apsw.SQLError) and str(error).startswith("no such"):
        return _damaged_as_said(path, error)  # a table or a column is not there
    for kinds, in_our_words in _TRANSLATIONS:
        if isinstance(error, kinds):
            return in_our_words(path, error, system_errno)
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


def _damaged(path: str, error: Exception, _: int) -> StoreError:
    if absent := files.missing_bytes(path):
        return files.damaged(path, f"was cut off: {absent:,} bytes are missing at its end")
    return _damaged_as_said(path, error)


def _damaged_as_said(path: str, error: Exception) -> StoreError:
    from textwrap import shorten

    # Where a part of the schema is damaged, SQLite shows all of that part, on many lines.
    words = shorten(str(error), _LONGEST, placeholder=" …")
    return files.damaged(path, f"is damaged: {words}")


def _refused_by_system(path: str, error: Exception, system_errno: int) -> StoreError:
    # Shared memory that cannot grow is reported without the reason, which can only be this one.
    no_shared_memory = getattr(error, "extendedresult", 0) == apsw.SQLITE_IOERR_SHMSIZE
    if no_shared_memory or system_errno == errno.ENOSPC:
        return full(path)
    if system_errno == errno.EROFS:
        return read_only(path, "the file system is read-only")
    return StoreUnreadable(
        path,
        f"cannot be used: {error}",
        hint="Nothing that was acknowledged is lost. The system may say more with: dmesg",
    )


_TRANSLATIONS: tuple[tuple[tuple[type[Exception], ...], _Translation], ...] = (
    ((apsw.CorruptError,), _damaged),
    ((UnicodeDecodeError,), lambda path, error, _: _damaged_as_said(path, error)),
    ((apsw.NotADBError,), lambda path, *_: StoreForeign(path, "is not an SQLite database")),
    ((apsw.FullError,), lambda path, *_: full(path)),
    (
        (apsw.ReadOnlyError, apsw.PermissionsError),
        lambda path, *_: read_only(path, "the system does not allow it"),
    ),
    (
        (apsw.BusyError, apsw.LockedError),
        lambda path, *_: StoreBusy(path, "is in use by another process", hint="Try again"),
    ),
    ((apsw.IOError, apsw.CantOpenError), _refused_by_system),
)


def open_file(name: str, flags: int, path: str | None = None) -> apsw.Connection:
    """`path` is for errors, where the name is another or a URI."""
    try:
        return apsw.Connection(name, flags=flags)
    except apsw.Error as error:
        raise translate(error, path or name) from error


def close_after(error: apsw.Error, database: apsw.Connection, path: str) -> Exception:
    """Close a database that cannot be used; the error to raise for what it said."""
    translated = translate(error, path, database.system_errno)
    database.close()
    return translated
