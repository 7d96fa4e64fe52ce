"""Old versions go, and those that stay are as they were and can still be checked."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sloth_state.errors import LockLost, ReferenceNotFound, UsageError
from sloth_state.model import (
    NewDetection,
    NewOperation,
    NewRun,
    Output,
    ResourceDraft,
    RunStatus,
    TaskRecord,
    TaskStatus,
)
from sloth_state.retention import plan_pruning, prune
from sloth_state.sqlite.anchors import anchors
from sloth_state.store import Store

NAMES = ("a", "b", "c")


def version_with(bench: Any, changes: dict[str, int | None], name: str = "deploy") -> None:
    """A version that records and, for None, removes resources, and publishes an output."""
    store = bench.store
    bench.clock.advance(seconds=1)
    run, lock = bench.begin(name)
    known = {each.name for each in store.resources(name) if each.action.value != "delete"}
    for resource, content in changes.items():
        if content is not None:
            store.record(run.id, [bench.draft(resource, content)], lock)
        elif resource in known:
            store.remove_resource(run.id, "file", resource, lock)
    store.set_output(run.id, Output("version", run.version), lock)
    store.save_tasks(run.id, [TaskRecord("build", TaskStatus.SUCCESS, 1, None, None)], lock)
    bench.finish(run, lock)


def drop(bench: Any, *versions: int, name: str = "deploy") -> None:
    lock = bench.lock(name)
    try:
        bench.store.drop_versions(name, versions, lock, "ada@build-7")
    finally:
        bench.store.release_lock(lock)


def seen(store: Store, version: int, name: str = "deploy") -> tuple[Any, ...]:
    """All that a version shows."""
    about = store.version(name, version)
    run = about.run_id
    return about, store.resources(name, version=version), store.outputs(run), store.tasks(run)


CHANGES = st.dictionaries(st.sampled_from(NAMES), st.none() | st.integers(0, 3), max_size=3)


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(CHANGES, min_size=2, max_size=7), st.data())
def test_what_stays_is_as_it_was_whatever_goes(
    bench: Any, history: list[dict[str, int | None]], data: Any
) -> None:
    store: Any = bench.store
    if "deploy" in store.workflow_names():
        store.delete_workflow("deploy", "ada")
    with store._db.transaction():  # durable all at once, which is faster
        for changes in history:
            version_with(bench, changes)
    kept = list(range(1, len(history) + 1))
    for _ in range(2):
        going = data.draw(st.lists(st.sampled_from(kept), unique=True))
        going = [version for version in going if version != len(history)]
        kept = [version for version in kept if version not in going]
        before = {version: seen(store, version) for version in kept}

        drop(bench, *going)

        assert [each.version for each in store.versions("deploy")] == kept[::-1]
        assert {version: seen(store, version) for version in kept} == before
        assert store.verify() == []
    version_with(bench, {"a": 9, "b": None})
    assert store.verify() == []


@pytest.fixture
def pruned(bench: Any) -> Store:
    """Versions 1 and 4 of four; of 3, which was before 4, only an anchor is left."""
    version_with(bench, {"a": 1, "b": 1})
    version_with(bench, {"a": 2})
    version_with(bench, {"b": None, "c": 1})
    version_with(bench, {"a": 3})
    drop(bench, 2, 3)
    return bench.store  # type: ignore[no-any-return]


def test_a_version_after_a_gap_keeps_what_it_was_made_from(pruned: Any) -> None:
    assert pruned.verify() == []
    assert [version.version for version in pruned.versions("deploy")] == [4, 1]
    assert pruned.version("deploy", 4).parent == 3
    (anchor,) = anchors(pruned._db).values()
    assert (anchor.parent_resource_count, len(anchor.closed), anchor.closed_live) == (2, 1, 1)


def test_the_audit_trail_says_what_went(pruned: Store) -> None:
    (entry,) = pruned.audit_trail("deploy")
    assert (entry.actor, entry.action, entry.detail) == ("ada@build-7", "prune", "versions 2, 3")


@pytest.mark.parametrize(
    ("sql", "places"),
    [
        ("UPDATE version_anchors SET closed = '[]'", {"version_anchors row 4"}),
        ("DELETE FROM version_anchors", {"deploy version 4", "workflows row 1"}),
        ("DELETE FROM workflow_resource_history WHERE valid_to = 3", {"deploy version 1"}),
        (
            "DELETE FROM workflow_states WHERE version = 1",
            {"resource 000000000002", "resource 000000000003"},
        ),
    ],
)
def test_an_anchor_hides_no_damage(
    pruned: Store, database: Path, sql: str, places: set[str]
) -> None:
    connection = apsw.Connection(str(database))
    connection.pragma("foreign_keys", True)
    connection.execute(sql)
    connection.close()
    assert {problem.place for problem in pruned.verify()} == places


def test_contents_go_with_the_last_resource_that_names_them(bench: Any) -> None:
    store = bench.store
    hashes = []
    for number in range(3):
        content = b"page %d" % number
        hashes.append(sha256(content).hexdigest())
        run, lock = bench.begin(source=b"-- %d" % number)
        store.keep_contents(run.id, [content], lock)
        draft = ResourceDraft("file", "page", {"content_sha256": hashes[-1]})
        store.record(run.id, [draft], lock)
        bench.finish(run, lock)
    sources = [store.version("deploy", number).source_hash for number in (1, 2, 3)]

    drop(bench, 1)

    for gone in (hashes[0], sources[0]):
        with pytest.raises(LookupError):
            store.content(gone)
    assert [store.content(hash) for hash in hashes[1:]] == [b"page 1", b"page 2"]
    assert [store.content(hash or "") for hash in sources[1:]] == [b"-- 1", b"-- 2"]


def test_what_was_found_about_a_version_goes_with_it(bench: Any) -> None:
    store = bench.store
    for version in (1, 2):
        version_with(bench, {"a": version})
        detection = NewDetection("file", "a", {"content": version}, None, True)
        store.record_detections("deploy", version, [detection])

    drop(bench, 1)

    assert [each.version for each in store.detections("deploy")] == [2]


def test_other_workflows_are_left_alone(bench: Any, pruned: Store) -> None:
    version_with(bench, {"a": 1}, name="other")
    version_with(bench, {"a": 2}, name="other")
    before = [seen(pruned, number, "other") for number in (1, 2)]
    version_with(bench, {"a": 5})

    drop(bench, 1)

    assert [seen(pruned, number, "other") for number in (1, 2)] == before
    assert pruned.verify() == []


def test_neither_the_newest_nor_an_unknown_version_can_go(bench: Any, pruned: Store) -> None:
    with pytest.raises(UsageError, match="version 4 of deploy is the newest"):
        drop(bench, 1, 4)
    with pytest.raises(ReferenceNotFound):
        drop(bench, 1, 2)
    assert [version.version for version in pruned.versions("deploy")] == [4, 1]


def test_versions_go_only_under_the_workflows_lock(bench: Any, pruned: Store) -> None:
    lock = bench.lock()
    pruned.release_lock(lock)
    with pytest.raises(LockLost):
        pruned.drop_versions("deploy", [1], lock, "ada")
    other = bench.lock("other")
    with pytest.raises(UsageError, match="does not cover"):
        pruned.drop_versions("deploy", [1], other, "ada")


def ended(bench: Any, status: RunStatus, **metadata: str) -> None:
    bench.clock.advance(days=1)
    run, lock = bench.begin(metadata=metadata)
    bench.finish(run, lock, status)


def test_versions_that_somebody_needs_are_spared(bench: Any) -> None:
    store = bench.store
    for status in ("success", "success", "success", "success", "rolled_back", "failed", "failed"):
        went_to = {"rollback_to": "1"} if status == "rolled_back" else {}
        ended(bench, RunStatus(status), **went_to)
    store.add_tags(store.version("deploy", 2).run_id, ["stable", "blue"], "ada")
    lock = bench.lock()
    half_done = store.begin_run(NewRun("deploy", {}), lock)
    operation = NewOperation("create", "file", "a", None, None, None, {}, {})
    store.begin_operation(half_done.id, operation, lock)
    bench.finish(half_done, lock, RunStatus.FAILED)
    ended(bench, RunStatus.FAILED)

    plan = plan_pruning(store, "deploy", keep=1)

    assert plan.dropped == (3, 6, 7)
    assert plan.kept == 6
    assert plan.spared == {
        1: "the newest rollback went to it",
        2: "tagged blue, stable",
        4: "the last that succeeded",
        5: "the last rollback",
        8: "has operations that are not settled",
    }


def test_both_rules_must_allow_a_version_to_go(bench: Any) -> None:
    for _ in range(5):
        ended(bench, RunStatus.SUCCESS)
    now = bench.clock()

    assert plan_pruning(bench.store, "deploy", keep=2).dropped == (1, 2, 3)
    before = now.replace(day=now.day - 3)
    assert plan_pruning(bench.store, "deploy", before=before).dropped == (1, 2)
    assert plan_pruning(bench.store, "deploy", keep=4, before=before).dropped == (1,)
    assert plan_pruning(bench.store, "deploy", keep=1, before=now).dropped == (1, 2, 3, 4)


def test_a_workflow_that_was_deleted_since_it_was_planned_is_not_found(bench: Any) -> None:
    store = bench.store
    for _ in range(3):
        ended(bench, RunStatus.SUCCESS)
    plan = plan_pruning(store, "deploy", keep=1)
    store.delete_workflow("deploy", "ada")

    with pytest.raises(ReferenceNotFound, match="deploy"):
        prune(store, plan, "ada", keep=1, before=None)
    with pytest.raises(ReferenceNotFound, match="deploy"):
        plan_pruning(store, "deploy", keep=1)
    assert store.locks() == []


def test_what_was_tagged_since_it_was_planned_stays(bench: Any) -> None:
    store = bench.store
    for _ in range(4):
        ended(bench, RunStatus.SUCCESS)
    plan = plan_pruning(store, "deploy", keep=2)
    store.add_tags(store.version("deploy", 1).run_id, ["stable"], "ada")

    done = prune(store, plan, "ada", keep=2, before=None)

    assert (plan.dropped, done.dropped) == ((1, 2), (2,))
    assert [version.version for version in store.versions("deploy")] == [4, 3, 1]
    assert store.locks() == []
    assert store.verify() == []
