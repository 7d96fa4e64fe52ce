"""A run that is killed again and again is finished by resuming it, and does little twice."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from typing import Any

import pytest

STEPS = 30
KILLS = 4
WORK = """
local first = task("first"):command(function()
  fs.append("first", "x")
  return true, "done", { n = 7 }
end)
local second = task("second"):depends_on("first"):command(function(_, _, deps)
  for i = 1, %d do
    step("step " .. i, function()
      fs.append("did", i .. "\\n")
      return deps.first.n * i
    end)
    sleep(0.005)
  end
end)
workflow.define("w"):tasks({ first, second })
"""
WITHOUT_STEPS = "local function step(_, f) return f() end\n"


def did(sloth: Any) -> list[int]:
    """Which steps were really done, in order; one that a kill cut off may lack its end."""
    path = sloth.folder / "did"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def kill_and_resume(sloth: Any, source: str, seed: int) -> None:
    """Kill a run and those that resume it, each when it has done some more; then let one end."""
    chosen = random.Random(seed)
    sloth.write("w.sloth", source)
    for _ in range(KILLS):
        begun, more = len(did(sloth)), chosen.randint(1, 6)
        process = sloth.start("run", "w.sloth", *(["--resume"] if begun else []))
        while len(did(sloth)) < begun + more:
            assert process.poll() is None
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    result = sloth("run", "--resume", "w.sloth")
    assert result.returncode == 0, result.stderr


def check_little_is_repeated(sloth: Any) -> None:
    """Only what was going on at a kill is done again: no finished task, one step a kill."""
    assert (sloth.folder / "first").read_text() == "x"
    counts = Counter(did(sloth))
    assert set(counts) == set(range(1, STEPS + 1))
    assert sum(counts.values()) - STEPS <= KILLS
    assert sloth.json("state", "workflow", "verify")["ok"] is True


@pytest.mark.parametrize("seed", [1, 2])
def test_resuming_after_many_kills_repeats_at_most_what_each_cut_off(sloth: Any, seed: int) -> None:
    kill_and_resume(sloth, WORK % STEPS, seed)
    check_little_is_repeated(sloth)


def test_the_check_finds_steps_that_are_repeated(sloth: Any) -> None:
    kill_and_resume(sloth, WITHOUT_STEPS + WORK % STEPS, seed=1)
    with pytest.raises(AssertionError):
        check_little_is_repeated(sloth)
