"""The plan to bring the world back: pure, from records and readings to steps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sloth_state.drift import Reading, unread
from sloth_state.model import Action, Resource
from sloth_state.rollback import RollbackPlan, StepKind, plan_rollback, record_changes

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def thing(name: str, size: int = 1, **said: Any) -> Resource:
    """A declared one; `key`, `depends_on` … are its declaration."""
    age = NOON + timedelta(seconds=ord(name[0]))
    return Resource(
        name, "t", name, Action.NOOP, "", {"size": size}, age, age, {"memory": {}, **said}
    )


def note(name: str, size: int = 1) -> Resource:
    return thing(name, size)._replace(declaration=None)


def plan(
    now: list[Resource], then: list[Resource], world: dict[str, Any], **readings: Any
) -> RollbackPlan:
    """`world`: the sizes there are; `readings`: what else is read of a resource."""

    def read(resource: Resource) -> Reading:
        if resource.declaration is None:
            return unread(resource)
        actual = {"size": world[resource.name]} if resource.name in world else None
        return Reading(resource, actual, **readings.get(resource.name, {}))

    names = {each.name for each in then}
    leaving = [
        each
        for each in now
        if each.name not in names or each.declaration != thing(each.name).declaration
    ]
    return plan_rollback(
        now,
        then,
        {(each.type, each.name): read(each) for each in leaving},
        {(each.type, each.name): read(each) for each in then},
    )


def steps(found: RollbackPlan) -> list[tuple[str, str]]:
    return [(step.kind.value, step.resource.name) for step in found.steps]


def test_nothing_to_do() -> None:
    found = plan([thing("a")], [thing("a")], {"a": 1})
    assert found == RollbackPlan((), 1, ())
    assert plan([], [], {}) == RollbackPlan((), 0, ())


def test_what_must_go_goes_first_and_dependents_before_what_they_need() -> None:
    now = [thing("b", depends_on=["t/c"]), thing("c"), thing("d")]
    then = [thing("a"), thing("e", depends_on=["t/f"]), thing("f")]
    found = plan(now, then, {"b": 1, "c": 1, "d": 1})
    assert steps(found) == [
        ("delete", "d"),
        ("delete", "b"),
        ("delete", "c"),
        ("create", "a"),
        ("create", "f"),
        ("create", "e"),
    ]
    assert all(step.changes_the_world for step in found.steps)


def test_reality_decides_what_is_done() -> None:
    now, then = [thing("a", 2)], [thing("a", 1)]
    assert steps(plan(now, then, {"a": 2})) == [("update", "a")]
    assert steps(plan(now, then, {"a": 1})) == [("record", "a")]
    assert steps(plan(now, then, {"a": 3})) == [("update", "a")]
    assert steps(plan(now, then, {})) == [("create", "a")]
    assert steps(plan(then, then, {"a": 3})) == [("update", "a")]
    assert steps(plan(now, [], {"a": 9})) == [("delete", "a")]
    assert steps(plan(now, [], {})) == [("forget", "a")]


def test_the_change_goes_from_reality_to_what_shall_be() -> None:
    (step,) = plan([thing("a", 2)], [thing("a", 1)], {"a": 3}).steps
    assert [(each.before, each.after) for each in step.change.differences] == [(3, 1)]


def test_records_are_only_records() -> None:
    now, then = [note("a", 2), note("b")], [note("a", 1), note("c")]
    found = plan(now, then, {})
    assert steps(found) == [("record", "a"), ("record", "c"), ("forget", "b")]
    assert all(step.record_only and not step.changes_the_world for step in found.steps)
    assert found.unreadable == ()
    # One that became a declared thing becomes a record again, and the other way round.
    assert steps(plan([thing("a")], [note("a", 2)], {"a": 1})) == [("record", "a")]


def test_what_cannot_be_undone_is_kept() -> None:
    why = {"irreversible": "it melted", "undeletable": "it melted"}
    found = plan([thing("a", 2)], [thing("a", 1)], {"a": 2}, a=why)
    assert [(step.kind, step.irreversible) for step in found.steps] == [
        (StepKind.KEEP, "it melted")
    ]
    found = plan([thing("a")], [], {"a": 1}, a={"undeletable": "it has no delete"})
    assert [(step.kind, step.irreversible) for step in found.steps] == [
        (StepKind.KEEP, "it has no delete")
    ]
    assert steps(plan([thing("a", 2)], [thing("a", 1)], {}, a=why)) == [("create", "a")]


def test_what_cannot_be_read_is_told_of() -> None:
    found = plan([thing("a"), note("n")], [thing("a"), note("n")], {}, a={"error": "no bus"})
    assert [each.resource.name for each in found.unreadable] == ["a"]


def test_another_key_is_another_thing() -> None:
    now, then = [thing("a", key="/y")], [thing("a", key="/x")]
    old = Reading(now[0], {"size": 1})
    new = Reading(then[0], None)
    found = plan_rollback(now, then, {("t", "a"): old}, {("t", "a"): new})
    assert steps(found) == [("delete", "a"), ("create", "a")]
    # Nothing is deleted where nothing is, and the record stays for what is made.
    gone = plan_rollback(now, then, {("t", "a"): Reading(now[0])}, {("t", "a"): new})
    assert steps(gone) == [("create", "a")]


def test_what_is_in_the_way_of_something_that_goes_first_need_not_be_read() -> None:
    now, then = [thing("b", key="/x")], [thing("a", key="/x")._replace(type="u")]
    there = Reading(now[0], {"size": 1})
    blocked = Reading(then[0], error="/x is something else")
    found = plan_rollback(now, then, {("t", "b"): there}, {("u", "a"): blocked})
    assert steps(found) == [("delete", "b"), ("create", "a")]
    assert found.unreadable == ()
    kept = there._replace(undeletable="it has no delete")
    found = plan_rollback(now, then, {("t", "b"): kept}, {("u", "a"): blocked})
    assert found.unreadable == (blocked,)


def test_a_thing_under_another_name_is_not_deleted() -> None:
    now, then = [thing("b", 2, key="/x")], [thing("a", 1, key="/x")]
    reading = {"size": 2}
    found = plan_rollback(
        now, then, {("t", "b"): Reading(now[0], reading)}, {("t", "a"): Reading(then[0], reading)}
    )
    assert steps(found) == [("update", "a"), ("forget", "b")]


def test_an_update_leaves_what_is_ignored() -> None:
    then = thing("a", 1, ignore=["replicas"])
    then = then._replace(attributes={"size": 1, "replicas": 1})
    now = then._replace(attributes={"size": 2, "replicas": 1})
    reading = Reading(then, {"size": 2, "replicas": 7})
    (step,) = plan_rollback([now], [then], {}, {("t", "a"): reading}).steps
    assert step.resource == then._replace(attributes={"size": 1, "replicas": 7})
    assert [each.path for each in step.change.differences] == ["size"]


def test_deleted_rows_of_a_version_are_nothing() -> None:
    gone = thing("a")._replace(action=Action.DELETE)
    assert plan([gone], [], {"a": 1}) == RollbackPlan((), 0, ())
    assert plan([], [gone], {"a": 1}) == RollbackPlan((), 0, ())


def test_the_records_alone() -> None:
    now, then = [thing("a", 2), thing("b"), note("n")], [thing("a", 1), note("m"), note("n")]
    found = record_changes(now, then)
    assert steps(found) == [("record", "a"), ("forget", "b"), ("record", "m")]
    assert [step.record_only for step in found.steps] == [False, False, True]
    assert found.unchanged == 1


def test_the_records_alone_bring_dependencies_back_too() -> None:
    now, then = [thing("a", depends_on=["t/y"], memory={"k": 1})], [thing("a", depends_on=["t/x"])]
    (step,) = record_changes(now, then).steps
    assert step.kind is StepKind.RECORD
    assert step.resource.declaration == {"depends_on": ["t/x"], "memory": {"k": 1}}
    assert record_changes(then, then).steps == ()
