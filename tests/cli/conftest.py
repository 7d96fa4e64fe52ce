"""A store with a clock that stands still, and the command line run in this process."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest

from sloth_runner.cli.root import root
from sloth_state.cli import run_cli
from sloth_state.leases import acquire
from sloth_state.model import (
    Holder,
    LockScope,
    NewRun,
    Output,
    ResourceDraft,
    Run,
    RunStatus,
    TaskRecord,
)
from sloth_state.open import open_store
from sloth_state.store import Store

NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
HOLDER = Holder("ada", "build-7", 4711, 0, "", None)


class Result(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A home of its own, two hours east of Greenwich, and no settings of whoever runs the tests."""
    for name in ("NO_COLOR", "SLOTH_RUNNER_STATE", "_SLOTH_RUNNER_COMPLETE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("TZ", "Etc/GMT-2")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def store_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the store is that commands use."""
    path = tmp_path / "state.db"
    monkeypatch.setenv("SLOTH_RUNNER_STATE", f"sqlite:///{path}")
    return path


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(store_path: Path, clock: Clock) -> Iterator[Store]:
    """A store in which ids are a00000000001, a00000000002 …"""
    numbers = count(1)
    with open_store(None, clock=clock, ids=lambda: f"a{next(numbers):011}") as opened:
        yield opened


@pytest.fixture
def finished_run(store: Store, clock: Clock) -> Callable[..., Run]:
    """Records a whole run, which takes `seconds`; the next one starts a minute later."""

    def record(
        name: str,
        *,
        resources: Sequence[ResourceDraft] = (),
        removed: Sequence[tuple[str, str]] = (),
        contents: Sequence[bytes] = (),
        outputs: Sequence[Output] = (),
        tasks: Sequence[TaskRecord] = (),
        events: Sequence[tuple[str, str | None]] = (),
        metadata: dict[str, str] | None = None,
        message: str | None = None,
        status: RunStatus = RunStatus.SUCCESS,
        error: str | None = None,
        seconds: float = 1.2,
    ) -> Run:
        lock = acquire(store, LockScope.WORKFLOW, name, holder=HOLDER, lease=timedelta(hours=9))
        run = store.begin_run(NewRun(name, metadata or {}, message), lock)
        store.keep_contents(run.id, contents, lock)
        store.record(run.id, resources, lock)
        for type, resource_name in removed:
            store.remove_resource(run.id, type, resource_name, lock)
        for output in outputs:
            store.set_output(run.id, output, lock)
        for task in tasks:
            store.save_tasks(run.id, [task], lock)
        for kind, task_name in events:
            store.save_event(run.id, kind, {"path": "/srv/a\nb", "n": 1}, lock, task=task_name)
        clock.forward(seconds)
        run = store.finish_run(run.id, status, lock, error=error)
        store.release_lock(lock)
        clock.forward(60 - seconds)
        return run

    return record


@pytest.fixture
def dead_holder() -> Holder:
    """A process of this machine that has ended."""
    ask = "from sloth_state.processes import current_holder as c; print(*c()[:5], sep='\\n')"
    told = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    user, host, pid, started, boot_id = told.stdout.splitlines()
    return Holder(user, host, int(pid), int(started), boot_id)


@pytest.fixture
def dead_run(store_path: Path, dead_holder: Holder) -> Run:
    """A run whose process ended without a word."""
    with open_store(None) as opened:
        lock = acquire(opened, LockScope.WORKFLOW, "dead", holder=dead_holder)
        return opened.begin_run(NewRun("dead", {}), lock)


@pytest.fixture
def sloth(capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Runs `sloth-runner` with these arguments in this process; no terminal is there."""

    def run(*arguments: str) -> Result:
        capsys.readouterr()
        code = run_cli(root, arguments)
        return Result(code, *capsys.readouterr())

    return run
