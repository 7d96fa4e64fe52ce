"""Ctrl-C and SIGTERM end a run, and do not disturb its ending."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sloth_runner.cli.root import root
from sloth_runner.execution import Execution
from sloth_runner.host.runtime import LuaHost
from sloth_runner.loading import Loading
from sloth_runner.script import Script
from sloth_runner.session import Session
from sloth_runner.stopping import StopSignals
from sloth_state.cli import run_cli
from sloth_state.errors import Interrupted
from sloth_state.model import LockScope, Run, RunStatus
from sloth_state.open import open_store
from sloth_state.store import Store

_PROGRAM = """
import sys, time
from sloth_runner.execution import Execution
from sloth_state.open import open_store

with open_store(sys.argv[1]) as store, Execution(store, "deploy") as run:
    run.record("file", "app.conf")
    print(flush=True)
    time.sleep(60)
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path}/state.db") as opened:
        yield opened


@pytest.mark.parametrize(
    ("number", "kept", "last_line", "exit_code"),
    [
        (signal.SIGINT, "interrupted by Ctrl-C", "KeyboardInterrupt", -signal.SIGINT),
        (
            signal.SIGTERM,
            "interrupted by SIGTERM",
            "sloth_state.errors.Interrupted: interrupted by SIGTERM",
            1,
        ),
    ],
)
def test_a_signal_ends_the_program_and_finalises_its_run(
    store: Store, number: signal.Signals, kept: str, last_line: str, exit_code: int
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, store.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout is not None
        program.stdout.readline()
        program.send_signal(number)
        _, errors = program.communicate(timeout=10)
    (run,) = store.runs()

    assert (run.status, run.error_msg, run.resource_count) == (RunStatus.FAILED, kept, 1)
    assert run.completed_at is not None
    assert store.locks() == []
    assert errors.splitlines()[-1] == last_line
    assert program.returncode == exit_code


def test_sigterm_ends_a_process_as_before_once_the_run_is_over(store: Store) -> None:
    with Execution(store, "outer"):
        with pytest.raises(Interrupted), Execution(store, "inner"):
            signal.raise_signal(signal.SIGTERM)
        inside = signal.getsignal(signal.SIGTERM)

    assert inside is not signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_program_that_handles_sigterm_itself_keeps_its_handler(store: Store) -> None:
    seen: list[int] = []

    def handler(number: int, frame: Any) -> None:
        seen.append(number)

    before = signal.signal(signal.SIGTERM, handler)
    try:
        with Execution(store, "deploy"):
            signal.raise_signal(signal.SIGTERM)
        after = signal.getsignal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)

    assert (seen, after) == ([signal.SIGTERM], handler)


def test_signals_are_left_alone_on_other_threads(store: Store) -> None:
    handlers: list[Any] = []

    def run_on_a_thread() -> None:
        with store.reopen() as own, Execution(own, "deploy"):
            handlers.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run_on_a_thread)
    thread.start()
    thread.join()

    assert handlers == [signal.SIG_DFL]
    assert [run.status for run in store.runs()] == [RunStatus.SUCCESS]


def _signal_during(
    monkeypatch: pytest.MonkeyPatch, store: Store, method: str, number: signal.Signals
) -> None:
    """Send this process a signal whenever the store has done what `method` does."""
    real = getattr(type(store), method)

    def with_signal(self: Store, *arguments: Any, **options: Any) -> Run:
        done: Run = real(self, *arguments, **options)
        signal.raise_signal(number)
        return done

    monkeypatch.setattr(type(store), method, with_signal)


@pytest.mark.parametrize(
    ("number", "error"),
    [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Interrupted)],
)
def test_a_signal_while_a_run_is_finalised_comes_after_that(
    monkeypatch: pytest.MonkeyPatch,
    store: Store,
    number: signal.Signals,
    error: type[BaseException],
) -> None:
    execution = Execution(store, "deploy")
    _signal_during(monkeypatch, store, "finish_run", number)
    with pytest.raises(error), execution:
        pass

    assert execution.finished is not None
    assert execution.finished.status is RunStatus.SUCCESS
    assert store.locks() == []
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_signal_at_the_moment_a_run_begins_finalises_it(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    execution = Execution(store, "deploy")
    _signal_during(monkeypatch, store, "begin_run", signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), execution:
        pytest.fail("entered")

    assert execution.finished is not None
    assert execution.finished.status is RunStatus.FAILED
    assert execution.finished.error_msg == "interrupted by Ctrl-C"
    assert store.locks() == []


def test_a_signal_is_not_forgotten_if_finalising_fails(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    _signal_during(monkeypatch, store, "release_lock", signal.SIGINT)
    execution = Execution(store, "deploy")
    execution.__enter__()
    store.break_lock(LockScope.WORKFLOW, "deploy", "ops@desk")
    with pytest.raises(KeyboardInterrupt) as raised:
        execution.__exit__(None, None, None)

    assert type(raised.value.__context__).__name__ == "LockLost"


SIGNALS = [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM"), (signal.SIGHUP, "SIGHUP")]


@pytest.mark.parametrize(("number", "name"), SIGNALS)
@pytest.mark.parametrize("moment", ["begin_run", "finish_run"])
def test_a_signal_in_the_first_or_last_moment_of_a_run_ends_it_like_any_other(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    store: Store,
    tmp_path: Path,
    moment: str,
    number: signal.Signals,
    name: str,
) -> None:
    script = tmp_path / "deploy.sloth"
    script.write_text('task("t"):command("true")')
    _signal_during(monkeypatch, store, moment, number)

    assert run_cli(root, ["run", str(script), "--state", store.url]) == 130

    assert capsys.readouterr().err == f"Error: interrupted by {name}\n"
    assert [run.status for run in store.runs()] == [
        RunStatus.FAILED if moment == "begin_run" else RunStatus.SUCCESS
    ]
    assert store.locks() == []


@pytest.mark.parametrize(("number", "name"), SIGNALS)
def test_a_signal_while_lua_begins_is_not_taken_for_a_fault_of_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: signal.Signals, name: str
) -> None:
    real = LuaHost._answer

    def with_signal(self: LuaHost, operation: bytes, *arguments: Any) -> Any:
        asked = self._operations[operation]

        def operation_with_signal(*given: Any) -> Any:
            signal.raise_signal(number)
            return asked(*given)

        with monkeypatch.context() as patch:
            patch.setitem(self._operations, operation, operation_with_signal)
            return real(self, operation, *arguments)

    monkeypatch.setattr(LuaHost, "_answer", with_signal)
    script = Script(str(tmp_path / "w.sloth"), "w.sloth", b"")

    with StopSignals(), pytest.raises(Interrupted, match=f"interrupted by {name}"):
        Loading([]).driver(Session(script, emit=lambda _event: None))
