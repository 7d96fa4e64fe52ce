"""Locks: leases on names, with fencing tokens, and tickets (docs/explanation/locks.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_state import model
from sloth_state.errors import LockAwaited, LockHeld, LockLost
from sloth_state.model import RunStatus
from sloth_state.sqlite import lock_rows, ticket_rows
from sloth_state.sqlite.base import StoreBase
from sloth_state.sqlite.run_rows import find_run
from sloth_state.sqlite.tables import AUDIT_TRAIL
from sloth_state.values import check_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from sloth_state.model import Holder, Lock, LockScope, Ticket


class Locks(StoreBase):
    """The part of `Store` about locks, and about those who wait for them."""

    def acquire_lock(
        self,
        scope: LockScope,
        name: str,
        holder: Holder,
        lease: timedelta,
        is_dead: Callable[[Holder], bool],
        *,
        unrenewed: Lock | None = None,
        ticket: Ticket | None = None,
    ) -> Lock:
        check_name(name, "the lock's name")
        number = ticket_rows.END_OF_LINE if ticket is None else ticket.number
        # Those who wait ask often; they should not take the turn of those who write.
        self._look(scope, name, number, is_dead, unrenewed)
        with self._db.transaction():
            held, why_over = self._look(scope, name, number, is_dead, unrenewed)
            if held is not None:
                self._end(held, why_over, str(holder), "take over lock")
            now = self._clock()
            token = lock_rows.next_token(self._db, scope, name)
            lock = model.Lock(scope, name, holder, token, now, now, now + lease)
            lock_rows.save_lock(self._db, lock)
            # Whoever came before no longer waits.
            ticket_rows.remove_tickets_before(self._db, scope, name, number)
            if ticket is not None:
                ticket_rows.remove_ticket(self._db, ticket)
            return lock

    def renew_lock(self, lock: Lock, lease: timedelta) -> Lock:
        with self._db.transaction():
            self._check_lock(lock, self._now())
            held = lock_rows.held_lock(self._db, lock.scope, lock.name)
            if held is None:
                raise LockLost(lock.name)
            now = self._clock()
            renewed = held._replace(heartbeat_at=now, expires_at=now + lease)
            lock_rows.save_lock(self._db, renewed)
            return renewed

    def release_lock(self, lock: Lock) -> None:
        with self._db.transaction():
            held = lock_rows.held_lock(self._db, lock.scope, lock.name)
            if held is not None and held.token == lock.token:
                lock_rows.free_lock(self._db, lock.scope, lock.name)

    def break_lock(self, scope: LockScope, name: str, actor: str) -> Lock | None:
        with self._db.transaction():
            held = lock_rows.held_lock(self._db, scope, name)
            if held is not None:
                self._end(held, f"{actor} broke the lock of {held.holder}", actor, "break lock")
                lock_rows.free_lock(self._db, scope, name)
            return held

    def locks(self) -> list[Lock]:
        rows = self._db.select(
            f"{lock_rows.SELECT_LOCKS} WHERE user IS NOT NULL ORDER BY scope, name"
        )
        return [lock_rows.lock_of(lock_rows.checked_lock(self._db, row)) for row in rows]

    def take_ticket(
        self, scope: LockScope, name: str, holder: Holder, validity: timedelta
    ) -> Ticket:
        check_name(name, "the lock's name")
        with self._db.transaction():
            now = self._clock()
            return ticket_rows.insert_ticket(self._db, scope, name, holder, now, now + validity)

    def renew_ticket(self, ticket: Ticket, validity: timedelta) -> Ticket:
        with self._db.transaction():
            found = ticket_rows.find_ticket(self._db, ticket)
            if found is None:
                return self.take_ticket(ticket.scope, ticket.name, ticket.holder, validity)
            now = self._clock()
            renewed = found._replace(renewed_at=now, expires_at=now + validity)
            ticket_rows.update_ticket(self._db, renewed)
            return renewed

    def drop_ticket(self, ticket: Ticket) -> None:
        with self._db.transaction():
            ticket_rows.remove_ticket(self._db, ticket)

    def tickets(self) -> list[Ticket]:
        rows = self._db.select(f"{ticket_rows.SELECT_TICKETS} ORDER BY ticket_key")
        return [ticket_rows.checked_ticket(self._db, row) for row in rows]

    def _look(
        self,
        scope: LockScope,
        name: str,
        number: int,
        is_dead: Callable[[Holder], bool],
        unrenewed: Lock | None,
    ) -> tuple[Lock | None, str]:
        """Who holds a lock, and why the one with this ticket may take it all the same.

        Raises LockHeld if it may not.
        """
        held, now = lock_rows.held_lock(self._db, scope, name), self._clock()
        ahead = ticket_rows.count_before(self._db, scope, name, number, now)
        why_over = self._why_over(held, is_dead, unrenewed, ahead)
        if ahead:
            first = ticket_rows.first_before(self._db, scope, name, number, now, is_dead)
            if first is not None:
                raise LockAwaited(first, ahead)
        return held, why_over

    def _why_over(
        self,
        held: Lock | None,
        is_dead: Callable[[Holder], bool],
        unrenewed: Lock | None,
        ahead: int = 0,
    ) -> str:
        """Why a lock is held no more; raises LockHeld if it is."""
        if held is None:
            return "it is free"
        if held.expires_at <= self._clock() or held == unrenewed:
            return f"the lease of {held.holder} ran out"
        if is_dead(held.holder):
            return f"{held.holder} is gone"
        raise LockHeld(held, ahead)

    def _end(self, held: Lock, why: str, actor: str, action: str) -> None:
        """End what was done under a lock that its holder does not give up by itself."""
        workflow = held.name if held.scope is model.LockScope.WORKFLOW else None
        if workflow is not None:
            self._interrupt_run_of(workflow, f"interrupted: {why}")
        now = self._now()
        AUDIT_TRAIL.insert(
            self._db, now, actor, action, workflow, f"{held.scope} {held.name}: {why}"
        )

    def _interrupt_run_of(self, workflow: str, error: str) -> None:
        from sloth_state.sqlite.version_rows import close_run

        run = find_run(self._db, "w.name = ? AND r.status = ?", workflow, RunStatus.RUNNING.value)
        if run is not None:
            close_run(self._db, run, RunStatus.FAILED, self._now(), error=error)
