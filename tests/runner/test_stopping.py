"""Ctrl-C and SIGTERM, while Lua is busy, waits, or is deep in a call that cannot be interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sloth_runner.stopping import StopSignals
from sloth_state.errors import Interrupted
from sloth_state.model import RunStatus
from sloth_state.open import open_store

PROGRAM = """
import asyncio, signal, sys
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    # What is started in the background may have inherited that they are ignored.
    signal.signal(number, signal.SIG_IGN if str(int(number)) in sys.argv[2:] else signal.SIG_DFL)
from sloth_runner.driver import Driver
from sloth_runner.modules import sloth_lua_modules
from sloth_runner.script import read_script
from sloth_runner.session import Session
from sloth_runner.stopping import StopSignals
from sloth_runner.supervisor import Supervisor

script = read_script(sys.argv[1])
session = Session(script, emit=lambda event: print(event.text, flush=True))
driver = Driver(script, session, sloth_lua_modules(session))
try:
    with StopSignals() as signals, asyncio.Runner() as loop:
        Supervisor(loop, signals, driver.limits).run(driver.load(), lambda: print("last words", flush=True))
    print("done", flush=True)
except BaseException as error:
    print(f"{type(error).__name__}: {error}", flush=True)
"""


@contextmanager
def running(
    tmp_path: Path, source: str, *ignored: signal.Signals
) -> Iterator[subprocess.Popen[str]]:
    """A process that runs a script which has printed "ready"."""
    path = tmp_path / "t.sloth"
    path.write_text(source)
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(path), *(str(int(number)) for number in ignored)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        yield child
    finally:
        child.kill()
        child.wait()
        assert child.stdout is not None
        child.stdout.close()


def ending(child: subprocess.Popen[str]) -> tuple[int, list[str]]:
    output, _ = child.communicate(timeout=20)
    return child.returncode, output.splitlines()


def group_is_gone(group: int) -> bool:
    """Whether no process of a group lives any more, within 2 s; zombies do not."""
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        living = subprocess.run(
            ["ps", "-eo", "pgid=,stat="], capture_output=True, text=True, check=True
        ).stdout
        states = [line.split()[1] for line in living.splitlines() if line.split()[0] == str(group)]
        if all(state.startswith("Z") for state in states):
            return True
        time.sleep(0.02)
    return False


NAMES = {"Ctrl-C": signal.SIGINT, "SIGTERM": signal.SIGTERM, "SIGHUP": signal.SIGHUP}
BUSY = "while true do end"
WORK = {
    "a loop": BUSY,
    "a loop in pcalls": f"while true do pcall(function() {BUSY} end) end",
    "a loop in coroutines": f"while true do coroutine.resume(coroutine.create(function() {BUSY} end)) end",
    "a loop in a handler": f"while true do xpcall(error, function() {BUSY} end) end",
    "a sleep": "sleep('1h')",
    "sleeps in pcalls": "while true do pcall(sleep, 0) end",
    "a command": "exec.run('sleep 3600')",
    "commands in pcalls": "while true do pcall(exec.run, 'sleep 3600') end",
    "an operation": "while true do crypto.sha256('x') end",
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("work", WORK)
def test_a_signal_ends_a_script_whatever_it_does(tmp_path: Path, work: str, name: str) -> None:
    with running(tmp_path, f"print('ready') {WORK[work]} print('went on')") as child:
        time.sleep(0.05)
        sent = time.monotonic()
        child.send_signal(NAMES[name])
        assert ending(child) == (0, [f"Interrupted: {Interrupted(name).message}"])
        assert time.monotonic() - sent < 3


def test_a_signal_that_is_ignored_stays_so(tmp_path: Path) -> None:
    with running(tmp_path, f"print('ready') {BUSY}", signal.SIGHUP, signal.SIGINT) as child:
        child.send_signal(signal.SIGHUP)
        child.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.2)
        child.send_signal(signal.SIGTERM)
        assert ending(child) == (0, [f"Interrupted: {Interrupted('SIGTERM').message}"])


def test_a_command_is_ended_with_the_script(tmp_path: Path) -> None:
    source = f"print('ready') exec.run('echo $$ > {tmp_path}/pid; sleep 3600')"
    with running(tmp_path, source) as child:
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        ending(child)
    assert group_is_gone(int((tmp_path / "pid").read_text()))


STUCK = {
    # The first signal waits for Lua: this pattern takes longer than anybody lives.
    "a call that cannot be interrupted": "; (('a'):rep(50)):find(('a?'):rep(50) .. ('a'):rep(50) .. 'b')",
    "a command that ignores its end": "exec.run([[trap '' TERM; echo $$ > FOLDER/pid; while true; do sleep 1; done]])",
}


@pytest.mark.parametrize("work", STUCK)
@pytest.mark.parametrize("pause", [0.0, 0.1], ids=["twice at once", "one after the other"])
def test_a_second_signal_ends_the_process_at_once(tmp_path: Path, work: str, pause: float) -> None:
    source = f"print('ready') {STUCK[work]} print('went on')".replace("FOLDER", str(tmp_path))
    with running(tmp_path, source) as child:
        time.sleep(0.1)
        child.send_signal(signal.SIGINT)
        time.sleep(pause)
        child.send_signal(signal.SIGTERM)  # another number: equal ones at once may be one signal
        sent = time.monotonic()
        code, lines = ending(child)
        assert time.monotonic() - sent < 1.5
    told = "Error: interrupted twice, so the run ended at once"
    assert (code, lines) == (130, ["last words", told])
    if (tmp_path / "pid").exists():
        assert group_is_gone(int((tmp_path / "pid").read_text()))


# -- the handler itself ------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def not_ignored() -> Iterator[None]:
    """The dispositions of a program at a terminal, also for tests that run in the background."""
    before = {number: signal.getsignal(number) for number in NAMES.values()}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


BEFORE_THE_FIRST_STEP = """
import asyncio, os, signal, sys, time

number, run, calls = int(sys.argv[1]), asyncio.Runner.run, []
def run_after_signal(self, work):
    calls.append(work)
    if len(calls) == number:  # 1: while the file is loaded, 2: for its workflow
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.05)
    return run(self, work)
asyncio.Runner.run = run_after_signal

from sloth_runner.cli import main
sys.argv[1:] = ["run", "t.sloth"]
sys.exit(main())
"""


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize(
    "command", ["'sleep 60'", "function() for i = 1, 60 do sleep(1) end end"], ids=["shell", "lua"]
)
def test_a_signal_before_anything_runs_stops_the_run(
    tmp_path: Path, command: str, number: int
) -> None:
    (tmp_path / "t.sloth").write_text(f'task("x"):command({command})\n')
    url = f"sqlite:///{tmp_path}/state.db"
    child = subprocess.run(
        [sys.executable, "-c", BEFORE_THE_FIRST_STEP, str(number)],
        cwd=tmp_path,
        env={**os.environ, "SLOTH_RUNNER_STATE": url},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert child.returncode == 130
    assert child.stderr == "Error: interrupted by SIGTERM\n"
    with open_store(url) as store:
        assert [run.status for run in store.runs()] == [RunStatus.FAILED] * (number - 1)
        assert store.locks() == []


def test_a_second_signal_finalises_the_run_and_releases_its_locks(tmp_path: Path) -> None:
    (tmp_path / "t.sloth").write_text(
        'task("x"):command(function() state.with_lock("mine", function()'
        ' print("ready") while true do pcall(string.rep, "x", 1e8) end end) end)\n'
    )
    url = f"sqlite:///{tmp_path}/state.db"
    child = subprocess.Popen(
        [sys.executable, "-m", "sloth_runner", "run", "t.sloth"],
        cwd=tmp_path,
        env={**os.environ, "SLOTH_RUNNER_STATE": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert child.stdout is not None
    while "ready" not in child.stdout.readline():
        pass
    for _ in range(2):
        child.send_signal(signal.SIGINT)
        time.sleep(0.02)
    code, _ = ending(child)
    with open_store(url) as store:
        assert code == 130
        assert [run.status for run in store.runs()] == [RunStatus.FAILED]
        assert store.locks() == []


def test_outside_of_a_watch_a_signal_is_raised_at_once() -> None:
    with StopSignals(), pytest.raises(Interrupted) as caught:
        signal.raise_signal(signal.SIGTERM)
    assert caught.value.message == Interrupted("SIGTERM").message


def test_within_a_watch_signals_are_told_to_a_thread() -> None:
    told: list[tuple[str, str, bool]] = []
    arrived = threading.Event()

    def first(by: str) -> None:
        told.append(("first", by, threading.current_thread() is threading.main_thread()))

    def second(by: str) -> None:
        told.append(("second", by, threading.current_thread() is threading.main_thread()))
        if len(told) == 3:
            arrived.set()

    with StopSignals() as signals, signals.watched(first, second):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
            signal.raise_signal(number)
        assert arrived.wait(5)
    assert told == [
        ("first", "Ctrl-C", False),
        ("second", "SIGTERM", False),
        ("second", "Ctrl-C", False),
    ]


def test_another_signal_is_not_taken_for_a_stop() -> None:
    told: list[str] = []
    previous = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        with StopSignals() as signals, signals.watched(told.append, told.append):
            signal.raise_signal(signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert told == []


def test_everything_is_as_before_afterwards() -> None:
    handlers = [signal.getsignal(number) for number in NAMES.values()]
    descriptors = len(os.listdir("/proc/self/fd"))
    threads = threading.active_count()
    for _ in range(3):
        with StopSignals() as signals, signals.watched(print, print):
            pass
    assert [signal.getsignal(number) for number in NAMES.values()] == handlers
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert threading.active_count() == threads
    wakeup = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(wakeup)
    assert wakeup == -1
