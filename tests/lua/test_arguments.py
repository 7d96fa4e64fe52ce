"""Every function of every module says which argument is wrong, what was expected and what it got,
at the line of the script that called it."""

from __future__ import annotations

from typing import Any

import pytest

# A call, and the message without "t.sloth:2: ".
WRONG = {
    # fs
    "fs.read()": "fs.read: path must be a string, not nothing",
    "fs.read('')": "fs.read: path must not be empty",
    "fs.rmr('')": "fs.rmr: path must not be empty",
    "fs.ls('')": "fs.ls: path must not be empty",
    "fs.copy('a', '')": "fs.copy: to must not be empty",
    "file_ops.copy('', 'a')": "file_ops.copy: a path must not be empty",
    "file_ops.lineinfile('', 'a')": "file_ops.lineinfile: a path must not be empty",
    "file_ops.fetch('ftp://x/y', 'a')": "file_ops.fetch: src must be a path, or a URL that begins with http:// or https:// and a host, not 'ftp://x/y'",
    "fs.read({})": "fs.read: path must be a string, not a table",
    "fs.read(print)": "fs.read: path must be a string, not a function",
    "fs.read(true)": "fs.read: path must be a string, not true",
    "fs.read(io.stdout)": "fs.read: path must be a string, not a userdata",
    "fs.read(coroutine.create(print))": "fs.read: path must be a string, not a thread",
    "fs.read(json.null)": "fs.read: path must be a string, not nothing",
    "fs.read(setmetatable({}, { __metatable = 5 }))": "fs.read: path must be a string, not a table",
    "fs.write('x')": "fs.write: content must be a string, not nothing",
    "fs.write({}, 'x')": "fs.write: path must be a string, not a table",
    "fs.write('x', { 1 })": "fs.write: content must be a string, not a table",
    "fs.append('x', false)": "fs.append: content must be a string, not false",
    "fs.append(nil, 'x')": "fs.append: path must be a string, not nothing",
    "fs.copy('a')": "fs.copy: to must be a string, not nothing",
    "fs.copy({}, 'b')": "fs.copy: from must be a string, not a table",
    "fs.move('a', {})": "fs.move: to must be a string, not a table",
    "fs.move()": "fs.move: from must be a string, not nothing",
    "fs.ls({})": "fs.ls: path must be a string, not a table",
    "fs.glob()": "fs.glob: pattern must be a string, not nothing",
    **{
        f"fs.{name}()": f"fs.{name}: path must be a string, not nothing"
        for name in ("exists", "mkdir", "rm", "rmr", "size", "stat", "basename", "dirname")
    },
    "fs.rm_r()": "fs.rmr: path must be a string, not nothing",
    # exec
    "exec.run()": "exec.run: command must be a string, not nothing",
    "exec()": "exec.run: command must be a string, not nothing",
    "exec.sh()": "exec.run: command must be a string, not nothing",
    "exec.run(5)": "exec.run: command must be a string, not 5",
    "exec.run({ 'ls' })": "exec.run: command must be a string, not a table",
    "exec.run('x', 'y')": 'exec.run: options must be a table of names to values, not the string "y"',
    "exec.run('x', { workdir = 1 == 1 })": "exec.run: workdir must be a string, not true",
    "exec.run('x', { wordkir = '/' })": "exec.run: it has no field 'wordkir'; did you mean 'workdir'?",
    "exec.run('x', { 'y' })": "exec.run: options must be a table of names to values, not a list",
    "exec.run('x', { env = 'A=1' })": 'exec.run: env must be a table of names to values, not the string "A=1"',
    "exec.run('x', { env = { 'A=1' } })": "exec.run: env must be a table of names to values, not a list",
    "exec.run('x', { env = { A = {} } })": "exec.run: env.A must be a string, not a table",
    "exec.run('x', { env = { A = json.null } })": "exec.run: env.A must be a string, not nothing",
    "exec.run('x', { timeout = 'soon' })": (
        "exec.run: timeout: 'soon' is not a duration. Write \"1h30m\", \"90s\", \"250ms\" or a number of seconds."
    ),
    "exec.run('x', { timeout = {} })": "exec.run: timeout must be a duration, not a table",
    "exec.run('x', { timeout = -1 })": (
        'exec.run: timeout: -1 is not a duration. Write "1h30m", "90s", "250ms" or a number of seconds.'
    ),
    "exec.run('x', { stdin = {} })": "exec.run: stdin must be a string, not a table",
    "exec.run('x', { user = 5 == 5 })": "exec.run: user must be a string, not true",
    # json
    "json.decode()": "json.decode: text must be a string, not nothing",
    "json.decode({})": "json.decode: text must be a string, not a table",
    "json.list('x')": 'json.list: its argument must be a table, not the string "x"',
    "json.list(exec)": "json.list: its argument has a metatable of its own",
    # values
    "values()": "values: its argument must be a table, not nothing",
    "values('x')": 'values: its argument must be a table, not the string "x"',
    # sleep
    "sleep()": "sleep: its argument must be a duration, not nothing",
    "sleep({})": "sleep: its argument must be a duration, not a table",
    "sleep(true)": "sleep: its argument must be a duration, not true",
    "sleep(0/0)": 'sleep: its argument: nan is not a duration. Write "1h30m", "90s", "250ms" or a number of seconds.',
    "sleep(1/0)": 'sleep: its argument: inf is not a duration. Write "1h30m", "90s", "250ms" or a number of seconds.',
    "sleep('1 year')": (
        "sleep: its argument: '1 year' is not a duration. Write \"1h30m\", \"90s\", \"250ms\" or a number of seconds."
    ),
    "sleep(1e300)": "sleep: its argument: 1e+300 is longer than 100 years. Is its unit right?",
    # crypto
    **{
        f"crypto.{name}()": f"crypto.{name}: text must be a string, not nothing"
        for name in ("md5", "sha1", "sha256", "sha512", "base64_decode", "hex_decode", "base64", "hex")
    },
    "crypto.base64_encode({})": "crypto.base64: text must be a string, not a table",
    "crypto.hex_encode({})": "crypto.hex: text must be a string, not a table",
    "crypto.hmac()": "crypto.hmac: key must be a string, not nothing",
    "crypto.hmac('k')": "crypto.hmac: text must be a string, not nothing",
    "crypto.hmac('k', 't', {})": "crypto.hmac: algorithm must be a string, not a table",
    "crypto.hmac('k', 't', 'sha3')": "crypto.hmac: there is no algorithm 'sha3' (md5, sha1, sha256, sha512)",
    "crypto.random_string('x')": 'crypto.random_string: length must be a number, not the string "x"',
    **{
        f"crypto.random_string({length})": "crypto.random_string: length must be a whole number, 1 to 1048576"
        for length in ("0", "-1", "1.5", "2^20 + 1", "0/0", "1/0")
    },
    # require
    "require()": "require: its argument must be a string, not nothing",
    "require('jsn')": "require: there is no module 'jsn'; did you mean 'json'?",
    "require('no.such.thing')": "require: there is no module 'no.such.thing'",
}  # fmt: skip

NEEDS_A_RUN = (
    "needs a run, and while the file is loaded there is none (Move it into a task's command.)"
)

STATE = {
    "state.resource()": "state.resource: its argument must be a table, not nothing",
    "state.resource('x')": 'state.resource: its argument must be a table, not the string "x"',
    "state.resource{}": "state.resource: {} must be a string, not nothing",
    "state.resource{ type = 'c' }": "state.resource: name must be a string, not nothing",
    "state.resource{ type = {}, name = 'x' }": "state.resource: type must be a string, not a table",
    "state.resource{ type = 'c', name = 'x', attributes = 'y' }": (
        'state.resource: attributes must be a table of names to values, not the string "y"'
    ),
    "state.resource{ type = 'c', name = 'x', attributes = { 1, 2 } }": (
        "state.resource: attributes must be a table of names to values, not a list"
    ),
    "state.resource{ type = 'c', name = 'x', attributes = { f = print } }": (
        "state.resource: attributes.f is a function, which cannot be kept; only text, numbers, booleans, lists and maps can"
    ),
    "state.resource{ type = 'c', name = 'x', atributes = {} }": (
        "state.resource: it has no field 'atributes'; did you mean 'attributes'?"
    ),
    "state.resource(setmetatable({}, { __index = { type = 'c', name = 'x' } }))": (
        "state.resource: {} must be a string, not nothing"
    ),
    "state.add_resource('id')": "state.add_resource: its argument must be a table, not nothing",
    "state.add_resource({}, {})": "state.add_resource: {} must be a string, not nothing",
    "state.add_resource(true, { type = 'c', name = 'x' })": "state.add_resource: id must be a string, not true",
    "state.update_resource()": "state.update_resource: type must be a string, not nothing",
    "state.update_resource('c')": "state.update_resource: name must be a string, not nothing",
    "state.update_resource('c', 'x')": "state.update_resource: its argument must be a table, not nothing",
    "state.update_resource('c', 'x', { state = 'y' })": (
        "state.update_resource: it has no field 'state'; did you mean 'status'?"
    ),
    "state.remove_resource()": "state.remove_resource: type must be a string, not nothing",
    "state.remove_resource('c', {})": "state.remove_resource: name must be a string, not a table",
    "state.get_resource({})": "state.get_resource: type must be a string, not a table",
    "state.get_resource('c')": "state.get_resource: name must be a string, not nothing",
    "state.resources('c')": 'state.resources: its argument must be a table, not the string "c"',
    "state.resources{ kind = 'c' }": "state.resources: it has no field 'kind'; there is type",
    "state.set_output()": "state.set_output: key must be a string, not nothing",
    "state.set_output('k', print)": (
        "state.set_output: value is a function, which cannot be kept; only text, numbers, booleans, lists and maps can"
    ),
    "state.set_output('k', 1, { secret = true })": "state.set_output: it has no field 'secret'; there is sensitive",
    "state.set_output('k', 1, { sensitiv = true })": (
        "state.set_output: it has no field 'sensitiv'; did you mean 'sensitive'?"
    ),
    "state.set_output('k', 1, { sensitive = 'yes' })": (
        'state.set_output: sensitive must be a boolean, not the string "yes"'
    ),
    "state.get_output({})": "state.get_output: key must be a string, not a table",
    "state.output_of()": "state.output_of: workflow must be a string, not nothing",
    "state.output_of('w')": "state.output_of: key must be a string, not nothing",
    "state.set_metadata()": "state.set_metadata: key must be a string, not nothing",
    "state.set_metadata('k', {})": "state.set_metadata: value must be a string, not a table",
    "state.with_lock()": "state.with_lock: name must be a string, not nothing",
    "state.with_lock('n')": "state.with_lock: its function must be a function, not nothing",
    "state.with_lock('n', {}, 'f')": 'state.with_lock: its function must be a function, not the string "f"',
    "state.with_lock('n', { ttl = 'x' }, print)": (
        "state.with_lock: ttl: 'x' is not a duration. Write \"1h30m\", \"90s\", \"250ms\" or a number of seconds."
    ),
    "state.with_lock('n', { wait = true }, print)": "state.with_lock: wait must be a duration, not true",
    "state.with_lock('n', { tll = 1 }, print)": "state.with_lock: it has no field 'tll'; did you mean 'ttl'?",
    "state.create_workflow()": "state.create_workflow: its argument must be a table, not nothing",
    "state.create_workflow{}": "state.create_workflow: name must be a string, not nothing",
    "state.create_workflow{ name = 'x', metadata = { 'a' } }": (
        "state.create_workflow: metadata must be a table of names to values, not a list"
    ),
    "state.create_workflow{ name = 'x', metadata = { a = {} } }": (
        "state.create_workflow: metadata.a must be a string, not a table"
    ),
    "state.complete_workflow()": "state.complete_workflow: id must be a string, not nothing",
    "state.fail_workflow()": "state.fail_workflow: id must be a string, not nothing",
    "state.fail_workflow('x')": "state.fail_workflow: message must be a string, not nothing",
    **{
        f"state.{name}({{}})": f"state.{name}: key must be a string, not a table"
        for name in ("get", "set", "delete", "exists", "increment", "compare_swap", "set_with_ttl")
    },
    "state.set('k', print)": (
        "state.set: value is a function, which cannot be kept; only text, numbers, booleans, lists and maps can"
    ),
    "state.set_with_ttl('k', 1)": "state.set_with_ttl: ttl must be a duration, not nothing",
    "state.keys({})": "state.keys: prefix must be a string, not a table",
    "state.clear({})": "state.clear: prefix must be a string, not a table",
    "state.increment('k', 'x')": 'state.increment: by must be a number, not the string "x"',
    "state.set('k')": "state.set: value must not be nil; json.null is an explicit null",
    "state.set_with_ttl('k', nil, 1)": "state.set_with_ttl: value must not be nil; json.null is an explicit null",
    "state.compare_swap('k', 1)": "state.compare_swap: value must not be nil; json.null is an explicit null",
    "state.compare_swap('k', print)": (
        "state.compare_swap: expected is a function, which cannot be kept; only text, numbers, booleans, lists and maps can"
    ),
    "state.compare_swap('k', 1, { print })": (
        "state.compare_swap: value[1] is a function, which cannot be kept; only text, numbers, booleans, lists and maps can"
    ),
    # correct arguments, but there is no run
    "state.resource{ type = 'c', name = 'x' }": f"state.resource {NEEDS_A_RUN}",
    "state.add_resource{ type = 'c', name = 'x' }": f"state.resource {NEEDS_A_RUN}",
    "state.update_resource('c', 'x', {})": f"state.update_resource {NEEDS_A_RUN}",
    "state.remove_resource('c', 'x')": f"state.remove_resource {NEEDS_A_RUN}",
    "state.get_resource('c', 'x')": f"state.get_resource {NEEDS_A_RUN}",
    "state.resources()": f"state.resources {NEEDS_A_RUN}",
    "state.set_output('k', 1)": f"state.set_output {NEEDS_A_RUN}",
    "state.get_output('k')": f"state.get_output {NEEDS_A_RUN}",
    "state.outputs()": f"state.outputs {NEEDS_A_RUN}",
    "state.output_of('w', 'k')": f"state.output_of {NEEDS_A_RUN}",
    "state.set_metadata('k', 'v')": f"state.set_metadata {NEEDS_A_RUN}",
    "state.previous()": f"state.previous {NEEDS_A_RUN}",
    "state.workflow()": f"state.workflow {NEEDS_A_RUN}",
    "state.with_lock('n', print)": f"state.with_lock {NEEDS_A_RUN}",
    "state.create_workflow{ name = 'x' }": f"state.create_workflow {NEEDS_A_RUN}",
    "state.complete_workflow('x')": f"state.complete_workflow {NEEDS_A_RUN}",
    "state.fail_workflow('x', 'y')": f"state.fail_workflow {NEEDS_A_RUN}",
    **{
        f"state.{call}": "key-value state needs a store"
        for call in (
            "get('k')", "set('k', 1)", "delete('k')", "exists('k')", "keys()", "clear()", "increment('k')",
            "set_with_ttl('k', 1, 5)", "compare_swap('k', nil, 1)", "stats()",
        )
    },
}  # fmt: skip

# Which of two missing fields is named first is up to Lua.
EITHER = ("type", "name")


def messages(script: Any, calls: list[str]) -> dict[str, str]:
    """What each call raises, from one script that catches them all."""
    lines = "\n".join(f"check(function()\nlocal _ = {call}\nend)" for call in calls)
    loaded = script(
        f"function check(f) local ok, problem = pcall(f) print(ok, problem) end {lines}\n"
    )
    found = {}
    for number, (call, line) in enumerate(zip(calls, loaded.lines, strict=True)):
        place = f"t.sloth:{2 + 3 * number}"
        assert line.startswith(f"false {place}: "), (call, line, place)
        found[call] = line.removeprefix(f"false {place}: ")
    return found


@pytest.mark.parametrize("table", [WRONG, STATE], ids=["modules", "state"])
def test_a_wrong_argument_is_named_at_the_callers_line(script: Any, table: dict[str, str]) -> None:
    found = messages(script, list(table))
    for call, expected in table.items():
        if "{}" in expected:
            assert found[call] in {expected.format(name) for name in EITHER}, call
            found[call] = expected
    assert found == table


@pytest.mark.parametrize("inspecting", [False, True])
def test_no_function_lets_anything_but_plain_values_through(script: Any, inspecting: bool) -> None:
    """Every function of every module with every kind of value in every place: an error at the
    script's line or a result, never an exception of Python, which would end the run."""
    source = """
        local values_of_all_kinds = {
          false, true, 0, -1, 0.5, 1e308, 0/0, "", "x", "\\255", {}, { 1, 2 }, { a = 1 }, print, json.null,
          coroutine.create(print), io.stdout, setmetatable({}, { __tostring = function() return {} end }),
          setmetatable({}, { __index = print, __metatable = "locked" }), {{{}}}, { type = 1, name = {} },
          { name = "x", metadata = {} }, { env = { 1 } }, { ttl = 1 }, { timeout = {} },
          json.list(), "a\\0b", "2024-01-02",
        }
        local failed, worked, unexpected = 0, 0, {}
        local function try(f, ...)
          local ok, problem = pcall(f, ...)
          if ok then worked = worked + 1 return end
          failed = failed + 1
          if type(problem) ~= "string" or not problem:find("^t.sloth:%d+: ") then
            unexpected[tostring(problem)] = true
          end
        end
        for name in MODULES do
          local module = require(name)
          for key, f in pairs(type(module) == "table" and module or { [name] = module }) do
            if type(f) == "function" and not LEFT_OUT[key] then
              for _, first in ipairs(values_of_all_kinds) do
                try(f, first)
                for _, second in ipairs(values_of_all_kinds) do
                  try(f, first, second)
                  try(f, "x", first, second)
                end
              end
            end
          end
        end
        task("t"):command(function()
          return true, nil, { failed = failed, worked = worked, unexpected = unexpected }
        end)
    """
    everything = "log fs json crypto state exec sleep values"
    # When a file is only looked at, nothing is done, so everything can be tried.
    text = "template time strings data yaml toml"
    modules = f"{everything} {text}" if inspecting else f"log json crypto state fs {text}"
    left_out = "" if inspecting else "sleep tmpname tmpdir rmr rm_r rm move copy"
    names = "local LEFT_OUT = {} for name in ('%s'):gmatch('%%S+') do LEFT_OUT[name] = true end"
    prelude = f"local MODULES = ('{modules}'):gmatch('%S+') {names % left_out}"
    found = script(prelude + source, inspecting=inspecting).call()["output"]
    assert found["unexpected"] == {}
    assert found["failed"] > 10000
    assert found["worked"] > 1000
