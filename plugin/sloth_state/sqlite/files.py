"""What is known about a store's file before SQLite is asked, and what SQLite does not say."""

from __future__ import annotations

import errno
import os
import stat
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sloth_state.errors import (
    StoreDamaged,
    StoreForeign,
    StoreFull,
    StoreMissing,
    StoreReadOnly,
    StoreUnreadable,
)

if TYPE_CHECKING:
    from sloth_state.errors import (
        StoreError,
    )

APPLICATION_ID = 0x534C4F54
"""SLOT in ASCII, in the file's header: this file is ours (https://sqlite.org/fileformat.html)."""

_MAGIC = b"SQLite format 3\x00"
_HEADER_BYTES = 100
_MAPPED_PAGE = 4096
_ROOM_TO_MAP = 2**20
"""Bytes. The file is 32 KiB for every 16 MB of the log, and others may fill the disk meanwhile."""
BESIDE = ("-wal", "-shm", "-journal")
"""Ends of the names of the files that SQLite keeps beside a database."""
_RESTORE = "sloth-runner state workflow restore FILE"
_BACKUP = f"Bring back a backup with: {_RESTORE}"
_MEND = (
    "See what can be mended with: sloth-runner state workflow repair --dry-run. "
    f"Or bring back a backup with: {_RESTORE}"
)
_ELSEWHERE = "Name another place with --state or SLOTH_RUNNER_STATE"
_KEEP_IT = "Move it away, or name another store with --state"


def store_exists(path: str) -> bool:
    """Whether there is a store's file; False if there is nothing.

    Raises StoreForeign, StoreDamaged or StoreUnreadable for a file that is something else, so that
    nothing is ever written into it. Looks at the header only.
    """
    try:
        kind = os.stat(path)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise unreadable(path, error) from error
    if stat.S_ISDIR(kind.st_mode):
        raise StoreUnreadable(path, "is a directory", hint=f"Name a file in it: {path}/state.db")
    if not stat.S_ISREG(kind.st_mode):
        raise StoreForeign(path, "is not a regular file", hint=_KEEP_IT)
    _check_header(path, _read_header(path))
    return True


def _read_header(path: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise unreadable(path, error) from error
    try:
        return os.read(descriptor, _HEADER_BYTES)
    except OSError as error:
        raise unreadable(path, error) from error
    finally:
        os.close(descriptor)


def _check_header(path: str, header: bytes) -> None:
    if not header:
        raise StoreForeign(
            path, "is empty: it was cut off, or something else made it", hint=_KEEP_IT
        )
    if not header.startswith(_MAGIC):
        raise StoreForeign(path, "is not an SQLite database", hint=_KEEP_IT)
    if len(header) < _HEADER_BYTES:
        raise damaged(path, f"was cut off after {len(header)} bytes", _BACKUP)
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise StoreForeign(path, "is an SQLite database of another program", hint=_KEEP_IT)


def is_store(path: str) -> bool:
    """Whether an SQLite file is a store, by its header alone."""
    return int.from_bytes(_read_header(path)[68:72], "big") == APPLICATION_ID


def missing_bytes(path: str) -> int:
    """How many bytes the file is shorter than its header says; 0 if it is not."""
    header = _read_header(path)
    page_size = int.from_bytes(header[16:18], "big")
    pages = int.from_bytes(header[28:32], "big")
    return max(0, pages * (65536 if page_size == 1 else page_size) - os.stat(path).st_size)


def uses_log(path: str) -> bool:
    """Whether the file is in SQLite's write-ahead mode."""
    return _read_header(path)[18:19] == b"\x02"


def why_read_only(path: str) -> str | None:
    """Why the system would not let this process write to the file, or None."""
    if os.statvfs(path).f_flag & os.ST_RDONLY:
        return "the file system is read-only"
    if not os.access(path, os.W_OK):
        return "the file is read-only"
    # SQLite makes its write-ahead log and we make the queue beside the file.
    if not os.access(os.path.dirname(path), os.W_OK | os.X_OK):
        return "the folder is read-only"
    return None


def has_room_for_shared_memory(path: str) -> bool:
    """Whether SQLite can write to the memory that it maps from a file beside the database.

    It makes sure of one byte of each 4 KiB. Where blocks are smaller, the system ends the process
    (SIGBUS) when it writes to another one and the disk is full.
    """
    disk = os.statvfs(path)
    free = disk.f_bfree if os.geteuid() == 0 else disk.f_bavail  # some is kept back for root
    return disk.f_frsize >= _MAPPED_PAGE or free * disk.f_frsize >= _ROOM_TO_MAP


def make_folder(path: str) -> None:
    """Make the folder of a file, and those above it, for the owner only."""
    folder = os.path.dirname(path)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError as error:
        raise unmakeable(path, f"the folder {folder}", error) from error


def sync_folder(path: str) -> None:
    """Make the name of a new or renamed file durable, not only its content."""
    descriptor = os.open(os.path.dirname(path), os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_if_there(path: str) -> None:
    """Raises OSError if it is there and stays."""
    try:
        os.unlink(path)
    except OSError:  # a read-only file system says that before it says that nothing is there
        if os.path.lexists(path):
            raise


def remove_beside(path: str) -> None:
    """Remove what SQLite keeps beside a database."""
    for suffix in BESIDE:
        remove_if_there(path + suffix)


def remove_database(path: str) -> None:
    """Remove a database, if there is one, and what SQLite keeps beside it."""
    remove_if_there(path)
    remove_beside(path)


def kept_name(path: str, what: str) -> str:
    """An unused name beside a store for a copy that is kept, with the time in UTC."""
    name = f"{path}.{what}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    while os.path.lexists(name):
        name += "+"
    return name


def missing(path: str) -> StoreMissing:
    return StoreMissing(
        path, "does not exist", hint="Run a workflow first, or name another store with --state"
    )


def damaged(path: str, what: str, hint: str = _MEND) -> StoreDamaged:
    return StoreDamaged(path, what, hint=hint)


def unmakeable(path: str, what: str, error: OSError) -> StoreError:
    """A file or folder that the store needs cannot be made, for the system's reason."""
    kinds = {
        errno.ENOSPC: StoreFull,
        errno.EROFS: StoreReadOnly,
        errno.EACCES: StoreReadOnly,
        errno.EPERM: StoreReadOnly,
    }
    kind = kinds.get(error.errno or 0, StoreUnreadable)
    hint = "Make room, then run it again" if kind is StoreFull else _ELSEWHERE
    return kind(path, f"cannot be written to: {what}: {error.strerror}", hint=hint)


def unreadable(path: str, error: OSError) -> StoreUnreadable:
    return StoreUnreadable(path, f"cannot be read: {error.strerror}", hint=_ELSEWHERE)
