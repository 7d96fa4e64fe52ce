"""Tickets of those who wait for locks (docs/explanation/locks.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_state.sqlite import ticket_rows
from sloth_state.sqlite.base import StoreBase
from sloth_state.values import check_name

if TYPE_CHECKING:
    from datetime import timedelta

    from sloth_state.model import Holder, LockScope, Ticket


class Tickets(StoreBase):
    """The part of `Store` about those who wait for locks."""

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
