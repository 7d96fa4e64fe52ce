"""The contract of every store: who waits for a lock gets it in the order of coming."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sloth_state.errors import InvalidValue, LockAwaited, LockHeld
from sloth_state.model import Holder, Lock, LockScope, Ticket

if TYPE_CHECKING:
    from sloth_state.store import Store

FIRST = Holder("ada", "build-7", 1, 11, "boot-1")
SECOND = Holder("bob", "build-8", 2, 22, "boot-2", "abc")
MINUTE = timedelta(minutes=1)
VALIDITY = timedelta(seconds=15)


@pytest.fixture
def line(bench: Any, store: Store) -> tuple[Lock, Ticket, Ticket]:
    """A lock that is held, and two who wait for it."""
    held = bench.lock()
    tickets = [_come(store, holder) for holder in (FIRST, SECOND)]
    return held, *tickets  # type: ignore[return-value]


def _come(store: Store, holder: Holder, name: str = "deploy") -> Ticket:
    return store.take_ticket(LockScope.WORKFLOW, name, holder, VALIDITY)


def _take(store: Store, ticket: Ticket | None, dead: Holder | None = None) -> Lock:
    holder = FIRST if ticket is None else ticket.holder
    return store.acquire_lock(
        LockScope.WORKFLOW, "deploy", holder, MINUTE, lambda each: each == dead, ticket=ticket
    )


def test_a_ticket_says_who_waits_for_what_since_when(bench: Any, store: Store) -> None:
    bench.lock()
    ticket = _come(store, SECOND)

    now = bench.clock()
    assert ticket == Ticket(1, LockScope.WORKFLOW, "deploy", SECOND, now, now, now + VALIDITY)
    assert store.tickets() == [ticket]


def test_a_lock_that_is_free_goes_to_the_oldest_ticket_and_then_to_the_next(
    store: Store, line: tuple[Lock, Ticket, Ticket]
) -> None:
    held, first, second = line
    store.release_lock(held)

    with pytest.raises(LockAwaited):
        _take(store, second)
    lock = _take(store, first)
    assert (lock.holder, store.tickets()) == (FIRST, [second])
    with pytest.raises(LockHeld) as refused:
        _take(store, second)
    assert (refused.value.lock, refused.value.ahead) == (lock, 0)
    store.release_lock(lock)
    assert _take(store, second).holder == SECOND
    assert store.tickets() == []


def test_a_lock_that_is_held_says_how_many_came_before(
    store: Store, line: tuple[Lock, Ticket, Ticket]
) -> None:
    held, first, second = line
    ahead = []
    for ticket in (first, second, None):
        with pytest.raises(LockHeld) as refused:
            _take(store, ticket)
        assert refused.value.lock == held
        ahead.append(refused.value.ahead)
    assert ahead == [0, 1, 2]


def test_one_without_a_ticket_overtakes_nobody_and_is_told_who_is_next(
    store: Store, line: tuple[Lock, Ticket, Ticket]
) -> None:
    held, first, _ = line
    store.release_lock(held)
    since = first.came_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")

    with pytest.raises(LockAwaited) as refused:
        _take(store, None)
    assert refused.value.lock is None
    assert refused.value.ahead == 2
    assert (refused.value.code, refused.value.exit_code) == ("locked", 4)
    assert refused.value.message == (
        "deploy is free, but ada@build-7 pid 1 is next and has waited for it since "
        f"{since}, the first of 2"
    )
    store.drop_ticket(first)
    with pytest.raises(LockAwaited) as refused:
        _take(store, None)
    assert refused.value.message == (
        f"deploy is free, but bob@build-8 pid 2 is next and has waited for it since {since}"
    )
    assert store.locks() == []


def test_a_lock_that_is_taken_over_goes_to_the_oldest_ticket_too(
    bench: Any, store: Store, line: tuple[Lock, Ticket, Ticket]
) -> None:
    held, first, second = line
    with pytest.raises(LockAwaited):
        _take(store, second, dead=held.holder)
    assert _take(store, first, dead=held.holder).token == held.token + 1


def test_a_ticket_that_ran_out_keeps_nobody_waiting_and_goes(
    bench: Any, store: Store, line: tuple[Lock, Ticket, Ticket]
) -> None:
    held, _, second = line
    store.release_lock(held)
    bench.clock.advance(seconds=14)
    second = store.renew_ticket(second, VALIDITY)
    with pytest.raises(LockAwaited):
        _take(store, second)
    bench.clock.advance(seconds=1)

    assert _take(store, second).holder == SECOND
    assert store.tickets() == []


def test_the_ticket_of_a_dead_process_keeps_nobody_waiting_and_goes(
    store: Store, line: tuple[Lock, Ticket, Ticket]
) -> None:
    held, _, second = line
    store.release_lock(held)

    assert _take(store, second, dead=FIRST).holder == SECOND
    assert store.tickets() == []


def test_one_without_a_ticket_takes_what_only_the_dead_wait_for(bench: Any, store: Store) -> None:
    _come(store, SECOND)
    _come(store, SECOND)
    bench.clock.advance(seconds=1)

    assert _take(store, None, dead=SECOND).holder == FIRST
    assert store.tickets() == []


def test_a_ticket_of_a_clock_that_is_fast_keeps_nobody_waiting(bench: Any, store: Store) -> None:
    bench.clock.advance(days=365)
    _come(store, SECOND)
    bench.clock.advance(days=-365)
    assert _take(store, None).holder == FIRST


def test_a_renewed_ticket_keeps_its_place(
    bench: Any, store: Store, line: tuple[Lock, Ticket, Ticket]
) -> None:
    _, first, second = line
    bench.clock.advance(seconds=20)
    renewed = store.renew_ticket(first, VALIDITY)

    now = bench.clock()
    assert renewed == first._replace(renewed_at=now, expires_at=now + VALIDITY)
    assert store.tickets() == [renewed, second]


def test_a_ticket_that_was_passed_over_is_taken_anew_at_the_end(
    bench: Any, store: Store, line: tuple[Lock, Ticket, Ticket]
) -> None:
    held, first, second = line
    store.release_lock(held)
    _take(store, second, dead=FIRST)
    third = _come(store, SECOND)
    bench.clock.advance(seconds=1)
    again = store.renew_ticket(first, VALIDITY)

    assert (again.holder, again.came_at) == (FIRST, bench.clock())
    assert store.tickets() == [third, again]


def test_a_number_that_another_has_by_now_is_left_to_it(bench: Any, store: Store) -> None:
    gone = _come(store, FIRST)
    store.drop_ticket(gone)
    bench.clock.advance(seconds=1)
    other = _come(store, SECOND)
    assert other.number == gone.number

    store.drop_ticket(gone)
    renewed = store.renew_ticket(gone, VALIDITY)
    assert store.tickets() == [other, renewed]


def test_tickets_of_other_locks_do_not_matter(bench: Any, store: Store) -> None:
    _come(store, SECOND, "other")
    store.take_ticket(LockScope.SCRIPT, "deploy", SECOND, VALIDITY)
    _take(store, None)
    assert [(each.scope, each.name) for each in store.tickets()] == [
        (LockScope.WORKFLOW, "other"),
        (LockScope.SCRIPT, "deploy"),
    ]


def test_a_ticket_needs_the_name_of_a_lock(store: Store) -> None:
    with pytest.raises(InvalidValue, match="the lock's name is empty"):
        _come(store, FIRST, "")
