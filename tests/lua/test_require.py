"""`require`: built-in modules, the script's own, Lua's; and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from sloth_runner.host.hints import module_names
from sloth_runner.host.module import LuaModule


@pytest.fixture
def folder(script: Any) -> Any:
    """A script's folder with modules in it."""
    for name, source in {
        "web.lua": "return { name = ..., count = (count or 0) + 1 }",
        "lib/tools.lua": "local M = {} function M.hi() return 'hi' end return M",
        "pack/init.lua": "return 'from init'",
        "nothing.lua": "loaded_nothing = (loaded_nothing or 0) + 1",
        "waits.lua": "sleep(0.01) return 'waited'",
        "me.lua": "local me = require('me') return me",
        "a.lua": "local b = require('b') return b",
        "b.lua": "local a = require('a') return a",
        "old.lua": "module('old', package.seeall) function hi() return 'hi from ' .. _NAME end",
        "bad.lua": "local x = = 1",
        "fails.lua": "tries = (tries or 0) + 1 if tries == 1 then error('first') end return 'second'",
        "hashbang.lua": "#!/usr/bin/lua\nreturn 'with hashbang'",
        "log.lua": "return 'not this one'",
    }.items():
        path = script.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)
    return script


RESULTS = {
    "require('web').name": ["web"],
    "require('web') == require('web'), count": [True, None],
    "require('lib.tools').hi()": ["hi"],
    "require('pack')": ["from init"],
    "require('nothing'), require('nothing'), loaded_nothing": [True, True, 1],
    "require('waits')": ["waited"],
    "require('old') and old.hi()": ["hi from old"],
    "pcall(require, 'fails') == false and require('fails')": ["second"],
    "require('hashbang')": ["with hashbang"],
    "require('log') == log": [True],
    "require('string') == string and require('bit') == bit and require('table').concat({ 1 })": [
        "1"
    ],
    "package.loaded.fs == fs": [True],
    "coroutine.wrap(function() return require('waits') end)()": ["waited"],
}


@pytest.mark.parametrize(("call", "results"), RESULTS.items(), ids=RESULTS)
def test_a_module_is_found_and_run_once(folder: Any, call: str, results: list[Any]) -> None:
    assert folder.values(call) == results


def test_every_module_is_a_global_and_can_be_required(script: Any) -> None:
    names = module_names()
    source = (
        f"for name in ('{' '.join(names)}'):gmatch('%S+') do print(_G[name] == require(name)) end"
    )
    assert script(source).lines == ["true"] * len(names)


def test_modules_lie_beside_the_script_wherever_it_is_run_from(
    folder: Any, monkeypatch: Any
) -> None:
    (folder.folder / "elsewhere").mkdir()
    (folder.folder / "elsewhere/app.sloth").write_text("print(require('near'))")
    (folder.folder / "elsewhere/near.lua").write_text("return 'near'")
    source = "print(require('near'))"
    assert folder(source, name="elsewhere/app.sloth").lines == ["near"]


def test_preloaded_modules_are_used(script: Any) -> None:
    source = "package.preload.mine = function(name) return name .. '!' end print(require('mine'), require('mine'))"
    assert script(source).lines == ["mine! mine!"]


REFUSED = {
    "require('exce')": "t.sloth:2: require: there is no module 'exce'; did you mean 'exec'?",
    "require('nope.nope')": "t.sloth:2: require: there is no module 'nope.nope'",
    "require('me')": "me.lua:1: require: the module 'me' requires itself",
    "require('a')": "b.lua:1: require: the module 'a' requires itself",
    "require('bad')": "bad.lua:1: unexpected symbol near '='",
    "require('fails')": "fails.lua:1: first",
    r"require('a\0b')": "t.sloth:2: require: there is no module 'a\0b'",
}


@pytest.mark.parametrize(("call", "message"), REFUSED.items(), ids=range(len(REFUSED)))
def test_what_cannot_be_required_is_named(folder: Any, call: str, message: str) -> None:
    error = folder.error(f"\nlocal x = {call}")
    assert str(error) == message


def test_bytecode_is_refused(script: Any) -> None:
    source = "fs.write('code.lua', string.dump(function() return 'bytecode ran' end)) print(require('code'))"
    assert str(script.error(source)) == "t.sloth:1: attempt to load chunk with wrong mode"


# -- modules of plugins ------------------------------------------------------------------------------


def test_a_plugins_module_is_like_a_built_in_one(script: Any) -> None:
    source = b"local host = ... return { twice = function(n) return host.call('double', host.want('double.twice', 'n', n, 'number')) end }"
    module = LuaModule("double", source, {"double": lambda number: number * 2})
    assert script("print(double.twice(4), require('double') == double)", more=[module]).lines == [
        "8 true"
    ]
    error = script.error("double.twice()", more=[module])
    assert str(error) == "t.sloth:1: double.twice: n must be a number, not nothing"


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (b"return = 1", "sloth_lua/broken.lua:1: unexpected symbol near '='"),
        (b"error('no license', 0)", "no license"),
        (
            b"nothing.at.all()",
            "sloth_lua/broken.lua:1: attempt to index global 'nothing' (a nil value)",
        ),
        (b"local host = ...", "it returns nothing"),
    ],
)
def test_a_plugins_broken_module_fails_where_it_is_used(
    script: Any, source: bytes, problem: str
) -> None:
    module = LuaModule("broken", source)
    loaded = script("print('loads', type(broken))", more=[module])
    assert loaded.lines == ["loads table"]
    for use in ("broken.f()", "broken()", "broken.x = 1"):
        error = script.error(f"\n{use}", more=[module])
        assert str(error) == f"t.sloth:2: the module broken cannot be loaded: {problem}"


@pytest.mark.parametrize("name", ["sandbox", "host", "wire", "boot", "threads", "tasks", "calls"])
def test_a_plugins_module_cannot_take_the_place_of_the_library(script: Any, name: str) -> None:
    module = LuaModule(name, b"return { mine = true }")
    error = script.error("pcall(os.exit) error('still guarded')", more=[module])
    assert str(error) == "t.sloth:1: still guarded"


def test_modules_show_what_is_in_them_before_they_are_used(script: Any) -> None:
    source = """
        local function count(module)
          local n = 0
          for _, value in pairs(module) do n = n + (type(value) == "function" and 1 or 0) end
          return n
        end
        return { strings = count(strings), goroutine = count(require("goroutine")), git = count(git) }
    """
    counts = script.value(f"(function() {source} end)()")
    assert min(counts.values()) > 5, counts


@pytest.mark.parametrize("value", ["nil", "5", "'text'"])
def test_pairs_of_what_is_no_table_is_an_error_at_its_line(script: Any, value: str) -> None:
    error = script.error(f"\nfor _ in pairs({value}) do end")
    kind = {"nil": "nil", "5": "number"}.get(value, "string")
    assert str(error) == f"t.sloth:2: bad argument #1 to 'pairs' (table expected, got {kind})"
