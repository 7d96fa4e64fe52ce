"""A map that is kept as text: equal to its value, decoded late, and checked when it is written."""

from __future__ import annotations

import pytest

from sloth_state.errors import InvalidValue
from sloth_state.json_map import JsonMap, checked_text, json_maps, text_of

BROKEN = "{not JSON"
"""Trusted like any text; it is only an error once somebody looks into it."""


def test_it_is_the_map_that_its_text_says() -> None:
    values = JsonMap('{"a":1,"b":[2]}')
    assert (dict(values), len(values), values["b"]) == ({"a": 1, "b": [2]}, 2, [2])
    assert values == {"a": 1, "b": [2]}


def test_asking_whether_it_is_empty_does_not_decode_it() -> None:
    assert bool(JsonMap(BROKEN)) is True
    assert bool(JsonMap("{}")) is False
    with pytest.raises(ValueError, match="property name"):
        len(JsonMap(BROKEN))


def test_many_are_decoded_at_once_when_somebody_looks_into_one() -> None:
    first, second, broken = json_maps(['{"name":1}', '{"name":2}', BROKEN])
    assert (first.text, bool(broken)) == ('{"name":1}', True)
    with pytest.raises(ValueError, match="property name"):
        len(first)
    first, second = json_maps(['{"name":1}', '{"name":2}'])
    assert (second["name"], first["name"]) == (2, 1)
    assert next(iter(first)) is next(iter(second))
    assert json_maps([]) == []


def test_its_text_is_written_as_it_is() -> None:
    assert checked_text(JsonMap(BROKEN), "attributes") == BROKEN
    assert text_of(JsonMap(BROKEN)) == BROKEN


def test_another_map_is_written_as_canonical_text() -> None:
    assert checked_text({"b": 1, "a": "ü"}, "attributes") == '{"a":"ü","b":1}'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a":"\udcff"}', "attributes is not valid UTF-8 text"),
        (f'{{"a":"{"x" * 10_000_000}"}}', "attributes is 10,000,008 bytes of JSON"),
    ],
)
def test_a_text_that_cannot_be_kept_is_refused(text: str, problem: str) -> None:
    with pytest.raises(InvalidValue, match=problem):
        checked_text(JsonMap(text), "attributes")
