"""What a run does to its workflow's state, through its ActiveRun."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sloth_runner.active_run import ActiveRun
from sloth_runner.execution import Execution
from sloth_state.errors import (
    InvalidValue,
    LockHeld,
    LockLost,
    OutputNotFound,
    ReferenceNotFound,
    ResourceNotFound,
    UsageError,
)
from sloth_state.model import (
    Action,
    Changes,
    Lock,
    LockScope,
    NewOperation,
    Output,
    Resource,
    ResourceDraft,
    RunStatus,
    TaskRecord,
    TaskStatus,
)
from sloth_state.open import open_store
from sloth_state.store import Store

MINUTE = timedelta(minutes=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path}/state.db") as opened:
        yield opened


@pytest.fixture
def run(store: Store) -> Iterator[ActiveRun]:
    """The second run of "deploy"; the first one left the files a and b."""
    with Execution(store, "deploy") as first:
        first.record_all([_file("a", 1), _file("b", 1)])
    with Execution(store, "deploy") as second:
        yield second


def _file(name: str, content: int) -> ResourceDraft:
    return ResourceDraft("file", name, {"content": content})


def _brief(resource: Resource | None) -> tuple[Any, ...] | None:
    return resource and (resource.type, resource.name, resource.action, dict(resource.attributes))


# -- resources ---------------------------------------------------------------------------------


def test_recording_says_what_it_did(run: ActiveRun) -> None:
    created = run.record("file", "c", {"content": 1}, status="present")
    updated = run.record("file", "a", {"content": 2})
    unchanged = run.record("file", "b", {"content": 1})
    bare = run.record("host", "web-1")

    assert [_brief(each) for each in (created, updated, unchanged, bare)] == [
        ("file", "c", Action.CREATE, {"content": 1}),
        ("file", "a", Action.UPDATE, {"content": 2}),
        ("file", "b", Action.NOOP, {"content": 1}),
        ("host", "web-1", Action.CREATE, {}),
    ]
    assert created.status == "present"


def test_several_resources_are_recorded_together_or_not_at_all(run: ActiveRun) -> None:
    with pytest.raises(InvalidValue):
        run.record_all([_file("c", 1), ResourceDraft("file", "d", {"content": float("nan")})])

    assert [each.name for each in run.resources()] == ["a", "b"]
    assert run.touched == Changes()


def test_removed_resources_are_not_there_for_the_rest_of_the_run(run: ActiveRun) -> None:
    removed = run.remove("file", "a")

    assert removed.action is Action.DELETE
    assert run.resource("file", "a") is None
    assert [each.name for each in run.resources()] == ["b"]
    with pytest.raises(ResourceNotFound):
        run.remove("file", "nothing")


def test_resources_are_found_by_name_and_by_type(run: ActiveRun) -> None:
    run.record("host", "web-1", {"cpus": 2})

    assert _brief(run.resource("file", "b")) == ("file", "b", Action.NOOP, {"content": 1})
    assert run.resource("file", "web-1") is None
    assert [each.name for each in run.resources("host")] == ["web-1"]
    assert [each.name for each in run.resources()] == ["a", "b", "web-1"]


def _update_twice(run: ActiveRun) -> None:
    run.record("file", "a", {"content": 2})
    run.record("file", "a", {"content": 3})


def _create_then_update(run: ActiveRun) -> None:
    run.record("file", "c", {"content": 1})
    run.record("file", "c", {"content": 2})


def _create_then_record_again(run: ActiveRun) -> None:
    run.record("file", "c", {"content": 1})
    run.record("file", "c", {"content": 1})


def _create_then_remove(run: ActiveRun) -> None:
    run.record("file", "c", {"content": 1})
    run.remove("file", "c")


def _remove(run: ActiveRun) -> None:
    run.record("file", "a", {"content": 2})
    run.remove("file", "a")


def _remove_then_record(run: ActiveRun) -> None:
    run.remove("file", "a")
    run.record("file", "a", {"content": 2})


def _confirm_then_update(run: ActiveRun) -> None:
    run.record("file", "a", {"content": 1})
    run.record("file", "b", {"content": 1})
    run.record("file", "a", {"content": 2})


def _read(run: ActiveRun) -> None:
    run.record("file", "a", {"content": 1}, action=Action.READ)


@pytest.mark.parametrize(
    ("work", "touched"),
    [
        (_update_twice, Changes(updated=1)),
        (_create_then_update, Changes(created=1)),
        (_create_then_record_again, Changes(created=1)),
        (_create_then_remove, Changes()),
        (_remove, Changes(deleted=1)),
        (_remove_then_record, Changes(updated=1)),
        (_confirm_then_update, Changes(updated=1, unchanged=1)),
        (_read, Changes(read=1)),
    ],
)
def test_a_resource_counts_once_by_its_net_action_as_in_the_version(
    store: Store, run: ActiveRun, work: Callable[[ActiveRun], None], touched: Changes
) -> None:
    work(run)
    while_running = store.version("deploy", run.version).changes

    assert run.touched == touched
    assert while_running == touched._replace(unchanged=0)


def test_the_version_keeps_the_counts_of_its_run(store: Store) -> None:
    with Execution(store, "deploy") as first:
        first.record_all([_file("a", 1), _file("b", 1), _file("c", 1)])
    with Execution(store, "deploy") as second:
        second.record_all([_file("a", 1), _file("b", 2), _file("d", 1)])
        second.remove("file", "c")

    assert second.touched == Changes(created=1, updated=1, deleted=1, unchanged=1)
    assert store.version("deploy", 2).changes == second.touched


def test_subscribers_are_told_of_each_resource_once_it_is_durable(
    store: Store, run: ActiveRun
) -> None:
    told: list[tuple[Any, ...] | None] = []
    durable: list[int] = []
    run.subscribe(lambda resource: told.append(_brief(resource)))
    with store.reopen() as another:
        run.subscribe(lambda resource: durable.append(len(another.resources("deploy"))))
        run.record_all([_file("a", 1), _file("c", 1)])
        run.remove("file", "b")

    assert told == [
        ("file", "a", Action.NOOP, {"content": 1}),
        ("file", "c", Action.CREATE, {"content": 1}),
        ("file", "b", Action.DELETE, {"content": 1}),
    ]
    assert durable == [3, 3, 3]


# -- changes of the world ----------------------------------------------------------------------


def _change(name: str, size: int = 1) -> NewOperation:
    return NewOperation("create", "file", name, None, None, None, {"content": "x" * size}, {})


def test_a_kept_end_is_written_even_if_what_follows_cannot_begin(
    store: Store, run: ActiveRun
) -> None:
    told: list[tuple[Any, ...] | None] = []
    number = run.begin_operation(_change("c"))
    run.keep_end(number, _file("c", 1), lambda resource: told.append(_brief(resource)))
    with pytest.raises(InvalidValue, match="bytes of JSON"):
        run.begin_operation(_change("d", size=11_000_000))

    run.write_kept_end()

    assert told == [("file", "c", Action.CREATE, {"content": 1})]
    assert [(each.name, each.ended_at is not None) for each in store.operations(run.id)] == [
        ("c", True)
    ]


# -- outputs, metadata, tasks ------------------------------------------------------------------


def test_outputs_are_published_and_replaced(run: ActiveRun) -> None:
    run.set_output("url", "https://example.org")
    run.set_output("password", "s3cret", sensitive=True)
    run.set_output("url", {"host": "example.org"})

    assert run.outputs() == {
        "url": Output("url", {"host": "example.org"}),
        "password": Output("password", "s3cret", sensitive=True),
    }
    assert run.output("password") == "s3cret"


def test_an_output_that_is_not_there_names_the_nearest(run: ActiveRun) -> None:
    run.set_output("url", "https://example.org")
    with pytest.raises(OutputNotFound) as missing:
        run.output("urls")

    assert (str(missing.value), missing.value.hint) == (
        "deploy has no output 'urls'",
        "Did you mean url?",
    )


def test_the_output_of_another_workflow_is_that_of_its_last_successful_run(
    store: Store, run: ActiveRun
) -> None:
    for url in ("old", "new"):
        with Execution(store, "network") as network:
            network.set_output("subnet", url)
    with Execution(store, "network") as network:
        network.set_output("subnet", "broken")
        network.fail("no route")

    assert run.output_of("network", "subnet") == "new"
    with pytest.raises(OutputNotFound) as missing:
        run.output_of("network", "subnets")
    assert str(missing.value) == "network has no output 'subnets'"


def test_the_output_of_a_workflow_that_is_not_there_names_the_nearest(
    store: Store, run: ActiveRun
) -> None:
    with pytest.raises(ReferenceNotFound) as missing:
        run.output_of("deploi", "url")
    assert missing.value.hint == "Did you mean deploy?"

    with Execution(store, "network") as network:
        network.fail("no route")
    with pytest.raises(ReferenceNotFound) as unsuccessful:
        run.output_of("network", "subnet")
    assert str(unsuccessful.value) == "network has no successful run yet"


def test_metadata_is_added_to_the_run(store: Store, run: ActiveRun) -> None:
    before = dict(store.run(run.id).metadata)
    run.set_metadata({"commit_sha": "a1b2c3d4", "team": "web"})
    run.set_metadata({"team": "ops"})

    assert store.run(run.id).metadata == {**before, "commit_sha": "a1b2c3d4", "team": "ops"}


def test_tasks_are_kept_with_the_run(run: ActiveRun) -> None:
    started = datetime(2026, 3, 1, 12, tzinfo=UTC)
    running = TaskRecord("build", TaskStatus.RUNNING, 1, started, None)
    done = TaskRecord("build", TaskStatus.SUCCESS, 2, started, started + MINUTE, {"n": 1})
    failed = TaskRecord(
        "test", TaskStatus.FAILED, 1, started, started, None, "2 failed", "deploy.sloth:12"
    )
    for task in (running, failed, done):
        run.save_tasks([task])

    assert run.tasks() == [done, failed]


def test_the_previous_version_is_the_last_successful_one(store: Store) -> None:
    with Execution(store, "deploy") as first:
        assert first.previous() is None
        first.record_all([_file("a", 1), _file("b", 1)])
        first.set_output("url", "one")
    with Execution(store, "deploy") as second:
        second.remove("file", "b")
        second.record("file", "a", {"content": 2})
        second.set_output("url", "two")
    with Execution(store, "deploy") as third:
        third.fail("no disk")
        third.record("file", "a", {"content": 3})
    with Execution(store, "deploy") as fourth:
        fourth.record("file", "a", {"content": 4})
        previous = fourth.previous()

    assert previous is not None
    assert previous.version == 2
    assert [_brief(each) for each in previous.resources] == [
        ("file", "a", Action.UPDATE, {"content": 2})
    ]
    assert previous.outputs == {"url": Output("url", "two")}


# -- script locks ------------------------------------------------------------------------------


def _script_locks(store: Store) -> list[str]:
    return [lock.name for lock in store.locks() if lock.scope is LockScope.SCRIPT]


def test_a_script_lock_is_held_until_it_is_released(store: Store, run: ActiveRun) -> None:
    lock = run.acquire("database", MINUTE)

    assert lock.holder.run_id == run.id
    assert _script_locks(store) == ["database"]
    with Execution(store, "other") as other, pytest.raises(LockHeld) as refused:
        other.acquire("database", MINUTE)
    assert refused.value.lock == lock
    run.release(lock)
    assert _script_locks(store) == []


def test_a_script_lock_is_waited_for(store: Store, run: ActiveRun) -> None:
    with Execution(store, "other") as other:
        held = other.acquire("database", MINUTE)
        lock = run.acquire(
            "database",
            MINUTE,
            wait=timedelta(seconds=5),
            on_waiting=lambda refused: other.release(refused.lock),
        )

    assert lock.token == held.token + 1


def test_a_script_lock_is_kept_beyond_its_ttl(store: Store, run: ActiveRun) -> None:
    lock = run.acquire("database", timedelta(seconds=0.5))
    time.sleep(0.9)
    with pytest.raises(LockHeld):
        run.acquire("database", MINUTE)

    run.release(lock)


def test_a_released_script_lock_is_renewed_no_more(
    monkeypatch: pytest.MonkeyPatch, store: Store, run: ActiveRun
) -> None:
    renewed: list[Lock] = []
    monkeypatch.setattr(type(store), "renew_lock", lambda self, lock, lease: renewed.append(lock))
    kept, released = (run.acquire(name, timedelta(seconds=0.2)) for name in ("a", "b"))
    run.release(released)
    renewed.clear()
    time.sleep(0.2)

    assert set(renewed) == {kept}
    run.release(kept)


def test_a_script_lock_that_was_lost_is_an_error_at_its_release(
    store: Store, run: ActiveRun
) -> None:
    lock = run.acquire("database", timedelta(seconds=0.2))
    store.break_lock(LockScope.SCRIPT, "database", "ops@desk")
    time.sleep(0.5)
    with pytest.raises(LockLost) as lost:
        run.release(lock)

    assert str(lost.value) == (
        "this process lost the lock of database: its lease ran out or somebody broke it"
    )
    assert lost.value.hint == "Others may have worked under it meanwhile. Give it a longer ttl."


def test_the_end_of_the_run_releases_its_script_locks(store: Store) -> None:
    with Execution(store, "outer") as outer:
        outer.acquire("kept", MINUTE)
        with Execution(store, "inner") as inner:
            inner.acquire("first", MINUTE)
            inner.acquire("second", MINUTE)
            inner.fail("no route")
        assert _script_locks(store) == ["kept"]

    assert store.locks() == []


# -- the end -----------------------------------------------------------------------------------


def test_nothing_is_recorded_after_the_end(store: Store) -> None:
    with Execution(store, "deploy") as run:
        pass
    for write in (
        lambda: run.record("file", "late"),
        lambda: run.remove("file", "late"),
        lambda: run.set_output("late", 1),
        lambda: run.set_metadata({"late": "1"}),
        lambda: run.save_tasks([TaskRecord("late", TaskStatus.SUCCESS, 1, None, None)]),
        lambda: run.acquire("late", MINUTE),
    ):
        with pytest.raises(UsageError) as refused:
            write()
        assert str(refused.value) == f"run {run.id} of deploy is over, nothing more is recorded"

    assert store.resources("deploy") == []
    assert store.locks() == []
    assert store.run(run.id).status is RunStatus.SUCCESS
