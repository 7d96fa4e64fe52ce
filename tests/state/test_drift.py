"""What a reading says about a resource, and what of it does not count."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sloth_state.changes import ResourceChange
from sloth_state.differences import Difference, with_ignored
from sloth_state.drift import (
    RECORD_ONLY,
    Finding,
    Reading,
    detection_of,
    drifted_attributes,
    find_drift,
    unread,
)
from sloth_state.json_map import JsonMap
from sloth_state.model import Action, DriftState, NewDetection, Resource

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def recorded(attributes: Any, **declaration: Any) -> Resource:
    return Resource("1", "t", "a", Action.CREATE, "", attributes, NOON, NOON, declaration)


def finding(resource: Resource, **read: Any) -> Finding:
    (found,) = find_drift([Reading(resource, **read)])
    return found


def test_as_recorded() -> None:
    resource = recorded({"size": 1})
    actual = {"size": 1}
    expected = Finding(resource, DriftState.IN_SYNC, ResourceChange("t", "a", "noop"), actual, None)
    assert finding(resource, actual=actual) == expected
    as_text = recorded(JsonMap('{"size":1}'))
    assert finding(as_text, actual=JsonMap('{"size":1}')).state is DriftState.IN_SYNC
    assert finding(as_text, actual=JsonMap('{"size":2}')).state is DriftState.DRIFTED


def test_drifted_from_the_record_to_what_is_there() -> None:
    resource = recorded({"size": 1, "key": "x"}, sensitive=["key"])
    found = finding(resource, actual={"size": 2, "key": "y"})
    assert found.state is DriftState.DRIFTED
    assert found.change == ResourceChange(
        "t", "a", "update", (Difference("key", "x", "y"), Difference("size", 1, 2)), ("key",)
    )
    assert detection_of(found) == NewDetection(
        "t", "a", {"size": 1, "key": "x"}, {"size": 2, "key": "y"}, True, None
    )


def test_missing_and_unknown_are_neither_drifted_nor_in_sync() -> None:
    resource = recorded({"size": 1})
    gone = finding(resource, actual=None)
    assert (gone.state, gone.change.action) == (DriftState.MISSING, "delete")
    assert detection_of(gone).drifted is True
    broken = finding(resource, error="no bus")
    assert (broken.state, broken.error, broken.could_not_be_read) == (
        DriftState.UNKNOWN,
        "no bus",
        True,
    )
    assert detection_of(broken) == NewDetection("t", "a", {"size": 1}, None, None, "no bus")
    (record,) = find_drift([unread(resource)])
    assert (record.state, record.error, record.could_not_be_read) == (
        DriftState.UNKNOWN,
        RECORD_ONLY,
        False,
    )


@pytest.mark.parametrize(
    ("attributes", "actual", "ignore", "paths"),
    [
        ({"a": 1}, {}, [], []),  # what is not read does not count
        ({}, {"a": 1}, [], []),  # nor does what was never recorded
        ({"a": {"x": 1}}, {"a": {}}, [], ["a.x"]),
        ({"a": {"x": 1}}, {"a": {"x": 1, "y": 2}}, [], ["a.y"]),
        ({"a": 1, "b": 1}, {"a": 2, "b": 2}, ["a"], ["b"]),
        ({"a": {"x": 1, "y": 1}}, {"a": {"x": 2, "y": 2}}, ["a.x"], ["a.y"]),
        ({"a": [{"x": 1}]}, {"a": [{"x": 2}]}, ["a[*].x"], []),
        ({"a": None}, {"a": False}, [], ["a"]),
        ({"a": 1}, {"a": 1.0}, [], []),
    ],
)
def test_which_attributes_count(
    attributes: Any, actual: Any, ignore: list[str], paths: list[str]
) -> None:
    found = drifted_attributes(recorded(attributes), actual, ignore=ignore)
    assert [each.path for each in found] == paths
    declared = drifted_attributes(recorded(attributes, ignore=ignore), actual)
    assert declared == found


@pytest.mark.parametrize(
    ("wanted", "actual", "ignore", "kept"),
    [
        ({"a": 1, "b": 1}, {"a": 2, "b": 2}, [], {"a": 1, "b": 1}),
        ({"a": 1, "b": 1}, {"a": 2, "b": 2}, ["a"], {"a": 2, "b": 1}),
        ({"a": 1}, {}, ["a"], {"a": 1}),
        ({"b": 1}, {"a": 2, "b": 1}, ["a"], {"b": 1}),  # nobody wants it
        ({"m": {"a": 1, "b": 1}}, {"m": {"a": 2, "b": 2}}, ["m.a"], {"m": {"a": 2, "b": 1}}),
        ({"m": {"b": 1}}, {"m": {"a": 2, "b": 2}}, ["m.a"], {"m": {"a": 2, "b": 1}}),
        ({"m": {"a": 1}}, {"m": {"a": 2}}, ["m"], {"m": {"a": 2}}),
        ({"m": 1}, {"m": {"a": 2}}, ["m.a"], {"m": 1}),
        ({"l": [1, 2]}, {"l": [3, 4]}, ["l[0]"], {"l": [1, 2]}),
        ({"x.y": {"a": 1}}, {"x.y": {"a": 2}}, ['["x.y"].a'], {"x.y": {"a": 2}}),
    ],
)
def test_what_is_ignored_stays_as_it_is_there(
    wanted: Any, actual: Any, ignore: list[str], kept: Any
) -> None:
    before = repr(wanted)
    assert with_ignored(wanted, actual, ignore) == kept
    assert repr(wanted) == before
