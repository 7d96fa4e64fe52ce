"""The module `exec`: results in all their forms, options, and inspection."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sloth_runner.errors import ScriptError
from sloth_runner.session import TaskContext
from sloth_runner.workflow import Call

# An expression, and all its results.
RESULTS = {
    "exec.run('echo hi').stdout": ["hi\n"],
    "exec.run('echo hi').output": ["hi\n"],
    "exec.run('echo hi >&2').stderr": ["hi\n"],
    "exec.run('echo hi >&2').error": ["hi\n"],
    "exec.run('true').success": [True],
    "exec.run('false').success": [False],
    "exec.run('exit 7').exit_code": [7],
    "exec.run('kill -KILL $$').exit_code": [137],
    "exec.run('kill -TERM $$').exit_code": [143],
    "exec.run('no-such-command').exit_code": [127],
    "select(2, exec.run('true'))": [None, False],
    "select(2, exec.run('exit 7'))": ["exit code 7", True],
    "select(2, exec.run('echo one >&2; echo two >&2; echo >&2; exit 7'))": ["exit code 7: two", True],
    "exec('echo called')": [True, "called\n"],
    "exec('echo out; echo err >&2; exit 3')": [False, "out\nerr\n"],
    "exec('pwd', { workdir = 'sub' })": [True, "PWD/sub\n"],
    "exec.sh('cat', { stdin = 'in' })": [True, "in"],
    "exec.sh('echo out; echo err >&2')": [True, "out\nerr\n"],
    "exec.sh('echo out; false')": [False, "out\n"],
    "exec.run('pwd').stdout": ["PWD\n"],
    "exec.run('pwd', { workdir = 'sub' }).stdout": ["PWD/sub\n"],
    "exec.run('pwd', { workdir = 'PWD/sub' }).stdout": ["PWD/sub\n"],
    "exec.run('echo $A$B$C$D', { env = { A = 'a b', B = 1, C = true, D = 1.5 } }).stdout": ["a b1true1.5\n"],
    "exec.run('echo $INHERITED', { env = {} }).stdout": ["from outside\n"],
    "exec.run('echo $INHERITED', { env = { INHERITED = 'mine' } }).stdout": ["mine\n"],
    "exec.run('cat', { stdin = 'in' }).stdout": ["in"],
    "exec.run('cat; echo end').stdout": ["end\n"],
    r"exec.run('cat', { stdin = '\0\255\r\n' }).stdout == '\0\255\r\n'": [True],
    "exec.run('cat', { stdin = exec.run('echo piped') }).stdout": ["piped\n"],
    "exec.run('[[ a == a ]] && echo {1..3}').stdout": ["1 2 3\n"],
    "exec.run('sleep 5', { timeout = '50ms' }).exit_code": [124],
    "select(2, exec.run('sleep 5', { timeout = 0.05 }))": ["timed out after 0.05 s", True],
    "exec.run('echo early; sleep 5', { timeout = '100ms' }).stdout": ["early\n"],
    r"exec.run('printf \"a\\0b\"').stdout == 'a\0b'": [True],
    # as its stdout
    "tostring(exec.run('printf x'))": ["x"],
    "'<' .. exec.run('printf x') .. '>'": ["<x>"],
    "exec.run('printf x') .. exec.run('printf y')": ["xy"],
    "exec.run('echo x'):gsub('%s+', '')": ["x", 1],
    "exec.run('echo x'):match('%w')": ["x"],
    "exec.run('echo x'):len()": [2],
    "exec.run('printf 42'):rep(2)": ["4242"],
    "exec.run('echo x').no_such_field": [None],
    "tonumber(tostring(exec.run('echo 42')))": [42],
    "tonumber(exec.run('echo 42'))": [42],
    "tonumber(exec.run('printf ff'), 16)": [255],
    "tonumber(exec.run('echo x'))": [None],
}  # fmt: skip


@pytest.fixture
def shell(script: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    (script.folder / "sub").mkdir()
    monkeypatch.setenv("INHERITED", "from outside")
    return script


@pytest.mark.parametrize(("call", "results"), RESULTS.items(), ids=RESULTS)
def test_a_command_gives_its_result(shell: Any, call: str, results: list[Any]) -> None:
    folder = str(shell.folder)
    found = shell.values(call.replace("PWD", folder))
    assert found == [
        each.replace("PWD", folder) if isinstance(each, str) else each for each in results
    ]


def test_the_duration_is_in_seconds(script: Any) -> None:
    assert 0.1 <= script.value("exec.run('sleep 0.1').duration") < 2


FAILURES = {
    "exec.run('true', { workdir = 'none' })": "the folder PWD/none to run the command in does not exist (Make it before, for instance with this.workdir.ensure() in the task's pre_hook.)",
    "exec.run('true', { user = 'no-such-user' })": "there is no user 'no-such-user' to run the command as (Declare it before with resource.user, or correct the name.)",
    r"exec.run('true', { user = 'x\0' })": r"there is no user 'x\x00' to run the command as (Declare it before with resource.user, or correct the name.)",
    r"exec.run('true\0')": "the command cannot be started: embedded null byte",
    r"exec.run('true', { env = { A = 'x\0' } })": "the command cannot be started: embedded null byte",
    "exec.run('true', { env = { ['A=B'] = 'x' } })": "the command cannot be started: illegal environment variable name",
    r"exec.run('true', { env = { A = '\255' } })": (
        "exec.run: env.A is not UTF-8 text; encode bytes first, for instance with crypto.base64"
    ),
    "exec.run(('x'):rep(200000))": "the command cannot be started: [Errno 7] Argument list too long: 'BASH'",
}  # fmt: skip


@pytest.mark.parametrize(("call", "message"), FAILURES.items(), ids=range(len(FAILURES)))
def test_a_command_that_cannot_start_is_an_error_at_its_line(
    script: Any, call: str, message: str
) -> None:
    bash = shutil.which("bash") or ""
    error = script.error(f"\nlocal R = {call}")
    message = message.replace("PWD", str(script.folder)).replace("BASH", bash)
    assert str(error) == f"t.sloth:2: {message}"


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "bash").symlink_to("/bin/bash")
    (tmp_path / "t.sloth").write_text('task("t"):command("true")\n')
    result = subprocess.run(
        [sys.executable, "-m", "sloth_runner", "run", "t.sloth"],
        cwd=tmp_path,
        env={"PATH": str(tmp_path), "SLOTH_RUNNER_STATE": f"sqlite:///{tmp_path}/state.db"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (
        1,
        "Error: task t: the command cannot be started, because there is no awk\n"
        "Hint: Install it, or put it on PATH.\n",
    )


def test_output_that_is_no_text_arrives_as_it_is(script: Any) -> None:
    source = r"""
        local R = exec.run([[printf '\377\000\r\n'; printf '\376' >&2; exit 3]])
        print(R.stdout == "\255\0\r\n", R.stderr == "\254", select(2, exec.run([[printf '\376' >&2; exit 3]])))
    """
    assert script(source).lines[-1] == "true true exit code 3: \ufffd true"


def test_a_command_named_by_bytes_is_run_as_bytes(script: Any) -> None:
    assert script(r"print(exec.run('printf \255').stdout == '\255')").lines[-1] == "true"


def test_output_is_told_while_the_command_runs(script: Any) -> None:
    loaded = script("exec.run('echo one; echo two; echo three >&2')")
    assert ("stderr", "three") in loaded.output
    assert ("stdout", "two") in loaded.output


def test_commands_of_two_tasks_run_at_the_same_time(script: Any) -> None:
    loaded = script("task('a'):command(function() exec.run('sleep 0.3') end)")
    facts = {"task": "a", "workflow": "w", "workdir": ".", "attempt": 1, "deps": {}}

    async def both() -> None:
        calls = [
            loaded.driver.call("command", Call(1), TaskContext(name, "."), facts) for name in "abc"
        ]
        await asyncio.gather(*calls)

    started = time.monotonic()
    asyncio.run(both())
    assert 0.3 <= time.monotonic() - started < 0.8


def test_a_file_that_is_only_looked_at_runs_no_command(script: Any) -> None:
    source = """
        local R, problem, failed = exec.run("touch made; echo x; exit 3")
        print(R.stdout == "", R.exit_code, R.success, problem, failed, exec.sh("touch made"))
        sleep(1000)
    """
    assert script(source, inspecting=True).lines == ["true 0 true nil false true "]
    assert not (script.folder / "made").exists()


# -- other users -----------------------------------------------------------------------------------

WHO = "exec.run('id -un; id -G; echo $USER:$LOGNAME:$HOME', { workdir = '/', user = %r }).stdout"


def test_a_command_runs_as_the_user_with_its_groups_and_home(script: Any) -> None:
    """Anybody may name themselves; only root may name others, and has groups of its own."""
    is_root = os.geteuid() == 0
    user = pwd.getpwnam("nobody") if is_root else pwd.getpwuid(os.geteuid())
    before = os.getgroups()
    if is_root:
        os.setgroups([*before, 12345])
    try:
        name, groups, environment = script.value(WHO % user.pw_name).splitlines()
    finally:
        if is_root:
            os.setgroups(before)
    assert name == user.pw_name
    assert set(map(int, groups.split())) == set(os.getgrouplist(user.pw_name, user.pw_gid))
    assert environment == f"{user.pw_name}:{user.pw_name}:{user.pw_dir}"


def test_only_root_may_name_another_user(script: Any) -> None:
    loaded = script(
        "task('t'):command(function() exec.run('id', { user = 'daemon', workdir = '/' }) end)"
    )
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(pwd.getpwnam("nobody").pw_uid)
    try:
        with pytest.raises(ScriptError) as caught:
            loaded.call()
    finally:
        if is_root:
            os.seteuid(0)
    assert str(caught.value) == "t.sloth:1: only root can run a command as 'daemon'"


def test_the_environment_of_the_call_wins_over_that_of_the_user(script: Any) -> None:
    user = pwd.getpwuid(os.geteuid()).pw_name
    call = (
        f"exec.run('echo $HOME', {{ workdir = '/', user = '{user}', env = {{ HOME = '/mine' }} }})"
    )
    assert script.value(f"{call}.stdout") == "/mine\n"
