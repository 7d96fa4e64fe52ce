"""Runs whose process dies, or sleeps too long: others take over, and nothing comes late."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sloth_runner.execution import Execution
from sloth_state.errors import LockHeld
from sloth_state.model import RunStatus
from sloth_state.open import open_store
from sloth_state.store import Store

_PROGRAM = """
import sys
from datetime import timedelta
from sloth_runner.execution import Execution
from sloth_state.errors import LockLost
from sloth_state.model import TaskRecord, TaskStatus
from sloth_state.open import open_store

lease = timedelta(seconds=float(sys.argv[2]))
with open_store(sys.argv[1]) as store:
    try:
        with Execution(store, "deploy", lease=lease) as run:
            run.record("file", "early", {"n": 1})
            print(run.id, flush=True)
            sys.stdin.readline()
            for write in (
                lambda: run.record("file", "late"),
                lambda: run.remove("file", "early"),
                lambda: run.set_output("late", 1),
                lambda: run.set_metadata({"late": "1"}),
                lambda: run.save_tasks([TaskRecord("late", TaskStatus.SUCCESS, 1, None, None)]),
                lambda: run.acquire("late", lease),
            ):
                try:
                    print(write())
                except LockLost as error:
                    print("refused:", error)
    except LockLost:
        print("not finalised")
"""

LOST = "this process lost the lock of deploy: its lease ran out or somebody broke it"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path}/state.db") as opened:
        yield opened


class _Program:
    """Another process in the middle of a run of "deploy"."""

    def __init__(self, store: Store, lease_seconds: float) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, store.url, str(lease_seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.run_id = self.process.stdout.readline().strip()

    def pause(self, seconds: float) -> None:
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)
        time.sleep(seconds)

    def go_on(self) -> str:
        """Let it continue and end; what it said."""
        self.process.send_signal(signal.SIGCONT)
        return self.process.communicate("\n", timeout=10)[0]


@pytest.fixture
def programs() -> Iterator[list[_Program]]:
    """Programs that must not outlive the test."""
    started: list[_Program] = []
    yield started
    for program in started:
        program.process.kill()
        program.process.communicate()


def test_a_killed_run_is_taken_over_at_once(store: Store, programs: list[_Program]) -> None:
    programs.append(killed := _Program(store, 60))
    with pytest.raises(LockHeld):
        Execution(store, "deploy").__enter__()
    killed.process.kill()
    killed.process.wait()

    with Execution(store, "deploy") as run:
        interrupted = store.run(killed.run_id)
        kept = run.resource("file", "early")

    assert interrupted.status is RunStatus.FAILED
    assert interrupted.error_msg is not None
    assert interrupted.error_msg.startswith("interrupted: ")
    assert interrupted.completed_at is not None
    assert interrupted.locked_by is None
    assert kept is not None
    assert kept.attributes == {"n": 1}
    assert [(each.version, each.status) for each in store.runs(name="deploy")] == [
        (2, RunStatus.SUCCESS),
        (1, RunStatus.FAILED),
    ]


def test_a_run_that_was_killed_but_not_reaped_is_taken_over_at_once(
    store: Store, programs: list[_Program]
) -> None:
    programs.append(killed := _Program(store, 60))
    killed.process.kill()
    os.waitid(os.P_PID, killed.process.pid, os.WEXITED | os.WNOWAIT)

    with Execution(store, "deploy") as run:
        assert run.version == 2


def test_a_paused_run_cannot_write_after_its_lease_once_another_took_over(
    store: Store, programs: list[_Program]
) -> None:
    programs.append(paused := _Program(store, 0.4))
    paused.pause(0.5)
    with Execution(store, "deploy") as run:
        run.record("file", "mine")
    said = paused.go_on()

    assert said == f"refused: {LOST}\n" * 6 + "not finalised\n"
    assert paused.process.returncode == 0
    assert [(each.name, each.action) for each in store.resources("deploy")] == [
        ("early", "noop"),
        ("mine", "create"),
    ]
    assert store.outputs(paused.run_id) == {}
    assert store.tasks(paused.run_id) == []
    interrupted = store.run(paused.run_id)
    assert "late" not in interrupted.metadata
    assert interrupted.status is RunStatus.FAILED
    assert interrupted.error_msg is not None
    assert interrupted.error_msg.startswith("interrupted: ")


def test_a_paused_run_cannot_write_after_its_lease_while_another_is_at_work(
    store: Store, programs: list[_Program]
) -> None:
    programs.append(paused := _Program(store, 0.4))
    paused.pause(0.5)
    with Execution(store, "deploy") as run:
        said = paused.go_on()
        run.record("file", "mine")

    assert said == f"refused: {LOST}\n" * 6 + "not finalised\n"
    assert [each.name for each in store.resources("deploy")] == ["early", "mine"]
    assert store.run(run.id).status is RunStatus.SUCCESS


def test_a_paused_run_cannot_write_after_its_lease_even_if_nobody_took_over(
    store: Store, programs: list[_Program]
) -> None:
    programs.append(paused := _Program(store, 0.4))
    paused.pause(0.5)
    said = paused.go_on()
    left = store.run(paused.run_id).status

    assert said == f"refused: {LOST}\n" * 6 + "not finalised\n"
    assert [each.name for each in store.resources("deploy")] == ["early"]
    with Execution(store, "deploy"):
        pass
    assert (left, store.run(paused.run_id).status) == (RunStatus.RUNNING, RunStatus.FAILED)


def test_a_paused_run_goes_on_within_its_lease(store: Store, programs: list[_Program]) -> None:
    programs.append(paused := _Program(store, 60))
    paused.pause(0.2)
    with pytest.raises(LockHeld):
        Execution(store, "deploy", lock_timeout=timedelta(seconds=0.1)).__enter__()
    said = paused.go_on()

    assert "refused" not in said
    assert store.run(paused.run_id).status is RunStatus.SUCCESS
