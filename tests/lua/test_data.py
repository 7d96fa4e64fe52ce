"""The modules `data`, `yaml` and `toml`: known answers, and what cannot be read or written."""

from __future__ import annotations

from typing import Any

import pytest

TOO_LARGE = "the integer 9007199254740993 is beyond 2^53, which Lua cannot hold exactly"

# An expression, and all its results.
RESULTS = {
    # YAML
    "yaml.encode({ b = { 1, 2.5, { c = 'x' } }, a = true })": ["a: true\nb:\n- 1\n- 2.5\n- c: x\n"],
    "yaml.encode({ date = '2024-01-02', yes = 'yes', number = '5', none = json.null })": [
        "date: '2024-01-02'\nnone: null\nnumber: '5'\n'yes': 'yes'\n"
    ],
    "yaml.encode('text'), yaml.encode(5), yaml.encode()": ["text\n", "5\n", "null\n"],
    "yaml.encode({}), yaml.encode(json.list())": ["{}\n", "[]\n"],
    "yaml.encode({ 'ä 🦥' })": ["- ä 🦥\n"],
    "yaml.encode({ ('word '):rep(100) .. 'end' }):find('\\n')": [506, 506],
    "yaml.decode('a: 1\\nb: [x, 2.5, true, null]')": [{"a": 1, "b": ["x", 2.5, True, None]}],
    "yaml.decode('a: null').a == json.null": [True],
    "yaml.decode('')": [None],
    "yaml.decode('- 2024-01-02\\n- 2024-01-02T03:04:05Z\\n- 2024-01-02 03:04:05')": [
        ["2024-01-02", "2024-01-02T03:04:05Z", "2024-01-02 03:04:05"]
    ],
    "yaml.decode('- !!timestamp 2024-01-02')": [["2024-01-02"]],
    "yaml.decode('80: a\\ntrue: b\\n2024-01-02: c\\nnull: d\\n1.5: e')": [
        {"80": "a", "true": "b", "2024-01-02": "c", "null": "d", "1.5": "e"}
    ],
    "yaml.decode('base: &b { x: 1 }\\nall: { <<: *b, y: 2 }')": [{"base": {"x": 1}, "all": {"x": 1, "y": 2}}],
    "yaml.decode('t: |\\n  one\\n  two\\n').t": ["one\ntwo\n"],
    "yaml.decode('{ a: 1')": [None, "not YAML: did not find expected ',' or '}' at line 2, column 1"],
    "yaml.decode('a: b: c')": [None, "not YAML: mapping values are not allowed in this context at line 1, column 5"],
    "yaml.decode('--- 1\\n--- 2')": [None, "not YAML: it has a second document, which begins at line 2, column 1"],
    "yaml.decode('!!python/object/apply:os.system [\"touch made\"]')": [
        None,
        "not YAML: could not determine a constructor for the tag "
        "'tag:yaml.org,2002:python/object/apply:os.system' at line 1, column 1",
    ],
    "yaml.decode('a: .nan')": [None, "it has nan, which is no JSON number"],
    "yaml.decode('a: -.inf')": [None, "it has -inf, which is no JSON number"],
    "yaml.decode('a: 9007199254740993')": [None, TOO_LARGE],
    "yaml.decode('a: !!binary aGk=')": [None, "it has a value of the type bytes, which JSON has not"],
    "yaml.decode('? [1, 2]\\n: x')": [None, "not YAML: found unhashable key at line 1, column 3"],
    r"yaml.decode('a: \255')": [None, "not YAML: it is not UTF-8 text"],
    "yaml.decode(('['):rep(101) .. (']'):rep(101))": [None, "it is nested deeper than 100 levels"],
    "yaml.decode('&a [*a]')": [None, "it is nested deeper than 100 levels"],
    "yaml.decode('&a [*a, *a]')": [None, "it is nested deeper than 100 levels"],
    # TOML
    "toml.encode({ name = 'x', web = { ports = json.list({ 80 }) }, rate = 0.5, on = true })": [
        'name = "x"\non = true\nrate = 0.5\n\n[web]\nports = [\n    80,\n]\n'
    ],
    "toml.encode({})": [""],
    "toml.decode('a = 1\\n[b]\\nc = [\"x\", 2.5, true]')": [{"a": 1, "b": {"c": ["x", 2.5, True]}}],
    "toml.decode('d = 2024-01-02\\nt = 03:04:05\\nm = 2024-01-02T03:04:05Z')": [
        {"d": "2024-01-02", "t": "03:04:05", "m": "2024-01-02T03:04:05+00:00"}
    ],
    "toml.decode('')": [{}],
    "toml.decode('a = ')": [None, "not TOML: Invalid value (at end of document)"],
    "toml.decode('a = 1\\na = 2')": [None, "not TOML: Cannot overwrite a value (at end of document)"],
    "toml.decode('a = nan')": [None, "it has nan, which is no JSON number"],
    "toml.decode('a = 9007199254740993')": [None, TOO_LARGE],
    r"toml.decode('a = \"\255\"')": [None, "a text in it is not valid UTF-8 text"],
    "toml.decode('a = ' .. ('['):rep(101) .. (']'):rep(101))": [None, "it is nested deeper than 100 levels"],
    # CSV
    "data.csv_decode('a,b\\n1,\"x, \"\"y\"\"\\nz\"\\r\\n\\n3,')": [[["a", "b"], ["1", 'x, "y"\nz'], ["3", ""]]],
    "data.csv_decode('a;b', ';')": [[["a", "b"]]],
    "data.csv_decode('a\\tb', { delimiter = '\\t' })": [[["a", "b"]]],
    "data.csv_decode('name,age\\nx,5\\n', { header = true })": [[{"name": "x", "age": "5"}]],
    "data.csv_decode('')": [[]],
    "data.csv_decode('', { header = true })": [[]],
    r"data.csv_decode('\239\187\191a,b')": [[["a", "b"]]],
    "data.csv_decode('a,b\\n1\\n', { header = true })": [None, "not CSV: row 2 has 1 fields, the first 2"],
    "data.csv_decode('a\\n\"b')": [None, "not CSV: unexpected end of data at line 2"],
    "#data.csv_decode(('x'):rep(200000))[1][1]": [200000],
    r"data.csv_decode('\255')": [None, "a text in it is not valid UTF-8 text"],
    "data.csv_encode({ { 'a', 'b' }, { 1, 'x, \"y\"' }, { true, json.null }, {} })": [
        'a,b\n1,"x, ""y"""\ntrue,\n\n'
    ],
    "data.csv_encode({ { 1, 2.5 } }, ';')": ["1;2.5\n"],
    "data.csv_encode({ { b = 2, a = 'x' }, { a = 'y' } }, { header = { 'a', 'b' } })": ["a,b\nx,2\ny,\n"],
    "data.csv_encode({})": [""],
    "data.csv_parse('a,b'), data.csv_generate({ { 'a' } })": [[["a", "b"]], "a\n"],
    # under other names
    "data.json_encode({ b = 1, a = 2 }), data.json_decode('[1]')": ['{"a":2,"b":1}', [1]],
    "data.json_pretty({ a = 1 }), data.to_json({ a = 1 })": ['{\n  "a": 1\n}', '{\n  "a": 1\n}'],
    "data.parse_json('{\"a\":1}').a, data.parse_yaml('a: 1').a": [1, 1],
    "data.yaml_encode({ a = 1 }), data.to_yaml({ a = 1 }), data.yaml_decode('a: 1')": ["a: 1\n", "a: 1\n", {"a": 1}],
    "data.toml_encode({ a = 1 }), data.toml_decode('a = 1')": ["a = 1\n", {"a": 1}],
    "data.json_validate('{}'), data.json_validate('null')": [True, True, None],
    "data.json_validate('{')": [
        False,
        "not JSON: Expecting property name enclosed in double quotes at line 1, column 2",
    ],
    "data.yaml_to_json('a: [1]')": ['{"a":[1]}'],
    "data.yaml_to_json('{')": [None, "not YAML: did not find expected node content at line 2, column 1"],
    "data.json_to_yaml('{\"a\":[1]}')": ["a:\n- 1\n"],
    "data.json_to_yaml('{')": [
        None,
        "not JSON: Expecting property name enclosed in double quotes at line 1, column 2",
    ],
    # tables in tables
    "data.deep_merge({ a = { x = 1, y = { 1, 2 } }, b = 1 }, { a = { y = { 3 }, z = 2 } }, { b = { c = 1 } })": [
        {"a": {"x": 1, "y": [3], "z": 2}, "b": {"c": 1}}
    ],
    "data.deep_merge({ a = json.null }, { a = { b = 1 } }, { l = json.list() })": [{"a": {"b": 1}, "l": []}],
    "data.deep_merge({ a = { b = 1 } }, { a = json.list() })": [{"a": []}],
    "data.deep_merge({ a = json.list() }, { a = { b = 1 } })": [{"a": {"b": 1}}],
    "data.deep_merge()": [{}],
    "data.get_path({ web = { ports = { 80, 443 } } }, 'web.ports.2')": [443],
    "data.get_path({ a = { ['1'] = 'x' } }, 'a/1', '/')": ["x"],
    "data.get_path({ a = 1 }, 'a.b.c'), data.get_path({}, 'a')": [None, None],
    "data.get_path({ a = json.null }, 'a.b')": [None],
    "data.get_path({ 1, 2 }, 'nan'), data.set_path({ 1 }, 'nan', 2).nan": [None, 2],
    "data.set_path({ a = 1 }, 'b.c.d', 5)": [{"a": 1, "b": {"c": {"d": 5}}}],
    "data.set_path({ l = { 1, 2 } }, 'l/2', 9, '/')": [{"l": [1, 9]}],
    "data.flatten({ a = { b = 1, c = { 'x', 'y' } }, d = {}, e = false })": [
        {"a.b": 1, "a.c.1": "x", "a.c.2": "y", "d": {}, "e": False}
    ],
    "data.flatten({ a = { b = 1 } }, '_')": [{"a_b": 1}],
    "data.unflatten({ ['a.b'] = 1, ['a.c.1'] = 'x', ['a.c.2'] = 'y', ['n.2'] = 0 })": [
        {"a": {"b": 1, "c": ["x", "y"]}, "n": {"2": 0}}
    ],
    "data.unflatten({ a_b = 1 }, '_')": [{"a": {"b": 1}}],
}  # fmt: skip


@pytest.mark.parametrize(("call", "results"), RESULTS.items(), ids=range(len(RESULTS)))
def test_a_call_gives_its_value_or_what_is_wrong(
    script: Any, call: str, results: list[Any]
) -> None:
    assert script.values(call) == results
    assert [path.name for path in script.folder.iterdir()] == ["t.sloth"]


def test_a_few_lines_that_repeat_each_other_do_not_fill_the_memory(script: Any) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    (script.folder / "bomb.yaml").write_text("\n".join(lines))
    found = script.values("yaml.decode(fs.read('bomb.yaml'))")
    assert found == [None, "it has more than 1000000 values, repeated ones included"]


def test_what_was_merged_or_read_can_be_changed_without_the_original(script: Any) -> None:
    source = """
        local original = { a = { list = { 1 } } }
        local merged = data.deep_merge(original, {})
        merged.a.list[1], merged.a.x = 2, 3
        print(json.encode(original), json.encode(merged))
        local inner = { 5 }
        local under = data.deep_merge({}, { a = inner })
        under.a[1] = 6
        print(inner[1])
    """
    assert script(source).lines == ['{"a":{"list":[1]}} {"a":{"list":[2],"x":3}}', "5"]


def test_a_script_that_has_its_own_split_breaks_nothing(script: Any) -> None:
    source = """
        function string.split() error("mine") end
        print(data.get_path({ a = { b = 5 } }, "a.b"), strings.split("x,y")[2])
    """
    assert script(source).lines == ["5 y"]


ROUND_TRIPS = [
    "{ a = { 1, 'x', true, { b = 1.5 } }, ['on'] = 'off', ['ü'] = '1e3', s = ' a\\nb: #c ' }",
    "{ x = json.list() }",
]


@pytest.mark.parametrize("value", ROUND_TRIPS)
@pytest.mark.parametrize("module", ["json", "yaml", "toml"])
def test_what_was_written_can_be_read(script: Any, module: str, value: str) -> None:
    source = f"local v = {value} print(json.encode({module}.decode({module}.encode(v))) == json.encode(v))"
    assert script(source).lines == ["true"]


REFUSED = {
    "yaml.encode(print)": "yaml.encode: value is a function, which cannot be kept; only text, numbers, booleans, lists and maps can",
    "yaml.encode({ a = 0/0 })": "yaml.encode: value.a is nan, which is no JSON number",
    r"toml.encode({ a = '\255' })": "toml.encode: value.a is not UTF-8 text; encode bytes first, for instance with crypto.base64",
    "toml.encode({ 1 })": "toml.encode: value must be a table of names to values, not a list",
    "toml.encode('x')": 'toml.encode: value must be a table of names to values, not the string "x"',
    "toml.encode({ a = { json.null } })": "toml.encode: value has a null in it, which TOML has not",
    "yaml.decode()": "yaml.decode: text must be a string, not nothing",
    "toml.decode({})": "toml.decode: text must be a string, not a table",
    "data.csv_decode('a', ';;')": "data.csv_decode: delimiter must be one character",
    "data.csv_decode('a', { headers = true })": "data.csv_decode: it has no field 'headers'; did you mean 'header'?",
    "data.csv_encode('a')": 'data.csv_encode: rows must be a table, not the string "a"',
    "data.csv_encode({ a = 1 })": "data.csv_encode: rows must be a list, not a map",
    "data.csv_encode({ { 1 }, { a = 1 } })": "data.csv_encode: row 2 must be a list, not a map",
    "data.csv_encode({ { { 1 } } })": "data.csv_encode: row 1 has a table in it",
    "data.csv_encode({ { a = 1 } }, { header = { 'b' } })": (
        "data.csv_encode: row 1 must have only the fields that header names"
    ),
    "data.deep_merge({}, 5)": "data.deep_merge: argument 2 must be a table, not 5",
    "data.get_path('x', 'a')": 'data.get_path: tab must be a table, not the string "x"',
    "data.get_path({}, {})": "data.get_path: path must be a string, not a table",
    "data.set_path({ a = 1 }, 'a.b', 2)": "data.set_path: there is no table at a, but a number",
    "data.flatten((function() local t = {} t.t = t return t end)())": (
        "data.flatten: a table is nested deeper than 100 levels"
    ),
    "data.deep_merge({}, (function() local t = {} t.t = t return { t } end)())": (
        "data.deep_merge: a table is nested deeper than 100 levels"
    ),
    "data.csv_encode({ { print } })": "data.csv_encode: rows[1][1] is a function, which cannot be kept",
    "data.unflatten({ a = 1, ['a.b'] = 2 })": "data.unflatten: there is a value at a",
}  # fmt: skip


@pytest.mark.parametrize(("call", "message"), REFUSED.items(), ids=range(len(REFUSED)))
def test_a_wrong_argument_is_an_error_at_its_line(script: Any, call: str, message: str) -> None:
    error = str(script.error(f"\nlocal x = {call}")).replace("-nan", "nan")
    assert error.startswith(f"t.sloth:2: {message}")
