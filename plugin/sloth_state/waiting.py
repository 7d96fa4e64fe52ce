"""Waiting for a lock: first come, first served.

Who waits has a ticket in the store, which says that it came before others. It asks for the lock
again and again, and only the one with the oldest ticket gets it. The ticket counts for a while only
and is renewed; so one who was killed, stopped or cut off is soon passed over.
"""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from sloth_state.errors import InvalidValue, LockHeld, StoreError
from sloth_state.processes import current_holder, is_dead

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from sloth_state.model import Holder, Lock, LockScope, Ticket
    from sloth_state.store import Store

VALIDITY = timedelta(seconds=15)
"""How long one who waits and does not renew its ticket keeps others from a lock that is free."""
_RENEWAL_SECONDS = 5.0
"""Each renewal is a write, and a hundred who wait must not be in the way of the one who works."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.1
_LONGEST_PAUSE_IN_LINE = 1.0


class Waiter:
    """One who wants a lock: `attempt` it, and sleep for `next_pause`, until it is there.

    A context, at whose end it waits no longer. Belongs to the thread of the store.
    """

    def __init__(
        self,
        store: Store,
        scope: LockScope,
        name: str,
        *,
        wait: timedelta,
        lease: timedelta,
        on_waiting: Callable[[LockHeld], None] | None = None,
        holder: Holder | None = None,
    ) -> None:
        """See `leases.acquire`. Without a `wait` there is one attempt, and no ticket."""
        if lease <= timedelta(0):
            raise InvalidValue(f"the lease of {name} must be longer than 0 s")
        self._store = store
        self._scope = scope
        self._name = name
        self._holder = holder or current_holder()
        self._wait = wait.total_seconds()
        self._lease = lease
        self._on_waiting = on_waiting
        self._started = time.monotonic()
        self._ticket: Ticket | None = None
        self._renew_at = 0.0
        self._watch = _Watch()
        self._pauses = _Pauses()
        self._remaining = self._wait

    def __enter__(self) -> Waiter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._ticket is not None:
            # If the store does not take it back, it runs out by itself.
            with suppress(StoreError):
                self._store.drop_ticket(self._ticket)

    def attempt(self) -> Lock | None:
        """The lock, or None if there is more to wait for. Raises LockHeld when the wait is over."""
        self._renew_ticket()
        try:
            lock = self._store.acquire_lock(
                self._scope,
                self._name,
                self._holder,
                self._lease,
                is_dead,
                unrenewed=self._watch.unrenewed(),
                ticket=self._ticket,
            )
        except LockHeld as held:
            waited = time.monotonic() - self._started
            self._remaining = self._wait - waited
            if self._remaining <= 0:
                raise held.after(waited) from None
            self._wait_for(held)
            return None
        self._ticket = None  # the store took it back
        return lock

    def next_pause(self) -> float:
        """Seconds to sleep before the next attempt; longer each time, see `_Pauses`."""
        return min(self._pauses.next(), self._remaining)

    def _renew_ticket(self) -> None:
        if self._ticket is not None and time.monotonic() >= self._renew_at:
            self._ticket = self._store.renew_ticket(self._ticket, VALIDITY)
            self._renew_at = time.monotonic() + _RENEWAL_SECONDS

    def _wait_for(self, held: LockHeld) -> None:
        self._watch.saw(held.lock)
        self._pauses.saw(held)
        if self._ticket is None:
            self._ticket = self._store.take_ticket(self._scope, self._name, self._holder, VALIDITY)
            self._renew_at = time.monotonic() + _RENEWAL_SECONDS
            if self._on_waiting is not None:
                self._on_waiting(held)


class _Pauses:
    """How long to sleep between attempts.

    Short after the lock changed hands, for then it may soon do so again, and longer the longer it
    is held. Longer too for those who have others ahead: a lock that has to pass through them is not
    there any earlier. So a hundred who wait ask hardly more often than a few.
    """

    def __init__(self) -> None:
        self._pause = _FIRST_PAUSE
        self._ahead = 0
        self._token: int | None = None

    def saw(self, held: LockHeld) -> None:
        token = None if held.lock is None else held.lock.token
        if (token, held.ahead) != (self._token, self._ahead):
            self._token, self._ahead = token, held.ahead
            self._pause = _FIRST_PAUSE

    def next(self) -> float:
        from random import uniform  # slow to import, and waiting is rare

        pause = min(self._pause * (self._ahead + 1), _LONGEST_PAUSE_IN_LINE)
        self._pause = min(self._pause * 1.5, _LONGEST_PAUSE)
        # Waiting processes should not march in step.
        return uniform(pause / 2, pause)


class _Watch:
    """How long a lock that is waited for has not been renewed, on the monotonic clock.

    Its expiry is a time of its holder's wall clock. Where that was set back later, or is not the
    waiter's, it may lie years ahead.
    """

    def __init__(self) -> None:
        self._lock: Lock | None = None
        self._since = 0.0

    def saw(self, lock: Lock | None) -> None:
        if lock != self._lock:
            self._lock, self._since = lock, time.monotonic()

    def unrenewed(self) -> Lock | None:
        """The lock as it was seen all the time, if that was for its whole lease."""
        if self._lock is None or time.monotonic() - self._since < lease_seconds(self._lock):
            return None
        return self._lock


def lease_seconds(lock: Lock) -> float:
    return (lock.expires_at - lock.heartbeat_at).total_seconds()
