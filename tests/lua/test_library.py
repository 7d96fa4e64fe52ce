"""The shipped Lua sources themselves: they compile, are documented, and leave no globals behind."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from lupa import luajit21

import sloth_lua
from sloth_runner.host.hints import module_names

PARTS = [
    "boot",
    "builders",
    "calls",
    "deadlock",
    "elsewhere",
    "events",
    "host",
    "looking",
    "on_first_use",
    "pipes",
    "resources",
    "sandbox",
    "standard",
    "tasks",
    "threads",
    "wire",
    "workflows",
]
MODULES = module_names()
FOLDER = Path(sloth_lua.__file__).parent
FILES = sorted(
    str(path.relative_to(FOLDER).with_suffix(""))
    for path in FOLDER.rglob("*.lua")
    if path.parent.name != "definitions"  # these are for editors, nobody runs them
)

# What LuaJIT itself has, less what is taken away.
LANGUAGE = """
    _G _VERSION assert bit collectgarbage coroutine debug dofile error gcinfo getfenv getmetatable io ipairs load
    loadfile loadstring math module next os package pairs pcall rawequal rawget rawset select setfenv setmetatable
    string table tonumber tostring type unpack xpcall
"""
ALIASES = {"print", "Values", "file"}
ADDED = {"task", "workflow", "group", "require", *ALIASES, *MODULES}


def test_the_library_consists_of_parts_and_modules() -> None:
    assert sloth_lua.names() == sorted([*PARTS, *MODULES])
    assert {"crypto", "exec", "fs", "goroutine", "json", "log", "state", "values"} <= set(MODULES)


@pytest.mark.parametrize("name", FILES)
def test_every_file_compiles_without_the_runner(name: str) -> None:
    runtime = luajit21.LuaRuntime(encoding=None, register_eval=False)
    compiled = runtime.compile(sloth_lua.source(name), name=f"=sloth_lua/{name}.lua".encode())
    assert compiled is not None


def test_a_script_finds_the_globals_that_are_documented_and_no_others(script: Any) -> None:
    loaded = script("for name in pairs(_G) do print(name) end")
    assert set(loaded.lines) == {*LANGUAGE.split(), *ADDED}


DIALECT = {
    "tostring(1) .. tostring(2.0) .. tostring(7 / 2)": "123.5",
    "(function() local n = 0 for i = 1, 3 do if i == 2 then goto continue end n = n + i ::continue:: end return n end)()": 4,
    "unpack({ 5 }) + #arg_count(nil, nil)": 7,
    "loadstring('return 1 + 1')()": 2,
    "setfenv(function() return hidden end, { hidden = 5 })()": 5,
    "select('#', nil, nil)": 2,
    "table.getn({ 1, 2 }) + table.maxn({ 1, 2 })": 4,
    "('x'):rep(3, ',')": "x,x,x",
    "0x10 + 1e1": 26,
    "bit.band(6, 3)": 2,
    "load('return ...', 'c', 't', {})(8)": 8,
    "string.format('%5.2f|%q', 1, 'a')": ' 1.00|"a"',
    "math.floor(-1.5) + 7 % -3": -4,
}  # fmt: skip


@pytest.mark.parametrize(("expression", "value"), DIALECT.items(), ids=range(len(DIALECT)))
def test_the_language_is_that_of_luajit(script: Any, expression: str, value: Any) -> None:
    prelude = "function arg_count(...) return ('x'):rep(select('#', ...)) end "
    found = script(f"#!/usr/bin/env sloth-runner\n{prelude} print(json.encode({expression}))")
    assert json.loads(found.lines[-1]) == value


def test_no_function_of_the_library_sets_a_global(script: Any) -> None:
    """A recorder stands in for the environment while everything is called."""
    loaded = script(
        """
        local known = {} for name in pairs(_G) do known[name] = true end
        local written = {}
        setmetatable(_G, { __newindex = function(_, name, value) written[name] = true rawset(_G, name, value) end,
                           __index = function(_, name) written["read " .. tostring(name)] = true end })
        for name in ("MODULES"):gmatch("%S+") do
          local module = require(name)
          for key, f in pairs(type(module) == "table" and module or { call = module }) do
            -- Finding "x" among the packages of Debian takes minutes.
            if type(f) == "function" and f ~= pkg.search then pcall(f) pcall(f, "true") pcall(f, { 1 }) pcall(f, "x", "y", 3) end
          end
        end
        workflow("w", { tasks = { a = { command = "true", depends_on = {}, retries = 1 } } }):config({ timeout = 1 })
        group "g" { task "t" { command = print } }
        pcall(require, "none") pcall(workflow) pcall(function() task("x").none() end) exec.run("true"):gsub("x", "")
        setmetatable(_G, nil)
        for name in pairs(written) do print("written or read: " .. name) end
        for name in pairs(_G) do if not known[name] then print("new: " .. name) end end
    """.replace("MODULES", " ".join(MODULES)),
        inspecting=True,
    )
    unexpected = [line for line in loaded.lines if line.startswith(("written or read: ", "new: "))]
    assert unexpected == []


@pytest.mark.parametrize("name", FILES)
def test_no_file_assigns_a_global_by_mistake(name: str) -> None:
    """The compiler knows: GSET in a listing of the bytecode names each global that is assigned."""
    runtime = luajit21.LuaRuntime(encoding=None, register_eval=False)
    written = runtime.execute(b"""
        return function(source)
          local names = {}
          local jutil = require("jit.util")
          local function look(f)
            local pc, gset = 1, nil
            while true do
              local ins, mode = jutil.funcbc(f, pc)
              if not ins then break end
              if bit.band(ins, 0xff) == GSET then names[jutil.funck(f, -bit.rshift(ins, 16) - 1)] = true end
              pc = pc + 1
            end
            local index = -1
            while true do
              local constant = jutil.funck(f, index)
              if constant == nil then break end
              if type(constant) == "proto" then look(constant) end
              index = index - 1
            end
          end
          -- The number of the instruction differs between releases; a known program tells it.
          local sample = loadstring("x = 1")
          GSET = bit.band((jutil.funcbc(sample, 2)), 0xff)
          look(assert(loadstring(source)))
          GSET = nil
          local list = {}
          for name in pairs(names) do list[#list + 1] = name end
          table.sort(list)
          return table.concat(list, " ")
        end
    """)
    expected = {
        "boot": "Values file pairs print require",
        "sandbox": "debug jit newproxy package python",
        "standard": "tonumber",
        "tasks": "task",
        "workflows": "group workflow",
    }
    assert written(sloth_lua.source(name)).decode() == expected.get(name, "")


FIELD = re.compile(r"^---@field (\w+) fun\(", re.MULTILINE)
HOOKS = {"read", "create", "update", "delete"}  # fields of a provider, not of a module
DEFINITION = re.compile(r"^function (\w+[.:]\w+|require|task|group)\(([^)]*)\)", re.MULTILINE)


@pytest.mark.parametrize("name", [*MODULES, "boot", "standard", "tasks", "workflows"])
def test_every_public_function_documents_its_parameters_for_editors(name: str) -> None:
    text = sloth_lua.source(name).decode()
    undocumented = []
    for found in DEFINITION.finditer(text):
        function, parameters = found[1], found[2]
        if function.startswith(("M.", "methods:", "Result.", "Handle.", "_G.")):
            continue  # the library's own
        above = text[: found.start()].rsplit("\n\n", 1)[-1].splitlines()
        comments = [line for line in above if line.startswith("---")]
        wanted = [
            f"---@param {each.strip()}"
            for each in parameters.split(",")
            if each.strip() not in {"", "..."}
        ]
        named = [" ".join(line.split()[:2]) for line in comments if line.startswith("---@param")]
        named = [each for each in named if each != "---@param ..."]
        if named != wanted or not comments:
            undocumented.append((function, wanted, named))
    assert undocumented == []


@pytest.mark.parametrize(
    "name", [name for name in MODULES if name not in {"sleep", "step", "values"}]
)
def test_every_function_of_a_module_is_known_to_editors(script: Any, name: str) -> None:
    text = sloth_lua.source(name).decode()
    prefix = f"{name}."
    if name == "goroutine":
        parts = [path.read_text() for path in sorted((FOLDER / "concurrency").glob("*.lua"))[:-1]]
        text += "".join(parts).replace("function M.want_source", "").replace("M.", prefix)
    defined = [found[1] for found in DEFINITION.finditer(text)]
    defined += re.findall(rf"^({prefix}\w+) = {prefix}\w+$", text, re.MULTILINE)
    documented = {each.removeprefix(prefix) for each in defined if each.startswith(prefix)}
    documented |= {found[1] for found in FIELD.finditer(text)} - HOOKS
    found = script(
        f"pcall(function() return {name}.none end) "  # some are compiled when they are used
        f"for key, f in pairs({name}) do if type(f) == 'function' then print(key) end end"
    )
    assert set(found.lines) == documented


@pytest.mark.parametrize("name", FILES)
def test_every_file_says_what_it_is_for(name: str) -> None:
    first = sloth_lua.source(name).decode().splitlines()[0]
    assert re.match(r"--- \S.{20,}", first)
