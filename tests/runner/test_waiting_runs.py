"""Runs of one workflow that wait for each other, and tasks of one run that want the same lock."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from sloth_state.leases import acquire
from sloth_state.model import Lock, LockScope
from sloth_state.open import open_store
from sloth_state.store import Store

WORKFLOW = 'task("t"):command(function() state.set_metadata("number", values.number) end)'
DAY = timedelta(days=1)


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def store(sloth: Any) -> Iterator[Store]:
    with open_store(sloth.environment["SLOTH_RUNNER_STATE"]) as opened:
        yield opened


@pytest.fixture
def held(sloth: Any, store: Store) -> Lock:
    """The workflow's lock, held until it is released."""
    sloth.write("w.sloth", WORKFLOW)
    return acquire(store, LockScope.WORKFLOW, "w", lease=DAY)


@pytest.fixture
def start(sloth: Any) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts runs, which do not outlive the test."""
    started: list[subprocess.Popen[str]] = []

    def start(number: int = 0, wait: str = "5m") -> subprocess.Popen[str]:
        given = ("--set", f"number={number}", "--lock-timeout", wait)
        started.append(sloth.start("run", "w.sloth", "-q", *given))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def run_at_once(number: int, start: Callable[..., Any], store: Store, held: Lock) -> None:
    """So many runs are started at once; all succeed, in the order in which they came."""
    processes = {process.pid: process for process in map(start, range(number))}
    wait_for(lambda: len(store.tickets()) == number, seconds=60)
    came = [ticket.holder.pid for ticket in store.tickets()]
    store.release_lock(held)
    for process in processes.values():
        _, errors = process.communicate()
        assert process.returncode == 0, errors

    numbers = list(processes)
    runs = sorted(store.runs(name="w"), key=lambda run: run.version)
    assert [numbers[int(run.metadata["number"])] for run in runs] == came
    assert {run.status for run in runs} == {"success"}
    assert (store.tickets(), store.locks(), store.verify()) == ([], [], [])


def test_runs_that_wait_succeed_in_the_order_in_which_they_came(
    start: Any, store: Store, held: Lock
) -> None:
    run_at_once(6, start, store, held)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_hundred_runs_that_wait_succeed_in_the_order_in_which_they_came(
    start: Any, store: Store, held: Lock
) -> None:
    run_at_once(100, start, store, held)


def test_a_run_that_waits_is_told_who_has_the_lock_and_how_many_come_before(
    start: Any, store: Store, held: Lock
) -> None:
    first = start()
    wait_for(lambda: len(store.tickets()) == 1)
    second = start()
    wait_for(lambda: len(store.tickets()) == 2)
    store.release_lock(held)

    locked = f"Note: w is locked by {held.holder} since "
    _, errors = first.communicate()
    assert errors.startswith(locked)
    assert errors.endswith("; waiting\n")
    _, errors = second.communicate()
    assert errors.startswith(locked)
    assert errors.endswith("; waiting behind 1 other\n")


def test_a_run_that_does_not_wait_overtakes_nobody_and_says_who_is_next(
    sloth: Any, store: Store, held: Lock
) -> None:
    elsewhere = held.holder._replace(host="elsewhere")
    ticket = store.take_ticket(LockScope.WORKFLOW, "w", elsewhere, timedelta(seconds=60))
    store.release_lock(held)
    result = sloth("run", "w.sloth", "--set", "number=1")

    since = ticket.came_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    assert (result.returncode, result.stdout) == (4, "")
    assert result.stderr == (
        f"Error: w is free, but {elsewhere} is next and has waited for it since {since}\n"
        "Hint: Wait for it with --lock-timeout 5m, or see who holds what with: "
        "sloth-runner state workflow locks\n"
    )
    assert store.runs(name="w") == []


@pytest.mark.parametrize("end", ["terminate", "kill", "timeout"])
def test_a_run_that_gives_up_stands_in_nobodys_way(
    end: str, start: Any, store: Store, held: Lock
) -> None:
    process = start(wait="1s" if end == "timeout" else "5m")
    wait_for(lambda: len(store.tickets()) == 1)
    if end != "timeout":
        getattr(process, end)()
    process.communicate()

    assert process.returncode == {"terminate": 130, "kill": -9, "timeout": 4}[end]
    assert len(store.tickets()) == (1 if end == "kill" else 0)
    store.release_lock(held)
    acquire(store, LockScope.WORKFLOW, "w")
    assert store.tickets() == []


def test_tasks_of_one_run_get_a_lock_in_the_order_in_which_they_asked(sloth: Any) -> None:
    script = """
    local order = {}
    for i = 1, 5 do
      task("t" .. i):command(function()
        sleep(("%dms"):format(i * 40))
        state.with_lock("shared", { wait = "20s" }, function()
          order[#order + 1] = i
          sleep(i == 1 and "400ms" or "5ms")
        end)
      end)
    end
    task("check"):depends_on { "t1", "t2", "t3", "t4", "t5" }:command(function()
      assert(table.concat(order) == "12345", table.concat(order))
    end)
    """
    sloth.write("locks.sloth", script)
    result = sloth("run", "locks.sloth", "--max-parallel", "5")
    assert result.returncode == 0, result.stderr


def test_a_task_that_does_not_wait_for_a_lock_overtakes_no_other(sloth: Any, store: Store) -> None:
    script = """
    task("first"):command(function()
      state.with_lock("shared", function() sleep("300ms") end)
      local ok, problem = pcall(state.with_lock, "shared", function() end)
      assert(not ok and problem:find("shared is free, but .* is next"), problem)
    end)
    task("second"):command(function()
      sleep("100ms")
      state.with_lock("shared", { wait = "20s" }, function() end)
    end)
    """
    sloth.write("locks.sloth", script)
    result = sloth("run", "locks.sloth", "--max-parallel", "2")
    assert result.returncode == 0, result.stderr
    assert store.tickets() == []


def test_a_task_whose_time_is_over_while_it_waits_leaves_no_ticket(
    sloth: Any, store: Store
) -> None:
    script = """
    task("holds"):command(function()
      state.with_lock("shared", function() sleep("1s") end)
    end)
    task("waits"):timeout("400ms"):command(function()
      sleep("100ms")
      state.with_lock("shared", { wait = "20s" }, function() end)
    end)
    """
    sloth.write("locks.sloth", script)
    result = sloth("run", "locks.sloth", "--max-parallel", "2")
    assert result.returncode == 1
    assert "took longer than its timeout of 0.4 s" in result.stderr
    assert (store.tickets(), store.locks()) == ([], [])
