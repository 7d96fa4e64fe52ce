"""The module `strings`, and what Lua's own `string` and `math` have besides."""

from __future__ import annotations

from typing import Any

import pytest

# An expression, and all its results.
RESULTS = {
    # both in strings and as methods
    "strings.split('a,b,,c')": [["a", "b", "", "c"]],
    "strings.split('a, b, c', ', '), ('a.b'):split('.')": [["a", "b", "c"], ["a", "b"]],
    "strings.split(''), strings.split(',')": [[""], ["", ""]],
    "strings.trim(' \\t a b\\n'), (' x '):trim(), strings.trim('  '), strings.trim('')": ["a b", "x", "", ""],
    "strings.contains('a.c', '.'), strings.contains('abc', '.'), ('abc'):contains('')": [True, False, True],
    "strings.starts_with('abc', 'ab'), strings.starts_with('abc', 'b'), ('abc'):starts_with('')": [True, False, True],
    "strings.ends_with('abc', 'bc'), strings.ends_with('abc', 'b'), ('abc'):ends_with(''), ('c'):ends_with('bc')": [
        True, False, True, False,
    ],
    "strings.split(exec.run('printf a:b'), ':'), exec.run('echo x'):trim()": [["a", "b"], "x"],
    # strings
    "strings.join({ 'a', 1, true }, ', '), strings.join({}, ','), strings.join({ 'a', 'b' })": ["a, 1, true", "", "ab"],
    "strings.replace('a.b.c', '.', '%1'), strings.replace('a.b.c', '.', '-', 1), strings.replace('aa', 'a', 'b', -1)": [
        "a%1b%1c", "a-b.c", "bb",
    ],
    "strings.replace('a+b', 'a+b', 'x'), strings.replace('abc', 'x', 'y'), strings.replace('aa', 'a', 'b', 0)": [
        "x", "abc", "aa",
    ],
    "strings.upper('äbc'), strings.lower('ÄBC'), strings.title('hello élan o\\'neil')": ["ÄBC", "äbc", "Hello Élan O'neil"],
    r"strings.upper('\255a') == '\255A'": [True],
    "strings.pad_left('7', 3, '0'), strings.pad_left('abc', 2), strings.pad_left('x', 4, 'ab')": ["007", "abc", "abax"],
    "strings.pad_right('ab', 4) .. '|', strings.pad_right('x', 4, 'ab')": ["ab  |", "xaba"],
    "strings.truncate('hello world', 8), strings.truncate('short', 8), strings.truncate('hello', 2)": ["hello...", "short", ".."],
    "strings.truncate('äöüäöü', 4, '…'), strings.truncate('abc', 0)": ["äöü…", ""],
    "strings.url_encode('a b&c=ä/~'), strings.url_decode('a%20b%26%C3%A4+%zz')": ["a%20b%26c%3D%C3%A4%2F~", "a b&ä+%zz"],
    "strings.base64_encode('hi'), strings.base64_decode('aGk=')": ["aGk=", "hi"],
    "strings.md5(''), #strings.sha1(''), #strings.sha256('')": ["d41d8cd98f00b204e9800998ecf8427e", 40, 64],
    "strings.is_numeric('1.5'), strings.is_numeric('1e3'), strings.is_numeric('x'), strings.is_numeric('')": [
        True, True, False, False,
    ],
    "strings.is_alpha('äb'), strings.is_alpha('a1'), strings.is_alpha('')": [True, False, False],
    "strings.is_alphanumeric('äb1'), strings.is_alphanumeric('a-1'), strings.is_alphanumeric('')": [True, False, False],
    "strings.is_email('a.b+c@ex-ample.org'), strings.is_email('a@b'), strings.is_email('@b.org')": [True, False, False],
    "strings.is_url('https://example.org/x?y'), strings.is_url('ftp://x'), strings.is_url('http://')": [True, False, False],
    # math
    "math.round(2.5), math.round(-2.5), math.round(2.4), math.round(-0.2), math.round(7)": [3, -3, 2, 0, 7],
    "math.round(0.49999999999999994), math.round(2^53 - 1), math.round(1/0) == 1/0": [0, 2**53 - 1, True],
    "math.round(3.14159, 2), math.round(1234, -2), math.round(1.5, 0)": [3.14, 1200, 2],
    "tostring(math.round(-0.2))": ["0"],
    "math.clamp(5, 1, 3), math.clamp(-5, 1, 3), math.clamp(2, 1, 3)": [3, 1, 2],
    "math.cbrt(27), math.cbrt(-8), math.log2(8)": [3, -2, 3],
    "math.sum({ 1, 2, 3.5 }), math.sum({}), math.mean({ 1, 2, 6 })": [6.5, 0, 3],
    "math.median({ 9, 1, 5 }), math.median({ 4, 1, 3, 2 }), math.median({ 7 })": [5, 2.5, 7],
    "math.mode({ 1, 2, 2, 3, 3 }), math.variance({ 2, 4, 4, 4, 5, 5, 7, 9 }), math.std_dev({ 2, 4, 4, 4, 5, 5, 7, 9 })": [2, 4, 2],
    "math.e > 2.718 and math.e < 2.719 and math.phi > 1.618 and math.phi < 1.6181": [True],
    "math.seed(5) == nil and math.random_int(3, 3)": [3],
    "math.floor(-1.5), math.max(1, 3, 2), math.pi > 3": [-2, 3, True],
}  # fmt: skip


@pytest.mark.parametrize(("call", "results"), RESULTS.items(), ids=range(len(RESULTS)))
def test_a_call_gives_its_value(script: Any, call: str, results: list[Any]) -> None:
    assert script.values(call) == results


def test_random_numbers_stay_within_their_limits_and_follow_the_seed(script: Any) -> None:
    source = """
        local function ten() math.seed(42) local t = {} for i = 1, 10 do t[i] = math.random_int(1, 6) end return table.concat(t) end
        print(ten() == ten())
        for _ = 1, 1000 do
          local n, f = math.random_int(-2, 2), math.random_float(0.5, 1.5)
          assert(n >= -2 and n <= 2 and n == math.floor(n) and f >= 0.5 and f < 1.5)
        end
    """
    assert script(source).lines == ["true"]


def test_a_median_of_many_numbers_is_found_and_the_list_stays_as_it_was(script: Any) -> None:
    source = """
        local t = {} for i = 1, 100001 do t[i] = 100002 - i end
        print(math.median(t), t[1])
    """
    assert script(source).lines == ["50001 100001"]


REFUSED = {
    "strings.split()": "string.split: text must be a string, not nothing",
    "strings.split('a', '')": "string.split: separator must not be empty",
    "('a'):contains()": "string.contains: part must be a string, not nothing",
    "strings.join('a', ',')": 'strings.join: parts must be a table, not the string "a"',
    "strings.replace('a', '', 'b')": "strings.replace: part must not be empty",
    "strings.pad_left('a', 'x')": 'strings.pad_left: width must be a number, not the string "x"',
    "strings.pad_right('a', 5, '')": "strings.pad_right: pad must not be empty",
    "strings.upper({})": "strings.upper: text must be a string, not a table",
    "strings.is_email()": "strings.is_email: text must be a string, not nothing",
    "math.round('5')": 'math.round: number must be a number, not the string "5"',
    "math.clamp(1, 3, 2)": "math.clamp: lowest must not be more than highest",
    "math.random_int(1.5, 2)": "math.random_int: lowest and highest must be whole numbers",
    "strings.truncate('x', 0/0)": "strings.truncate: length must be a whole number, 0 or more",
    "strings.truncate('x', -1)": "strings.truncate: length must be a whole number, 0 or more",
    "strings.join({ 'a', {} })": "strings.join: item 2 must be a string, not a table",
    "math.random_int(3, 1)": "math.random_int: lowest must not be more than highest",
    "math.mean({})": "math.mean: there are no numbers",
    "math.sum({ 1, 'x' })": 'math.sum: item 2 must be a number, not the string "x"',
    "math.median(5)": "math.median: numbers must be a table, not 5",
}


@pytest.mark.parametrize(("call", "message"), REFUSED.items(), ids=REFUSED)
def test_a_wrong_argument_is_an_error_at_its_line(script: Any, call: str, message: str) -> None:
    assert str(script.error(f"\nlocal x = {call}")) == f"t.sloth:2: {message}"
