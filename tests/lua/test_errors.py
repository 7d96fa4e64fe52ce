"""Errors of a script as its author sees them: the message, the line, the text of that line, a hint."""

from __future__ import annotations

from typing import Any

import pytest

from sloth_runner.driver import Driver
from sloth_runner.errors import ScriptError, ScriptSyntaxError
from sloth_runner.host.hints import module_names
from sloth_runner.host.module import LuaModule
from sloth_runner.script import read_script
from sloth_runner.session import Session
from sloth_state.errors import InvalidValue, LockLost, StoreFull


def told(error: ScriptError) -> tuple[str, str | None, str | None, str | None]:
    return str(error), error.where, error.excerpt, error.hint


# -- what the script raises ----------------------------------------------------------------------


def test_an_error_names_its_line_and_shows_it(script: Any) -> None:
    error = script.error('local x = 1\n  error("disk is full")\n')
    assert told(error) == (
        "t.sloth:2: disk is full",
        "t.sloth:2",
        '    2 |   error("disk is full")',
        None,
    )


def test_an_error_without_position_gets_that_of_the_call(script: Any) -> None:
    error = script.error('local x = 1\nerror("disk is full", 0)\n')
    assert told(error)[:2] == ("t.sloth:2: disk is full", "t.sloth:2")


@pytest.mark.parametrize(
    "text", ["localhost:8080: refused", "10:20: odd", "exec.run: 5: x", "t.slot:1: x"]
)
def test_a_message_that_looks_like_a_place_is_no_place(script: Any, text: str) -> None:
    error = script.error(f'\nerror("{text}", 0)')
    assert told(error)[:2] == (f"t.sloth:2: {text}", "t.sloth:2")


def test_an_error_table_keeps_its_message(script: Any) -> None:
    error = script.error('\n\nerror({ message = "no space", code = 28 })')
    assert told(error)[:2] == ("t.sloth:3: no space", "t.sloth:3")


def test_an_error_table_speaks_through_tostring(script: Any) -> None:
    error = script.error(
        'error(setmetatable({ message = "x" }, { __tostring = function(e) return "E:" .. e.message end }))'
    )
    assert str(error) == "t.sloth:1: E:x"


def test_the_trace_shows_the_functions_on_the_way(script: Any) -> None:
    error = script.error(
        "local function inner() error('x') end\nlocal function outer() inner() end\nouter()\n"
    )
    lines = error.trace.splitlines()
    assert [line.split(":")[1] for line in lines if "t.sloth" in line] == ["1", "2", "3"]


def test_an_error_in_a_module_of_the_script_names_the_module(script: Any) -> None:
    (script.folder / "lib.lua").write_text(
        "local M = {}\nfunction M.f() error('inside') end\nreturn M\n"
    )
    error = script.error("require('lib').f()")
    assert str(error) == f"{error.where}: inside"
    assert error.where == "lib.lua:2"
    assert error.excerpt == "    2 | function M.f() error('inside') end"


def test_the_line_counts_what_stands_before_it(script: Any) -> None:
    error = script.error(b"\xef\xbb\xbf#!/usr/bin/env sloth-runner\r\nlocal x\r\nx.y = 1\r\n")
    assert error.where == "t.sloth:3"
    assert error.excerpt == "    3 | x.y = 1"


# -- Lua's own -----------------------------------------------------------------------------------

HINTS = {
    "logg.info('x')": (
        "t.sloth:1: attempt to index global 'logg' (a nil value)",
        "There is no global 'logg'; did you mean 'log'?",
    ),
    "tsk('x')": (
        "t.sloth:1: attempt to call global 'tsk' (a nil value)",
        "There is no global 'tsk'; did you mean 'task'?",
    ),
    "kubernetes.apply()": (
        "t.sloth:1: attempt to index global 'kubernetes' (a nil value)",
        f"There is no global 'kubernetes'. Modules are: {', '.join(module_names())}.",
    ),
    "local a = 'x' .. nope": (
        "t.sloth:1: attempt to concatenate global 'nope' (a nil value)",
        "One part of the text is nil; tostring(x) or (x or '') makes text of it.",
    ),
    "pirnt(1)": (
        "t.sloth:1: attempt to call global 'pirnt' (a nil value)",
        "There is no global 'pirnt'; did you mean 'print'?",
    ),
    "data.json_encod({})": (
        "t.sloth:1: attempt to call field 'json_encod' (a nil value)",
        "There is no data.json_encod; did you mean data.json_encode?",
    ),
    "string.uper('x')": (
        "t.sloth:1: attempt to call field 'uper' (a nil value)",
        "There is no string.uper; did you mean string.upper?",
    ),
    "string.splitt('x')": (
        "t.sloth:1: attempt to call field 'splitt' (a nil value)",
        "There is no string.splitt; did you mean string.split?",
    ),
    "local t = table.concatt({})": (
        "t.sloth:1: attempt to call field 'concatt' (a nil value)",
        "There is no table.concatt; did you mean table.concat?",
    ),
    "os.frobnicate()": (
        "t.sloth:1: attempt to call field 'frobnicate' (a nil value)",
        "There is no os.frobnicate.",
    ),
    "require('terraform')": (
        "t.sloth:1: require: there is no module 'terraform'",
        f"Modules are: {', '.join(module_names())}. A file of your own would be terraform.lua or "
        "terraform/init.lua beside the workflow's file.",
    ),
    "require('lib.web')": (
        "t.sloth:1: require: there is no module 'lib.web'",
        "A file of your own would be lib/web.lua or lib/web/init.lua beside the workflow's file.",
    ),
    "local r = http.get r = nil r.x()": (
        "t.sloth:1: attempt to index local 'r' (a nil value)",
        "'r' is nil. A function that fails returns nil or false, and why behind it.",
    ),
    "local r = true print(r.changed)": (
        "t.sloth:1: attempt to index local 'r' (a boolean value)",
        "'r' is true or false. A function that changes something returns that first, "
        "and a table behind it: local ok, result = …",
    ),
    "task.checkpoint('x')": (
        "t.sloth:1: attempt to index global 'task' (a function value)",
        "There is no task.checkpoint.",
    ),
    "sleep.zzz()": (
        "t.sloth:1: attempt to index global 'sleep' (a function value)",
        "There is no sleep.zzz.",
    ),
    "event.register.file({})": (
        "t.sloth:1: attempt to index field 'register' (a nil value)",
        "There is no event.register. Functions of event are: dispatch, dispatch_custom, dispatch_file.",
    ),
    "stow.target()": (
        "t.sloth:1: attempt to call field 'target' (a nil value)",
        "There is no stow.target. Functions of stow are: check, is_stowed, link, list_packages, "
        "restow, stow, unlink, unstow, verify.",
    ),
    "string.find({}, 'x')": (
        "t.sloth:1: bad argument #1 to 'find' (string expected, got table)",
        "tostring(x), or x.stdout, is the text of what exec.run returns.",
    ),
    "local t = {} t.a.b = 1": ("t.sloth:1: attempt to index field 'a' (a nil value)", None),
    "os.setenv('A', 'b')": (
        "t.sloth:1: attempt to call field 'setenv' (a nil value)",
        "Tasks share the environment; a command gets its own with exec.run(…, { env = { … } }).",
    ),
    "print(values.web.host)": (
        "t.sloth:1: attempt to index field 'web' (a nil value)",
        "No value 'web' was given. Give it with --values FILE or --set web=….",
    ),
    "fs.reed('x')": (
        "t.sloth:1: attempt to call field 'reed' (a nil value)",
        "There is no fs.reed; did you mean fs.read?",
    ),
}


@pytest.mark.parametrize("module", ["data", "fs", "goroutine", "log", "math", "state", "string"])
def test_a_misspelt_function_names_the_right_one(script: Any, module: str) -> None:
    names = script.value(
        f"(function() local t = json.list() for name, value in pairs({module}) do"
        " if type(value) == 'function' and name ~= 'dump' then t[#t + 1] = name end end"
        " table.sort(t) return t end)()"
    )
    for name in [name for name in names if len(name) > 3]:
        error = script.error(f"{module}.{name}xx()")
        assert error.hint is not None, name
        assert error.hint.startswith(f"There is no {module}.{name}xx; did you mean {module}.{name}")


@pytest.mark.parametrize(("source", "message"), HINTS.items(), ids=HINTS)
def test_a_message_of_lua_comes_with_a_hint(
    script: Any, source: str, message: tuple[str, str | None]
) -> None:
    error = script.error(source)
    assert (str(error), error.hint) == message


SYNTAX = {
    "local x = = 1": ("t.sloth:1: unexpected symbol near '='", "    1 | local x = = 1", None),
    "if true then\nprint(1)\n": (
        "t.sloth:3: 'end' expected (to close 'if' at line 1) near '<eof>'",
        None,
        "A function, if, for or while above is not closed with `end`.",
    ),
    'task("x")\n  :command(function()\n  print("x"\nend)\n': (
        "t.sloth:4: ')' expected (to close '(' at line 3) near 'end'",
        "    4 | end)",
        None,
    ),
    'workflow.define("x", {\n  description = "y"\n  tasks = {}\n})\n': (
        "t.sloth:3: '}' expected (to close '{' at line 1) near 'tasks'",
        "    3 |   tasks = {}",
        "Look for a missing comma or an unclosed bracket above this line.",
    ),
    'print("x\n")': ("t.sloth:1: unfinished string near '\"x'", '    1 | print("x', None),
    "goto nowhere": ("t.sloth:1: undefined label 'nowhere'", "    1 | goto nowhere", None),
    "name: deploy\nsteps:\n": ("t.sloth:2: function arguments expected near 'steps'", "    2 | steps:", None),
}  # fmt: skip


@pytest.mark.parametrize(("source", "expected"), SYNTAX.items(), ids=range(len(SYNTAX)))
def test_a_syntax_error_names_its_line(
    script: Any, source: str, expected: tuple[str, str | None, str | None]
) -> None:
    error = script.error(source)
    assert isinstance(error, ScriptSyntaxError)
    assert (str(error), error.excerpt, error.hint) == expected


# -- blame: errors of the library are at the script's line -----------------------------------------

BLAMED = {
    "in a function": "local function f()\nfs.read()\nend\nf()",
    "in a method": "local o = {}\nfunction o:f() fs.read() end o:f()",
    "in a callback": "string.gsub('x', 'x', function()\nfs.read() end)",
    "in a comparator": "table.sort({ 1, 2 }, function()\nfs.read() end)",
    "in a coroutine": "local f = coroutine.wrap(function()\nfs.read() end)\nf()",
    "in a coroutine in a coroutine": "coroutine.wrap(function() coroutine.wrap(function()\nfs.read() end)() end)()",
    "through pcall and error": "local ok, problem = pcall(function()\nfs.read() end)\nerror(problem, 0)",
    "through pcall of the function itself": "local ok, problem =\npcall(fs.read)\nerror(problem, 0)",
    "through assert": "local ok, problem = pcall(function()\nfs.read() end)\nassert(ok, problem)",
    "in a tail call": "local function f() return fs.read() end\nf()",
    "in two tail calls": "local function g() return fs.read() end local function f() return g() end\nf()",
    "in a tail call in a coroutine": "local f = coroutine.wrap(function() return fs.read() end)\nf()",
    "in a method of a task": "local t = task('x')\nt:command(5 == 5)",
    "in a chunk": "local x\nlocal f = load('fs.read()', '@t.sloth') local g = function() f() end pcall(g)\nfs.read()",
}


@pytest.mark.parametrize("source", BLAMED.values(), ids=BLAMED)
def test_a_wrong_call_is_blamed_on_its_line(script: Any, source: str) -> None:
    line = 3 if source == BLAMED["in a chunk"] else 2
    error = script.error(source)
    assert error.where == f"t.sloth:{line}"
    assert " must be a" in str(error)


def test_a_tail_call_out_of_a_command_is_blamed_on_its_function(script: Any) -> None:
    loaded = script("local x = 1\ntask('t'):command(function()\n  return fs.read()\nend)")
    with pytest.raises(ScriptError) as caught:
        loaded.call()
    assert told(caught.value)[:3] == (
        "t.sloth:2: fs.read: path must be a string, not nothing",
        "t.sloth:2",
        "    2 | task('t'):command(function()",
    )


def test_a_tail_call_out_of_the_file_has_no_line_but_a_message(script: Any) -> None:
    error = script.error('return workflow.define("x", { tasks = 1 })')
    assert told(error) == (
        "workflow:tasks: its argument must be a table, not 1",
        None,
        None,
        None,
    )


def test_a_script_that_lies_in_a_folder_named_like_the_library_is_blamed(script: Any) -> None:
    (script.folder / "sloth_lua").mkdir()
    error = script.error("\nfs.read()", name="sloth_lua/host.lua")
    assert error.where == "sloth_lua/host.lua:2"


def test_an_error_inside_the_library_is_blamed_on_the_script(script: Any) -> None:
    error = script.error(
        "\nlog.info(setmetatable({}, { __tostring = function() return nil .. 1 end }))"
    )
    assert error.where == "t.sloth:2"


def test_a_long_path_is_shortened_to_its_file_name(script: Any) -> None:
    folder = script.folder / ("d" * 60)
    folder.mkdir()
    error = script.error("\nerror('x')", name=f"{folder.name}/deploy.sloth")
    assert told(error)[:3] == ("deploy.sloth:2: x", "deploy.sloth:2", "    2 | error('x')")


@pytest.mark.parametrize("length", [54, 55, 56, 59, 60, 100])
def test_a_name_of_any_length_is_found_in_messages(script: Any, length: int) -> None:
    name = "ä" * (length // 2 - 3) + ("x" if length % 2 else "") + ".sloth"
    error = script.error("\nerror('x')", name=name)
    assert error.excerpt == "    2 | error('x')"
    assert str(error) == f"{error.where}: x"


def test_a_file_name_that_is_no_text_is_shown_as_well_as_can_be(script: Any) -> None:
    error = script.error("\nfs.read()", name="b\udcffd.sloth")
    assert told(error)[:3] == (
        "b\ufffdd.sloth:2: fs.read: path must be a string, not nothing",
        "b\ufffdd.sloth:2",
        "    2 | fs.read()",
    )


# -- what Python raises ----------------------------------------------------------------------------


def module_raising(error: BaseException) -> LuaModule:
    def operation() -> None:
        raise error

    async def waiting() -> None:
        raise error

    source = b"local host = ... return { now = function() host.call('bad.now') end, later = function() host.wait('bad.later') end }"
    return LuaModule("bad", source, {"bad.now": operation}, {"bad.later": waiting})


@pytest.mark.parametrize("call", ["now", "later"])
def test_a_refusal_by_an_operation_is_an_error_of_the_script(script: Any, call: str) -> None:
    refusal = InvalidValue("it is 5", hint="Make it 4.")
    source = f"local ok, problem = pcall(bad.{call})\nprint(ok, problem)\nbad.{call}()\n"
    error = script.error(source, more=[module_raising(refusal)])
    assert told(error)[:3] == (
        "t.sloth:3: it is 5 (Make it 4.)",
        "t.sloth:3",
        f"    3 | bad.{call}()",
    )


@pytest.mark.parametrize("call", ["now", "later"])
@pytest.mark.parametrize(
    "wrap", ["{}()", "pcall({})", "while true do pcall(pcall, {}) end", "coroutine.wrap({})()"]
)
def test_a_bug_in_an_operation_ends_lua_as_itself(script: Any, call: str, wrap: str) -> None:
    bug = ZeroDivisionError("a bug")
    source = wrap.format(f"bad.{call}") + " print('went on')"
    with pytest.raises(ZeroDivisionError) as caught:
        script(source, more=[module_raising(bug)])
    assert caught.value is bug


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), MemoryError()])
def test_no_exception_of_python_can_be_caught_by_a_script(
    script: Any, error: BaseException
) -> None:
    with pytest.raises(type(error)) as caught:
        script("while true do pcall(bad.now) end", more=[module_raising(error)])
    assert caught.value is error


@pytest.mark.parametrize("call", ["now", "later"])
@pytest.mark.parametrize("error", [LockLost("deploy"), StoreFull("state.db", "no room left")])
def test_a_lost_store_ends_lua_through_pcall(script: Any, call: str, error: BaseException) -> None:
    with pytest.raises(type(error)) as caught:
        script(f"while true do pcall(bad.{call}) end", more=[module_raising(error)])
    assert caught.value is error


def test_after_a_lost_store_no_lua_runs_any_more(script: Any) -> None:
    script.folder.joinpath("t.sloth").write_text(
        "task('a'):command(bad.now) task('b'):command(function() while true do end end)"
    )
    loaded = read_script("t.sloth")
    session = Session(loaded, emit=lambda _event: None)
    error = LockLost("deploy")
    from sloth_runner.modules import sloth_lua_modules

    driver = Driver(loaded, session, [*sloth_lua_modules(session), module_raising(error)])
    import asyncio

    from sloth_runner.workflow import Call

    facts = {"task": "a", "workflow": "w", "workdir": ".", "attempt": 1, "deps": {}}
    asyncio.run(driver.load())
    for function in (1, 2):
        with pytest.raises(LockLost):
            asyncio.run(driver.call("command", Call(function), session.top_level, facts))
