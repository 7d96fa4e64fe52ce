"""What may be kept, and how precisely a value that may not is named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloth_state.errors import InvalidValue
from sloth_state.values import MAX_BYTES, canonical, check_name, from_json


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: st.lists(children) | st.dictionaries(st.text("abé"), children),
    max_leaves=20,
)


@given(json_values)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    text = canonical(value, "value")
    assert from_json(text) == value
    assert canonical(from_json(text), "value") == text


def test_equal_values_have_equal_text() -> None:
    text = canonical({"b": [1, 2.5, None, True], "a": {"ü": "ß\n"}}, "attributes")
    assert text == '{"a":{"ü":"ß\\n"},"b":[1,2.5,null,true]}'
    assert canonical({"a": {"ü": "ß\n"}, "b": [1, 2.5, None, True]}, "attributes") == text


_cycle: list[Any] = []
_cycle.append({"again": _cycle})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"ports": [1, 2, {3}]}, "attributes.ports[2] is a set, which JSON does not have"),
        (
            {"run": print},
            "attributes.run is a builtin_function_or_method, which JSON does not have",
        ),
        ({"pair": (1, 2)}, "attributes.pair is a tuple, which JSON does not have"),
        ({"raw": b"x"}, "attributes.raw is a bytes, which JSON does not have"),
        ({"a": {1: 2}}, "attributes.a has the key 1, and keys must be strings"),
        ({None: 2}, "attributes has the key None, and keys must be strings"),
        ({"a": 1, 2: 3}, "attributes has the key 2, and keys must be strings"),
        ({"n": [float("nan")]}, "attributes.n[0] is nan, which JSON does not have"),
        (float("-inf"), "attributes is -inf, which JSON does not have"),
        ([2**53, 2**53 + 1], "attributes[1] is 9007199254740993, an integer beyond 2^53"),
        ({"a": -(2**60)}, "attributes.a is -1152921504606846976, an integer beyond 2^53"),
        ({"a": ["\udcff"]}, "attributes.a[0] is not valid UTF-8 text"),
        ({"\udcff": 1}, "a key of attributes is not valid UTF-8 text"),
        ("x" * MAX_BYTES, "attributes is 10,000,002 bytes of JSON, and the most is 10,000,000"),
    ],
)
def test_a_value_that_cannot_be_kept_is_named_by_its_place(value: Any, message: str) -> None:
    with pytest.raises(InvalidValue) as error:
        canonical(value, "attributes")
    assert str(error.value) == message


@pytest.mark.parametrize("value", [_nested(101), _nested(5000), _cycle])
def test_a_value_nested_too_deep_or_in_itself_is_refused(value: Any) -> None:
    with pytest.raises(InvalidValue, match=r"^value\[0\].* is nested deeper than 100 levels$"):
        canonical(value, "value")


def test_a_hundred_levels_and_many_brackets_are_fine() -> None:
    assert canonical(_nested(100), "value") == "[" * 100 + "1" + "]" * 100
    assert canonical([[] for _ in range(500)], "value") == f"[{','.join(['[]'] * 500)}]"
    assert canonical("[" * 500, "value") == '"' + "[" * 500 + '"'


@pytest.mark.parametrize("name", ["a", "web 1", "größe/β:9", "x" * 200, "\u200b"])
def test_a_name_may_be_nearly_anything(name: str) -> None:
    assert check_name(name, "the name") == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "the name is empty"),
        ("x" * 201, "the name has 201 characters, and the most is 200"),
        ("a\tb", r"the name 'a\tb' has a control character in it"),
        ("a\x85", r"the name 'a\x85' has a control character in it"),
        ("\ud800", "the name is not valid UTF-8 text"),
        (7, "the name must be a string, not int"),
    ],
)
def test_a_name_that_cannot_be_kept_says_why(name: Any, message: str) -> None:
    with pytest.raises(InvalidValue) as error:
        check_name(name, "the name")
    assert str(error.value) == message
