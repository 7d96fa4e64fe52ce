"""Locks are waited for, renewed while they are needed, and never held by two."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sloth_state.errors import InvalidValue, LockHeld, LockLost, StoreBusy
from sloth_state.leases import Heartbeat, acquire
from sloth_state.model import Lock, LockScope
from sloth_state.open import open_store
from sloth_state.store import Store

SHORT = timedelta(seconds=0.6)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/state.db"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url) as opened:
        yield opened


def _until(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Whether the condition became true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


# -- waiting -----------------------------------------------------------------------------------


def test_a_free_lock_is_taken_at_once_for_its_lease(store: Store) -> None:
    lock = acquire(store, LockScope.WORKFLOW, "deploy", lease=timedelta(seconds=7))

    assert (lock.scope, lock.name, lock.token) == (LockScope.WORKFLOW, "deploy", 1)
    assert lock.holder.pid == os.getpid()
    assert lock.expires_at - lock.acquired_at == timedelta(seconds=7)
    assert store.locks() == [lock]


def test_a_held_lock_is_refused_at_once_without_a_wait(store: Store) -> None:
    held = acquire(store, LockScope.WORKFLOW, "deploy")
    told: list[LockHeld] = []
    with pytest.raises(LockHeld) as refused:
        acquire(store, LockScope.WORKFLOW, "deploy", on_waiting=told.append)

    assert refused.value.lock == held
    assert told == []


def test_a_wait_that_is_over_says_who_held_the_lock_for_how_long(store: Store) -> None:
    held = acquire(store, LockScope.WORKFLOW, "deploy")
    told: list[LockHeld] = []
    started = time.monotonic()

    with pytest.raises(LockHeld) as refused:
        acquire(
            store,
            LockScope.WORKFLOW,
            "deploy",
            wait=timedelta(seconds=1.0),
            on_waiting=told.append,
        )

    assert 1.0 <= time.monotonic() - started < 2.0
    since = held.acquired_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    assert str(refused.value) == (
        f"deploy is locked by {held.holder} since {since} after waiting 1 s"
    )
    assert [waiting.lock for waiting in told] == [held]


def test_a_lock_is_taken_as_soon_as_it_is_released(url: str, store: Store) -> None:
    held = acquire(store, LockScope.WORKFLOW, "deploy")
    releasing = threading.Event()

    def release_while_somebody_waits() -> None:
        with open_store(url) as other:
            releasing.wait()
            time.sleep(0.2)
            other.release_lock(held)

    thread = threading.Thread(target=release_while_somebody_waits)
    thread.start()
    started = time.monotonic()
    lock = acquire(
        store,
        LockScope.WORKFLOW,
        "deploy",
        wait=timedelta(seconds=10),
        on_waiting=lambda held: releasing.set(),
    )
    thread.join()

    assert lock.token == held.token + 1
    assert time.monotonic() - started < 2.0


def test_waiting_can_be_interrupted(url: str, store: Store) -> None:
    acquire(store, LockScope.WORKFLOW, "deploy")
    code = f"""
from datetime import timedelta
from sloth_state.leases import acquire
from sloth_state.model import LockScope
from sloth_state.open import open_store
def tell(held):
    print(flush=True)
with open_store({url!r}) as store:
    wait = timedelta(seconds=60)
    try:
        acquire(store, LockScope.WORKFLOW, "deploy", wait=wait, on_waiting=tell)
    except KeyboardInterrupt:
        print("interrupted")
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as child:
        _next_line(child)
        child.send_signal(signal.SIGINT)
        said, _ = child.communicate(timeout=5)

    assert (child.returncode, said) == (0, "interrupted\n")


def test_a_lock_of_a_wrong_clock_is_waited_for_no_longer_than_its_lease(
    url: str, store: Store
) -> None:
    with open_store(url, clock=lambda: datetime.now(UTC) + timedelta(days=365)) as fast:
        held = acquire(fast, LockScope.WORKFLOW, "deploy", lease=SHORT)
    started = time.monotonic()
    lock = acquire(store, LockScope.WORKFLOW, "deploy", wait=timedelta(seconds=10))

    assert lock.token == held.token + 1
    assert SHORT.total_seconds() <= time.monotonic() - started < 3.0


@pytest.mark.parametrize("seconds", [0, -1])
def test_a_lease_that_is_over_before_it_begins_is_refused(store: Store, seconds: int) -> None:
    with pytest.raises(InvalidValue) as refused:
        acquire(store, LockScope.SCRIPT, "database", lease=timedelta(seconds=seconds))

    assert str(refused.value) == "the lease of database must be longer than 0 s"


# -- the heartbeat -----------------------------------------------------------------------------


@pytest.fixture
def start(store: Store) -> Iterator[Callable[..., Heartbeat]]:
    """Makes heartbeats, which end with the test."""
    started: list[Heartbeat] = []

    def make(on: Any = None, **options: Any) -> Heartbeat:
        started.append(Heartbeat(on or store, **options))
        return started[-1]

    yield make
    for heartbeat in started:
        heartbeat.stop()


def _is_held(store: Store, lock: Lock) -> bool:
    """Whether the lock's lease goes on."""
    now = datetime.now(UTC)
    return any(
        (each.name, each.token) == (lock.name, lock.token) and each.expires_at > now
        for each in store.locks()
    )


def test_a_heartbeat_keeps_locks_beyond_their_leases(
    store: Store, start: Callable[..., Heartbeat]
) -> None:
    heartbeat = start()
    locks = [acquire(store, LockScope.SCRIPT, name, lease=SHORT) for name in ("first", "second")]
    alone = acquire(store, LockScope.SCRIPT, "alone", lease=SHORT)
    for lock in locks:
        heartbeat.add(lock)
    time.sleep(1.3)

    assert [_is_held(store, lock) for lock in (*locks, alone)] == [True, True, False]
    assert not any(heartbeat.lost(lock) for lock in locks)


def test_a_lock_added_while_a_long_lease_is_waited_for_is_renewed_in_time(
    store: Store, start: Callable[..., Heartbeat]
) -> None:
    heartbeat = start()
    heartbeat.add(acquire(store, LockScope.SCRIPT, "long"))
    short = acquire(store, LockScope.SCRIPT, "short", lease=SHORT)
    heartbeat.add(short)
    time.sleep(1.0)

    assert _is_held(store, short)


def test_a_removed_lock_is_renewed_no_more_and_not_lost(
    store: Store, start: Callable[..., Heartbeat]
) -> None:
    lost: list[Lock] = []
    heartbeat = start(on_lost=lost.append)
    lock = acquire(store, LockScope.SCRIPT, "database", lease=SHORT)
    heartbeat.add(lock)
    heartbeat.remove(lock)

    assert _until(lambda: not _is_held(store, lock))
    assert (heartbeat.lost(lock), lost) == (False, [])


def test_a_broken_lock_is_known_as_lost_before_anybody_writes(
    store: Store, start: Callable[..., Heartbeat]
) -> None:
    lost: list[Lock] = []
    heartbeat = start(on_lost=lost.append)
    lock = acquire(store, LockScope.WORKFLOW, "deploy", lease=SHORT)
    other = acquire(store, LockScope.WORKFLOW, "other", lease=SHORT)
    heartbeat.add(lock)
    heartbeat.add(other)
    store.break_lock(LockScope.WORKFLOW, "deploy", "ops@desk")

    assert _until(lambda: lost == [lock])
    assert (heartbeat.lost(lock), heartbeat.lost(other)) == (True, False)


class _Unwilling:
    """A real store whose renewals can be made to fail or to hang."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.failing = threading.Event()
        self.hanging: threading.Event | None = None
        self.connections = 0
        self.renewals = 0

    def reopen(self) -> _Unwilling:
        self.connections += 1
        self._store = self._store.reopen()
        return self

    def renew_lock(self, lock: Lock, lease: timedelta) -> Lock:
        self.renewals += 1
        if self.hanging is not None:
            self.hanging.wait()
        if self.failing.is_set():
            raise StoreBusy("state.db", "is being written to by another process")
        return self._store.renew_lock(lock, lease)

    def close(self) -> None:
        self._store.close()


def test_a_store_that_is_busy_for_a_while_costs_no_lock(
    store: Store, start: Callable[..., Heartbeat]
) -> None:
    unwilling = _Unwilling(store)
    unwilling.failing.set()
    heartbeat = start(unwilling)
    lock = acquire(store, LockScope.SCRIPT, "database", lease=timedelta(seconds=1))
    heartbeat.add(lock)
    assert _until(lambda: unwilling.renewals >= 3)
    unwilling.failing.clear()
    time.sleep(1.0)

    assert _is_held(store, lock)
    assert not heartbeat.lost(lock)


def test_a_store_that_is_busy_until_the_lease_is_over_costs_the_lock(
    store: Store, start: Callable[..., Heartbeat]
) -> None:
    unwilling = _Unwilling(store)
    unwilling.failing.set()
    heartbeat = start(unwilling)
    lock = acquire(store, LockScope.SCRIPT, "database", lease=SHORT)
    added = time.monotonic()
    heartbeat.add(lock)

    assert _until(lambda: heartbeat.lost(lock))
    assert time.monotonic() - added >= SHORT.total_seconds()


def test_no_connection_is_opened_before_the_first_renewal(
    store: Store, start: Callable[..., Heartbeat]
) -> None:
    unwilling = _Unwilling(store)
    heartbeat = start(unwilling)
    heartbeat.add(acquire(store, LockScope.SCRIPT, "long"))
    short = acquire(store, LockScope.SCRIPT, "short", lease=timedelta(seconds=1))
    heartbeat.add(short)
    time.sleep(0.1)
    before = unwilling.connections

    assert _until(lambda: unwilling.renewals >= 2)
    assert (before, unwilling.connections) == (0, 1)


def test_an_idle_heartbeat_stops_at_once(store: Store) -> None:
    never_used, idle = Heartbeat(store), Heartbeat(store)
    idle.add(acquire(store, LockScope.SCRIPT, "database"))
    started = time.monotonic()
    never_used.stop()
    idle.stop()
    idle.stop()

    assert time.monotonic() - started < 0.8
    assert "heartbeat" not in [thread.name for thread in threading.enumerate()]


def test_stopping_does_not_wait_for_a_store_that_hangs(store: Store) -> None:
    unwilling = _Unwilling(store)
    unwilling.hanging = threading.Event()
    heartbeat = Heartbeat(unwilling)  # type: ignore[arg-type]
    heartbeat.add(acquire(store, LockScope.SCRIPT, "database", lease=SHORT))
    assert _until(lambda: unwilling.renewals == 1)
    started = time.monotonic()
    heartbeat.stop()
    took = time.monotonic() - started
    unwilling.hanging.set()

    assert took < 3.0
    assert _until(lambda: "heartbeat" not in [thread.name for thread in threading.enumerate()])


# -- never two ---------------------------------------------------------------------------------

_CONTENDER = """
import os, sys, time
from datetime import timedelta
from sloth_state.leases import acquire
from sloth_state.model import LockScope
from sloth_state.open import open_store

url, folder, locking = sys.argv[1:]
overlaps, tokens = 0, []
with open_store(url) as store:
    print(flush=True)
    sys.stdin.readline()
    for _ in range(20):
        if locking == "locking":
            wait = timedelta(seconds=60)
            lock = acquire(store, LockScope.SCRIPT, "database", wait=wait)
            tokens.append((time.monotonic_ns(), lock.token))
        try:
            os.mkdir(folder + "/inside")
            time.sleep(0.001)
            os.rmdir(folder + "/inside")
        except FileExistsError:
            overlaps += 1
        if locking == "locking":
            store.release_lock(lock)
print(overlaps)
for taken_at, token in tokens:
    print(taken_at, token)
"""


def _next_line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline()


def _go_on(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    child.stdin.write("\n")
    child.stdin.flush()


def _contend(url: str, folder: Path, locking: str) -> tuple[int, list[int]]:
    """Twenty processes try twenty times; how often they met inside, and the tokens in order."""
    children = [
        subprocess.Popen(
            [sys.executable, "-c", _CONTENDER, url, str(folder), locking],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(20)
    ]
    for child in children:
        _next_line(child)
    for child in children:
        _go_on(child)
    lines = [child.communicate(timeout=60)[0].splitlines() for child in children]
    assert [child.returncode for child in children] == [0] * 20
    taken = sorted(tuple(map(int, line.split())) for said in lines for line in said[1:])
    return sum(int(said[0]) for said in lines), [token for _, token in taken]


def test_twenty_processes_never_hold_a_lock_together(
    url: str, store: Store, tmp_path: Path
) -> None:
    overlaps, tokens = _contend(url, tmp_path, "locking")

    assert overlaps == 0
    assert tokens == list(range(1, 401))


def test_the_same_twenty_processes_meet_without_the_lock(
    url: str, store: Store, tmp_path: Path
) -> None:
    overlaps, _ = _contend(url, tmp_path, "not locking")

    assert overlaps > 0


def test_a_lock_that_was_lost_cannot_be_renewed(store: Store) -> None:
    lock = acquire(store, LockScope.SCRIPT, "database", lease=timedelta(seconds=0.05))
    time.sleep(0.06)

    with pytest.raises(LockLost):
        store.renew_lock(lock, SHORT)
