"""Rows of tickets as they are in the table, and who of those that wait for a lock is next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_state import model  # its words only when they are said: commands that look say none
from sloth_state.sqlite.tables import TICKETS
from sloth_state.sqlite.timestamps import from_microseconds, to_microseconds

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sloth_state.model import Holder, LockScope, Ticket
    from sloth_state.sqlite.connection import Connection, Row

SELECT_TICKETS = f"SELECT {TICKETS.selected('t')} FROM lock_tickets t"
END_OF_LINE = 2**63 - 1
"""Greater than the number of any ticket: the place of one who has none."""

_BEFORE = "scope = ? AND name = ? AND ticket_key < ?"


def find_ticket(db: Connection, ticket: Ticket) -> Ticket | None:
    """The ticket as it is now; None if it is gone, whoever may have its number now."""
    row = db.first(f"{SELECT_TICKETS} WHERE ticket_key = ?", (ticket.number,))
    found = None if row is None else checked_ticket(db, row)
    if found is None or found[:5] != ticket[:5]:  # up to when it was taken
        return None
    return found


def insert_ticket(
    db: Connection, scope: LockScope, name: str, holder: Holder, came_at: datetime, until: datetime
) -> Ticket:
    """A ticket behind all others."""
    unnumbered = model.Ticket(0, scope, name, holder, came_at, came_at, until)
    return unnumbered._replace(number=TICKETS.insert(db, *_columns(unnumbered)))


def update_ticket(db: Connection, ticket: Ticket) -> None:
    TICKETS.update(db, ticket.number, *_columns(ticket))


def remove_ticket(db: Connection, ticket: Ticket) -> None:
    """Remove it if it is still there."""
    if find_ticket(db, ticket) is not None:
        db.write("DELETE FROM lock_tickets WHERE ticket_key = ?", (ticket.number,))


def remove_tickets_before(db: Connection, scope: LockScope, name: str, number: int) -> None:
    db.write(f"DELETE FROM lock_tickets WHERE {_BEFORE}", (scope.value, name, number))


def count_before(db: Connection, scope: LockScope, name: str, number: int, now: datetime) -> int:
    """How many tickets of a lock were taken before this one and are valid.

    Does not look whether those who took them are still there, which takes longer.
    """
    row = db.first(
        f"SELECT count(*) FROM lock_tickets WHERE {_BEFORE} "
        "AND abs(renewed_at - ?) < expires_at - renewed_at",
        (scope.value, name, number, to_microseconds(now)),
    )
    assert row is not None, "a count"
    return int(row[0])


def first_before(
    db: Connection,
    scope: LockScope,
    name: str,
    number: int,
    now: datetime,
    is_dead: Callable[[Holder], bool],
) -> Ticket | None:
    """Who is next of those that came before this ticket; None if nobody of them still waits."""
    rows = db.stream(
        f"{SELECT_TICKETS} WHERE {_BEFORE} ORDER BY ticket_key", (scope.value, name, number)
    )
    for row in rows:
        ticket = checked_ticket(db, row)
        if ticket.is_valid(now) and not is_dead(ticket.holder):
            return ticket
    return None


def checked_ticket(db: Connection, row: Row) -> Ticket:
    """The ticket in a row of SELECT_TICKETS. Raises StoreDamaged."""
    key, scope, name, *holder, came_at, renewed_at, expires_at = TICKETS.checked(db, row)
    return model.Ticket(
        key,
        model.LockScope(scope),
        name,
        model.Holder(*holder),
        from_microseconds(came_at),
        from_microseconds(renewed_at),
        from_microseconds(expires_at),
    )


def _columns(ticket: Ticket) -> tuple[str | int | None, ...]:
    return (
        ticket.scope.value,
        ticket.name,
        *ticket.holder,
        to_microseconds(ticket.came_at),
        to_microseconds(ticket.renewed_at),
        to_microseconds(ticket.expires_at),
    )
