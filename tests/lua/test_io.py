"""`io.popen` and `os.execute`: what they give, that other tasks go on, and that nothing is left behind."""

from __future__ import annotations

import asyncio
import json
import os
import time
from typing import Any

import pytest

from sloth_runner.errors import ScriptError
from sloth_runner.session import TaskContext
from sloth_runner.workflow import Call

# An expression, and all its results.
RESULTS = {
    "io.popen('echo hi'):read()": ["hi"],
    "io.popen('echo hi'):read('*l')": ["hi"],
    "io.popen('echo hi'):read('l')": ["hi"],
    "io.popen('echo hi'):read('*L')": ["hi\n"],
    "io.popen('echo hi; echo you'):read('*a')": ["hi\nyou\n"],
    "io.popen('echo hi; echo you'):read('*all')": ["hi\nyou\n"],
    "io.popen('true'):read('*a')": [""],
    "io.popen('true'):read('*l')": [None],
    "io.popen('true'):read('*n')": [None],
    "io.popen('true'):read(0)": [None],
    "io.popen('echo hi'):read(0)": [""],
    "io.popen('printf abcdef'):read(2, 3, 5, 1)": ["ab", "cde", "f", None],
    "io.popen('printf \"one\\n\\ntwo\"'):read('*l', '*l', '*l', '*l')": ["one", "", "two", None],
    "io.popen('echo 12 -0x10 1e3 2.5,x'):read('*n', '*n', '*n', '*n', '*l')": [12, -16, 1000, 2.5, ",x"],
    "io.popen('echo 1-2'):read('*n', '*n')": [1, -2],
    "io.popen('echo none; echo 5'):read('*n', '*l')": [None],
    "io.popen('printf 1; sleep 0.05; printf 2; sleep 0.05; echo'):read('*n')": [12],
    "io.popen('printf a; sleep 0.05; printf b; sleep 0.05; echo c'):read()": ["abc"],
    "io.popen('pwd'):read()": ["PWD"],
    "io.popen('cat'):read('*a')": [""],
    "io.popen('[[ a == a ]] && echo {1..3}'):read()": ["1 2 3"],
    "io.popen(exec.run('printf \"echo hi\"')):read()": ["hi"],
    "io.popen('true'):close()": [True, "exit", 0],
    "io.popen('exit 7'):close()": [None, "exit", 7],
    "io.popen('kill -TERM $$'):close()": [None, "signal", 15],
    "io.popen('no-such-command 2> /dev/null'):close()": [None, "exit", 127],
    "io.close(io.popen('exit 7'))": [None, "exit", 7],
    "io.popen('cat > written; exit 3', 'w'):write('a', 1, '\\n'):close()": [None, "exit", 3],
    "io.type(io.popen('true')), tostring(io.popen('true'))": ["file", "file (io.popen)"],
    "io.type(io.stdout), io.type(5), io.type({})": ["file", None, None],
    "(function() local p = io.popen('true') p:close() return io.type(p), tostring(p) end)()": ["closed file", "file (closed)"],
    "io.popen('true'):write('x')": [None, "Bad file descriptor", 9],
    "io.popen('true', 'w'):read()": [None, "Bad file descriptor", 9],
    "io.popen('true'):seek()": [None, "Illegal seek", 29],
    "io.popen('true'):setvbuf('no'), io.type(io.popen('true'):flush())": [True, "file"],
    r"io.popen([[printf '\377\000\r\n']]):read('*a') == '\255\0\r\n'": [True],
    "os.execute('true')": [0],
    "os.execute('exit 3')": [768],
    "os.execute()": [1],
    "os.execute('test \"$(pwd)\" = PWD')": [0],
    "os.execute('test -t 0')": [256],
}  # fmt: skip


@pytest.mark.parametrize(("call", "results"), RESULTS.items(), ids=range(len(RESULTS)))
def test_a_call_gives_what_lua_gives(script: Any, call: str, results: list[Any]) -> None:
    folder = str(script.folder)
    found = script.values(call.replace("PWD", folder))
    assert found == [
        each.replace("PWD", folder) if isinstance(each, str) else each for each in results
    ]


def test_what_is_written_arrives_whole(script: Any) -> None:
    source = r"""
        local p = io.popen("cat > copy", "w")
        local piece = ("\255\0x\n"):rep(25000)
        for _ = 1, 20 do assert(p:write(piece)) end
        print(p:close())
    """
    assert script(source).lines == ["true exit 0"]
    assert (script.folder / "copy").read_bytes() == b"\xff\0x\n" * 500_000


def test_a_command_that_listens_no_more_is_told_to_the_writer(script: Any) -> None:
    source = """
        local p = io.popen("exec 0<&-; echo > closed; sleep 0.2", "w")
        while not fs.exists("closed") do sleep(0.01) end
        local ok, problem, number
        for _ = 1, 100 do
          ok, problem, number = p:write("x")
          if not ok then break end
          sleep(0.01)
        end
        print(ok, problem, number, p:close())
    """
    assert script(source).lines == ["nil Broken pipe 32 true exit 0"]


def test_lines_come_while_the_command_runs(script: Any) -> None:
    source = """
        local p = io.popen("echo one; while [ ! -e go ]; do sleep 0.01; done; echo two; exit 4")
        for line in p:lines() do
          print(line)
          fs.write("go", "")
        end
        print(p:close())
        for a, b in io.popen("echo 1 2; echo 3 4"):lines("*n", "*n") do print(a + b) end
    """
    assert script(source).lines == ["one", "two", "nil exit 4", "3", "7"]


def test_output_larger_than_all_buffers_arrives_and_the_command_is_held_up(script: Any) -> None:
    source = """
        local p = io.popen("head -c 20000000 /dev/zero")
        local size = 0
        repeat
          local piece = p:read(1000000)
          size = size + #(piece or "")
        until not piece
        print(size, #io.popen("head -c 20000000 /dev/zero"):read("*a"))
        print(io.popen("yes"):close())
    """
    assert script(source).lines == ["20000000 20000000", "nil signal 13"]


def test_a_hundred_thousand_lines_are_read_quickly(script: Any) -> None:
    started = time.monotonic()
    source = "local n = 0 for line in io.popen('seq 100000'):lines() do n = n + line end print(n)"
    assert script(source).lines == ["5000050000"]
    assert time.monotonic() - started < 3


def test_what_a_command_says_is_shown(script: Any) -> None:
    loaded = script(
        "os.execute('echo out; echo err >&2') io.popen('echo shown', 'w'):close() io.popen('echo err2 >&2'):close()"
    )
    assert sorted(loaded.output) == [
        ("stderr", "err"), ("stderr", "err2"), ("stdout", "out"), ("stdout", "shown"),
    ]  # fmt: skip


def test_what_is_written_to_the_standard_output_becomes_lines_of_the_run(script: Any) -> None:
    source = """
        print(io.write("a", 1, "\\n"), io.write("two\\n\\nlines"), io.write(), io.write((exec.run("printf x"))))
        io.output("file") io.write("into the file", 2) io.close()
        io.output(io.stdout) io.write("b")
        print(io.stdout:write("c", 2, "\\n"), io.output():write("d"), io.stdout:write())
    """
    loaded = script(source)
    written = [each for each in loaded.output if each[0] == "print"]
    assert [text for _, text in written] == [
        "a1", "two\n\nlines", "x", "true true true true", "b", "c2", "d", "true true true",
    ]  # fmt: skip
    assert (script.folder / "file").read_text() == "into the file2"
    assert str(script.error("io.write({})")).endswith(
        "io.write: argument 1 must be a string, not a table"
    )
    assert str(script.error("io.output():write('a', {})")).endswith(
        "io.stdout:write: argument 2 must be a string, not a table"
    )


@pytest.mark.parametrize("secrets", [{}, {"SLOTH_SECRET_TOKEN": "hunter2-is-long"}])
def test_what_a_script_writes_while_it_is_looked_at_breaks_no_json(
    sloth: Any, monkeypatch: pytest.MonkeyPatch, secrets: dict[str, str]
) -> None:
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    writing = (
        'io.stdout:write("out\\n") io.output():write("out\\n") io.write("out\\n") print("out")'
    )
    sloth.write("w.sloth", f'{writing}\ntask("t"):command(function() {writing} end)')
    assert sloth("run", "w.sloth").stdout.count("out\n") == 8
    for command in (
        "validate w.sloth",
        "list w.sloth",
        "plan w.sloth",
        "state workflow drift w",
        "state workflow reconcile w --dry-run",
    ):
        result = sloth(*command.split(), "-o", "json")
        assert result.returncode == 0, result
        json.loads(result.stdout)


def test_what_is_left_in_the_background_goes_on(script: Any) -> None:
    source = """
        print(os.execute("(sleep 0.3; touch executed) > /dev/null 2>&1 &"))
        print(io.popen("(sleep 0.3; touch popened) > /dev/null 2>&1 & echo started"):read())
    """
    assert script(source).lines == ["0", "started"]
    deadline = time.monotonic() + 5
    while not ((script.folder / "executed").exists() and (script.folder / "popened").exists()):
        assert time.monotonic() < deadline
        time.sleep(0.02)


FAILURES = {
    "io.popen()": "io.popen: command must be a string, not nothing",
    "io.popen({})": "io.popen: command must be a string, not a table",
    "io.popen('true', 'rw')": 'io.popen: mode must be "r" or "w", not rw',
    "io.popen('true'):read('*x')": "bad argument #1 to 'read' (invalid format)",
    "io.popen('echo x'):read('*l', {})": "read: format must be a string, not a table",
    "io.popen('true', 'w'):write('x', {})": "write: argument 2 must be a string, not a table",
    "io.popen('true').read()": "read: call it with a colon: file:read(…)",
    "(function() local p = io.popen('true') p:close() p:read() end)()": "attempt to use a closed file",
    "(function() local p = io.popen('true') p:close() p:close() end)()": "attempt to use a closed file",
    "os.execute({})": "os.execute: command must be a string, not a table",
    r"os.execute('true\0')": "the command cannot be started: embedded null byte",
}  # fmt: skip


@pytest.mark.parametrize(("call", "message"), FAILURES.items(), ids=range(len(FAILURES)))
def test_a_wrong_call_is_an_error_at_its_line(script: Any, call: str, message: str) -> None:
    assert str(script.error(f"\nlocal x = {call}")) == f"t.sloth:2: {message}"


def test_a_command_that_cannot_start_is_a_result(script: Any) -> None:
    found = script.values(r"io.popen('true\0')")
    assert found == [None, "the command cannot be started: embedded null byte"]


def test_a_file_that_is_only_looked_at_runs_nothing(script: Any) -> None:
    source = """
        print(os.execute("touch made"), io.popen("touch made"):read("*a") == "", io.popen("touch made"):close())
        local p = io.popen("cat > made", "w")
        print(p:write("x") == p, p:close())
    """
    assert script(source, inspecting=True).lines == ["0 true true exit 0", "true true exit 0"]
    assert not (script.folder / "made").exists()


# -- among tasks -----------------------------------------------------------------------------------


def nothing_runs_in(folder: Any) -> bool:
    """Whether all commands that work in a folder are over, or will be in a moment."""
    deadline = time.monotonic() + 1
    while sleeping_in(folder):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def sleeping_in(folder: Any) -> list[str]:
    """Command lines of the processes with a sleep in them that work in a folder."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{pid}/cwd") == str(folder):
                with open(f"/proc/{pid}/cmdline") as file:
                    found.append(file.read())
        except OSError:
            continue
    return [each for each in found if "sleep" in each]


@pytest.mark.parametrize(
    "waits",
    ["os.execute('sleep 0.3')", "io.popen('sleep 0.3'):read()", "io.popen('sleep 0.3'):close()"],
)
def test_commands_of_several_tasks_run_at_the_same_time(script: Any, waits: str) -> None:
    loaded = script(f"task('a'):command(function() {waits} end)")
    folder = str(script.folder)
    facts = {"task": "a", "workflow": "w", "workdir": folder, "attempt": 1, "deps": {}}

    async def all_of_them() -> None:
        contexts = [TaskContext(name, folder) for name in "abcd"]
        await asyncio.gather(
            *(loaded.driver.call("command", Call(1), each, facts) for each in contexts)
        )

    started = time.monotonic()
    asyncio.run(all_of_them())
    assert 0.3 <= time.monotonic() - started < 1.1


@pytest.mark.parametrize(
    "waits",
    [
        "os.execute('sleep 77')",
        "io.popen('sleep 77; true'):read()",
        "io.popen('sleep 77; true'):close()",
        "local p = io.popen('sleep 77; true', 'w') while true do p:write(('x'):rep(1e6)) end",
        "io.popen('sleep 77; true') while true do end",
    ],
)
def test_a_timeout_ends_the_wait_and_the_command(script: Any, waits: str) -> None:
    loaded = script(f"task('a'):command(function() {waits} end)")
    started = time.monotonic()
    with pytest.raises(Exception, match=r"timed out|timeout|0\.3"):
        loaded.call(timeout=0.3)
    assert time.monotonic() - started < 4
    assert nothing_runs_in(script.folder)


def test_a_command_ends_with_the_task_that_has_left_it(script: Any) -> None:
    loaded = script("task('a'):command(function() io.popen('sleep 77; true') return true end)")
    assert loaded.call() == {}
    assert nothing_runs_in(script.folder)


def test_a_command_that_is_about_to_end_may_do_so(script: Any) -> None:
    loaded = script(
        "task('a'):command(function() io.popen('sleep 0.2; touch read') io.popen('cat > written; sleep 0.2; touch closed', 'w'):write('x') end)"
    )
    loaded.call()
    assert sorted(os.listdir(script.folder)) == ["closed", "read", "t.sloth", "written"]
    assert (script.folder / "written").read_text() == "x"


def test_an_error_in_the_task_ends_its_commands(script: Any) -> None:
    loaded = script("task('a'):command(function() io.popen('sleep 77; true') error('no') end)")
    with pytest.raises(ScriptError, match=r"t\.sloth:1: no"):
        loaded.call()
    assert nothing_runs_in(script.folder)


def test_a_command_can_be_used_by_goroutines_and_in_a_coroutine(script: Any) -> None:
    source = """
        task("a"):command(function()
          local p, seen = io.popen("for i in {1..6}; do echo $i; sleep 0.02; done"), {}
          local wg = goroutine.wait_group()
          for _ = 1, 2 do
            wg:add(1)
            goroutine.spawn(function()
              for line in p:lines() do seen[#seen + 1] = line end
              wg:done()
            end)
          end
          wg:wait()
          table.sort(seen)
          print(table.concat(seen, " "), coroutine.wrap(function() return io.popen("echo inside"):read() end)())
        end)
    """
    loaded = script(source)
    loaded.call()
    assert loaded.lines[-1] == "1 2 3 4 5 6 inside"


def test_commands_that_nobody_closes_leave_nothing_open(script: Any) -> None:
    before = len(os.listdir("/proc/self/fd"))
    source = "for i = 1, 100 do assert(io.popen('echo ' .. i):read('*a') == i .. '\\n') end print('done')"
    assert script(source).lines == ["done"]
    assert len(os.listdir("/proc/self/fd")) <= before + 5
