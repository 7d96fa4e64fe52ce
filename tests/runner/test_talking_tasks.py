"""Tasks that wait for each other through what they share."""

from __future__ import annotations

from typing import Any

TALKING = """
local channel = goroutine.channel()
task("a"):command(function() for i = 1, 3 do channel:send(i) end channel:close() end)
task("b"):command(function() channel:range(function(n) print(n) end) end)
"""


def test_tasks_hand_values_to_each_other(sloth: Any) -> None:
    sloth.write("t.sloth", TALKING)
    result = sloth("run", "t.sloth")
    assert result.returncode == 0, result.stderr
    assert [line for line in result.stdout.splitlines() if line.startswith("b |")] == [
        "b | 1",
        "b | 2",
        "b | 3",
    ]


def test_more_tasks_start_when_all_that_run_wait_for_them(sloth: Any) -> None:
    """However few processors there are, as long as nobody has set a bound."""
    sloth.write(
        "t.sloth",
        """
        local c = goroutine.channel()
        for i = 1, 200 do task("wait" .. i):command(function() c:receive() end) end
        task("wake"):command(function() for _ = 1, 200 do c:send(true) end end)
        """,
    )
    result = sloth("run", "t.sloth", "-q")
    assert result.returncode == 0, result.stderr


def test_a_bound_that_makes_them_wait_for_ever_is_a_deadlock(sloth: Any) -> None:
    sloth.write("t.sloth", TALKING)
    result = sloth("run", "t.sloth", "--max-parallel", "1")
    assert result.returncode == 1
    assert (
        "t.sloth:3: deadlock: nothing can go on: the task 'a' waits to send on a channel at t.sloth:3"
        in result.stderr
    )


def test_a_task_that_is_busy_elsewhere_may_still_wake_others(sloth: Any) -> None:
    sloth.write(
        "t.sloth",
        """
        local c = goroutine.channel()
        task("waits"):command(function() c:receive() end)
        task("slow"):command("sleep 0.3")
        task("wakes"):depends_on("slow"):command(function() c:send(true) end)
        """,
    )
    assert sloth("run", "t.sloth", "--max-parallel", "2").returncode == 0


def test_goroutines_of_the_top_level_serve_the_tasks_and_end_with_the_run(sloth: Any) -> None:
    sloth.write(
        "t.sloth",
        """
        local requests, answers = goroutine.channel(), goroutine.channel()
        goroutine.spawn(function() while true do answers:send(requests:receive() * 2) end end)
        goroutine.spawn(function() while true do goroutine.sleep(5) end end)
        task("ask"):command(function() requests:send(21) print(answers:receive()) end)
        """,
    )
    result = sloth("run", "t.sloth", timeout=20)
    assert (result.returncode, "ask | 42" in result.stdout) == (0, True)
