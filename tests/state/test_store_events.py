"""The contract of every store: events that scripts dispatch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sloth_state.errors import InvalidValue, LockLost, ReferenceNotFound
from sloth_state.model import DispatchedEvent, RunStatus

if TYPE_CHECKING:
    from sloth_state.store import Store


def test_events_of_a_run_are_kept_in_their_order(bench: Any, store: Store) -> None:
    run, lock = bench.begin()
    first = store.save_event(run.id, "b", {"n": [1, {"k": "ü"}]}, lock, task="t")
    bench.clock.advance(seconds=1)
    second = store.save_event(run.id, "a", {}, lock)
    assert first == DispatchedEvent("b", {"n": [1, {"k": "ü"}]}, "t", run.started_at)
    assert second == DispatchedEvent("a", {}, None, bench.clock())
    assert store.events(run.id) == [first, second]
    assert store.verify() == []
    with pytest.raises(ReferenceNotFound):
        store.events("f" * 12)


def test_an_event_is_written_under_the_lock_of_the_run(bench: Any, store: Store) -> None:
    run, lock = bench.begin()
    bench.clock.advance(minutes=2)
    with pytest.raises(LockLost):
        store.save_event(run.id, "a", {}, lock)
    assert store.events(run.id) == []


@pytest.mark.parametrize(("type", "data"), [("", {}), ("x" * 201, {}), ("a", {"n": float("nan")})])
def test_an_event_that_cannot_be_kept_is_refused(
    bench: Any, store: Store, type: str, data: Any
) -> None:
    run, lock = bench.begin()
    with pytest.raises(InvalidValue):
        store.save_event(run.id, type, data, lock)
    assert store.events(run.id) == []


def test_events_are_not_taken_over_by_a_run_that_goes_on(bench: Any, store: Store) -> None:
    first, lock = bench.begin()
    store.save_event(first.id, "a", {}, lock)
    failed = bench.finish(first, lock, RunStatus.FAILED)
    second, _ = bench.begin(resumes=failed.id)
    assert store.events(second.id) == []
    assert [each.type for each in store.events(first.id)] == ["a"]


def test_events_go_with_their_version_and_with_their_workflow(bench: Any, store: Store) -> None:
    runs = []
    for _ in range(2):
        run, lock = bench.begin()
        store.save_event(run.id, "a", {}, lock)
        runs.append(bench.finish(run, lock))
        bench.clock.advance(seconds=1)
    lock = bench.lock("deploy")
    store.drop_versions("deploy", [1], lock, "ada")
    with pytest.raises(ReferenceNotFound):
        store.events(runs[0].id)
    assert [each.type for each in store.events(runs[1].id)] == ["a"]
    assert store.verify() == []
