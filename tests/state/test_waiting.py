"""Processes and tasks that wait for a lock get it in the order in which they came."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sloth_state import waiting
from sloth_state.errors import LockAwaited, LockHeld
from sloth_state.leases import acquire
from sloth_state.model import Lock, LockScope
from sloth_state.open import open_store
from sloth_state.processes import current_holder
from sloth_state.store import Store

_WAITER = """
import sys, time
from datetime import timedelta
from sloth_state import waiting
from sloth_state.leases import acquire
from sloth_state.model import LockScope
from sloth_state.open import open_store

url, validity, work = sys.argv[1:]
if validity != "-":
    waiting.VALIDITY = timedelta(seconds=float(validity))
    waiting._RENEWAL_SECONDS = float(validity) / 3
with open_store(url) as store:
    wait = timedelta(seconds=60)
    lock = acquire(
        store,
        LockScope.SCRIPT,
        "database",
        wait=wait,
        on_waiting=lambda held: print("waits", held.ahead, flush=True),
    )
    print("has", lock.token, flush=True)
    time.sleep(float(work))
    store.release_lock(lock)
"""

Start = Callable[..., Any]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/state.db"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url) as opened:
        yield opened


@pytest.fixture
def start(url: str) -> Iterator[Start]:
    """Starts processes that wait for the lock; each of them waits when this returns."""
    started: list[subprocess.Popen[str]] = []

    def start(validity: float | str = "-", work: float = 0.02) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", _WAITER, url, str(validity), str(work)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert _said(process).startswith("waits ")
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def _said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _take(store: Store, wait: float = 0, **options: Any) -> Lock:
    return acquire(store, LockScope.SCRIPT, "database", wait=timedelta(seconds=wait), **options)


# -- the order -----------------------------------------------------------------------------


def test_processes_get_a_lock_in_the_order_in_which_they_came(store: Store, start: Start) -> None:
    held = _take(store)
    processes = [start() for _ in range(8)]
    assert [each.holder.pid for each in store.tickets()] == [each.pid for each in processes]
    store.release_lock(held)

    tokens = [_said(process) for process in processes]
    assert tokens == [f"has {held.token + number}" for number in range(1, 9)]
    assert [process.wait() for process in processes] == [0] * 8
    assert store.tickets() == []


def test_a_lock_that_was_held_for_long_is_handed_over_at_once(store: Store, start: Start) -> None:
    held = _take(store)
    processes = [start(work=0.5) for _ in range(3)]
    time.sleep(0.7)
    released = time.monotonic()
    store.release_lock(held)
    for process in processes:
        _said(process)

    assert time.monotonic() - released < 2 * 0.5 + 3 * 0.5


def test_one_who_does_not_wait_is_refused_while_others_do(store: Store, start: Start) -> None:
    held = _take(store)
    first = start()
    first.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, first.pid, os.WSTOPPED)
    store.release_lock(held)

    with pytest.raises(LockAwaited, match=f"database is free, but .* pid {first.pid} is next"):
        _take(store)
    with pytest.raises(LockAwaited, match=r"gave up after waiting 1 s$"):
        _take(store, wait=1)
    first.send_signal(signal.SIGCONT)
    assert _said(first) == f"has {held.token + 1}"
    assert first.wait() == 0
    _take(store)


def test_one_who_was_just_served_goes_to_the_end(store: Store, start: Start) -> None:
    held = _take(store)
    first = start()
    store.release_lock(held)
    lock = _take(store, wait=20)

    assert _said(first) == f"has {held.token + 1}"
    assert lock.token == held.token + 2


# -- who waits no more ---------------------------------------------------------------------


def test_one_who_was_killed_is_passed_over_at_once(store: Store, start: Start) -> None:
    held = _take(store)
    killed, second = start(), start()
    killed.kill()
    killed.wait()
    released = time.monotonic()
    store.release_lock(held)

    assert _said(second) == f"has {held.token + 1}"
    assert time.monotonic() - released < waiting.VALIDITY.total_seconds() / 3
    assert second.wait() == 0
    assert store.tickets() == []


def test_one_who_was_killed_on_another_host_is_passed_over_when_its_ticket_runs_out(
    store: Store,
) -> None:
    elsewhere = current_holder()._replace(host="elsewhere")
    store.take_ticket(LockScope.SCRIPT, "database", elsewhere, timedelta(seconds=0.6))
    started = time.monotonic()
    with pytest.raises(LockAwaited):
        _take(store)
    _take(store, wait=10)

    assert 0.5 < time.monotonic() - started < 3
    assert store.tickets() == []


def test_one_who_was_stopped_is_passed_over_and_then_comes_last(store: Store, start: Start) -> None:
    held = _take(store)
    stopped, second, third = start(1.5), start(1.5), start(1.5, work=1)
    stopped.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, stopped.pid, os.WSTOPPED)
    store.release_lock(held)

    assert _said(second) == f"has {held.token + 1}"
    assert _said(third) == f"has {held.token + 2}"
    stopped.send_signal(signal.SIGCONT)
    assert _said(stopped) == f"has {held.token + 3}"
    assert stopped.wait() == 0
    assert store.tickets() == []


def test_one_who_waits_for_longer_than_a_ticket_counts_keeps_its_place(
    store: Store, start: Start
) -> None:
    held = _take(store)
    first, second = start(1), start(1)
    time.sleep(2.5)
    store.release_lock(held)

    assert _said(first) == f"has {held.token + 1}"
    assert _said(second) == f"has {held.token + 2}"


# -- giving up -----------------------------------------------------------------------------


def test_one_whose_wait_is_over_leaves_no_ticket(store: Store) -> None:
    _take(store)
    seen = []
    with pytest.raises(LockHeld):
        _take(store, wait=0.2, on_waiting=lambda _: seen.extend(store.tickets()))

    assert [ticket.holder for ticket in seen] == [current_holder()]
    assert store.tickets() == []


def test_one_who_does_not_wait_takes_no_ticket(store: Store, monkeypatch: Any) -> None:
    _take(store)
    monkeypatch.setattr(type(store), "take_ticket", None)
    with pytest.raises(LockHeld):
        _take(store)


def test_an_error_and_a_ctrl_c_leave_no_ticket(store: Store, start: Start) -> None:
    held = _take(store)

    def fail(_: LockHeld) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _take(store, wait=10, on_waiting=fail)
    assert store.tickets() == []
    process = start()
    assert len(store.tickets()) == 1
    process.send_signal(signal.SIGINT)
    assert process.wait() != 0
    assert (store.tickets(), store.locks()) == ([], [held])


def test_waiting_hardly_ever_writes(store: Store, monkeypatch: Any) -> None:
    _take(store)
    writes = []
    for name in ("take_ticket", "renew_ticket", "drop_ticket"):
        method = getattr(type(store), name)
        monkeypatch.setattr(
            type(store),
            name,
            lambda *given, name=name, method=method: (writes.append(name), method(*given))[1],
        )
    monkeypatch.setattr(waiting, "_RENEWAL_SECONDS", 0.5)
    with pytest.raises(LockHeld):
        _take(store, wait=1.3)

    assert writes == ["take_ticket", "renew_ticket", "renew_ticket", "drop_ticket"]


@pytest.mark.parametrize(("ahead", "longest"), [(0, 0.1), (4, 0.5), (99, 1.0)])
def test_pauses_are_short_after_a_change_and_longer_for_those_further_back(
    store: Store, ahead: int, longest: float
) -> None:
    pauses = waiting._Pauses()
    pauses.saw(LockHeld(_take(store), ahead))
    seen = [pauses.next() for _ in range(20)]
    assert seen[0] <= min(0.01 * (ahead + 1), longest)
    assert all(longest / 2 <= pause <= longest for pause in seen[10:])
    pauses.saw(LockHeld(store.locks()[0], ahead))
    assert pauses.next() >= longest / 2
    pauses.saw(LockHeld(store.locks()[0]._replace(token=2), ahead))
    assert pauses.next() <= min(0.01 * (ahead + 1), longest)
