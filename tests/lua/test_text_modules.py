"""The modules `log`, `json`, `values`, `crypto` and `sleep`."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from typing import Any

import pytest

# -- log and print ---------------------------------------------------------------------------------


def test_every_level_is_a_line_of_its_own(script: Any) -> None:
    source = """
        log.debug("a") log.info("b") log.success("c") log.warn("d") log.error("e") log.print("f") print("g")
    """
    assert script(source).output == [
        ("debug", "a"), ("info", "b"), ("success", "c"), ("warn", "d"), ("error", "e"), ("print", "f"), ("print", "g"),
    ]  # fmt: skip


LOGGED = {
    "": "",
    "nil": "nil",
    "1, nil, true, 1.5, 'x'": "1 nil true 1.5 x",
    "2^53, 1e100, 0/0, -0.0": "9.007199254741e+15 1e+100 nan -0",
    "setmetatable({}, { __tostring = function() return 'me' end })": "me",
    "setmetatable({}, { __tostring = function() return 5 end })": "table",
    "setmetatable({}, { __tostring = function() return {} end })": "table",
    r"'\255 ä'": "\ufffd ä",
    r"'a\nb\0c'": "a\nb\0c",
    "(exec.run('printf x'))": "x",
    "json.null": "null",
    "task('t')": "task t",
}


@pytest.mark.parametrize(("arguments", "text"), LOGGED.items(), ids=LOGGED)
def test_any_values_are_one_line_of_text(script: Any, arguments: str, text: str) -> None:
    line = script(f"log.info({arguments})").lines[-1]
    assert line.replace("-nan", "nan") == text


def test_a_table_is_shown_over_several_lines(script: Any) -> None:
    source = "log.table({ b = { 1, 'x' }, a = { c = true } }) log.table('text') log.table()"
    assert script(source).output == [
        ("info", '{\n  "a": {\n    "c": true\n  },\n  "b": [\n    1,\n    "x"\n  ]\n}'),
        ("print", "text"),
        ("print", "nil"),
    ]


def test_a_table_is_shown_whatever_is_in_it(script: Any) -> None:
    source = r"""
        local t = { 1, nil, 3, f = 5, [true] = 0/0, bytes = "\255", null = json.null }
        t.self = t
        log.table(t)
        log.table({ print = setmetatable({}, { __tostring = error }) and coroutine.create(print) })
        log.table({ { 1, 0/0 ~= 0/0, print } })
    """
    first, second, third = script(source).lines
    shown = json.loads(first)
    assert {key: shown[key] for key in ("1", "3", "f", "bytes", "null")} == {
        "1": 1, "3": 3, "f": 5, "bytes": "\ufffd", "null": None,
    }  # fmt: skip
    assert shown["true"] in {"nan", "-nan"}
    assert shown["self"] == "(a table that this is in)"
    assert json.loads(second)["print"].startswith("thread: 0x")
    assert json.loads(third)[0][:2] == [1, True]


def test_what_can_be_shown_as_it_is_stays_so_beside_what_cannot(script: Any) -> None:
    source = "log.table({ { port = 80, up = true, f = print, list = { 1, 'x' } }, 2.5 })"
    first, second = json.loads(script(source).lines[-1])
    assert first.pop("f").startswith("function: ")
    assert (first, second) == ({"port": 80, "up": True, "list": [1, "x"]}, 2.5)


# -- json ------------------------------------------------------------------------------------------

JSON_RESULTS = {
    "json.encode({ b = 1, a = { 'x' } })": ['{"a":["x"],"b":1}'],
    "json.encode('ä\"')": ['"ä\\""'],
    "json.encode()": ["null"],
    "json.encode(1e-7)": ["1e-07"],
    "json.pretty({ a = 1 })": ['{\n  "a": 1\n}'],
    "json.decode('{\"a\":[1,2.5,null,\"x\"]}')": [{"a": [1, 2.5, None, "x"]}],
    "json.decode('[]')": [[]],
    "json.decode('{}')": [{}],
    "json.decode('\"x\"')": ["x"],
    "json.decode('5')": [5],
    "json.decode('true')": [True],
    "json.decode('null')": [None],
    "json.decode(' 1 ')": [1],
    "json.decode('9007199254740992')": [2**53],
    r"json.decode('\"\\ud83e\\udda5\"')": ["🦥"],
    r"json.decode('\"\\u0000\"') == '\0'": [True],
    "json.decode('')": [None, "not JSON: Expecting value at line 1, column 1"],
    "json.decode('{\"a\":\\n x}')": [None, "not JSON: Expecting value at line 2, column 2"],
    "json.decode('[1] 2')": [None, "not JSON: Extra data at line 1, column 5"],
    "json.decode('NaN')": [None, "not JSON: NaN is no JSON number"],
    "json.decode('[-Infinity]')": [None, "not JSON: -Infinity is no JSON number"],
    "json.decode('1e999')": [None, "it has a number that is too large"],
    "json.decode('9007199254740993')": [None, "the integer 9007199254740993 is beyond 2^53, which Lua cannot hold exactly"],
    "json.decode(('1'):rep(5000))": [None, "the integer 11111111111111111111… is beyond 2^53"],
    "json.decode(('['):rep(101) .. (']'):rep(101))": [None, "it is nested deeper than 100 levels"],
    "json.decode(('['):rep(1e5))": [None, "it is nested deeper than 100 levels"],
    r"json.decode('\"\\ud800\"')": [None, "a text in it is not valid UTF-8 text"],
    r"json.decode('\"\255\"')": [None, "a text in it is not valid UTF-8 text"],
    "type(json.decode('[null]')[1]), json.decode('[null]')[1] == json.null": ["table", True],
    "#json.decode('[1,2]'), json.encode(json.decode('[[],{}]'))": [2, "[[],{}]"],
    "json.encode(json.list())": ["[]"],
    "json.encode(json.list(json.list({ 1 })))": ["[1]"],
}  # fmt: skip


@pytest.mark.parametrize(("call", "results"), JSON_RESULTS.items(), ids=range(len(JSON_RESULTS)))
def test_json_gives_its_value_or_what_is_wrong(script: Any, call: str, results: list[Any]) -> None:
    assert script.values(call) == results


def test_the_deepest_json_that_is_read_can_be_written_again(script: Any) -> None:
    deepest = "('['):rep(100) .. (']'):rep(100)"
    assert script.value(f"json.encode(json.decode({deepest})) == {deepest}") is True


# -- values ----------------------------------------------------------------------------------------

VALUES = {"replicas": 3, "web": {"port": 80, "tags": ["a"]}, "name": "x", "none": None}

VALUES_RESULTS = {
    "values.replicas": [3],
    "values.web.tags[1]": ["a"],
    "values.missing": [None],
    "Values == values, require('values') == values, require('Values') == values": [
        True,
        True,
        True,
    ],
    "values({})": [VALUES],
    "values{ replicas = 1, more = 2 }.replicas, values{ more = 2 }.more": [3, 2],
    "values{ web = { port = 1, host = 'h' } }.web": [{"port": 80, "host": "h", "tags": ["a"]}],
    "values{ web = { tags = { 'b', 'c' } } }.web.tags": [["a"]],
    "values{ web = 'text' }.web.port": [80],
    "values{ name = { a = 1 } }.name": ["x"],
    "values{ none = { a = 1 } }.none == json.null": [True],
    "values{ none = 5 }.none == json.null": [True],
}


@pytest.mark.parametrize(("call", "results"), VALUES_RESULTS.items(), ids=VALUES_RESULTS)
def test_values_are_laid_over_defaults(script: Any, call: str, results: list[Any]) -> None:
    assert script.values(call, values=VALUES) == results


def test_without_values_the_table_is_empty(script: Any) -> None:
    assert script.values("json.encode(values), values{ a = { b = 1 } }") == ["{}", {"a": {"b": 1}}]


def test_defaults_are_there_from_then_on(script: Any) -> None:
    call = "(function() values{ host = 'h', web = { port = 1, path = '/' } } return values.host, values.web end)()"
    web = {"port": 80, "path": "/", "tags": ["a"]}
    assert script.values(call, values=VALUES) == ["h", web]


def test_defaults_are_not_changed_by_the_call(script: Any) -> None:
    source = "local d = { web = { host = 'h' } } values(d) print(json.encode(d))"
    assert script(source, values=VALUES).lines == ['{"web":{"host":"h"}}']


# -- crypto ----------------------------------------------------------------------------------------

CRYPTO = {
    # FIPS 180-4, RFC 1321, RFC 4231 (test case 2), RFC 4648
    "crypto.md5('')": "d41d8cd98f00b204e9800998ecf8427e",
    "crypto.sha1('abc')": "a9993e364706816aba3e25717850c26c9cd0d89d",
    "crypto.sha256('abc')": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "crypto.sha512('abc')": (
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
    ),
    "crypto.hmac('Jefe', 'what do ya want for nothing?')": (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    ),
    "crypto.hmac('Jefe', 'what do ya want for nothing?', 'md5')": "750c783e6ab0b503eaa86e310a5db738",
    "crypto.base64('foobar')": "Zm9vYmFy",
    "crypto.base64_encode('fo')": "Zm8=",
    "crypto.base64_decode('Zm9vYmE=')": "fooba",
    r"crypto.base64_decode('Zm9v\r\nYmE=\n')": "fooba",
    "crypto.hex('az\\0')": "617a00",
    "crypto.hex_decode('617A')": "az",
    "crypto.hash('SHA1', 'abc')": "a9993e364706816aba3e25717850c26c9cd0d89d",
    "crypto.sha256(5)": hashlib.sha256(b"5").hexdigest(),
}


@pytest.mark.parametrize(("call", "expected"), CRYPTO.items(), ids=CRYPTO)
def test_crypto_gives_known_answers(script: Any, call: str, expected: str) -> None:
    assert script.values(call) == [expected]


def test_crypto_takes_and_gives_any_bytes(script: Any) -> None:
    data = bytes(range(256))
    source = r"""
        local t = {} for i = 0, 255 do t[#t + 1] = string.char(i) end
        local all = table.concat(t)
        print(crypto.sha256(all), crypto.hmac(all, all), crypto.base64_decode(crypto.base64(all)) == all,
              crypto.hex_decode(crypto.hex(all)) == all)
    """
    assert script(source).lines == [
        f"{hashlib.sha256(data).hexdigest()} {hmac.new(data, data, 'sha256').hexdigest()} true true"
    ]


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ("crypto.base64_decode('a')", "not base64: "),
        ("crypto.base64_decode('a b=')", "not base64: "),
        ("crypto.base64_decode('ä')", "not base64: "),
        ("crypto.hex_decode('abc')", "not hex: "),
        ("crypto.hex_decode('xy')", "not hex: "),
    ],
)
def test_what_cannot_be_decoded_is_nil_and_a_message(script: Any, call: str, problem: str) -> None:
    value, message = script.values(call)
    assert value is None
    assert message.startswith(problem)


def test_random_values_have_their_form_and_differ(script: Any) -> None:
    found = script.value(
        "{ crypto.uuid(), crypto.uuid(), crypto.random_string(), crypto.random_string(), crypto.random_string(200) }"
    )
    assert len(set(found)) == 5
    assert all(re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", each) for each in found[:2])  # fmt: skip
    assert all(re.fullmatch(r"[A-Za-z0-9]{32}", each) for each in found[2:4])
    assert re.fullmatch(r"[A-Za-z0-9]{200}", found[4])
    assert len(set(found[4])) > 30


def test_passwords_and_bytes_are_random_and_of_what_was_asked_for(script: Any) -> None:
    found = script.value(
        "{ crypto.generate_password(400), crypto.generate_password(400, false), crypto.random_string(200, 'ab'), crypto.random_bytes(30), crypto.uuid_v4() }"
    )
    special = set("!@#$%^&*()-_=+[]{}:,.?")
    assert [len(each) for each in found] == [400, 400, 200, 40, 36]
    assert set(found[0]) & special
    assert not set(found[1]) & special
    assert found[1].isalnum()
    assert set(found[2]) == {"a", "b"}
    assert len(base64.b64decode(found[3])) == 30


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("crypto.hash('sha3', 'x')", "crypto.hash: there is no algorithm 'sha3'"),
        ("crypto.generate_password()", "crypto.generate_password: length must be a number, not nothing"),
        ("crypto.random_bytes(0)", "crypto.random_bytes: length must be a whole number, 1 to 1048576"),
        ("crypto.random_string(5, '')", "crypto.random_string: characters must not be empty"),
        ("crypto.random_string(1.5)", "crypto.random_string: length must be a whole number, 1 to 1048576"),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_an_error_at_its_line(script: Any, call: str, message: str) -> None:
    assert str(script.error(f"\nlocal x = {call}")).startswith(f"t.sloth:2: {message}")


# -- sleep -----------------------------------------------------------------------------------------


def test_sleep_takes_seconds_and_durations(script: Any) -> None:
    started = time.monotonic()
    assert script("sleep(0.05) sleep('50ms') sleep('0') print(sleep(0))").lines == [""]
    assert 0.1 <= time.monotonic() - started < 1
