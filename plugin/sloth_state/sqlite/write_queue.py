"""Writers wait for their turn on a lock file, because SQLite's own waiting is not fair.

With `busy_timeout` alone one of eight writers was seen to wait 8 s while another committed 11,203
times. The kernel hands an flock on in turn, and frees it when its process dies, whatever the cause.
"""

from __future__ import annotations

import fcntl
import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sloth_state.errors import StoreBusy
from sloth_state.sqlite.files import unmakeable

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE_SECONDS = 30.0
BUSY_MILLISECONDS = 5000
"""How long SQLite itself waits for what the queue does not order."""


class WriteQueue:
    """The turn to write to one database. Not reentrant; each connection has its own."""

    def __init__(self, database: str, patience: float = PATIENCE_SECONDS) -> None:
        self._database = database
        self._path = database + ".queue"
        self._patience = patience
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the turn, or raise StoreBusy after the patience given (seconds)."""
        if not self.try_acquire():
            self._wait()

    def try_acquire(self) -> bool:
        """Take the turn if nobody has it; whether that worked."""
        if self._descriptor is None:
            self._descriptor = self._open()
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise unmakeable(self._database, f"locking {self._path}", error) from error
        return True

    def release(self) -> None:
        """Give the turn on. Explicitly, for a forked child may still have the file open."""
        if self._descriptor is not None:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Leave the queue, giving up the turn if it is held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        try:
            try:
                descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
                os.fchmod(descriptor, self._mode_of_database())
            except FileExistsError:
                descriptor = os.open(self._path, os.O_RDWR)
        except OSError as error:
            raise unmakeable(self._database, f"the file {self._path}", error) from error
        return descriptor

    def _mode_of_database(self) -> int:
        """Whoever may write to the database must be able to queue for it."""
        try:
            return os.stat(self._database).st_mode & 0o777
        except FileNotFoundError:
            return 0o600

    def _wait(self) -> None:
        waiter = _Waiter(self._open())
        if not waiter.wait(self._patience):
            raise StoreBusy(
                self._database,
                f"is being written to by another process for more than {self._patience:.0f} s",
                hint=f"See which one with: fuser -v {self._path}",
            )
        self.close()
        self._descriptor = waiter.descriptor


@contextmanager
def turn(database: str) -> Iterator[None]:
    """Nobody else writes to the database inside. Raises StoreBusy if the turn does not come."""
    queue = WriteQueue(database)
    queue.acquire()
    try:
        yield
    finally:
        queue.close()


class _Waiter(threading.Thread):
    """Waits in flock on a thread of its own: the call has no timeout and cannot be called off."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(name="sloth-write-queue", daemon=True)
        self.descriptor = descriptor
        self._decision = threading.Lock()
        self._granted = False
        self._abandoned = False

    def run(self) -> None:
        fcntl.flock(self.descriptor, fcntl.LOCK_EX)
        with self._decision:
            if self._abandoned:
                os.close(self.descriptor)
            else:
                self._granted = True

    def wait(self, seconds: float) -> bool:
        """Whether the turn came within that time. If not, it is given on when it comes."""
        self.start()
        try:
            self.join(seconds)
        except BaseException:
            if not self._abandon():
                os.close(self.descriptor)
            raise
        return self._granted or not self._abandon()

    def _abandon(self) -> bool:
        """Whether the waiting was called off; False if the turn had come just before."""
        with self._decision:
            self._abandoned = not self._granted
            return self._abandoned
