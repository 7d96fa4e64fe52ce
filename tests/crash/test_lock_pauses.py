"""Holders that sleep past their lease, and wall clocks that are wrong: nothing is written late."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from lock_witness import NAME, Event, faults, put_witness, witnessed_events
from short_lease import SECONDS

from sloth_state import waiting
from sloth_state.errors import LockHeld
from sloth_state.leases import Heartbeat, acquire
from sloth_state.model import Lock, LockScope, NewRun, Output, RunStatus
from sloth_state.open import open_store, utc_now
from sloth_state.store import Store

FOLDER = Path(__file__).parent
LEASE = 0.6
YEAR = 365 * 24 * 3600
LOST = "this process lost the lock of w: its lease ran out or somebody broke it"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A store whose witness numbers takings and writes as they are committed."""
    path = tmp_path / "state.db"
    open_store(str(path)).close()
    put_witness(path)
    return path


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts processes that do not outlive the test."""
    started: list[subprocess.Popen[str]] = []

    def start(script: str, *arguments: object, **options: Any) -> subprocess.Popen[str]:
        command = [sys.executable, str(FOLDER / script), *map(str, arguments)]
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, **options
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def pause(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)


def opened(database: Path, fast: float = 0) -> Store:
    """The store as a process sees it whose wall clock is that many seconds fast."""
    error = timedelta(seconds=fast)
    return open_store(str(database), clock=lambda: utc_now() + error)


def take(store: Store, wait: float) -> Lock:
    seconds = timedelta(seconds=wait)
    return acquire(store, LockScope.WORKFLOW, NAME, wait=seconds)


def take_over_while_paused(
    database: Path, start: Callable[..., Any], holder: float, taker: float, bug: str
) -> str:
    """What a holder says whose lock another took, wrote under and gave up while it was paused."""
    paused = start("lock_holder.py", database, LEASE, holder, bug)
    assert paused.stdout.readline() == "holds\n"
    pause(paused)
    with opened(database, taker) as store:
        lock = take(store, wait=LEASE + 2)
        run = store.begin_run(NewRun(NAME, {}), lock)
        store.set_output(run.id, Output("mine", lock.token), lock)
        paused.send_signal(signal.SIGCONT)
        said, errors = paused.communicate("\n", timeout=20)
        store.finish_run(run.id, RunStatus.SUCCESS, lock)
        store.release_lock(lock)
    assert (paused.returncode, errors) == (0, "")
    return str(said)


CLOCKS = [(0, 0), (YEAR, 0), (-YEAR, 0), (0, YEAR), (0, -YEAR)]
"""By how much the clocks of the holder and of the one who takes over are fast."""


@pytest.mark.parametrize(("holder", "taker"), CLOCKS)
def test_a_paused_holder_is_taken_over_and_writes_nothing_more_whatever_the_clocks_say(
    database: Path, start: Callable[..., Any], holder: float, taker: float
) -> None:
    said = take_over_while_paused(database, start, holder, taker, "-")

    assert said == f"refused: {LOST}\n" * 3
    events = witnessed_events(database)
    assert faults(events) == []
    assert events == [Event("enter", 1), Event("enter", 2), Event("write", 2)]
    with opened(database) as store:
        assert [run.status for run in store.runs(name=NAME)] == ["success", "failed"]
        assert store.verify() == []


def test_without_tokens_a_paused_holder_writes_late(
    database: Path, start: Callable[..., Any]
) -> None:
    said = take_over_while_paused(database, start, 0, 0, "writes_without_token")
    assert said == "written\n" * 3
    assert faults(witnessed_events(database)) == ["the holder of token 1 did write after 2 entered"]


def test_a_lock_of_a_clock_that_is_fast_lasts_too_long_if_only_the_clock_is_asked(
    database: Path, start: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting._Watch, "unrenewed", lambda _: None)
    with pytest.raises(LockHeld):
        take_over_while_paused(database, start, YEAR, 0, "-")


def test_a_holder_that_renews_is_not_taken_over_by_one_whose_clock_is_slow(
    database: Path,
) -> None:
    with opened(database) as store, opened(database, -YEAR) as slow:
        lock = acquire(store, LockScope.WORKFLOW, NAME, lease=timedelta(seconds=LEASE))
        heartbeat = Heartbeat(store)
        heartbeat.add(lock)
        with pytest.raises(LockHeld):
            take(slow, wait=LEASE * 3)
        heartbeat.stop()
        assert not heartbeat.lost(lock)
    assert witnessed_events(database) == [Event("enter", 1)]


# -- the command line ----------------------------------------------------------------------

WORKFLOW = """
task("change"):command(function()
  fs.write("started-" .. values.token, "")
  while not fs.exists("go-on") do sleep(0.02) end
  state.set_output("token", values.token)
  resource.file { name = "place", path = "place", content = "by " .. values.token }
  fs.write("through-" .. values.token, "")
end)
workflow.define("w"):tasks({ "change" })
"""


def until_there(path: Path, process: subprocess.Popen[str]) -> None:
    """Wait for a file that a process makes."""
    while not path.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


def run_twice(database: Path, start: Callable[..., Any], bug: str) -> tuple[int, str, str]:
    """Exit code and output of a run that is paused while another takes over and ends."""
    folder = database.parent
    (folder / "w.sloth").write_text(WORKFLOW)
    environment = {**os.environ, "SLOTH_RUNNER_STATE": str(database)}

    def run(token: int) -> Any:
        arguments = bug, "run", "w.sloth", "-q", "--set", f"token={token}"
        return start("short_lease.py", *arguments, cwd=folder, env=environment)

    first = run(1)
    until_there(folder / "started-1", first)
    pause(first)
    time.sleep(SECONDS)
    (folder / "go-on").touch()
    second = run(2)
    said, errors = second.communicate(timeout=20)
    assert second.returncode == 0, said + errors
    first.send_signal(signal.SIGCONT)
    said, errors = first.communicate(timeout=20)
    return first.returncode, said, errors


def test_a_paused_run_says_that_it_lost_its_lock_and_does_nothing_more(
    database: Path, start: Callable[..., Any]
) -> None:
    code, said, errors = run_twice(database, start, "-")

    assert (code, said) == (4, "")
    assert errors == (
        f"Error: {LOST}\n"
        "Hint: Nothing was written after that. See who took over with: "
        "sloth-runner state workflow versions w\n"
    )
    assert witnessed_events(database) == [Event("enter", 1), Event("enter", 2), Event("write", 2)]
    assert not (database.parent / "through-1").exists()
    assert (database.parent / "place").read_text() == "by 2"
    with opened(database) as store:
        statuses = [(run.version, run.status, run.error_msg) for run in store.runs(name=NAME)]
        assert statuses[0] == (2, "success", None)
        assert statuses[1][:2] == (1, "failed")
        assert str(statuses[1][2]).startswith("interrupted: ")


def test_without_tokens_a_paused_run_changes_what_the_other_made(
    database: Path, start: Callable[..., Any]
) -> None:
    assert run_twice(database, start, "writes_without_token")[0] == 0
    assert faults(witnessed_events(database)) == ["the holder of token 1 did write after 2 entered"]
    assert (database.parent / "place").read_text() == "by 1"
