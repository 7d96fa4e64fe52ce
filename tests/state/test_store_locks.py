"""The contract of every store: locks, their leases, tokens and take-overs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sloth_state.errors import InvalidValue, LockHeld, LockLost
from sloth_state.model import Holder, Lock, LockScope, Output, RunStatus

if TYPE_CHECKING:
    from sloth_state.store import Store

OTHER = Holder("bob", "build-8", 815, 7, "boot-2")
MINUTE = timedelta(minutes=1)


def test_a_lock_says_all_about_its_holder_and_lease(bench: Any, store: Store) -> None:
    lock = bench.lock(holder=OTHER, seconds=90)
    now = bench.clock()
    assert lock == Lock(
        LockScope.WORKFLOW, "deploy", OTHER, 1, now, now, now + timedelta(seconds=90)
    )
    assert store.locks() == [lock]


def test_a_lock_is_had_by_one_only_even_in_the_same_process(bench: Any, store: Store) -> None:
    held = bench.lock()
    with pytest.raises(LockHeld) as refused:
        bench.lock()
    assert refused.value.lock == held
    assert store.locks() == [held]


def test_workflows_and_scripts_do_not_share_names(bench: Any, store: Store) -> None:
    script = bench.lock("deploy", scope=LockScope.SCRIPT)
    other, workflow = bench.lock("backup"), bench.lock("deploy")
    assert store.locks() == [script, other, workflow]


def test_a_token_only_grows_over_release_break_takeover_and_deletion(
    bench: Any, store: Store
) -> None:
    tokens = []
    first = bench.lock()
    tokens.append(first.token)
    store.release_lock(first)
    tokens.append(bench.lock().token)
    store.break_lock(LockScope.WORKFLOW, "deploy", "ada")
    _run, lock = bench.begin()
    tokens.append(lock.token)
    bench.clock.advance(seconds=61)
    tokens.append(bench.lock().token)
    bench.clock.advance(seconds=61)
    store.delete_workflow("deploy", "ada")
    tokens.append(bench.lock().token)
    assert tokens == [1, 2, 3, 4, 5]


def test_a_renewed_lease_starts_anew_and_keeps_the_token(bench: Any, store: Store) -> None:
    run, lock = bench.begin()
    bench.clock.advance(seconds=59)

    renewed = store.renew_lock(lock, MINUTE)

    assert renewed == lock._replace(
        holder=lock.holder._replace(run_id=run.id),
        heartbeat_at=bench.clock(),
        expires_at=bench.clock() + MINUTE,
    )
    assert store.locks() == [renewed]
    bench.clock.advance(seconds=59)
    store.set_output(run.id, Output("url", "x"), lock)


def test_a_lease_that_ran_out_is_not_renewed(bench: Any, store: Store) -> None:
    lock = bench.lock()
    bench.clock.advance(seconds=60)
    with pytest.raises(LockLost, match="this process lost the lock of deploy"):
        store.renew_lock(lock, MINUTE)
    assert store.locks() == [lock]


def test_releasing_a_lock_that_another_took_over_leaves_it_to_the_other(
    bench: Any, store: Store
) -> None:
    lost = bench.lock()
    bench.clock.advance(seconds=61)
    taken = bench.lock(holder=OTHER)
    store.release_lock(lost)
    with pytest.raises(LockLost):
        store.renew_lock(lost, MINUTE)
    assert store.locks() == [taken]
    store.release_lock(taken)
    store.release_lock(taken)
    assert store.locks() == []


@pytest.mark.parametrize(
    ("seconds", "dead", "reason"),
    [
        (61, False, "the lease of ada@build-7 pid 4711 ran out"),
        (1, True, "ada@build-7 pid 4711 is gone"),
    ],
)
def test_a_takeover_fails_the_run_and_is_audited(
    bench: Any, store: Store, seconds: int, dead: bool, reason: str
) -> None:
    run, lock = bench.begin()
    store.record(run.id, [bench.draft("a")], lock)
    bench.clock.advance(seconds=seconds)

    taken = bench.lock(holder=OTHER, is_dead=lambda holder: dead and holder.run_id == run.id)

    assert (taken.holder, taken.token) == (OTHER, 2)
    interrupted = store.run(run.id)
    assert interrupted.status is RunStatus.FAILED
    assert interrupted.error_msg == f"interrupted: {reason}"
    assert interrupted.completed_at == bench.clock()
    assert store.version("deploy", 1).resource_count == 1
    (entry,) = store.audit_trail("deploy")
    assert entry == (
        bench.clock(),
        "bob@build-8 pid 815",
        "take over lock",
        "deploy",
        f"workflow deploy: {reason}",
    )
    with pytest.raises(LockLost):
        store.finish_run(run.id, RunStatus.SUCCESS, lock)
    assert store.verify() == []


def test_a_lock_that_somebody_saw_unrenewed_is_taken_over_unless_it_was_renewed_meanwhile(
    bench: Any, store: Store
) -> None:
    lock = bench.lock()
    bench.clock.advance(seconds=1)
    renewed = store.renew_lock(lock, MINUTE)
    ask = LockScope.WORKFLOW, "deploy", OTHER, MINUTE, lambda _: False

    with pytest.raises(LockHeld):
        store.acquire_lock(*ask, unrenewed=lock)
    taken = store.acquire_lock(*ask, unrenewed=renewed)

    assert (taken.holder, taken.token) == (OTHER, 2)
    (entry,) = store.audit_trail("deploy")
    assert entry.detail == "workflow deploy: the lease of ada@build-7 pid 4711 ran out"
    with pytest.raises(LockLost):
        store.renew_lock(renewed, MINUTE)


def test_a_takeover_of_a_script_lock_leaves_the_run_alone(bench: Any, store: Store) -> None:
    run, lock = bench.begin()
    bench.lock("migrate", scope=LockScope.SCRIPT, holder=lock.holder._replace(run_id=run.id))
    bench.clock.advance(seconds=30)
    store.renew_lock(lock, MINUTE)
    bench.clock.advance(seconds=31)

    bench.lock("migrate", scope=LockScope.SCRIPT, holder=OTHER)

    assert store.run(run.id).status is RunStatus.RUNNING
    assert [entry.workflow for entry in store.audit_trail()] == [None]


def test_a_holder_that_is_alive_is_not_taken_over(bench: Any, store: Store) -> None:
    run, _lock = bench.begin()
    bench.clock.advance(seconds=59)
    with pytest.raises(LockHeld):
        bench.lock(holder=OTHER)
    assert store.run(run.id) == run


def test_a_broken_lock_fails_the_run_and_stops_its_holder(bench: Any, store: Store) -> None:
    run, lock = bench.begin()

    broken = store.break_lock(LockScope.WORKFLOW, "deploy", "bob@build-8")

    assert broken == lock._replace(holder=lock.holder._replace(run_id=run.id))
    assert store.break_lock(LockScope.WORKFLOW, "deploy", "bob@build-8") is None
    assert store.break_lock(LockScope.WORKFLOW, "unheard-of", "bob@build-8") is None
    assert store.locks() == []
    assert store.run(run.id).error_msg == (
        "interrupted: bob@build-8 broke the lock of ada@build-7 pid 4711"
    )
    assert [(entry.actor, entry.action) for entry in store.audit_trail()] == [
        ("bob@build-8", "break lock")
    ]
    with pytest.raises(LockLost):
        store.record(run.id, [bench.draft("a")], lock)


def test_a_lock_needs_a_name(bench: Any) -> None:
    with pytest.raises(InvalidValue, match="the lock's name is empty"):
        bench.lock("")
