"""What a person sees at a terminal, in a pipe, and with the switches that change it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from typing import Any

import pytest

from sloth_state.cli.text import width

SCRIPT = """
task("fast"):command(function() log.warn("careful") return true, "done", { changed = false } end)
task("slow"):command("echo line one; sleep 0.4; echo line two")
task("bad"):depends_on("slow"):command(function() log.debug("hidden") return false, "no luck" end)
task("never"):depends_on("bad"):command("true")
"""


def at_a_terminal(sloth: Any, *arguments: str, columns: int = 80, **environment: str) -> str:
    """All that a command writes to a terminal of this width."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    inherited = {k: v for k, v in sloth.environment.items() if k not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        [sys.executable, "-m", "sloth_runner", *arguments],
        cwd=sloth.folder,
        env={**inherited, "TERM": "xterm-256color", **environment},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    written = bytearray()
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not piece:
            break
        written += piece
    os.close(ours)
    process.wait(10)
    return written.decode()


def without_colours(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def test_a_terminal_shows_running_tasks_and_then_what_became_of_them(sloth: Any) -> None:
    shown = at_a_terminal(sloth, "run", sloth.write("v.sloth", SCRIPT))
    plain = without_colours(shown)
    assert re.search(r"[⠁-⣿] slow  \d", plain), "no spinner line for the running task"
    for line in ("fast | careful", "✓ fast", "✗ bad", "no luck", "- never", "v v1  failed  in"):
        assert line in plain
    assert "hidden" not in plain
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h"), "the cursor stays hidden"


def test_a_live_line_is_never_wider_than_the_terminal(sloth: Any) -> None:
    script = 'task("NAME"):command("echo LONG; sleep 0.3")'
    script = script.replace("NAME", "n" * 30).replace("LONG", "x" * 200)
    shown = without_colours(at_a_terminal(sloth, "run", sloth.write("w.sloth", script), columns=40))
    spinners = [line for line in re.split(r"[\r\n]+", shown) if re.match(r"[⠁-⣿] ", line)]
    assert spinners
    assert max(map(len, spinners)) <= 40


HOSTILE = r"""
local function say(text) log.info(text) print(text) end
task("a"):command("printf 'c\\033[31mred\\033[0m\\033[2J\\033[3;1H\\033]0;title\\007 \\033[K\\a\\b\\tend\\n'; sleep 0.5")
task("b"):command(function() say("d\27[32mgreen\27[2J\27[5A\tend\27") return true, "m\27[2J" end)
task("c"):command(function() state.set_output("k", "v\27[2J") error("e\27[2J") end)
"""


@pytest.mark.parametrize("options", [(), ("-v",), ("-q",)])
def test_nothing_that_a_script_or_a_command_writes_moves_the_cursor(
    sloth: Any, options: tuple[str, ...]
) -> None:
    shown = at_a_terminal(sloth, "run", sloth.write("v.sloth", HOSTILE), *options)
    for sequence in ("\x1b[2J", "\x1b[3;1H", "\x1b]0;", "\x1b[5A", "\t", "\a", "\b"):
        assert sequence not in shown
    if options != ("-q",):
        plain = without_colours(shown)
        assert "\x1b" not in plain
        assert re.search(r"[⠁-⣿] a  .*cred \\x07\\x08 +end", plain)
        assert "\x1b[32mgreen" in shown, "colours are no harm"
        assert re.search(r"b \| dgreen +end\r?\n", plain)


def test_a_pipe_gets_no_escape_sequences_of_a_script(sloth: Any) -> None:
    result = sloth("run", sloth.write("v.sloth", HOSTILE), "-v")
    assert "\x1b" not in result.stdout
    assert re.search(r"^a \| cred \\x07\\x08 +end$", result.stdout, re.MULTILINE)
    assert re.search(r"^✓ b  \S+  m\\x1b\[2J$", result.stdout, re.MULTILINE)


SUMMED_UP = """
task("ok"):command(function() state.set_output("url", "https://example.org/" .. ("x"):rep(60)) end)
task("語"):command(function() state.set_output("名前", "[bold]") error("no") end)
"""


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize("options", [(), ("--no-color",)])
def test_a_terminal_gets_a_table_at_the_end(
    sloth: Any, columns: int, options: tuple[str, ...]
) -> None:
    file = sloth.write("w.sloth", SUMMED_UP)
    shown = without_colours(at_a_terminal(sloth, "run", file, *options, columns=columns))
    lines = shown.replace("\r", "").split("\n")
    begin = next(number for number, line in enumerate(lines) if line.startswith("┌"))
    end = next(number for number, line in enumerate(lines) if line.startswith("└"))
    table = lines[begin : end + 1]
    assert lines[begin - 1].startswith("w v1  failed  in ")
    assert {width(line) for line in table} == {width(table[0])}
    assert width(table[0]) <= columns
    cells = re.sub(r"[\s│┌┐└┘├┤─┬┼┴]", "", "".join(table))
    assert cells == (
        "Tasks1succeeded,1failedResources0created,0updated,0deleted,0unchanged"
        f"Outputsurlhttps://example.org/{'x' * 60}名前[bold]"
    )
    assert (len(table) == 7) == (columns == 200)


def test_a_second_ctrl_c_says_so_on_a_line_of_its_own(sloth: Any) -> None:
    source = """task("a"):command("trap '' TERM; kill -INT $PPID; sleep 0.5; kill -INT $PPID; sleep 30")"""
    shown = at_a_terminal(sloth, "run", sloth.write("v.sloth", source))
    assert shown.endswith("\x1b[?25h\r\nError: interrupted twice, so the run ended at once\r\n")


def test_success_is_green_and_failure_red_at_a_terminal(sloth: Any) -> None:
    shown = at_a_terminal(sloth, "run", sloth.write("v.sloth", SCRIPT))
    assert "\x1b[32m✓" in shown
    assert "\x1b[31m✗" in shown
    assert "\x1b[31mfailed" in shown


@pytest.mark.parametrize("way", ["NO_COLOR", "--no-color"])
def test_colours_can_be_turned_off(sloth: Any, way: str) -> None:
    sloth.write("v.sloth", SCRIPT)
    if way == "NO_COLOR":
        shown = at_a_terminal(sloth, "run", "v.sloth", NO_COLOR="1")
    else:
        shown = at_a_terminal(sloth, "run", "v.sloth", "--no-color")
    assert re.findall(r"\x1b\[[0-9;]*m", shown.replace("\x1b[0m", "")) == []


def test_a_pipe_gets_plain_lines_in_order(sloth: Any) -> None:
    result = sloth("run", sloth.write("v.sloth", SCRIPT), "--max-parallel", "1")
    assert "\x1b" not in result.stdout
    lines = [re.sub(r"\d+ms|\d+\.\ds", "T", line) for line in result.stdout.splitlines()]
    assert lines[1:] == [
        "fast | careful",
        "✓ fast  T  unchanged  done",
        "✓ slow  T",
        "✗ bad  T  no luck",
        "- never  skipped: it depends on bad, which failed",
        "",
        "v v1  failed  in T",
        "  Tasks      2 succeeded, 1 failed, 1 skipped",
        "  Resources  0 created, 0 updated, 0 deleted, 0 unchanged",
    ]
    assert result.stderr == "Error: task bad: no luck\n"


def test_the_line_of_a_failed_task_is_followed_by_what_may_help(sloth: Any) -> None:
    source = 'task("a"):command(function() fs.raed("x") end) task("b"):command(function() exce.run("x") end)'
    result = sloth("run", sloth.write("v.sloth", source), "--max-parallel", "1", "-q")
    lines = [re.sub(r"\d+ms|\d+\.\ds", "T", line) for line in result.stdout.splitlines()]
    assert lines[:4] == [
        "✗ a  T  v.sloth:1: attempt to call field 'raed' (a nil value)",
        "  Hint: There is no fs.raed; did you mean fs.read?",
        "✗ b  T  v.sloth:1: attempt to index global 'exce' (a nil value)",
        "  Hint: There is no global 'exce'; did you mean 'exec'?",
    ]
    assert result.stderr.endswith("Hint: There is no fs.raed; did you mean fs.read?\n")


def test_verbose_shows_what_commands_write_and_debug_lines(sloth: Any) -> None:
    shown = sloth("run", sloth.write("v.sloth", SCRIPT), "--verbose").stdout
    for line in ("slow | line one", "slow | line two", "bad | hidden"):
        assert f"{line}\n" in shown


def test_quiet_shows_failures_and_the_summary_only(sloth: Any) -> None:
    shown = sloth("run", sloth.write("v.sloth", SCRIPT), "--quiet").stdout
    lines = shown.splitlines()
    assert lines[0].startswith("✗ bad")
    assert lines[2].startswith("v v1  failed")
    both = sloth("run", "v.sloth", "--quiet", "--verbose")
    assert (both.returncode, both.stderr) == (
        2,
        "Error: --verbose and --quiet exclude each other\n",
    )


def test_a_command_that_only_looks_shows_no_escape_sequences_either(sloth: Any) -> None:
    source = 'log.warn("w\\27[32mx\\27[2J") task("a"):command("true")'
    result = sloth("plan", sloth.write("v.sloth", source))
    assert result.returncode == 0
    assert "w" in result.stderr + result.stdout
    assert "\x1b" not in result.stderr + result.stdout
