"""The contract of what checks for drift have found: every store runs these."""

from __future__ import annotations

from typing import Any

import pytest

from sloth_state.errors import NotFound
from sloth_state.model import Detection, DriftState, NewDetection


def found(name: str = "a", actual: Any = "x", error: str | None = None) -> NewDetection:
    """A file that shall have "x" in it: None is missing."""
    content = None if actual is None or error else {"content": actual}
    drifted = None if error else actual != "x"
    return NewDetection("file", name, {"content": "x"}, content, drifted, error)


def states(store: Any, **options: Any) -> list[tuple[str, int, DriftState]]:
    return [
        (each.resource_name, each.version, each.state)
        for each in store.detections("deploy", **options)
    ]


@pytest.fixture
def workflow(bench: Any) -> Any:
    return bench.run_recording(bench.draft("a"), bench.draft("b"))


def test_a_detection_is_kept_whole(bench: Any, store: Any, workflow: Any) -> None:
    bench.clock.advance(hours=1)
    assert store.record_detections("deploy", 1, [found(actual={"k": [1, None]})]) == 1
    assert store.detections("deploy") == [
        Detection(
            store.resource("deploy", "file", "a").id,
            "file",
            "a",
            1,
            bench.clock(),
            {"content": "x"},
            {"content": {"k": [1, None]}},
            True,
            None,
        )
    ]
    assert store.verify() == []


@pytest.mark.usefixtures("workflow")
def test_each_state_is_told_from_the_others(store: Any) -> None:
    for each in (found(), found(actual="y"), found(actual=None), found(error="no")):
        store.record_detections("deploy", 1, [each])
    assert [state.value for *_, state in states(store)] == [
        "unknown",
        "missing",
        "drifted",
        "in-sync",
    ]


@pytest.mark.usefixtures("workflow")
def test_of_what_is_found_again_only_the_first_is_kept(bench: Any, store: Any) -> None:
    assert store.record_detections("deploy", 1, [found("a"), found("b")]) == 2
    assert store.record_detections("deploy", 1, [found("a"), found("b", "y")]) == 1
    assert store.record_detections("deploy", 1, [found("a"), found("b", "y")]) == 0
    assert store.record_detections("deploy", 1, [found("b")]) == 1
    bench.run_recording(bench.draft("c"))
    assert store.record_detections("deploy", 2, [found("a"), found("b", "y")]) == 1
    assert states(store) == [
        ("b", 2, DriftState.DRIFTED),
        ("b", 1, DriftState.IN_SYNC),
        ("b", 1, DriftState.DRIFTED),
        ("b", 1, DriftState.IN_SYNC),
        ("a", 1, DriftState.IN_SYNC),
    ]


@pytest.mark.usefixtures("workflow")
def test_by_type_and_number(store: Any) -> None:
    store.record_detections("deploy", 1, [found("a"), found("b")])
    assert states(store, type="file", limit=1) == [("b", 1, DriftState.IN_SYNC)]
    assert states(store, type="other") == []


@pytest.mark.usefixtures("workflow")
def test_resources_that_are_not_known_are_left_out(store: Any) -> None:
    assert store.record_detections("deploy", 1, [found("z"), found("a")]) == 1
    with pytest.raises(NotFound):
        store.record_detections("nothing", 1, [found()])
    with pytest.raises(NotFound):
        store.detections("nothing")


def test_no_lock_is_needed(bench: Any, store: Any, workflow: Any) -> None:
    bench.begin()
    with store.reopen() as other:
        assert other.record_detections("deploy", 1, [found()]) == 1


@pytest.mark.usefixtures("workflow")
def test_detections_go_with_their_workflow(store: Any) -> None:
    store.record_detections("deploy", 1, [found()])
    store.delete_workflow("deploy", "ada")
    assert store.verify() == []
