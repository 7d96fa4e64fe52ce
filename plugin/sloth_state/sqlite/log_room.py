"""Room at the end of the write-ahead log, made before it is needed.

A sync after a write that made the file longer also waits for the file system's own journal: 0.35 ms
on ext4, where one inside the file takes 0.15. The log is a new file in each run and every commit
makes it longer, so a run that goes on lengthens it by many commits at a time. Zeros after the last
commit are no commit to SQLite (https://sqlite.org/fileformat2.html#walformat).
"""

from __future__ import annotations

import os
from contextlib import suppress

from sloth_state.sqlite.connection import LOG_PAGES

_BYTES = 2**20  # what 40 changes of the world, or 80 records of a resource, take
_FULL_LOG = LOG_PAGES * (4096 + 24)  # bytes; then the log is folded in and begins at its front


def make_room(database: str) -> None:
    """Make the log of a database longer, unless it is as long as it gets or the disk is full.

    Call it inside a transaction that writes, for then nobody else touches the log's end.
    """
    with suppress(OSError):  # no log, or no room: the commits will find out by themselves
        descriptor = os.open(f"{database}-wal", os.O_WRONLY | os.O_APPEND)
        try:
            _append_zeros(descriptor, os.fstat(descriptor).st_size)
        finally:
            os.close(descriptor)


def _append_zeros(descriptor: int, size: int) -> None:
    if size >= _FULL_LOG:
        return
    try:
        written = os.write(descriptor, bytes(_BYTES))
    except OSError:
        written = 0
    if written < _BYTES:  # what room there is belongs to the commits
        os.ftruncate(descriptor, size)
