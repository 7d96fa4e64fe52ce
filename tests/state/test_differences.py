"""Differences are found attribute by attribute, and paths name them without doubt."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest

from sloth_state.differences import ABSENT, Difference, differences, matches, step


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({}, {}, []),
        ({"a": 1}, {"a": 1}, []),
        ({"a": {}, "b": []}, {"a": {}, "b": []}, []),
        ({"a": 1}, {"a": 2}, [("a", 1, 2)]),
        ({"b": 1, "a": 1}, {"a": 2, "b": 2}, [("a", 1, 2), ("b", 1, 2)]),
        ({"a": 1}, {}, [("a", 1, ABSENT)]),
        ({}, {"a": None}, [("a", ABSENT, None)]),
        ({"a": None}, {"a": 0}, [("a", None, 0)]),
        ({"a": {"b": {"c": 1, "d": 2}}}, {"a": {"b": {"c": 1, "d": 3}}}, [("a.b.d", 2, 3)]),
        ({"a": [1, 2, 3]}, {"a": [1, 5]}, [("a[1]", 2, 5), ("a[2]", 3, ABSENT)]),
        ({"a": []}, {"a": [{"b": 1}]}, [("a[0]", ABSENT, {"b": 1})]),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, [("a[0].b", 1, 2)]),
        ({"a": []}, {"a": {}}, [("a", [], {})]),
        ({"a": {"b": 1}}, {"a": "b"}, [("a", {"b": 1}, "b")]),
        ({"x.y": 1, "": 2}, {"x.y": 2, "": 3}, [('[""]', 2, 3), ('["x.y"]', 1, 2)]),
    ],
)
def test_what_differs_is_named_by_its_path(
    before: Any, after: Any, found: list[tuple[str, Any, Any]]
) -> None:
    assert differences(before, after) == [Difference(*each) for each in found]


@pytest.mark.parametrize(("before", "after"), [(1, 1.0), (0, -0.0), (2**53, float(2**53))], ids=str)
def test_a_number_is_its_value(before: Any, after: Any) -> None:
    assert differences({"a": before}, {"a": after}) == []


@pytest.mark.parametrize(("before", "after"), [(1, True), (False, 0), (1.0, True), ("1", 1)])
def test_a_truth_value_and_a_text_are_no_numbers(before: Any, after: Any) -> None:
    (found,) = differences({"a": [before]}, {"a": [after]})

    assert (found.path, found.before, found.after) == ("a[0]", before, after)


def test_any_mapping_can_be_compared() -> None:
    assert differences(MappingProxyType({"a": 1}), {"a": 1}) == []


def test_what_is_ignored_does_not_count_with_all_below_it() -> None:
    before = {"meta": {"at": 1, "by": {"id": 1}}, "users": [{"seen": 1}, {"seen": 1, "id": 1}]}
    after = {"meta": {"at": 2, "by": {"id": 2}}, "users": [{"seen": 2}, {"seen": 2, "id": 2}]}

    found = differences(before, after, ignore=["meta.by", "users[*].seen"])

    assert [each.path for each in found] == ["meta.at", "users[1].id"]


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("a", "a"),
        ("a.b", "a"),
        ("a[0]", "a"),
        ('a["x.y"].c', "a"),
        ("a", "*"),
        ("[0]", "*"),
        ('["a.b"].c', "*"),
        ("users.ann.password", "users.*.password"),
        ("users[0].password", "users.*.password"),
        ("users[0].password", "users[*].password"),
        ("users.ann.password", "users[*].password"),
        ('users["ann.b\\"c"].password', "users.*.password"),
        ("users.ann.keys[3]", "users.*.keys"),
        ("a.b.c", "a.*.*"),
        ("web_1", "web_*"),
        ("env.DB_PASSWORD", "env.*PASSWORD"),
        ('["x.y"]', '["x.y"]'),
        ("line\nbreak", "*"),
    ],
)
def test_a_pattern_matches_a_path_and_all_below(path: str, pattern: str) -> None:
    assert matches(path, ["nothing", pattern])


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("ab", "a"),
        ("a\n", "a"),
        ("b.a", "a"),
        ("a", "a.b"),
        ("userspassword", "users.*"),
        ("users", "users.*"),
        ("users.password", "users.*.password"),
        ("users.a.b.password", "users.*.password"),
        ("axb", "a.b"),
        ("web_1.x", "web_*.y"),
        ("a.b", "a*b"),
    ],
)
def test_a_pattern_matches_nothing_else(path: str, pattern: str) -> None:
    assert not matches(path, [pattern])


@pytest.mark.parametrize("key", ["a", "a.b", "a[0]", 'say "a"', "", "back\\slash", 'a.\\"', "ü 1"])
def test_a_path_names_one_key_only(key: str) -> None:
    others = ["a", "b", "x", "a.b.c", "[0]", '"', "\\", "a.", '."', "."]

    assert matches(step("", key), [step("", key)])
    assert not any(matches(step("", key), [step("", other)]) for other in others if other != key)
