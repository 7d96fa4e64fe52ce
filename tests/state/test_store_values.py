"""The contract of every store: outputs, tasks, key-value state, tags and the audit trail."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sloth_state.errors import InvalidValue, LockLost, NotFound, ReferenceNotFound
from sloth_state.model import AuditEntry, KeyValueStats, Output, TaskRecord, TaskStatus

if TYPE_CHECKING:
    from sloth_state.store import Store

MINUTE = timedelta(minutes=1)


# -- outputs and tasks -------------------------------------------------------------------------


def test_outputs_keep_their_first_order_and_their_last_value(bench: Any, store: Store) -> None:
    run, lock = bench.begin()
    for output in (
        Output("url", "http://a"),
        Output("token", {"key": ["s3cret"]}, sensitive=True),
        Output("url", None),
    ):
        store.set_output(run.id, output, lock)
    assert list(store.outputs(run.id).items()) == [
        ("url", Output("url", None)),
        ("token", Output("token", {"key": ["s3cret"]}, sensitive=True)),
    ]


def test_outputs_belong_to_their_run(bench: Any, store: Store) -> None:
    first, lock = bench.begin()
    store.set_output(first.id, Output("url", 1), lock)
    bench.finish(first, lock)
    second, _ = bench.begin()
    assert store.outputs(second.id) == {}
    assert store.outputs(first.id) == {"url": Output("url", 1)}
    with pytest.raises(ReferenceNotFound):
        store.outputs("000000000000")


def test_a_task_is_written_over_by_its_name(bench: Any, store: Store) -> None:
    run, lock = bench.begin()
    now = bench.clock()
    build = TaskRecord("build", TaskStatus.RUNNING, 1, now, None)
    test = TaskRecord("test", TaskStatus.SKIPPED, 0, None, None)
    store.save_tasks(run.id, [build], lock)
    store.save_tasks(run.id, [test], lock)
    failed = build._replace(
        status=TaskStatus.FAILED,
        attempts=3,
        ended_at=now + MINUTE,
        output={"lines": [1]},
        error_msg="make: *** no rule",
        location="ci.sloth:12",
    )
    store.save_tasks(run.id, [failed], lock)
    assert store.tasks(run.id) == [failed, test]


def test_a_lost_lock_writes_no_output_task_or_metadata(bench: Any, store: Store) -> None:
    run, lock = bench.begin()
    bench.clock.advance(minutes=2)
    for write in (
        lambda: store.set_output(run.id, Output("url", 1), lock),
        lambda: store.save_tasks(
            run.id, [TaskRecord("a", TaskStatus.RUNNING, 1, None, None)], lock
        ),
        lambda: store.set_metadata(run.id, {"a": "b"}, lock),
    ):
        with pytest.raises(LockLost):
            write()
    assert (store.outputs(run.id), store.tasks(run.id)) == ({}, [])
    assert store.run(run.id) == run


# -- key-value state ---------------------------------------------------------------------------


def test_a_key_has_the_value_that_was_set_last(store: Store) -> None:
    assert store.kv_get("a") == (False, None)
    for value in (None, 0, "text", [1, {"b": 2.5}], {}):
        store.kv_set("a", value)
        assert store.kv_get("a") == (True, value)
    assert store.kv_delete("a") is True
    assert store.kv_delete("a") is False
    assert store.kv_get("a") == (False, None)


def test_a_key_is_gone_when_its_time_is_over(bench: Any, store: Store) -> None:
    store.kv_set("short", "x", ttl=MINUTE)
    store.kv_set("long", "xy")
    assert store.kv_stats() == KeyValueStats(keys=2, expiring=1, bytes=7)
    bench.clock.advance(seconds=60)
    assert store.kv_get("short") == (False, None)
    assert store.kv_keys() == ["long"]
    assert store.kv_stats() == KeyValueStats(keys=1, expiring=0, bytes=4)
    assert store.kv_delete("short") is False
    store.kv_set("short", "y", ttl=MINUTE)
    store.kv_set("short", "z")
    bench.clock.advance(hours=1)
    assert store.kv_get("short") == (True, "z")


def test_expired_keys_are_deleted_when_another_gets_a_time_to_live(bench: Any, store: Any) -> None:
    store.kv_set("forever", 1)
    for number in range(5):
        store.kv_set(f"request {number}", "x", ttl=MINUTE)
        bench.clock.advance(seconds=40)
    rows = store._db.select("SELECT key FROM key_values ORDER BY key")
    assert rows == [("forever",), ("request 3",), ("request 4",)]
    assert store.verify() == []


def test_keys_are_listed_and_cleared_by_their_beginning_alone(store: Store) -> None:
    keys = ["a%", "a%b", "ab", "a_", "aé", "A", "b"]
    for key in keys:
        store.kv_set(key, 1)
    assert store.kv_keys() == sorted(keys)
    assert store.kv_keys("a%") == ["a%", "a%b"]
    assert store.kv_keys("a_") == ["a_"]
    assert store.kv_keys("aé") == ["aé"]
    assert store.kv_clear("a%") == 2
    assert store.kv_keys("a") == ["a_", "ab", "aé"]
    with pytest.raises(InvalidValue):
        store.kv_clear("\0")
    assert store.kv_clear() == 5
    assert store.kv_keys() == []


def test_clearing_counts_live_keys_only(bench: Any, store: Store) -> None:
    store.kv_set("a", 1, ttl=MINUTE)
    store.kv_set("b", 1)
    bench.clock.advance(minutes=2)
    assert store.kv_clear() == 1
    assert store.kv_stats() == KeyValueStats(0, 0, 0)


def test_an_increment_counts_from_nothing_and_keeps_the_expiry(bench: Any, store: Store) -> None:
    assert store.kv_increment("n") == 1
    assert store.kv_increment("n", 2.5) == 3.5
    assert store.kv_increment("n", -3.5) == 0
    store.kv_set("m", 5, ttl=MINUTE)
    assert store.kv_increment("m", 2) == 7
    bench.clock.advance(minutes=1)
    assert store.kv_increment("m") == 1
    bench.clock.advance(days=1)
    assert store.kv_get("m") == (True, 1)


@pytest.mark.parametrize("value", ["1", True, None, [1]])
def test_only_a_number_can_be_incremented(store: Store, value: Any) -> None:
    store.kv_set("n", value)
    with pytest.raises(InvalidValue, match="n cannot be incremented: its value is not a number"):
        store.kv_increment("n")
    assert store.kv_get("n") == (True, value)


def test_an_increment_never_leaves_the_exact_integers(store: Store) -> None:
    store.kv_set("n", 2**53)
    with pytest.raises(InvalidValue):
        store.kv_increment("n")
    assert store.kv_get("n") == (True, 2**53)


def test_compare_and_swap_sets_only_what_was_expected(bench: Any, store: Store) -> None:
    assert store.kv_compare_swap("a", "x", 1) is False
    assert store.kv_compare_swap("a", None, {"b": 1, "a": 2}) is True
    assert store.kv_compare_swap("a", None, 2) is False
    assert store.kv_compare_swap("a", {"a": 2, "b": 1}, None) is True
    assert store.kv_compare_swap("a", None, 3) is False
    assert store.kv_get("a") == (True, None)
    store.kv_set("b", 1, ttl=MINUTE)
    bench.clock.advance(minutes=1)
    assert store.kv_compare_swap("b", 1, 2) is False
    assert store.kv_compare_swap("b", None, 2) is True


# -- tags and the audit trail ------------------------------------------------------------------


def test_tags_are_a_set_and_changes_of_it_are_audited(bench: Any, store: Store) -> None:
    run, _ = bench.begin()
    assert store.add_tags(run.id, ["b", "a", "b"], "ada") == ["a", "b"]
    assert store.add_tags(run.id, ["a"], "ada") == ["a", "b"]
    assert store.remove_tags(run.id, ["b"], "bob") == ["a"]
    assert store.tags(run.id) == ["a"]
    with pytest.raises(NotFound, match=f"run {run.id} has no tag c"):
        store.remove_tags(run.id, ["a", "c"], "bob")
    assert store.tags(run.id) == ["a"]
    with pytest.raises(ReferenceNotFound):
        store.add_tags("000000000000", ["a"], "ada")
    assert store.audit_trail() == [
        AuditEntry(bench.clock(), "bob", "untag", "deploy", f"{run.id}: b"),
        AuditEntry(bench.clock(), "ada", "tag", "deploy", f"{run.id}: a, b"),
    ]


def test_the_audit_trail_comes_newest_first_by_workflow(bench: Any, store: Store) -> None:
    entries = [
        AuditEntry(bench.clock() + n * MINUTE, "ada", "reveal", workflow, f"entry {n}")
        for n, workflow in enumerate(["deploy", None, "backup", "deploy"])
    ]
    for _, *said in entries:
        store.audit(*said)
        bench.clock.advance(minutes=1)
    assert store.audit_trail() == entries[::-1]
    assert store.audit_trail("deploy") == [entries[3], entries[0]]
    assert store.audit_trail(limit=1) == [entries[3]]


# -- what is refused ---------------------------------------------------------------------------


def test_values_that_cannot_be_kept_are_refused_everywhere(bench: Any, store: Store) -> None:
    run, lock = bench.begin()
    nan = float("nan")
    for write in (
        lambda: store.set_output(run.id, Output("url", {"a": [nan]}), lock),
        lambda: store.set_output(run.id, Output("", 1), lock),
        lambda: store.save_tasks(
            run.id, [TaskRecord("a", TaskStatus.SUCCESS, 1, None, None, output={1: 2})], lock
        ),
        lambda: store.kv_set("a\n", 1),
        lambda: store.kv_set("a", "\ud800"),
        lambda: store.kv_compare_swap("a", None, nan),
        lambda: store.add_tags(run.id, ["x" * 201], "ada"),
        lambda: store.record(run.id, [bench.draft("a\0b")], lock),
        lambda: store.record(run.id, [bench.draft("a", 2**53 + 1)], lock),
        lambda: store.record(run.id, [bench.draft("a")._replace(attributes=[1])], lock),
    ):
        with pytest.raises(InvalidValue):
            write()
    assert store.outputs(run.id) == {}
    assert store.tasks(run.id) == []
    assert store.kv_keys() == []
    assert store.resources("deploy") == []
