"""Leases: waiting for a lock, and keeping the ones that are held alive.

A lock lasts for its lease and has to be renewed before that is over. Whoever stops renewing, be it
dead, paused or cut off, loses it, and the store refuses what it writes from then on.
"""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from sloth_state.errors import LockLost, StoreError
from sloth_state.waiting import Waiter, lease_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from sloth_state.errors import LockHeld
    from sloth_state.model import Holder, Lock, LockScope
    from sloth_state.store import Store

LEASE = timedelta(seconds=60)

_RENEWALS_PER_LEASE = 4
_RETRIES_PER_LEASE = 20
_STOP_SECONDS = 1.0


def acquire(
    store: Store,
    scope: LockScope,
    name: str,
    *,
    wait: timedelta = timedelta(0),
    lease: timedelta = LEASE,
    on_waiting: Callable[[LockHeld], None] | None = None,
    holder: Holder | None = None,
) -> Lock:
    """Take a lock, waiting for it at most as long as `wait`. Does not renew it (see `Heartbeat`).

    First come, first served: without a `wait`, a lock that others wait for is as good as held.
    A lock that is not renewed for the whole of its lease while this waits is taken over, whatever
    the wall clocks say. `on_waiting` is called once, with who holds it, if there is something to
    wait for. The holder is this process unless another is given. Raises LockHeld, and what the
    store raises.
    """
    with Waiter(
        store, scope, name, wait=wait, lease=lease, on_waiting=on_waiting, holder=holder
    ) as waiter:
        while (lock := waiter.attempt()) is None:
            time.sleep(waiter.next_pause())
        return lock


class _Lease:
    """When a lock is to be renewed and when it is over, on the monotonic clock."""

    __slots__ = ("expires_at", "renew_at", "seconds")

    def __init__(self, lock: Lock) -> None:
        self.seconds = lease_seconds(lock)
        self.renewed(time.monotonic())

    def renewed(self, at: float) -> None:
        self.renew_at = at + self.seconds / _RENEWALS_PER_LEASE
        self.expires_at = at + self.seconds

    def retry(self) -> None:
        self.renew_at = time.monotonic() + self.seconds / _RETRIES_PER_LEASE


class Heartbeat:
    """Renews locks from a thread of its own, four times a lease, until it is stopped.

    The thread starts with the first lock and opens its own connection at the first renewal.
    What the store cannot do at the moment (busy, full, unreadable) is tried again until the lease
    is over. `on_lost` is called in that thread with each lock that was lost.
    """

    def __init__(self, store: Store, *, on_lost: Callable[[Lock], None] | None = None) -> None:
        self._store = store
        self._connection: Store | None = None
        self._on_lost = on_lost
        self._leases: dict[Lock, _Lease] = {}
        self._lost: set[Lock] = set()
        self._changed = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def add(self, lock: Lock) -> None:
        """Renew this lock from now on. It was just acquired."""
        with self._changed:
            self._leases[lock] = _Lease(lock)
            self._changed.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
            self._thread.start()

    def remove(self, lock: Lock) -> None:
        """Renew this lock no more. Does not release it."""
        with self._changed:
            self._leases.pop(lock, None)

    def lost(self, lock: Lock) -> bool:
        """Whether a renewal found that the lock is no longer held. Asks nobody."""
        # Every write of a run asks this, and hashing a lock takes 1 µs.
        return bool(self._lost) and lock in self._lost

    def stop(self) -> None:
        """End the thread. Returns within a second even if the store does not answer it."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        try:
            while (lock := self._wait_until_due()) is not None:
                self._renew(lock)
        finally:
            if self._connection is not None:
                self._connection.close()

    def _wait_until_due(self) -> Lock | None:
        """The next lock to renew, when it is time; None when there is nothing more to do."""
        with self._changed:
            while not self._stopping:
                lock = min(self._leases, key=lambda each: self._leases[each].renew_at, default=None)
                pause = None if lock is None else self._leases[lock].renew_at - time.monotonic()
                if pause is not None and pause <= 0:
                    return lock
                self._changed.wait(pause)
        return None

    def _renew(self, lock: Lock) -> None:
        lease = self._leases.get(lock)
        if lease is None:  # removed in the meantime
            return
        started = time.monotonic()
        try:
            if self._connection is None:
                self._connection = self._store.reopen()
            self._connection.renew_lock(lock, timedelta(seconds=lease.seconds))
        except LockLost:
            self._lose(lock)
        except StoreError:
            if time.monotonic() >= lease.expires_at:
                self._lose(lock)
            else:
                lease.retry()
        else:
            lease.renewed(started)

    def _lose(self, lock: Lock) -> None:
        with self._changed:
            if self._stopping or self._leases.pop(lock, None) is None:
                return  # given up in the meantime, not lost
            self._lost.add(lock)
        if self._on_lost is not None:
            self._on_lost(lock)
