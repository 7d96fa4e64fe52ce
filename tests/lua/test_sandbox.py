"""Scripts that try to hang, crash, flood or escape: each ends in time and in one clear way, and the
host that ran it goes on working, its hook included."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BUSY = "while true do end"

# Body of a command, and how it ends: an exception, a message, or what it returned.
NEVER_ENDING = {
    "while": BUSY,
    "for": "for i = 1, 1e300 do end",
    "repeat": "repeat until false",
    "goto": "::again:: goto again",
    "tail calls": "local function f() return f() end f()",
    "iterator": "for _ in function() return 1 end do end",
    "in pcall": f"while true do pcall(function() {BUSY} end) end",
    "in nested pcalls": f"while true do pcall(pcall, pcall, function() {BUSY} end) end",
    "after a recursion of pcalls": f"local function f() pcall(f) {BUSY} end f()",
    "two pcalls a level": "local function f() pcall(f) pcall(f) end f()",
    "in a handler": f"xpcall(error, function() {BUSY} end)",
    "in handlers again and again": f"while true do xpcall(function() {BUSY} end, function() {BUSY} end) end",
    "handler that fails": "while true do xpcall(error, function() error('again') end) end",
    "in coroutine.resume": f"while true do coroutine.resume(coroutine.create(function() {BUSY} end)) end",
    "in coroutine.wrap": f"while true do pcall(coroutine.wrap(function() {BUSY} end)) end",
    "in coroutines in coroutines": f"coroutine.wrap(function() coroutine.wrap(function() {BUSY} end)() end)()",
    "yielding": "local f = coroutine.wrap(function() while true do coroutine.yield() end end) while true do f() end",
    "new coroutines": "while true do coroutine.wrap(coroutine.yield)() end",
    "in __index": f"return setmetatable({{}}, {{ __index = function() {BUSY} end }}).x",
    "in __newindex": f"setmetatable({{}}, {{ __newindex = function() {BUSY} end }}).x = 1",
    "in __concat": f"return setmetatable({{}}, {{ __concat = function() {BUSY} end }}) .. ''",
    "in __eq": f"local m = {{ __eq = function() {BUSY} end }} return setmetatable({{}}, m) == setmetatable({{}}, m)",
    "in __lt": f"local m = {{ __lt = function() {BUSY} end }} return setmetatable({{}}, m) < setmetatable({{}}, m)",
    "in __call": f"setmetatable({{}}, {{ __call = function() {BUSY} end }})()",
    "in __tostring of a logged value": f"log.info(setmetatable({{}}, {{ __tostring = function() {BUSY} end }}))",
    "in __tostring of an argument": f"fs.read(setmetatable({{}}, {{ __tostring = function() {BUSY} end }}))",
    "in __tostring of an error": f"error(setmetatable({{}}, {{ __tostring = function() {BUSY} end }}))",
    "in __index of strings": f"getmetatable('').__index = function() {BUSY} end return ('x').y",
    "in string.gsub": f"while true do pcall(string.gsub, 'x', 'x', function() {BUSY} end) end",
    "in table.sort": f"while true do pcall(table.sort, {{ 1, 2 }}, function() {BUSY} end) end",
    "in load": f"while true do load(function() {BUSY} end) end",
    "in table.foreach": f"table.foreach({{ 1 }}, function() {BUSY} end)",
    "sleeping": "while true do sleep(0) end",
    "json that doubles": "local t = {} for i = 1, 90 do t = { t, t } end json.encode(t)",
}

RUNAWAY = {
    "recursion": ("local function f() return 1 + f() end f()", "t.sloth:1: stack overflow"),
    "caught": ("local function f() return 1 + f() end pcall(f) return true, 'ok'", "returned ok"),
    "through pcall": ("local function f() pcall(f) end f()", "returned"),
    "through xpcall": ("local function f() xpcall(error, f) end f()", "returned"),
    "through __concat": (
        "local m = {} m.__concat = function() return setmetatable({}, m) .. 'x' .. 'y' end return setmetatable({}, m) .. 'x'",
        "t.sloth:1: stack overflow",
    ),
    "through tostring": (
        "local t t = setmetatable({}, { __tostring = function() return tostring(t) .. 'x' end }) tostring(t)",
        "t.sloth:1: stack overflow",
    ),
    "through string.gsub": (
        "local function f() string.gsub('x', 'x', f) end f()",
        "t.sloth:1: string.gsub: calls are nested deeper than 200 levels",
    ),
    "through a table in string.gsub": (
        "local t t = setmetatable({}, { __index = function() return (string.gsub('x', 'x', t)) end }) string.gsub('x', 'x', t)",
        "t.sloth:1: string.gsub: calls are nested deeper than 200 levels",
    ),
    "through table.sort": (
        "local function f() table.sort({ 1, 2 }, f) end f()",
        "t.sloth:1: table.sort: calls are nested deeper than 200 levels",
    ),
    "through coroutine.wrap": (
        "local function f() coroutine.wrap(f)() end f()",
        "t.sloth:1: coroutine.wrap: calls are nested deeper than 200 levels",
    ),
    "through coroutine.resume": (
        "local function f() local ok, e = coroutine.resume(coroutine.create(f)) if not ok then error(e, 0) end end f()",
        "t.sloth:1: coroutine.resume: calls are nested deeper than 200 levels",
    ),
    "through all of them": (
        "local function f() coroutine.wrap(function() table.sort({ 1, 2 }, function() string.gsub('x', 'x', f) end) end)() end f()",
        "t.sloth:1: string.gsub: calls are nested deeper than 200 levels",
    ),
    "through sorts that are caught, then coroutines": (
        "local function f() pcall(table.sort, { 1, 2 }, f) coroutine.wrap(f)() end f()",
        "TaskTimeout",
    ),
    "through load": ("local function f() pcall(load, f) load(f) end f()", "TaskTimeout"),
    "through require": (
        "package.preload.a = function() return require('a') end require('a')",
        "t.sloth:1: require: the module 'a' requires itself",
    ),
    "overflow in many coroutines": (
        "local function f() return 1 + f() end for i = 1, 20 do pcall(coroutine.wrap(f)) end return true, 'ok'",
        "returned ok",
    ),
    "10,000 suspended coroutines": (
        "local all = {} for i = 1, 10000 do all[i] = coroutine.wrap(coroutine.yield) all[i]() end return true, #all",
        "returned 10000",
    ),
    "__index on itself": ("local t = {} setmetatable(t, { __index = t }) return t.x", "t.sloth:1: loop in gettable"),
    "parentheses": ("return assert(load(('('):rep(1e6), 'deep'))", '[string "deep"]:1: chunk has too many syntax levels'),
    "pattern": ("(('a'):rep(3e5)):find(('a?'):rep(3e5))", "t.sloth:1: pattern too complex"),
    "results": ("return unpack({}, 1, 1e8)", "t.sloth:1: too many results to unpack"),
    "a comparison that makes no sense": (
        "local t = {} for i = 1, 1000 do t[i] = i % 7 end table.sort(t, function() return true end)",
        "t.sloth:1: invalid order function for sorting",
    ),
}  # fmt: skip

FLOODING = {
    "tables": ("local t = {} while true do t[#t + 1] = {} end", "MemoryExceeded"),
    "keys": ("local t, i = {}, 0 while true do i = i + 1 t[i .. ''] = i end", "MemoryExceeded"),
    "strings": ("local t = {} while true do t[#t + 1] = ('x'):rep(1e5) .. #t end", "MemoryExceeded"),
    "in pcall": ("while true do pcall(function() local t = {} while true do t[#t + 1] = {} end end) end", "MemoryExceeded"),
    "coroutines": ("local t = {} while true do t[#t + 1] = coroutine.create(print) end", "MemoryExceeded"),
    "garbage without a collector": (
        "collectgarbage('stop') for i = 1, 3e6 do local _ = {} end return true, 'ok'",
        "returned ok",
    ),
    "doubling": ("local s = ('x'):rep(2 ^ 20) while true do s = s .. s end", "t.sloth:1: not enough memory"),
    "string.rep": ("('x'):rep(1e12)", "t.sloth:1: string.rep: the result would be larger than 1 GiB"),
    "string.rep with a number as text": ("('x'):rep('1000000000000')", "t.sloth:1: string.rep: the result would be larger than 1 GiB"),
    "string.rep with a separator": ("(''):rep(1e7, ('x'):rep(1e4))", "t.sloth:1: string.rep: the result would be larger than 1 GiB"),
    "string.rep of nothing": ("return true, #(''):rep(1e15)", "returned 0"),
    "table.concat": ("local s, t = ('x'):rep(2 ^ 20), {} for i = 1, 1000 do t[i] = s end return table.concat(t, s)", "t.sloth:1: not enough memory"),
}  # fmt: skip

NIL = "(a nil value)"
WRONG_MODE = "t.sloth:1: attempt to load chunk with wrong mode"
BYTECODE = "string.dump(function() end)"

ESCAPING = {
    "os.exit": ("os.exit(0)", "t.sloth:1: os.exit is not available: return false, or raise an error, to make the task fail"),
    "python": ("python.eval('1')", f"t.sloth:1: attempt to index global 'python' {NIL}"),
    "jit": ("jit.on()", f"t.sloth:1: attempt to index global 'jit' {NIL}"),
    "newproxy": ("newproxy(true)", f"t.sloth:1: attempt to call global 'newproxy' {NIL}"),
    "require ffi": ("require('ffi')", "t.sloth:1: require: there is no module 'ffi'"),
    "require jit": ("require('jit')", "t.sloth:1: require: there is no module 'jit'; did you mean 'git'?"),
    "require python": ("require('python')", "t.sloth:1: require: there is no module 'python'"),
    "module jit": ("module('jit') on()", f"t.sloth:1: attempt to call global 'on' {NIL}"),
    "module debug": ("module('debug', package.seeall) debug.sethook()", f"t.sloth:1: attempt to call field 'sethook' {NIL}"),
    "module ffi": ("module('ffi') cdef('int x;')", f"t.sloth:1: attempt to call global 'cdef' {NIL}"),
    "module python": ("module('python') eval('1')", f"t.sloth:1: attempt to call global 'eval' {NIL}"),
    "package.loadlib": ("package.loadlib('libc.so.6', '*')", f"t.sloth:1: attempt to call field 'loadlib' {NIL}"),
    "package.loaders": ("return true, tostring(package.loaders) .. tostring(package.cpath)", "returned nilnil"),
    "debug has two functions": (
        "local names = {} for name in pairs(debug) do names[#names + 1] = name end table.sort(names) return true, table.concat(names, ' ')",
        "returned getinfo traceback",
    ),
    "debug.getinfo gives no library upvalues": ("return true, tostring(debug.getinfo(1, 'f').func ~= nil) .. tostring(debug.getupvalue)", "returned truenil"),
    "load of bytecode": (f"error((select(2, load({BYTECODE}))))", WRONG_MODE),
    "load of bytecode in pieces": (f"local s = {BYTECODE} error((select(2, load(function() local p = s s = nil return p end))))", WRONG_MODE),
    "load of bytecode with its mode": (f"error((select(2, load({BYTECODE}, 'x', 'b'))))", WRONG_MODE),
    "loadstring of bytecode": (f"error((select(2, loadstring({BYTECODE}))))", WRONG_MODE),
    "loadfile of bytecode": (f"local p = fs.tmpname() fs.write(p, {BYTECODE}) local _, e = loadfile(p) fs.rm(p) error(e)", WRONG_MODE),
    "dofile of bytecode": (f"local p = fs.tmpname() fs.write(p, {BYTECODE}) local _, e = pcall(dofile, p) fs.rm(p) error(e, 0)", WRONG_MODE),
    "loadfile of the standard input": ("loadfile()", "t.sloth:1: loadfile: path must be a string, not a nil"),
    "dofile of the standard input": ("dofile()", "t.sloth:1: loadfile: path must be a string, not a nil"),
    "io.stdout:close": ("return true, tostring(pcall(io.stdout.close, io.stdout)) .. type(io.stdout)", "returned trueuserdata"),
    "resume of the task itself": ("coroutine.resume(coroutine.running())", "t.sloth:1: coroutine.resume: this coroutine is a task, which the runner resumes"),
    "resume of the task from outside": (
        "local task = coroutine.running() coroutine.wrap(function() coroutine.resume(task) end)()",
        "t.sloth:1: coroutine.resume: this coroutine is a task, which the runner resumes",
    ),
    "yield out of the task": ("coroutine.yield(1)", "t.sloth:1: coroutine.yield: not inside a coroutine that the script made"),
    "yield of a table": ("coroutine.wrap(function() coroutine.yield({}) end)() return true, 'ok'", "returned ok"),
    "yield inside string.gsub": (
        "coroutine.wrap(function() string.gsub('x', 'x', coroutine.yield) end)()",
        "t.sloth:1: exec, sleep and other calls that wait cannot be made inside string.gsub or table.sort",
    ),
    "sleep inside string.gsub": (
        "string.gsub('x', 'x', function() sleep(0) end)",
        "t.sloth:1: exec, sleep and other calls that wait cannot be made inside string.gsub or table.sort",
    ),
    "sleep inside table.sort": (
        "table.sort({ 1, 2 }, function() sleep(0) end)",
        "t.sloth:1: exec, sleep and other calls that wait cannot be made inside string.gsub or table.sort",
    ),
    "sleep in a coroutine inside string.gsub": (
        "string.gsub('x', 'x', function() coroutine.wrap(function() sleep(0) end)() end)",
        "t.sloth:1: exec, sleep and other calls that wait cannot be made inside string.gsub or table.sort",
    ),
    "an argument that C refuses": ("table.sort(5)", "t.sloth:1: bad argument #1 to 'table.sort' (table expected, got number)"),
    "getfenv and setfenv": ("getfenv(0).log = nil getfenv(1).fs = nil setfenv(0, {}) setfenv(1, {}) return true", "returned"),
    "setfenv of the library": ("for _, f in pairs(fs) do pcall(setfenv, f, {}) end return true, #fs.ls('/')  > 0 and 'ok'", "returned ok"),
    "setmetatable of strings": ("getmetatable('').__index = nil fs.read()", "t.sloth:1: fs.read: path must be a string, not nothing"),
    "setmetatable of globals": ("setmetatable(_G, { __newindex = error, __index = error }) return true, json.encode({ 1 })", "returned [1]"),
    "json.null changed": ("json.null.x = 1", "t.sloth:1: null cannot be changed"),
    "NaN as a key": ("local t = {} t[0/0] = 1", "t.sloth:1: table index is NaN"),
    "collecting in a callback": ("string.gsub(('x'):rep(50), 'x', function() collectgarbage() end) return true, 'ok'", "returned ok"),
}  # fmt: skip

WAITING = {
    "in pcall": ("pcall(sleep, 0) return true, 'ok'", "returned ok"),
    "in a handler": ("xpcall(error, function() sleep(0) end) return true, 'ok'", "returned ok"),
    "in a coroutine": ("local function f() sleep(0) return 'ok' end return true, coroutine.wrap(f)()", "returned ok"),
    "in coroutine.resume": ("return coroutine.resume(coroutine.create(function() sleep(0) return 'ok' end))", "returned ok"),
    "in coroutines in coroutines": (
        "return true, coroutine.wrap(function() return coroutine.wrap(function() sleep(0) coroutine.yield('ok') end)() end)()",
        "returned ok",
    ),
    "in a metamethod": ("return true, setmetatable({}, { __index = function() sleep(0) return 'ok' end }).x", "returned ok"),
    "in an iterator": ("for x in function() sleep(0) end do end return true, 'ok'", "returned ok"),
    "in tostring": ("return true, tostring(setmetatable({}, { __tostring = function() sleep(0) return 'ok' end }))", "returned ok"),
    "in load": ("load(function() sleep(0) end) return true, 'ok'", "returned ok"),
    "in require": ("package.preload.a = function() sleep(0) return 'ok' end return true, require('a')", "returned ok"),
}  # fmt: skip

ERRORS = {
    "nothing": ("error()", "t.sloth:1: an error without a message"),
    "nil": ("error(nil)", "t.sloth:1: an error without a message"),
    "false": ("error(false)", "t.sloth:1: false"),
    "number": ("error(42)", "t.sloth:1: 42"),
    "empty table": ("error({})", "t.sloth:1: {}"),
    "table with message": ("error({ message = 'oops', code = 3 })", "t.sloth:1: oops"),
    "table with text first": ("error({ 'oops' })", "t.sloth:1: oops"),
    "table of facts": ("error({ code = 3 })", 't.sloth:1: {"code":3}'),
    "table with __tostring": ("error(setmetatable({}, { __tostring = function() return 'shown' end }))", "t.sloth:1: shown"),
    "table with __tostring that raises": ("error(setmetatable({}, { __tostring = error }))", "t.sloth:1: an error that cannot be shown"),
    "table with __tostring that gives a table": ("error(setmetatable({}, { __tostring = function() return {} end }))", "t.sloth:1: table"),
    "table with __index that raises": ("error(setmetatable({}, { __index = error }))", "t.sloth:1: an error that cannot be shown"),
    "table with a number as metatable": ("error(setmetatable({ message = 'm' }, { __metatable = 5 }))", "t.sloth:1: m"),
    "table with a table as message": ("error({ message = setmetatable({}, { __tostring = function() return 'inner' end }) })", "t.sloth:1: inner"),
    "bytes": (r"error('\255\0x', 0)", "t.sloth:1: \ufffd\0x"),
    "a hundred megabytes": ("error(('x'):rep(1e8), 0)", f"t.sloth:1: {'x' * 10000}"),
    "in a handler": ("xpcall(error, function() error('inner') end) error('outer')", "t.sloth:1: outer"),
    "in a coroutine in pcall": ("return true, select(2, pcall(coroutine.wrap(function() error('inner') end)))", "returned t.sloth:1: inner"),
    "kept as it is by pcall": ("local t = {} return true, tostring(select(2, pcall(error, t)) == t)", "returned true"),
    "kept as it is by coroutines": (
        "local t = {} local _, e = coroutine.resume(coroutine.create(function() error(t) end)) return true, tostring(e == t)",
        "returned true",
    ),
}  # fmt: skip

GROUPS = {
    "never ending": {name: (body, "TaskTimeout") for name, body in NEVER_ENDING.items()},
    "runaway": RUNAWAY,
    "flooding": FLOODING,
    "escaping": ESCAPING,
    "waiting": WAITING,
    "errors": ERRORS,
}


def outcomes(bodies: dict[str, str], seconds: float = 0.1) -> dict[str, str]:
    """How each script ended, by a process that ran them all; those after a crash are missing."""
    child = subprocess.run(
        [sys.executable, Path(__file__).with_name("hostile_child.py")],
        input=json.dumps({"seconds": seconds, "scripts": bodies}),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    ended = dict(json.loads(line) for line in child.stdout.splitlines())
    return ended if child.returncode == 0 else {**ended, "the process": child.stderr[-2000:]}


@pytest.mark.parametrize("group", GROUPS)
def test_a_script_cannot_hang_crash_flood_or_leave(group: str) -> None:
    scripts = GROUPS[group]
    seconds = 10 if group == "flooding" else 0.1
    ended = outcomes({name: body for name, (body, _) in scripts.items()}, seconds)
    assert ended == {name: outcome for name, (_, outcome) in scripts.items()}


def test_a_library_whose_names_the_script_took_away_goes_on_working() -> None:
    source = r"""
        local t, names = setmetatable({}, { __tostring = function() return "text" end }), {}
        local keep = { log = true, fs = true, json = true, values = true, exec = true, crypto = true, sleep = true,
                       state = true, task = true, workflow = true, group = true, require = true, pcall = true }
        for name in pairs(_G) do if not keep[name] then names[#names + 1] = name end end
        local string, table, math, coroutine, debug, G, pairs, pcall = string, table, math, coroutine, debug, _G, pairs, pcall
        for _, library in pairs({ string, table, math, coroutine, debug }) do
          for name in pairs(library) do library[name] = nil end
        end
        for _, name in pairs(names) do G[name] = nil end
        log.info(t, 1, nil) log.table({ f = pcall })
        fs.write(fs.tmpname(), t) fs.ls("/") fs.stat("/")
        json.encode({ a = { 1, "\1\2ä" } }) json.decode('{"a":["\\u0001\\n"]}')
        values({ a = 1 })
        crypto.sha256("x") crypto.uuid()
        sleep(0)
        require("fs")
        workflow.define("x", { tasks = { a = { command = "true", depends_on = { "b" }, retries = 2, tags = { "x" } } } })
          :config({ timeout = "5m", max_retries = 1 })
        group "g" { task "b" { command = "true", timeout = 3 } }
        local ok, problem = pcall(fs.read)
        return ok == false, problem
    """
    assert outcomes({"it": source}) == {
        "it": "returned t.sloth:21: fs.read: path must be a string, not nothing"
    }
