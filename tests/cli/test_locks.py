"""`locks` says who holds what, `unlock` takes it away, and dead runs do not stay running."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sloth_state.leases import acquire
from sloth_state.model import Holder, Lock, LockScope, NewRun, Run, RunStatus
from sloth_state.open import open_store
from sloth_state.processes import current_holder
from sloth_state.store import Store

Record = Callable[..., Run]
Sloth = Callable[..., Any]

LOCKS = ("state", "workflow", "locks")
UNLOCK = ("state", "workflow", "unlock")
DAY = timedelta(days=1)


@pytest.fixture
def live(store_path: Path) -> Iterator[Store]:
    """The store with the real clock, since leases are judged by it."""
    with open_store(None) as opened:
        yield opened


def _begin(store: Store, name: str, holder: Holder, lease: timedelta = DAY) -> tuple[Run, Lock]:
    lock = acquire(store, LockScope.WORKFLOW, name, holder=holder, lease=lease)
    return store.begin_run(NewRun(name, {}), lock), lock


def _local(at: datetime) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def test_locks_say_whether_their_holder_lives(
    sloth: Sloth, live: Store, dead_holder: Holder
) -> None:
    here = current_holder()
    elsewhere = Holder("bob", "other-host", 7, 1, "another boot")
    held = [
        acquire(live, LockScope.WORKFLOW, "a-live", holder=here, lease=DAY),
        acquire(live, LockScope.WORKFLOW, "b-dead", holder=dead_holder, lease=DAY),
        acquire(live, LockScope.WORKFLOW, "c-late", holder=here, lease=timedelta(microseconds=1)),
        acquire(live, LockScope.WORKFLOW, "d-far", holder=elsewhere, lease=DAY),
        acquire(live, LockScope.SCRIPT, "database", holder=here, lease=DAY),
    ]

    code, out, err = sloth(*LOCKS)
    _, printed, _ = sloth(*LOCKS, "-o", "json")

    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "5 locks"
    shown = {lock["name"]: lock for lock in json.loads(printed)}
    assert {name: lock["alive"] for name, lock in shown.items()} == {
        "a-live": "alive",
        "b-dead": "dead",
        "c-late": "expired",
        "d-far": "unknown host",
        "database": "alive",
    }
    far = next(lock for lock in held if lock.name == "d-far")
    times = "  ".join(map(_local, (far.acquired_at, far.heartbeat_at, far.expires_at)))
    line = next(line for line in out.splitlines() if "d-far" in line)
    assert line.split(maxsplit=2)[:2] == ["workflow", "d-far"]
    assert f"bob@other-host pid 7  {' ' * (len(str(here)) - 20)}{times}  unknown host" in line
    assert set(shown["d-far"]) == {
        "scope",
        "name",
        "holder",
        "token",
        "acquired_at",
        "heartbeat_at",
        "expires_at",
        "alive",
        "waiting",
    }
    assert shown["d-far"]["holder"] == {
        "user": "bob",
        "host": "other-host",
        "pid": 7,
        "run_id": None,
    }


def test_locks_say_how_many_wait_for_them(sloth: Sloth, live: Store, dead_holder: Holder) -> None:
    here = current_holder()
    acquire(live, LockScope.WORKFLOW, "deploy", lease=DAY)
    acquire(live, LockScope.SCRIPT, "deploy", lease=DAY)
    for holder, validity in ((here, DAY), (here, DAY), (dead_holder, DAY), (here, timedelta(0))):
        live.take_ticket(LockScope.WORKFLOW, "deploy", holder, validity)

    _, out, _ = sloth(*LOCKS)
    _, printed, _ = sloth(*LOCKS, "-o", "json")

    assert out.splitlines()[0].split()[-1] == "WAITING"
    waiting = {line.split()[0]: line.split()[-1] for line in out.splitlines()[1:3]}
    assert waiting == {"workflow": "2", "script": "0"}
    shown = {lock["scope"]: lock["waiting"] for lock in json.loads(printed)}
    assert shown == {"workflow": 2, "script": 0}


def test_no_locks_are_no_table(sloth: Sloth, live: Store) -> None:
    assert sloth(*LOCKS) == (0, "0 locks\n", "")
    assert sloth(*LOCKS, "-o", "json") == (0, "[]\n", "")


def test_force_breaks_a_lock_ends_its_run_and_is_audited(sloth: Sloth, live: Store) -> None:
    run, lock = _begin(live, "deploy", current_holder())

    assert sloth(*UNLOCK, "deploy", "--force") == (
        0,
        f"Broke the lock on deploy of {lock.holder}\n",
        "",
    )
    assert live.locks() == []
    assert live.run(run.id).status is RunStatus.FAILED
    assert [(entry.action, entry.workflow) for entry in live.audit_trail()] == [
        ("break lock", "deploy")
    ]


def test_any_reference_to_the_workflow_unlocks_it(sloth: Sloth, live: Store) -> None:
    run, _ = _begin(live, "deploy", current_holder())

    assert sloth(*UNLOCK, run.id[:6], "--force").code == 0
    assert live.locks() == []


def test_without_a_terminal_and_without_force_no_lock_is_broken(sloth: Sloth, live: Store) -> None:
    _, lock = _begin(live, "deploy", current_holder())

    assert sloth(*UNLOCK, "deploy") == (
        2,
        "",
        "Error: unlocking deploy needs a confirmation, and there is no terminal to ask at\n"
        "Hint: Add --force to do it without being asked.\n",
    )
    assert [held.token for held in live.locks()] == [lock.token]


def test_unlocking_what_nobody_holds_is_no_error(sloth: Sloth, finished_run: Record) -> None:
    finished_run("deploy")

    assert sloth(*UNLOCK, "deploy") == (0, "Nobody holds a lock on deploy\n", "")
    assert sloth(*UNLOCK, "deploy", "-o", "json") == (0, '{\n  "broken": null\n}\n', "")
    assert sloth(*UNLOCK, "--script", "anything") == (0, "Nobody holds a lock on anything\n", "")


def test_unlocking_an_unknown_workflow_is_not_found(sloth: Sloth, live: Store) -> None:
    assert sloth(*UNLOCK, "deploy", "--force").code == 3


def test_a_script_lock_is_another_than_a_workflows(sloth: Sloth, live: Store) -> None:
    workflow = acquire(live, LockScope.WORKFLOW, "db", lease=DAY)
    script = acquire(live, LockScope.SCRIPT, "db", lease=DAY)

    code, out, _ = sloth(*UNLOCK, "--script", "db", "--force", "-o", "json")

    assert code == 0
    broken = json.loads(out)["broken"]
    assert (broken["scope"], broken["token"]) == ("script", script.token)
    assert live.locks() == [workflow]


def test_the_run_of_a_dead_process_is_marked_as_failed_and_that_is_said_once(
    sloth: Sloth, live: Store, dead_holder: Holder
) -> None:
    run, _ = _begin(live, "deploy-prod", dead_holder)

    first = sloth("state", "workflow", "list", "-o", "json")
    second = sloth("state", "workflow", "list", "-o", "json")

    assert first.err == (
        f"Note: run {run.id} of deploy-prod was interrupted (its process is gone); "
        "marked as failed\n"
    )
    shown = json.loads(first.out)[0]
    assert (shown["status"], shown["error_msg"]) == ("failed", "interrupted: its process is gone")
    assert shown["completed_at"] is not None
    assert second.err == ""


def test_the_run_of_an_expired_lease_is_marked_as_failed(sloth: Sloth, live: Store) -> None:
    run, _ = _begin(live, "deploy", current_holder(), lease=timedelta(milliseconds=50))
    while live.locks()[0].expires_at > datetime.now().astimezone():
        pass

    assert sloth("state", "workflow", "show", "deploy").err == (
        f"Note: run {run.id} of deploy was interrupted (its lease ran out); marked as failed\n"
    )


def test_a_run_without_a_lock_is_marked_as_failed(sloth: Sloth, live: Store) -> None:
    run, lock = _begin(live, "deploy", current_holder())
    live.release_lock(lock)

    assert sloth("state", "workflow", "locks").err.startswith(f"Note: run {run.id} of deploy was")
    assert live.run(run.id).status is RunStatus.FAILED


def test_the_run_of_a_living_process_is_left_alone(sloth: Sloth, live: Store) -> None:
    here, _ = _begin(live, "here", current_holder())
    elsewhere, _ = _begin(live, "elsewhere", Holder("bob", "other-host", 7, 1, "another boot"))

    assert sloth("state", "workflow", "list").err == ""
    assert live.run(here.id).status is RunStatus.RUNNING
    assert live.run(elsewhere.id).status is RunStatus.RUNNING
