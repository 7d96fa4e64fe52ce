"""The contract of every store: runs, their versions, and what they were made from."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sloth_state.errors import (
    InvalidValue,
    LockHeld,
    LockLost,
    NotFound,
    ReferenceNotFound,
    UsageError,
)
from sloth_state.model import Changes, LockScope, NewRun, Output, Run, RunStatus, Version

if TYPE_CHECKING:
    from sloth_state.store import Store


def test_a_run_begins_as_the_next_version_and_says_who_holds_it(bench: Any, store: Store) -> None:
    run, lock = bench.begin(metadata={"commit": "a1b2c3"})

    assert run == Run(
        id="000000000001",
        name="deploy",
        version=1,
        status=RunStatus.RUNNING,
        started_at=bench.clock(),
        completed_at=None,
        duration_seconds=None,
        metadata={"commit": "a1b2c3"},
        error_msg=None,
        locked_by="ada@build-7 pid 4711",
        resource_count=0,
    )
    assert store.run(run.id) == run
    assert store.locks() == [lock._replace(holder=lock.holder._replace(run_id=run.id))]


def test_a_finished_run_has_its_end_and_its_counts(bench: Any, store: Store) -> None:
    run, lock = bench.begin()
    store.record(run.id, [bench.draft("a"), bench.draft("b")], lock)
    bench.clock.advance(seconds=1.5)

    finished = store.finish_run(
        run.id, RunStatus.FAILED, lock, error="deploy.sloth:3: no", unchanged=4
    )

    assert finished == run._replace(
        status=RunStatus.FAILED,
        completed_at=bench.clock(),
        duration_seconds=1.5,
        error_msg="deploy.sloth:3: no",
        locked_by=None,
        resource_count=2,
    )
    assert store.version("deploy", 1).changes == Changes(created=2, unchanged=4)


def test_a_run_does_not_end_before_it_began_when_the_clock_is_set_back(
    bench: Any, store: Store
) -> None:
    run, lock = bench.begin()
    bench.clock.advance(hours=-1)

    finished = store.finish_run(run.id, RunStatus.SUCCESS, lock)

    assert (finished.completed_at, finished.duration_seconds) == (run.started_at, 0.0)


@pytest.mark.parametrize("status", [RunStatus.PENDING, RunStatus.RUNNING])
def test_a_run_cannot_end_in_a_status_that_is_not_final(
    bench: Any, store: Store, status: RunStatus
) -> None:
    run, lock = bench.begin()
    with pytest.raises(UsageError, match=f"a run cannot end as {status}"):
        store.finish_run(run.id, status, lock)
    assert store.run(run.id) == run


def test_a_final_run_takes_no_more_writes(bench: Any, store: Store) -> None:
    run, lock = bench.begin()
    finished = store.finish_run(run.id, RunStatus.SUCCESS, lock)
    writes = [
        lambda: store.record(run.id, [bench.draft("a")], lock),
        lambda: store.set_output(run.id, Output("url", "x"), lock),
        lambda: store.set_metadata(run.id, {"a": "b"}, lock),
        lambda: store.finish_run(run.id, RunStatus.FAILED, lock),
    ]
    for write in writes:
        with pytest.raises(UsageError, match="has ended"):
            write()
    assert store.run(run.id) == finished
    assert store.resources("deploy") == []


def test_a_run_needs_the_lock_of_its_own_workflow(bench: Any, store: Store) -> None:
    run, _ = bench.begin("deploy")
    other = bench.lock("backup")
    script = bench.lock("deploy", scope=LockScope.SCRIPT)
    for lock in (other, script):
        with pytest.raises(UsageError, match="does not cover the workflow deploy"):
            store.begin_run(NewRun("deploy", {}), lock)
        with pytest.raises(UsageError, match="does not cover the workflow deploy"):
            store.set_output(run.id, Output("url", "x"), lock)


def test_an_interrupted_run_is_failed_and_a_final_one_stays(bench: Any, store: Store) -> None:
    run, lock = bench.begin()
    store.record(run.id, [bench.draft("a")], lock)

    interrupted = store.interrupt_run(run.id, "interrupted: its process is gone")
    again = store.interrupt_run(run.id, "another reason")

    assert (interrupted.status, interrupted.error_msg, interrupted.resource_count) == (
        RunStatus.FAILED,
        "interrupted: its process is gone",
        1,
    )
    assert again == interrupted
    assert store.version("deploy", 1).hash is not None


def test_a_run_left_running_is_closed_when_the_next_one_begins(bench: Any, store: Store) -> None:
    left, lock = bench.begin()
    store.release_lock(lock)

    bench.begin()

    closed = store.run(left.id)
    assert closed.status is RunStatus.FAILED
    assert closed.error_msg == (
        "interrupted: ada@build-7 pid 4711 gave the lock up before the run had ended"
    )
    assert store.verify() == []


def test_an_error_that_is_not_utf8_is_kept_readable(bench: Any, store: Store) -> None:
    run, lock = bench.begin()
    finished = store.finish_run(run.id, RunStatus.FAILED, lock, error="bad byte \udcff")
    assert finished.error_msg == "bad byte \\udcff"


def test_metadata_grows_and_replaces_equal_keys(bench: Any, store: Store) -> None:
    run, lock = bench.begin(metadata={"user": "ada", "host": "a"})
    store.set_metadata(run.id, {"host": "b", "ci": "42"}, lock)
    assert store.run(run.id).metadata == {"ci": "42", "host": "b", "user": "ada"}
    with pytest.raises(InvalidValue, match=r"metadata\.ci must be a string, not int"):
        store.set_metadata(run.id, {"ci": 42}, lock)  # type: ignore[dict-item]


def test_a_run_id_is_never_given_twice(bench: Any, ids: Any) -> None:
    ids.planned = ["a" * 12, "a" * 12, "a" * 12, "b" * 12]
    first, _ = bench.begin("one")
    second, _ = bench.begin("two")
    assert (first.id, second.id) == ("a" * 12, "b" * 12)


# -- finding runs ------------------------------------------------------------------------------


def _three_workflows(bench: Any) -> list[Run]:
    runs = []
    for name, status in (
        ("deploy", RunStatus.SUCCESS),
        ("backup", RunStatus.FAILED),
        ("deploy", RunStatus.FAILED),
        ("report", RunStatus.SUCCESS),
        ("deploy", RunStatus.SUCCESS),
    ):
        bench.clock.advance(minutes=1)
        run, lock = bench.begin(name)
        runs.append(bench.finish(run, lock, status))
    return runs


def test_the_runs_of_a_workflow_come_by_version_also_if_the_clock_was_set_back(
    bench: Any, store: Store
) -> None:
    earlier = bench.finish(*bench.begin())
    bench.clock.advance(hours=-1)
    later = bench.finish(*bench.begin())

    assert (earlier.version, later.version) == (1, 2)
    assert store.runs(name="deploy") == [later, earlier]
    assert store.runs(name="deploy", status=RunStatus.SUCCESS, limit=1) == [later]


def test_runs_come_newest_first_and_through_every_filter(bench: Any, store: Store) -> None:
    one, two, three, four, five = _three_workflows(bench)
    store.add_tags(three.id, ["broken"], "ada")
    store.add_tags(one.id, ["broken"], "ada")
    for filters, expected in (
        ({}, [five, four, three, two, one]),
        ({"limit": 2}, [five, four]),
        ({"limit": 0}, []),
        ({"name": "deploy"}, [five, three, one]),
        ({"name": "deploy", "limit": 1}, [five]),
        ({"name": "nothing"}, []),
        ({"status": RunStatus.FAILED}, [three, two]),
        ({"latest": True}, [five, four, two]),
        ({"latest": True, "status": RunStatus.FAILED}, [two]),
        ({"tag": "broken"}, [three, one]),
        ({"tag": "broken", "status": RunStatus.SUCCESS}, [one]),
        ({"tag": "fine"}, []),
    ):
        assert store.runs(**filters) == expected, filters  # type: ignore[arg-type]
        unlimited = {key: value for key, value in filters.items() if key != "limit"}
        total = len(store.runs(**unlimited))  # type: ignore[arg-type]
        assert store.count_runs(**unlimited) == total, filters  # type: ignore[arg-type]
        assert store.count_runs(**unlimited, at_most=2) == min(total, 2), filters  # type: ignore[arg-type]


def test_run_ids_are_found_by_their_beginning(bench: Any, store: Store, ids: Any) -> None:
    planned = ["abc000000000", "abc100000000", "abd000000000", "f00000000000"]
    ids.planned = list(planned)
    for name in "wxyz":
        bench.begin(name)
    assert store.run_ids_starting_with("abc") == planned[:2]
    assert store.run_ids_starting_with("ab") == planned[:3]
    assert store.run_ids_starting_with("f00000000000") == planned[3:]
    assert store.run_ids_starting_with("") == planned
    assert store.run_ids_starting_with("abe") == []


def test_of_many_run_ids_with_the_same_beginning_the_first_20_are_found(
    bench: Any, store: Store, ids: Any
) -> None:
    planned = [f"abc{number:09x}" for number in range(21)]
    ids.planned = list(planned)
    for _ in planned:
        bench.finish(*bench.begin())
    assert store.run_ids_starting_with("abc") == planned[:20]


def test_an_unknown_run_or_workflow_is_an_error_that_names_the_nearest(
    bench: Any, store: Store
) -> None:
    bench.begin("deploy-prod")
    with pytest.raises(ReferenceNotFound, match="no workflow or run is called '012345678901'"):
        store.run("012345678901")
    with pytest.raises(ReferenceNotFound) as unknown:
        store.resources("deploy-prd")
    assert unknown.value.hint == "Did you mean deploy-prod?"
    with pytest.raises(ReferenceNotFound, match="the workflow deploy-prod has no version 7"):
        store.version("deploy-prod", 7)
    assert store.workflow_names() == ["deploy-prod"]


# -- versions ----------------------------------------------------------------------------------


def test_versions_tell_who_made_them_why_and_what_they_changed(bench: Any, store: Store) -> None:
    first, lock = bench.begin(message="first roll-out", source=b"-- lua", values={"b": 1, "a": [2]})
    store.record(first.id, [bench.draft("a"), bench.draft("b"), bench.draft("c")], lock)
    bench.finish(first, lock)
    second, lock = bench.begin(source=b"-- lua")
    store.record(second.id, [bench.draft("a", "changed"), bench.draft("b")], lock)
    store.remove_resource(second.id, "file", "c", lock)

    running, made = store.versions("deploy")

    assert made == Version(
        workflow="deploy",
        version=1,
        created_at=first.started_at,
        created_by="ada@build-7",
        description="first roll-out",
        status=RunStatus.SUCCESS,
        run_id=first.id,
        parent=None,
        changes=Changes(created=3),
        resource_count=3,
        source_hash=made.source_hash,
        values_hash=made.values_hash,
        hash=made.hash,
    )
    assert (running.parent, running.changes, running.resource_count, running.hash) == (
        1,
        Changes(updated=1, deleted=1),
        2,
        None,
    )
    assert running.source_hash == made.source_hash
    assert running.values_hash is None
    assert store.content(made.source_hash or "") == b"-- lua"
    assert store.content(made.values_hash or "") == b'{"a":[2],"b":1}'
    assert store.run(second.id).resource_count == 2


def test_a_version_hash_depends_on_content_and_on_the_version_before(
    bench: Any, store: Store
) -> None:
    for content in ("x", "x", "y"):
        bench.run_recording(bench.draft("a", content))
    hashes = [version.hash for version in store.versions("deploy")]
    assert len(set(hashes)) == 3
    assert all(len(hash or "") == 64 for hash in hashes)


def test_content_that_is_not_kept_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound, match="no content is kept under abc"):
        store.content("abc")


# -- deleting ----------------------------------------------------------------------------------


def test_deleting_a_workflow_leaves_nothing_but_the_audit_trail(bench: Any, store: Store) -> None:
    run, lock = bench.begin(source=b"-- lua", values={"a": 1})
    store.record(run.id, [bench.draft("a")], lock)
    store.set_output(run.id, Output("url", "x"), lock)
    store.add_tags(run.id, ["keep"], "ada")
    bench.finish(run, lock)
    version = store.version("deploy", 1)
    kept = bench.run_recording(bench.draft("a"), name="backup")

    store.delete_workflow("deploy", "ada")

    assert store.workflow_names() == ["backup"]
    assert store.runs() == [kept]
    with pytest.raises(ReferenceNotFound):
        store.run(run.id)
    with pytest.raises(NotFound):
        store.content(version.source_hash or "")
    assert [(entry.action, entry.workflow) for entry in store.audit_trail()] == [
        ("delete", "deploy"),
        ("tag", "deploy"),
    ]
    assert store.verify() == []
    again, _ = bench.begin()
    assert again.version == 1


def test_a_workflow_that_is_locked_is_not_deleted(bench: Any, store: Store) -> None:
    run, _lock = bench.begin()
    with pytest.raises(LockHeld):
        store.delete_workflow("deploy", "ada")
    assert store.run(run.id) == run
    with pytest.raises(ReferenceNotFound):
        store.delete_workflow("nothing", "ada")


def test_a_paused_holder_cannot_write_to_a_workflow_deleted_meanwhile(
    bench: Any, store: Store
) -> None:
    run, lock = bench.begin()
    bench.clock.advance(seconds=61)
    store.delete_workflow("deploy", "ada")
    bench.clock.advance(seconds=-61)
    with pytest.raises(LockLost):
        store.record(run.id, [bench.draft("a")], lock)
    assert bench.lock().token == lock.token + 1


def test_a_lease_of_exactly_now_is_over(bench: Any, store: Store) -> None:
    run, lock = bench.begin()
    bench.clock.advance(seconds=60)
    with pytest.raises(LockLost):
        store.set_output(run.id, Output("url", "x"), lock)
    assert lock.expires_at - lock.acquired_at == timedelta(seconds=60)
