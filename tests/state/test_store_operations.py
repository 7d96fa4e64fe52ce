"""The contract of the journal: every store runs these."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sloth_state.errors import (
    InvalidValue,
    LockLost,
    ReferenceNotFound,
    ResourceNotFound,
    UsageError,
)
from sloth_state.model import Action, NewOperation, Operation, ResourceDraft, RunStatus


def new(name: str = "a", verb: str = "create", **said: Any) -> NewOperation:
    facts = {
        "verb": verb,
        "type": "file",
        "name": name,
        "key": f"/{name}",
        "task": "t",
        "before": None,
        "wanted": {"content": "x"},
        "declaration": {"depends_on": [], "memory": {"made": True}},
    }
    return NewOperation(**{**facts, **said})


def declared(name: str = "a", **said: Any) -> ResourceDraft:
    return ResourceDraft("file", name, {"content": "x"}, declaration={"task": "t"}, **said)


def test_an_operation_is_there_as_soon_as_it_is_begun(bench: Any, store: Any) -> None:
    run, lock = bench.begin()
    assert store.begin_operation(run.id, new(before={"size": 1}), lock) == 1
    bench.clock.advance(seconds=1)
    assert store.begin_operation(run.id, new("b", "delete", key=None, task=None), lock) == 2
    began = run.started_at
    facts = {"depends_on": [], "memory": {"made": True}}
    first = Operation(
        1, "create", "file", "a", "/a", "t", {"size": 1}, {"content": "x"}, facts, began, None, None
    )
    later = began + timedelta(seconds=1)
    second = Operation(
        2, "delete", "file", "b", None, None, None, {"content": "x"}, facts, later, None, None
    )
    with store.reopen() as other:
        assert other.operations(run.id) == [first, second]
    store.end_operation(run.id, 2, lock, error="no room")
    store.end_operation(run.id, 1, lock)
    assert store.operations(run.id) == [
        first._replace(ended_at=later),
        second._replace(ended_at=later, error="no room"),
    ]


def test_numbers_count_in_each_run(bench: Any, store: Any) -> None:
    for _ in range(2):
        run, lock = bench.begin()
        assert [store.begin_operation(run.id, new(str(n)), lock) for n in range(3)] == [1, 2, 3]
        bench.finish(run, lock)


def test_an_end_records_or_removes_in_the_same_transaction(bench: Any, store: Any) -> None:
    run, lock = bench.begin()
    number = store.begin_operation(run.id, new(), lock)
    made = store.end_operation(
        run.id, number, lock, record=declared(action=Action.CREATE, status="failed"), error="half"
    )
    assert (made.action, made.status, made.declaration) == (Action.CREATE, "failed", {"task": "t"})
    assert store.resource("deploy", "file", "a") == made
    number = store.begin_operation(run.id, new(verb="delete"), lock)
    store.end_operation(run.id, number, lock, remove=("file", "a"))
    assert store.resource("deploy", "file", "a") is None
    assert store.verify() == []


def test_an_end_that_cannot_be_recorded_is_no_end(bench: Any, store: Any) -> None:
    run, lock = bench.begin()
    number = store.begin_operation(run.id, new(), lock)
    with pytest.raises(InvalidValue):
        store.end_operation(run.id, number, lock, record=declared("a\n"))
    with pytest.raises(InvalidValue):
        store.end_operation(run.id, number, lock, error="\ud800")
    with pytest.raises(ResourceNotFound):
        store.end_operation(run.id, number, lock, remove=("file", "a"))
    (operation,) = store.operations(run.id)
    assert operation.ended_at is None


def test_an_operation_ends_once_and_only_if_it_was_begun(bench: Any, store: Any) -> None:
    run, lock = bench.begin()
    number = store.begin_operation(run.id, new(), lock)
    store.end_operation(run.id, number, lock)
    with pytest.raises(UsageError, match="operation 1 has ended before"):
        store.end_operation(run.id, number, lock, record=declared())
    with pytest.raises(UsageError, match="the run has no operation 2"):
        store.end_operation(run.id, 2, lock, record=declared())
    assert store.resources("deploy") == []


@pytest.mark.parametrize(
    "said",
    [
        {"name": ""},
        {"name": "a\nb"},
        {"type": ""},
        {"wanted": {"f": float("nan")}},
        {"wanted": {"text": "x" * 10_000_001}},
        {"before": {"b": b"bytes"}},
        {"declaration": {"s": {1}}},
    ],
)
def test_what_could_not_be_recorded_afterwards_is_not_begun(
    bench: Any, store: Any, said: dict[str, Any]
) -> None:
    run, lock = bench.begin()
    with pytest.raises(InvalidValue):
        store.begin_operation(run.id, new(**said), lock)
    assert store.operations(run.id) == []


def test_who_has_lost_the_lock_begins_and_ends_nothing(bench: Any, store: Any) -> None:
    run, lock = bench.begin()
    number = store.begin_operation(run.id, new(), lock)
    bench.clock.advance(seconds=61)
    with pytest.raises(LockLost):
        store.begin_operation(run.id, new("b"), lock)
    with pytest.raises(LockLost):
        store.end_operation(run.id, number, lock, record=declared())
    with pytest.raises(LockLost):
        store.keep_contents(run.id, [b"x"], lock)
    assert [each.ended_at for each in store.operations(run.id)] == [None]
    assert store.resources("deploy") == []


def test_unfinished_are_those_of_runs_that_are_over(bench: Any, store: Any) -> None:
    run, lock = bench.begin()
    store.end_operation(run.id, store.begin_operation(run.id, new("done"), lock), lock)
    store.begin_operation(run.id, new("a"), lock)
    assert store.unfinished_operations("deploy") == []
    bench.finish(run, lock, RunStatus.FAILED)
    later, lock = bench.begin()
    store.begin_operation(later.id, new("b"), lock)
    bench.finish(later, lock, RunStatus.FAILED)
    other, other_lock = bench.begin("other")
    store.begin_operation(other.id, new("c"), other_lock)
    bench.finish(other, other_lock, RunStatus.FAILED)
    found = store.unfinished_operations("deploy")
    assert [(id, each.name) for id, each in found] == [(run.id, "a"), (later.id, "b")]
    assert store.unfinished_operations("nothing") == []


def test_a_later_run_ends_what_an_earlier_one_began(bench: Any, store: Any) -> None:
    first, lock = bench.begin()
    number = store.begin_operation(first.id, new(), lock)
    bench.finish(first, lock, RunStatus.FAILED)
    foreign, foreign_lock = bench.begin("other")
    with pytest.raises(ReferenceNotFound):
        store.end_operation(foreign.id, number, foreign_lock, of_run=first.id)
    second, lock = bench.begin()
    recorded = store.end_operation(second.id, number, lock, of_run=first.id, record=declared())
    assert recorded.name == "a"
    assert store.unfinished_operations("deploy") == []
    assert store.operations(second.id) == []
    bench.finish(second, lock)
    assert [each.name for each in store.resources("deploy", version=1)] == []
    assert [each.name for each in store.resources("deploy", version=2)] == ["a"]
    assert store.verify() == []


def test_contents_are_kept_with_their_operation(bench: Any, store: Any) -> None:
    from hashlib import sha256

    run, lock = bench.begin()
    store.begin_operation(run.id, new(), lock, contents=[b"one", b"", b"one"])
    store.keep_contents(run.id, [b"\0\xff"], lock)
    for content in (b"one", b"", b"\0\xff"):
        assert store.content(sha256(content).hexdigest()) == content
    assert store.verify() == []
    bench.finish(run, lock)
    store.delete_workflow("deploy", "ada")
    assert store.verify() == []


def test_the_journal_goes_with_its_workflow(bench: Any, store: Any) -> None:
    run, lock = bench.begin()
    store.begin_operation(run.id, new(), lock)
    bench.finish(run, lock, RunStatus.FAILED)
    store.delete_workflow("deploy", "ada")
    assert store.unfinished_operations("deploy") == []


def test_an_end_and_the_next_beginning_are_one_transaction(bench: Any, store: Any) -> None:
    run, lock = bench.begin()
    first = store.begin_operation(run.id, new("a"), lock)

    with pytest.raises(InvalidValue):
        store.end_and_begin_operation(run.id, first, declared("a"), new(""), lock)
    assert [each.ended_at for each in store.operations(run.id)] == [None]
    assert store.resources("deploy") == []

    made, second = store.end_and_begin_operation(
        run.id, first, declared("a"), new("b"), lock, contents=[b"x"]
    )
    assert store.resources("deploy") == [made]
    ends = [(each.number, each.name, each.ended_at is None) for each in store.operations(run.id)]
    assert ends == [(first, "a", False), (second, "b", True)]
    with pytest.raises(UsageError):
        store.end_and_begin_operation(run.id, first, declared("a"), new("c"), lock)
    assert len(store.operations(run.id)) == 2
