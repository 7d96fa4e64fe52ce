"""Values on their way between Lua and Python: what arrives, and what is refused, with its place."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sloth_runner.host import wire
from sloth_state.errors import InvalidValue

# Lua expression and the JSON value that it is.
FROM_LUA = {
    "nil": ("nil", None),
    "null": ("json.null", None),
    "true": ("true", True),
    "false": ("false", False),
    "whole number": ("3", 3),
    "whole number as float": ("3.0", 3),
    "negative zero": ("-0", 0),
    "fraction": ("0.1", 0.1),
    "seventeen digits": ("0.1 + 0.2", 0.1 + 0.2),
    "small": ("5e-324", 5e-324),
    "largest exact": ("2 ^ 53", 2**53),
    "smallest exact": ("-2 ^ 53", -(2**53)),
    "text": ("'x'", "x"),
    "empty text": ("''", ""),
    "unicode": ("'äöü 日本 🦥'", "äöü 日本 🦥"),
    "quotes and backslashes": (r"'\"\\/'", '"\\/'),
    "control characters": (r"'a\0b\1c\9d\10e\13f\31g\127h'", "a\0b\1c\td\ne\rf\x1fg\x7fh"),
    "escape sequences as text": (r"'\\u0041\\n'", "\\u0041\\n"),
    "empty table": ("{}", {}),
    "empty list": ("json.list{}", []),
    "list": ("{ 1, 'b', true }", [1, "b", True]),
    "map": ("{ a = 1, ['b c'] = 2, [''] = 3 }", {"a": 1, "b c": 2, "": 3}),
    "map with digits as key": ("{ ['1'] = 'x' }", {"1": "x"}),
    "nested": (
        "{ a = { b = { { c = {} } } }, l = { {}, json.list{} } }",
        {"a": {"b": [{"c": {}}]}, "l": [{}, []]},
    ),
    "null in a list": ("{ 1, json.null, 3 }", [1, None, 3]),
    "null in a map": ("{ a = json.null }", {"a": None}),
    "the same table twice": (
        "(function() local t = { 1 } return { t, t, x = nil } end)()",
        [[1], [1]],
    ),
    "a list filled later": (
        "(function() local t = {} for i = 1, 5 do t[i] = i end return t end)()",
        [1, 2, 3, 4, 5],
    ),
    "metatables do not count": (
        "setmetatable({ a = 1 }, { __index = { b = 2 }, __pairs = error, __len = error, __tostring = error,"
        " __eq = function() return true end })",
        {"a": 1},
    ),
    "a protected metatable": ("setmetatable({ 1 }, { __metatable = false })", [1]),
    "100 levels": ("(function() local t = 1 for i = 1, 100 do t = { t } end return t end)()", None),
}


@pytest.mark.parametrize(("expression", "expected"), FROM_LUA.values(), ids=FROM_LUA)
def test_a_lua_value_arrives_as_json(script: Any, expression: str, expected: Any) -> None:
    if expression.startswith("(function() local t = 1"):
        expected = 1
        for _ in range(100):
            expected = [expected]
    found = script.value(expression)
    assert found == expected
    assert type(found) is type(expected)


REFUSED = {
    "{ a = { b = print } }": "value.a.b is a function, which cannot be kept; only text, numbers, booleans, lists and maps can",
    "{ coroutine.create(print) }": "value[1] is a thread, which cannot be kept; only text, numbers, booleans, lists and maps can",
    "{ f = io.stdout }": "value.f is a userdata, which cannot be kept; only text, numbers, booleans, lists and maps can",
    "print": "value is a function, which cannot be kept; only text, numbers, booleans, lists and maps can",
    "{ x = 0/0 }": "value.x is nan, which is no JSON number",
    "{ x = { 1, 1/0 } }": "value.x[2] is inf, which is no JSON number",
    "-1/0": "value is -inf, which is no JSON number",
    "{ n = 2^53 + 2 }": "value.n is an integer beyond 2^53, which Lua cannot hold exactly; use a string",
    "-2^53 - 2": "value is an integer beyond 2^53, which Lua cannot hold exactly; use a string",
    "1e300": "value is an integer beyond 2^53, which Lua cannot hold exactly; use a string",
    "{ s = '\\255' }": "value.s is not UTF-8 text; encode bytes first, for instance with crypto.base64",
    "{ ['\\255'] = 1 }": "value.\ufffd is not UTF-8 text; encode bytes first, for instance with crypto.base64",
    "'\\237\\160\\128'": "value is not UTF-8 text; encode bytes first, for instance with crypto.base64",
    "{ 1, nil, 3 }": "value has a gap before item 3; a list is 1..n without nil, write json.null for an empty item",
    "{ n = 1, nil, 3 }": "value has both list items and the key n",
    "{ nil, 2 }": "value has a gap; a list is 1..n without nil, write json.null for an empty item",
    "{ l = { 1, 2, [9] = 9 } }": "value.l has a gap before item 9; a list is 1..n without nil, write json.null for an empty item",
    "{ l = { 1, [1.5] = 2 } }": "value.l has a gap before item 1.5; a list is 1..n without nil, write json.null for an empty item",
    "{ 1, 2, a = 3 }": "value has both list items and the key a",
    "{ [5] = 1 }": "value has the key 5; a list is 1..n without gaps, a map has only strings as keys",
    "{ x = { [true] = 1 } }": "value.x has the key true; a list is 1..n without gaps, a map has only strings as keys",
    "{ [0] = 'a', 'b' }": "value has a gap before item 0; a list is 1..n without nil, write json.null for an empty item",
    "(function() local t = {} t.self = t return t end)()": "value.self.self.self.self.self.self… contains itself",
    "(function() local a, b = {}, {} a[1], b.a = b, a return a end)()": "value[1].a[1].a[1].a… contains itself",
    "(function() local m = { __eq = error } local a, b = setmetatable({}, m), setmetatable({}, m)"
    " a.b, b.a = b, a return { a } end)()": "value[1].b.a.b.a.b… contains itself",
    "(function() local t = 1 for i = 1, 101 do t = { t } end return t end)()": "value[1][1][1][1][1][1]… is nested deeper than 100 levels",
}


@pytest.mark.parametrize(("expression", "message"), REFUSED.items(), ids=range(len(REFUSED)))
def test_what_is_no_json_is_refused_with_its_place(
    script: Any, expression: str, message: str
) -> None:
    error = script.error(f"local x = 1\nlocal text = json.encode({expression})\n")
    assert str(error) == f"t.sloth:2: json.encode: {message}"
    assert error.where == "t.sloth:2"


def test_a_refused_value_leaves_no_trace_in_the_next_one(script: Any) -> None:
    lines = script("""
        print(select(2, pcall(json.encode, { a = { b = { c = print } } })))
        print(json.encode({ x = { 1 } }))
        print(select(2, pcall(json.encode, { y = print })))
    """).lines
    assert lines == [
        "t.sloth:2: json.encode: value.a.b.c is a function, which cannot be kept; only text, numbers, booleans, lists and maps can",
        '{"x":[1]}',
        "t.sloth:4: json.encode: value.y is a function, which cannot be kept; only text, numbers, booleans, lists and maps can",
    ]


def test_a_table_whose_metamethods_raise_is_encoded_without_them(script: Any) -> None:
    source = """
        local trap = function() error("a metamethod was called") end
        local t = setmetatable({ 1, { 2 } }, { __index = trap, __eq = trap, __len = trap, __lt = trap })
        setmetatable(t[2], getmetatable(t))
        print(json.encode({ t, t }))
    """
    assert script(source).lines == ["[[1,[2]],[1,[2]]]"]


def test_a_result_of_exec_is_a_map_of_its_fields(script: Any) -> None:
    found = script.value("exec.run('echo out; echo err >&2; exit 3')")
    assert found.pop("duration") >= 0
    assert found == {
        "stdout": "out\n",
        "stderr": "err\n",
        "output": "out\n",
        "error": "err\n",
        "exit_code": 3,
        "success": False,
    }


def test_fifty_megabytes_of_text_cross_in_both_directions(script: Any) -> None:
    source = r"""
        local text = (("x"):rep(991) .. "\1ä\\u0041"):rep(50 * 1000)
        local back = json.decode(json.encode({ text })) [1]
        print(#back, back == text)
    """
    assert script(source).lines == ["50000000 true"]


# -- from Python to Lua ------------------------------------------------------------------------

TO_LUA = {
    "map": ({"a": 1, "b": {"c": [1, 2]}}, "v.a == 1 and v.b.c[2] == 2"),
    "empty map stays a map": ({"m": {}}, "json.encode(v) == '{\"m\":{}}'"),
    "empty list stays a list": ({"l": []}, "json.encode(v) == '{\"l\":[]}'"),
    "null is json.null": ({"n": None}, "v.n == json.null and v.n ~= nil"),
    "list with null": ({"l": [1, None, 3]}, "#v.l == 3 and v.l[2] == json.null"),
    "booleans": ({"t": True, "f": False}, "v.t == true and v.f == false"),
    "whole numbers": ({"n": 2**53, "m": -1}, "v.n == 2^53 and tostring(v.m) == '-1'"),
    "floats": ({"x": 0.1, "y": 1e-7, "z": -2.5e300}, "v.x == 0.1 and v.y == 1e-7 and v.z == -2.5e300"),
    "text": ({"s": 'a"\\b\n\t\0\x1fä🦥'}, r"v.s == 'a\"\\b\n\t\0\31ä🦥'"),
    "backslash before hex digits": ({"s": "\\abcd\\u0041\nbad"}, r"v.s == '\\abcd\\u0041\nbad'"),
    "slashes": ({"s": "</script>"}, "v.s == '</script>'"),
    "keys": ({'a"b': 1, "": 2, "\n": 3}, r"""v['a"b'] == 1 and v[''] == 2 and v['\n'] == 3"""),
}  # fmt: skip


@pytest.mark.parametrize(("value", "condition"), TO_LUA.values(), ids=TO_LUA)
def test_a_json_value_arrives_in_lua(script: Any, value: Any, condition: str) -> None:
    assert script(f"local v = values print({condition})", values=value).lines == ["true"]


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(-(2.0**53), 2.0**53)
    | st.text()
)
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)

# One host for all examples: the property is about values, and a host takes 10 ms to make.
ECHO = "task('echo'):command(function(_, _, deps) return true, nil, { deps } end)"


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_json_value_comes_back_equal(script: Any, data: st.DataObject) -> None:
    loaded = _echo(script)
    value = data.draw(json_values)
    back = loaded.call(deps={"v": value})["output"]
    assert back == [{"v": value}]
    assert json.dumps(back, sort_keys=True) == json.dumps([{"v": _normal(value)}], sort_keys=True)


def _echo(script: Any) -> Any:
    if not hasattr(script, "echo"):
        script.echo = script(ECHO)
    return script.echo


def _normal(value: Any) -> Any:
    """The same with whole floats as int, as Lua has but one type of number."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_normal(item) for item in value]
    if isinstance(value, dict):
        return {key: _normal(item) for key, item in value.items()}
    return value


# -- plain values, tags ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (None, (wire.VALUES, None)),
        (True, (wire.VALUES, True)),
        (3, (wire.VALUES, 3)),
        (1.5, (wire.VALUES, 1.5)),
        ("ä\udcff", (wire.VALUES, b"\xc3\xa4\xff")),
        (b"\0\xff", (wire.VALUES, b"\0\xff")),
        ((None, "x"), (wire.VALUES, None, b"x")),
        ((), (wire.VALUES,)),
        ({"a": [1, "ä"]}, (wire.JSON, '{"a":[1,"ä"]}'.encode())),
        ([], (wire.JSON, b"[]")),
    ],
)
def test_a_result_is_tagged_plain_values(result: object, expected: wire.Answer) -> None:
    assert wire.answer(result) == expected


def test_an_integer_that_lua_cannot_hold_is_refused() -> None:
    assert wire.answer(2**53) == (wire.VALUES, 2**53)
    with pytest.raises(InvalidValue) as caught:
        wire.answer(2**53 + 1)
    assert caught.value.message == (
        "the integer 9007199254740993 is beyond 2^53, which Lua cannot hold exactly"
    )
    assert caught.value.hint == "Keep it as a string."


def test_what_is_not_plain_never_crosses() -> None:
    with pytest.raises(TypeError, match="object cannot cross to Lua"):
        wire.answer(object())
    with pytest.raises(TypeError, match="argument 2 of an operation is no plain value"):
        wire.convert((b"x", object()), frozenset())


def test_arguments_are_text_unless_their_position_is_raw() -> None:
    arguments = (b"\xc3\xa4", b"\xff", 1, 0.5, None, True)
    assert wire.convert(arguments, frozenset({1})) == ["ä", b"\xff", 1, 0.5, None, True]
    assert wire.convert((b"\xff",), frozenset()) == ["\udcff"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": [2**53 + 1]}, "the integer 9007199254740993 is beyond 2^53, which Lua cannot hold exactly"),
        ({"a": math.inf}, "it has a number that is too large"),
        ({"a": math.nan}, "it has a number that is too large"),
        ({"a": "\ud800"}, "a text in it is not valid UTF-8 text"),
        ({"\udcff": 1}, "a text in it is not valid UTF-8 text"),
    ],
)  # fmt: skip
def test_a_json_value_that_lua_could_not_give_back_is_refused(value: Any, message: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        wire.check(value)
    assert caught.value.message == message


def test_a_hundred_levels_are_the_deepest() -> None:
    value: Any = 1
    for _ in range(100):
        value = [value]
    wire.check(value)
    with pytest.raises(InvalidValue, match="it is nested deeper than 100 levels"):
        wire.check({"a": value})
