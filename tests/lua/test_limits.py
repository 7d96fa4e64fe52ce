"""When Lua is stopped, by what, and that nobody else suffers for it."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import Any

import pytest

import sloth_runner.driver
from sloth_runner.errors import MemoryExceeded, TaskTimeout
from sloth_runner.host.limits import Limits
from sloth_runner.host.replies import Done
from sloth_runner.session import TaskContext
from sloth_runner.time_limit import TimeLimit
from sloth_runner.workflow import Call
from sloth_state.errors import Interrupted, LockLost

BUSY = "while true do end"


def timeout(seconds: float) -> TaskTimeout:
    return TaskTimeout("the task 't'", seconds)


def test_a_busy_task_ends_at_its_timeout(script: Any) -> None:
    loaded = script(f"task('t'):command(function() {BUSY} end)")
    started = time.monotonic()
    with pytest.raises(TaskTimeout) as caught:
        loaded.call(timeout=0.2)
    assert 0.2 <= time.monotonic() - started < 1.5
    assert caught.value.message == "the task 't' took longer than its timeout of 0.2 s"


def test_a_task_that_was_late_does_not_stop_the_next_one(script: Any) -> None:
    loaded = script(f"""
        task("late"):command(function() {BUSY} end)
        task("next"):command(function() for i = 1, 1000000 do end return true, "done" end)
    """)
    with pytest.raises(TaskTimeout):
        loaded.call(1, timeout=0.02)
    assert loaded.call(2) == {"ok": True, "message": "done"}
    assert loaded.driver.limits.fatal is None


def test_the_time_of_a_waiting_task_does_not_stop_another(script: Any) -> None:
    """One waits past its time, which its caller would end, while another is busy."""
    loaded = script("""
        task("waits"):command(function() sleep(0.3) return true, "waited" end)
        task("busy"):command(function()
          for round = 1, 20 do for i = 1, 200000 do end sleep(0.001) end
          return true, "was busy"
        end)
    """)

    async def both() -> list[Any]:
        facts = {"task": "t", "workflow": "w", "workdir": ".", "attempt": 1, "deps": {}}
        waits = TaskContext("waits", ".")
        waits.limit = TimeLimit(waits, "the task 'waits'", 0.005)
        waits.limit.deadline = time.monotonic() + 0.005
        return await asyncio.gather(
            loaded.driver.call("command", Call(1), waits, facts),
            loaded.driver.call("command", Call(2), TaskContext("busy", "."), facts),
        )

    results = asyncio.run(both())
    assert [each["message"] for each in results] == ["waited", "was busy"]


def test_starting_a_task_is_on_nobodys_time(script: Any) -> None:
    """Its facts may be large: reading them takes longer than the task before had left."""
    loaded = script("""
        task("waits"):command(function() sleep(5) end)
        task("big"):command(function(_, _, deps) return true, tostring(#deps.list) end)
    """)
    host, limits = loaded.driver.host, loaded.driver.limits
    facts = {"task": "t", "workflow": "w", "workdir": ".", "attempt": 1, "deps": {}}
    limits.enter(timeout(0.0), time.monotonic())
    host.resume(host.start("command", 1, facts))
    time.sleep(0.001)
    big = {**facts, "deps": {"list": list(range(100_000))}}
    reply = host.resume(host.start("command", 2, big)).reply
    assert isinstance(reply, Done)
    assert json.loads(reply.result or "") == {"ok": True, "message": "100000"}


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """32 MiB for each script."""
    monkeypatch.setattr(sloth_runner.driver, "Limits", lambda: Limits(32 * 2**20))


@pytest.mark.usefixtures("little_memory")
def test_memory_that_nobody_needs_any_more_does_not_count(script: Any) -> None:
    loaded = script("""
        task("t"):command(function()
          collectgarbage("stop")
          for i = 1, 200 do local _ = ("x"):rep(2 ^ 20) .. i for j = 1, 20000 do end end
          return true, "done"
        end)
    """)
    assert loaded.call() == {"ok": True, "message": "done"}


@pytest.mark.usefixtures("little_memory")
def test_a_task_that_held_too_much_does_not_stop_the_next_one(script: Any) -> None:
    loaded = script("""
        task("hog"):command(function() local t = {} while true do t[#t + 1] = ("x"):rep(1000) .. #t end end)
        task("next"):command(function() for i = 1, 100000 do end return true, "done" end)
    """)
    for _ in range(3):
        with pytest.raises(MemoryExceeded) as caught:
            loaded.call(1)
        assert caught.value.message == "the script holds more than 32 MiB of memory"
        assert loaded.call(2) == {"ok": True, "message": "done"}


def test_an_interrupt_from_another_thread_stops_lua_for_good(script: Any) -> None:
    loaded = script(f"""
        task("a"):command(function() while true do pcall(function() {BUSY} end) end end)
        task("b"):command(function() for i = 1, 100000 do end end)
        task("c"):command(function() sleep(0) pcall(error) end)
    """)
    threading.Timer(0.1, loaded.driver.limits.fail, [Interrupted("SIGTERM")]).start()
    with pytest.raises(Interrupted) as caught:
        loaded.call(1)
    assert "SIGTERM" in caught.value.message
    for number in (2, 3):
        with pytest.raises(Interrupted) as again:
            loaded.call(number)
        assert again.value is caught.value


def test_a_task_that_is_cancelled_while_it_waits_is_forgotten(script: Any) -> None:
    loaded = script("""
        task("waits"):command(function() local held = ("x"):rep(2 ^ 20) .. os.clock() sleep(60) return true, held end)
        task("memory"):command(function() collectgarbage() return true, nil, { kib = collectgarbage("count") } end)
    """)
    facts = {"task": "t", "workflow": "w", "workdir": ".", "attempt": 1, "deps": {}}

    async def cancelled() -> None:
        call = loaded.driver.call("command", Call(1), TaskContext("waits", "."), facts)
        running = asyncio.create_task(call)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    before = loaded.call(2)["output"]["kib"]
    for _ in range(20):
        asyncio.run(cancelled())
    assert loaded.call(2)["output"]["kib"] - before < 4 * 1024


def test_the_first_fatal_error_counts() -> None:
    limits = Limits()
    lost = LockLost("deploy")
    limits.fail(lost)
    limits.fail(ValueError("later"))
    limits.fail(Interrupted("Ctrl-C"))
    assert limits.fatal is lost
    assert limits.reason is lost
    assert limits.tick(0) is True


def test_limits_say_why_the_last_coroutine_was_stopped() -> None:
    limits = Limits(1024)
    reason = timeout(1)
    limits.enter(reason, time.monotonic() + 60)
    assert (limits.tick(1.0), limits.reason) == (False, None)
    assert limits.tick(1.01) is True
    assert isinstance(limits.reason, MemoryExceeded)
    limits.enter(reason, time.monotonic())
    time.sleep(0.001)
    assert (limits.stopping(), limits.tick(0), limits.stopping()) == (False, True, True)
    assert limits.reason is reason
    limits.enter(None, None)
    assert (limits.tick(0), limits.reason, limits.fatal) == (False, None, None)
