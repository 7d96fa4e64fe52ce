"""What changes between two versions, and what of it anybody may see."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sloth_state.changes import (
    KNOWN_AFTER_RUN,
    ResourceChange,
    VisibleDifference,
    changes_between,
    changes_of_outputs,
    resource_change,
    visible_differences,
)
from sloth_state.differences import ABSENT, Difference
from sloth_state.model import Action, Output, Resource
from sloth_state.sensitive import masked
from sloth_state.shapes import change_shape, output_change_shape, resource_shape

NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def resource(
    name: str,
    attributes: dict[str, Any],
    *,
    type: str = "file",
    status: str = "",
    action: Action = Action.NOOP,
    **declaration: Any,
) -> Resource:
    return Resource(
        f"id of {name}", type, name, action, status, attributes, NOON, NOON, declaration or None
    )


def test_created_updated_and_deleted_resources_are_told_by_type_and_name() -> None:
    before = [
        resource("same", {"a": 1}),
        resource("gone", {"mode": "0644", "size": {"kb": 3}}),
        resource("conf", {"mode": "0644", "size": 3}),
    ]
    after = [
        resource("conf", {"mode": "0600", "size": 3}),
        resource("new", {"a": 1}, type="dir"),
        resource("same", {"a": 1}, action=Action.READ),
    ]

    assert changes_between(before, after) == [
        ResourceChange("dir", "new", "create", (Difference("a", ABSENT, 1),)),
        ResourceChange("file", "conf", "update", (Difference("mode", "0644", "0600"),)),
        ResourceChange(
            "file",
            "gone",
            "delete",
            (Difference("mode", "0644", ABSENT), Difference("size", {"kb": 3}, ABSENT)),
        ),
    ]


def test_what_a_version_deleted_is_not_in_it() -> None:
    deleted = resource("a", {"x": 1}, action=Action.DELETE)
    there = resource("a", {"x": 1})

    assert changes_between([deleted], [deleted]) == []
    assert [change.action for change in changes_between([deleted], [there])] == ["create"]
    assert [change.action for change in changes_between([there], [deleted])] == ["delete"]


@pytest.mark.parametrize(
    ("before", "after", "difference"),
    [
        ("up", "down", Difference("status", "up", "down")),
        ("", "up", Difference("status", ABSENT, "up")),
        ("up", "", Difference("status", "up", ABSENT)),
    ],
)
def test_the_status_of_a_resource_is_kept_apart_from_an_attribute_of_that_name(
    before: str, after: str, difference: Difference
) -> None:
    attributes = {"status": "paid"}

    (change,) = changes_between(
        [resource("a", attributes, status=before)], [resource("a", attributes, status=after)]
    )

    assert change == ResourceChange("file", "a", "update", (), (), difference)


def test_a_status_comes_and_goes_with_its_resource() -> None:
    running = resource("web", {}, status="running")

    (created,) = changes_between([], [running])
    (deleted,) = changes_between([running], [])

    assert created == ResourceChange(
        "file", "web", "create", status=Difference("status", ABSENT, "running")
    )
    assert deleted == ResourceChange(
        "file", "web", "delete", status=Difference("status", "running", ABSENT)
    )


def test_what_either_side_declares_sensitive_is_sensitive() -> None:
    (change,) = changes_between(
        [resource("a", {"x": 1}, sensitive=["key", "password"])],
        [resource("a", {"x": 2}, sensitive=["password", "token"])],
    )

    assert change.sensitive == ("key", "password", "token")


@pytest.mark.parametrize("listed", [None, {}, "password", [1]])
def test_a_declaration_that_lists_nothing_hides_nothing(listed: Any) -> None:
    assert resource_shape(resource("a", {"password": "x"}, sensitive=listed))["attributes"] == {
        "password": "x"
    }


def test_reality_is_compared_with_what_shall_be() -> None:
    real, desired = {"mode": "0644", "size": 1}, {"mode": "0600", "size": 1}

    assert resource_change("file", "a", real, desired) == ResourceChange(
        "file", "a", "update", (Difference("mode", "0644", "0600"),)
    )
    assert resource_change("file", "a", real, real).action == "noop"
    assert resource_change("file", "a", None, desired).action == "create"
    assert resource_change("file", "a", {}, None).action == "delete"


def test_sensitive_values_are_masked_wherever_they_stand() -> None:
    change = resource_change(
        "app",
        "a",
        {"password": "old", "users": {"ann": {"password": "old", "age": 3}}},
        {"db": {"password": "new", "host": "h"}, "users": [{"password": "new"}], "password": "new"},
        sensitive=["password", "db.password", "users.*.password"],
    )

    assert visible_differences(change) == [
        VisibleDifference("db", ABSENT, {"password": "(sensitive)", "host": "h"}, sensitive=False),
        VisibleDifference("password", "(sensitive)", "(sensitive)", sensitive=True),
        VisibleDifference(
            "users",
            {"ann": {"password": "(sensitive)", "age": 3}},
            [{"password": "(sensitive)"}],
            sensitive=False,
        ),
    ]


def test_all_below_a_sensitive_path_is_sensitive() -> None:
    change = resource_change(
        "app", "a", {"keys": [{"id": 1}]}, {"keys": [{"id": 2}]}, sensitive=["keys"]
    )

    assert visible_differences(change) == [
        VisibleDifference("keys[0].id", "(sensitive)", "(sensitive)", sensitive=True)
    ]


@pytest.mark.parametrize("declared", ["content", "content_sha256"])
def test_the_hash_of_sensitive_content_is_sensitive(declared: str) -> None:
    attributes = {"content_sha256": "5e884898da28", "mode": "0600"}

    assert masked(dict(attributes), [declared]) == {
        "content_sha256": "(sensitive)",
        "mode": "0600",
    }


def test_masking_changes_no_value_in_place() -> None:
    attributes: dict[str, Any] = {"users": [{"password": "x"}]}

    masked(attributes, ["users[*].password"])

    assert attributes == {"users": [{"password": "x"}]}


def test_what_is_known_only_after_the_run_is_told_as_that_alone() -> None:
    unknown = f"http://{KNOWN_AFTER_RUN}:80/"
    change = resource_change(
        "app", "a", {"url": "http://a/"}, {"url": unknown, "peers": {"b": [unknown, "c"]}}
    )

    assert visible_differences(change) == [
        VisibleDifference("peers", ABSENT, {"b": ["(known after run)", "c"]}, sensitive=False),
        VisibleDifference("url", "http://a/", "(known after run)", sensitive=False),
    ]


def test_outputs_differ_by_their_values() -> None:
    before = {
        "gone": Output("gone", 1),
        "port": Output("port", [80]),
        "ready": Output("ready", 1),
        "same": Output("same", "x"),
        "token": Output("token", "old", sensitive=True),
    }
    after = {
        "new": Output("new", None),
        "port": Output("port", [80, 443]),
        "ready": Output("ready", True),
        "same": Output("same", "x", sensitive=True),
        "token": Output("token", "new"),
    }

    assert changes_of_outputs(before, after) == [
        VisibleDifference("gone", 1, ABSENT, sensitive=False),
        VisibleDifference("new", ABSENT, None, sensitive=False),
        VisibleDifference("port", [80], [80, 443], sensitive=False),
        VisibleDifference("ready", 1, True, sensitive=False),
        VisibleDifference("token", "(sensitive)", "(sensitive)", sensitive=True),
    ]


def test_a_change_as_json_leaves_out_what_is_not_there() -> None:
    change = ResourceChange(
        "file",
        "a",
        "replace",
        (
            Difference("mode", "0644", "0600"),
            Difference("owner", ABSENT, None),
            Difference("password", "old", ABSENT),
        ),
        ("password",),
        Difference("status", ABSENT, "up"),
    )

    assert change_shape(change) == {
        "type": "file",
        "name": "a",
        "action": "replace",
        "differences": [
            {"path": "mode", "before": "0644", "after": "0600", "sensitive": False},
            {"path": "owner", "after": None, "sensitive": False},
            {"path": "password", "before": "(sensitive)", "sensitive": True},
        ],
        "status": {"after": "up"},
    }
    assert change_shape(ResourceChange("file", "a", "noop")) == {
        "type": "file",
        "name": "a",
        "action": "noop",
        "differences": [],
    }


def test_an_output_as_json_leaves_out_what_is_not_there() -> None:
    change = VisibleDifference("url", ABSENT, "x", sensitive=False)

    assert output_change_shape(change) == {"key": "url", "after": "x", "sensitive": False}


def test_a_resource_as_json_shows_sensitive_attributes_only_on_demand() -> None:
    database = resource(
        "db",
        {"host": "h", "users": [{"name": "ann", "password": "x"}]},
        sensitive=["users[*].password"],
        depends_on=["file/a", "file/b"],
        memory={"secret": "kept"},
    )
    shape = {
        "id": "id of db",
        "type": "file",
        "name": "db",
        "action": "noop",
        "status": "",
        "attributes": {"host": "h", "users": [{"name": "ann", "password": "(sensitive)"}]},
        "depends_on": ["file/a", "file/b"],
        "created_at": "2026-03-01T12:00:00Z",
        "updated_at": "2026-03-01T12:00:00Z",
    }

    assert resource_shape(database) == shape
    assert resource_shape(database, show_sensitive=True) == {
        **shape,
        "attributes": database.attributes,
    }
