"""A run that is killed at any moment loses nothing that it was told is kept."""

from __future__ import annotations

import random
import re
import signal
import time
from typing import Any

import pytest

RECORDS = """
task("fill"):command(function()
  local base = state.get("next", 0)
  for i = base + 1, base + 100000 do
    state.resource { type = "r", name = "n" .. i, attributes = { number = i } }
    state.set("next", i)
    print("kept", i)
  end
end)
"""


def kill_a_run_after(sloth: Any, seconds: float) -> int:
    """The last record that a run told of before it was killed; 0 if it told of none."""
    process = sloth.start("run", "fill.sloth")
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    output, _ = process.communicate()
    told = re.findall(r"^fill \| kept (\d+)\n", output, re.M)
    return int(told[-1]) if told else 0


def check_nothing_is_lost(sloth: Any, kept: int) -> None:
    """Whatever was told of is there, the store is sound, and no run is left running."""
    if not (sloth.folder / "state.db").exists():
        assert kept == 0
        return
    runs = sloth.json("state", "workflow", "list")
    assert all(run["status"] == "failed" for run in runs)
    if runs:
        resources = sloth.json("state", "workflow", "resources", "fill")
        numbers = {resource["attributes"]["number"] for resource in resources}
        assert numbers.issuperset(range(1, kept + 1))
    assert sloth.json("state", "workflow", "verify")["ok"] is True


def sweep(sloth: Any, kills: int, seed: int) -> int:
    """Kill that many runs at random moments; the last record that any of them told of."""
    moments = random.Random(seed)
    sloth.write("fill.sloth", RECORDS)
    kept = 0
    for _ in range(kills):
        kept = max(kept, kill_a_run_after(sloth, moments.uniform(0.02, 0.5)))
        check_nothing_is_lost(sloth, kept)
    sloth.write("fill.sloth", 'task("fill"):command("true")')
    assert sloth("run", "fill.sloth").returncode == 0
    return kept


def test_nothing_acknowledged_is_lost_by_a_kill(sloth: Any) -> None:
    assert sweep(sloth, kills=5, seed=1) > 0


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(2, 6))
def test_nothing_acknowledged_is_lost_by_any_of_many_kills(sloth: Any, seed: int) -> None:
    assert sweep(sloth, kills=50, seed=seed) > 0


def test_the_check_finds_a_record_that_is_lost(sloth: Any) -> None:
    sloth.write("fill.sloth", RECORDS)
    kept = kill_a_run_after(sloth, 0.6)
    with pytest.raises(AssertionError):
        check_nothing_is_lost(sloth, kept + 1_000_000)
