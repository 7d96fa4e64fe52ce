"""The contract of every store: what versions do to resources, and how each version shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sloth_state.errors import InvalidValue, LockLost, ReferenceNotFound, ResourceNotFound
from sloth_state.model import Action, Changes, Resource, ResourceDraft

if TYPE_CHECKING:
    from sloth_state.store import Store


def test_a_recorded_resource_comes_back_whole(bench: Any, store: Store) -> None:
    run, lock = bench.begin()
    attributes = {"ports": [80, {"to": None}], "größe": 1.5, "on": True, "empty": {}}

    (recorded,) = store.record(
        run.id, [ResourceDraft("docker_container", "web-1", attributes, status="running")], lock
    )

    assert recorded == Resource(
        id="000000000002",
        type="docker_container",
        name="web-1",
        action=Action.CREATE,
        status="running",
        attributes=attributes,
        created_at=bench.clock(),
        updated_at=bench.clock(),
    )
    assert store.resources("deploy") == [recorded]
    assert store.resource("deploy", "docker_container", "web-1") == recorded
    assert store.resource("deploy", "docker_container", "web-2") is None


def test_every_version_shows_its_own_state(bench: Any, store: Store) -> None:
    bench.run_recording(bench.draft("a", 1), bench.draft("b", 1))
    bench.run_recording(bench.draft("a", 2))
    bench.run_recording(bench.draft("c", 3), bench.draft("b", action=Action.DELETE))
    bench.run_recording(bench.draft("b", 4))

    shown = [bench.seen(store.resources("deploy", version=number)) for number in (1, 2, 3, 4)]

    assert shown == [
        [("a", "create", 1), ("b", "create", 1)],
        [("a", "update", 2), ("b", "noop", 1)],
        [("a", "noop", 2), ("b", "delete", 1), ("c", "create", 3)],
        [("a", "noop", 2), ("b", "create", 4), ("c", "noop", 3)],
    ]
    assert bench.seen(store.resources("deploy")) == shown[-1]
    b_at = [store.resource("deploy", "file", "b", version=number) for number in (1, 2, 3, 4)]
    assert [at and at.attributes["content"] for at in b_at] == [1, 1, None, 4]
    assert store.verify() == []


def test_a_resource_created_again_keeps_its_id_and_starts_a_new_life(
    bench: Any, store: Store
) -> None:
    bench.run_recording(bench.draft("a"))
    bench.run_recording(bench.draft("a", action=Action.DELETE))
    bench.run_recording(bench.draft("b"))
    bench.run_recording(bench.draft("a"))

    first = store.resource("deploy", "file", "a", version=1)
    again = store.resource("deploy", "file", "a")

    assert first is not None
    assert again == first._replace(created_at=bench.clock(), updated_at=bench.clock())
    assert bench.seen(store.resources("deploy", version=3)) == [("b", "create", "x")]


def test_recording_the_same_again_writes_nothing(bench: Any, store: Store) -> None:
    bench.run_recording(bench.draft("a"))
    before = store.resources("deploy")
    run, lock = bench.begin()
    for action in (None, Action.CREATE):
        (same,) = store.record(run.id, [bench.draft("a", action=action)], lock)
        assert same == before[0]._replace(action=Action.NOOP)
    bench.finish(run, lock)
    assert store.version("deploy", 2).changes == Changes()
    assert bench.seen(store.resources("deploy")) == [("a", "noop", "x")]


def test_another_status_alone_is_an_update(bench: Any, store: Store) -> None:
    bench.run_recording(bench.draft("a", status="running"))
    bench.run_recording(bench.draft("a", status="stopped"))
    (resource,) = store.resources("deploy")
    assert (resource.action, resource.status) == (Action.UPDATE, "stopped")


def test_create_of_a_resource_that_differs_is_an_update(bench: Any, store: Store) -> None:
    bench.run_recording(bench.draft("a", 1))
    bench.run_recording(bench.draft("a", 2, action=Action.CREATE))
    assert bench.seen(store.resources("deploy")) == [("a", "update", 2)]


@pytest.mark.parametrize("action", [Action.UPDATE, Action.READ])
def test_an_action_that_is_said_is_kept_even_if_nothing_differs(
    bench: Any, store: Store, action: Action
) -> None:
    bench.run_recording(bench.draft("a"))
    run, lock = bench.begin()
    (first,) = store.record(run.id, [bench.draft("a", action=action)], lock)
    bench.clock.advance(seconds=5)
    (second,) = store.record(run.id, [bench.draft("a", action=action)], lock)
    assert first.action is action
    assert second.updated_at == first.updated_at
    assert bench.seen(store.resources("deploy")) == [("a", action.value, "x")]


def test_a_resource_may_be_read_before_it_was_ever_created(bench: Any, store: Store) -> None:
    bench.run_recording(bench.draft("a", action=Action.READ))
    assert bench.seen(store.resources("deploy")) == [("a", "read", "x")]
    assert store.version("deploy", 1).changes == Changes(read=1)


def test_within_a_version_the_strongest_action_stays(bench: Any, store: Store) -> None:
    bench.run_recording(bench.draft("old", 1))
    run, lock = bench.begin()
    store.record(
        run.id,
        [
            bench.draft("new", 1),
            bench.draft("new", 2),
            bench.draft("new", 3, action=Action.READ),
            bench.draft("old", 1, action=Action.READ),
            bench.draft("old", 2),
            bench.draft("old", 2, action=Action.READ),
        ],
        lock,
    )
    assert bench.seen(store.resources("deploy")) == [("new", "create", 3), ("old", "update", 2)]


def test_created_and_removed_in_one_version_leaves_nothing(bench: Any, store: Store) -> None:
    bench.run_recording(bench.draft("old"))
    bench.run_recording(bench.draft("old", action=Action.DELETE))
    run, lock = bench.begin()
    store.record(run.id, [bench.draft("old", 2), bench.draft("new", 2)], lock)

    removed = [store.remove_resource(run.id, "file", name, lock) for name in ("new", "old")]

    assert bench.seen(removed) == [("new", "delete", 2), ("old", "delete", 2)]
    assert store.resources("deploy") == []
    assert store.version("deploy", 3).changes == Changes()
    assert bench.seen(store.resources("deploy", version=2)) == [("old", "delete", "x")]
    bench.finish(run, lock)
    assert store.verify() == []


def test_removed_and_recorded_again_in_one_version_is_an_update(bench: Any, store: Store) -> None:
    bench.run_recording(bench.draft("a", 1))
    run, lock = bench.begin()
    store.remove_resource(run.id, "file", "a", lock)
    store.record(run.id, [bench.draft("a", 2)], lock)
    assert bench.seen(store.resources("deploy")) == [("a", "update", 2)]
    assert store.run(run.id).resource_count == 1


def test_what_one_transaction_says_twice_is_applied_in_order(bench: Any, store: Store) -> None:
    run, lock = bench.begin()
    said = store.record(
        run.id,
        [
            bench.draft("a", 1),
            bench.draft("a", 1),
            bench.draft("a", action=Action.DELETE),
            bench.draft("a", 2),
        ],
        lock,
    )
    assert [each.action.value for each in said] == ["create", "noop", "delete", "create"]
    assert bench.seen(store.resources("deploy")) == [("a", "create", 2)]


def test_one_bad_draft_keeps_the_good_ones_out(bench: Any, store: Store) -> None:
    run, lock = bench.begin()
    with pytest.raises(InvalidValue, match=r"attributes\.content is a set"):
        store.record(run.id, [bench.draft("a"), bench.draft("b", {1})], lock)
    with pytest.raises(ResourceNotFound):
        store.record(run.id, [bench.draft("a"), bench.draft("b", action=Action.DELETE)], lock)
    assert store.resources("deploy") == []


def test_removing_what_is_not_there_names_what_is(bench: Any, store: Store) -> None:
    run, lock = bench.begin()
    store.record(run.id, [bench.draft("app.conf")], lock)
    with pytest.raises(ResourceNotFound, match=r"deploy has no resource file/app\.cnf") as error:
        store.remove_resource(run.id, "file", "app.cnf", lock)
    assert error.value.hint == "Did you mean file/app.conf?"
    store.remove_resource(run.id, "file", "app.conf", lock)
    with pytest.raises(ResourceNotFound):
        store.remove_resource(run.id, "file", "app.conf", lock)


def test_resources_are_ordered_and_can_be_of_one_type(bench: Any, store: Store) -> None:
    for version in (1, 2):
        bench.run_recording(
            ResourceDraft("user", "b", {"content": version}),
            ResourceDraft("file", "z", {"content": version}),
            ResourceDraft("user", "B", {"content": version}),
            ResourceDraft("user", "ä", {"content": version}),
        )
    for version in (1, 2, None):
        names = [(each.type, each.name) for each in store.resources("deploy", version=version)]
        assert names == [("file", "z"), ("user", "B"), ("user", "b"), ("user", "ä")]
        users = store.resources("deploy", version=version, type="user")
        assert [each.name for each in users] == ["B", "b", "ä"]
    assert store.resources("deploy", type="none") == []


def test_recorded_resources_are_those_of_the_newest_version(bench: Any, store: Store) -> None:
    bench.run_recording(bench.draft("a", 1), bench.draft("b", 1), bench.draft("c", 1))
    bench.run_recording(bench.draft("a", 2), bench.draft("b", action=Action.DELETE))

    recorded = store.recorded("deploy")
    texts = {identity: recorded.texts(identity) for identity in recorded}

    assert texts == {
        ("file", "a"): ("", '{"content":2}', None),
        ("file", "c"): ("", '{"content":1}', None),
    }
    there = [each for each in store.resources("deploy") if each.action is not Action.DELETE]
    assert sorted(recorded.values()) == there
    assert {identity: recorded.texts(identity) for identity in recorded} == texts
    assert recorded.texts(("file", "b")) is None
    assert ("file", "b") not in recorded


def test_recorded_resources_can_be_set_and_deleted_whether_looked_at_or_not(
    bench: Any, store: Store
) -> None:
    bench.run_recording(bench.draft("a", 1), bench.draft("b", 1), bench.draft("c", 1))
    bench.run_recording(bench.draft("d", 2))
    other = store.resource("deploy", "file", "d")
    assert other is not None
    recorded = store.recorded("deploy")
    assert recorded["file", "a"].attributes == {"content": 1}

    for name in ("a", "b"):
        del recorded["file", name]
    recorded["file", "c"] = other

    assert dict(recorded) == {("file", "c"): other, ("file", "d"): other}
    assert len(recorded) == 2
    assert recorded.texts(("file", "c")) == ("", '{"content":2}', None)
    with pytest.raises(KeyError):
        del recorded["file", "a"]
    assert len(store.resources("deploy")) == 4


def test_workflows_do_not_see_the_resources_of_others(bench: Any, store: Store) -> None:
    bench.run_recording(bench.draft("a", 1))
    bench.run_recording(bench.draft("a", 2), name="backup")
    assert bench.seen(store.resources("deploy")) == [("a", "create", 1)]
    assert bench.seen(store.resources("backup")) == [("a", "create", 2)]


def test_asking_for_a_version_that_is_not_there_is_an_error(bench: Any, store: Store) -> None:
    bench.run_recording(bench.draft("a"))
    for version in (0, 2):
        with pytest.raises(ReferenceNotFound, match=f"has no version {version}"):
            store.resources("deploy", version=version)
        with pytest.raises(ReferenceNotFound, match=f"has no version {version}"):
            store.resource("deploy", "file", "a", version=version)


def test_a_paused_holder_cannot_write_after_its_lease(bench: Any, store: Store) -> None:
    run, lock = bench.begin()
    store.record(run.id, [bench.draft("a", 1)], lock)
    bench.clock.advance(seconds=61)
    with pytest.raises(LockLost):
        store.record(run.id, [bench.draft("a", 2)], lock)
    with pytest.raises(LockLost):
        store.remove_resource(run.id, "file", "a", lock)
    assert bench.seen(store.resources("deploy")) == [("a", "create", 1)]
