"""Locks that a script takes while its run goes on, under names of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_state.errors import LockLost
from sloth_state.model import LockScope
from sloth_state.processes import current_holder
from sloth_state.waiting import Waiter

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from sloth_state.errors import LockHeld
    from sloth_state.leases import Heartbeat
    from sloth_state.model import Lock
    from sloth_state.store import Store


class ScriptLocks:
    """Those of one run. They are renewed while its process lives."""

    def __init__(self, store: Store, heartbeat: Heartbeat, run_id: str) -> None:
        self._store = store
        self._heartbeat = heartbeat
        self._run_id = run_id
        self._held: list[Lock] = []

    def wait_for(
        self,
        name: str,
        ttl: timedelta,
        wait: timedelta,
        on_waiting: Callable[[LockHeld], None] | None = None,
    ) -> Waiter:
        """How to get a lock, which outlives a killed process for `ttl`."""
        return Waiter(
            self._store,
            LockScope.SCRIPT,
            name,
            wait=wait,
            lease=ttl,
            on_waiting=on_waiting,
            holder=current_holder(self._run_id),
        )

    def keep(self, lock: Lock) -> None:
        """Renew a lock that was just taken, until it is given up."""
        self._held.append(lock)
        self._heartbeat.add(lock)

    def release(self, lock: Lock) -> None:
        """Give a lock up. Raises LockLost if it was lost while it was needed."""
        self._held.remove(lock)
        if self._heartbeat.lost(lock):
            error = LockLost(lock.name)
            error.hint = "Others may have worked under it meanwhile. Give it a longer ttl."
            raise error
        self._give_up(lock)

    def release_all(self) -> None:
        """Give up those that are left, at the run's end."""
        while self._held:
            self._give_up(self._held.pop())

    def _give_up(self, lock: Lock) -> None:
        self._heartbeat.remove(lock)
        self._store.release_lock(lock)
