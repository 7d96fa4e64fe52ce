"""A run that is killed at any moment loses nothing that it was told is kept."""

from __future__ import annotations

import random
import re
import signal
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
from killed_runs import FIRST, SECOND, Folder, Prepared, Scenario, failpoint_child
from left_by_kills import can_be_resumed, check_what_is_left, go_on

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


# -- a whole program that does nothing but record ------------------------------------------


def kill_a_run_after(sloth: Any, seconds: float) -> int:
    """The last record that a run told of before it was killed; 0 if it told of none."""
    with sloth.start("run", "fill.sloth") as process:
        output = process.stdout.readline()  # the run has begun
        killer = Timer(seconds, process.kill)
        killer.start()
        output += process.stdout.read()
        killer.join()
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


def record_and_kill(sloth: Any, kills: int, seed: int) -> int:
    """Kill that many runs at random moments; the last record that any of them told of."""
    moments = random.Random(seed)
    sloth.write("fill.sloth", RECORDS)
    kept = 0
    for _ in range(kills):
        kept = max(kept, kill_a_run_after(sloth, moments.uniform(0, 0.3)))
        check_nothing_is_lost(sloth, kept)
    sloth.write("fill.sloth", 'task("fill"):command("true")')
    assert sloth("run", "fill.sloth").returncode == 0
    return kept


def test_nothing_acknowledged_is_lost_by_a_kill(sloth: Any) -> None:
    assert record_and_kill(sloth, kills=5, seed=1) > 0


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_nothing_acknowledged_is_lost_by_any_of_many_kills(sloth: Any) -> None:
    assert record_and_kill(sloth, kills=20, seed=2) > 0


def test_the_check_finds_a_record_that_is_lost(sloth: Any) -> None:
    sloth.write("fill.sloth", RECORDS)
    kept = kill_a_run_after(sloth, 0.3)
    with pytest.raises(AssertionError):
        check_nothing_is_lost(sloth, kept + 1_000_000)


# -- a workflow that has everything --------------------------------------------------------


def kill_and_go_on(folder: Path, scenario: Scenario, kills: int, seed: int) -> None:
    """Kill that many runs, each at a random moment, and look and go on each time."""
    moments = random.Random(seed)
    print(f"seed {seed}")  # shown if the test fails
    with failpoint_child() as child:
        prepared = Prepared(Folder(folder / "folder", child), scenario)
        longest = prepared.seconds()
        while kills:
            seconds = moments.uniform(0.001, longest)
            code, said = prepared.anew().run(*scenario.arguments, seconds=seconds)
            assert code in (0, -signal.SIGKILL), said
            kills -= code != 0  # others came to their end before
            print(f"killed after {seconds:.4f} s, {kills} left")
            check_what_is_left(prepared)
            go_on(prepared, resume=moments.random() < 0.5 and can_be_resumed(prepared.folder))


def test_a_run_killed_at_a_random_moment_is_gone_on_with(memory_path: Path) -> None:
    kill_and_go_on(memory_path, SECOND, kills=5, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("scenario", "seed"), [(FIRST, 2), (SECOND, 3), (SECOND, 4), (SECOND, 5)], ids=str
)
def test_a_run_killed_at_any_of_many_moments_is_gone_on_with(
    memory_path: Path, scenario: Scenario, seed: int
) -> None:
    kill_and_go_on(memory_path, scenario, kills=50, seed=seed)


def kill_all_along(prepared: Prepared, bug: str) -> None:
    """Kill runs that have a bug, each a little later than the one before."""
    longest = prepared.seconds()
    for number in range(40):
        seconds = longest * (number + 1) / 40
        prepared.anew().run(*prepared.scenario.arguments, seconds=seconds, bug=bug)
        check_what_is_left(prepared)


def test_the_check_finds_what_a_kill_does_to_a_run_that_records_late(memory_path: Path) -> None:
    with failpoint_child() as child:
        prepared = Prepared(Folder(memory_path / "folder", child), SECOND)
        with pytest.raises(AssertionError, match="lost what was told"):
            kill_all_along(prepared, "records_late")
