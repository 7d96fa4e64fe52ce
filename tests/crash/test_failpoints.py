"""A run that is ended at any of its durable boundaries leaves nothing that is lost or unknown."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from killed_runs import FIRST, KILLED, SECOND, Folder, Prepared, Scenario, failpoint_child
from left_by_kills import can_be_resumed, check_nothing_is_damaged, check_what_is_left, go_on

ENDS = {"commit", "close", "fsync", "rename", "unlink", "mkdir", "rmdir"}
"""Kinds of boundaries that both runs come past."""


@pytest.fixture(scope="module")
def child() -> Iterator[subprocess.Popen[str]]:
    with failpoint_child() as process:
        yield process


@pytest.fixture(params=[FIRST, SECOND], ids=["first run", "later run"])
def prepared(
    request: pytest.FixtureRequest, memory_path: Path, child: subprocess.Popen[str]
) -> Prepared:
    scenario: Scenario = request.param
    return Prepared(Folder(memory_path / "folder", child), scenario)


def end_at(prepared: Prepared, boundary: int) -> None:
    """Run the scenario anew and end it there."""
    folder = prepared.anew()
    code, said = folder.run(*prepared.scenario.arguments, boundary=boundary)
    assert code == KILLED, said
    assert folder.boundaries() == prepared.boundaries[:boundary]


def check_all_that_follows(prepared: Prepared) -> None:
    """Look at what is left, and go on in each way there is."""
    folder = prepared.folder
    check_what_is_left(prepared)
    folder.save("ended")
    go_on(prepared)
    folder.restore("ended")
    if can_be_resumed(folder):
        go_on(prepared, resume=True)


def sweep(prepared: Prepared, boundaries: Iterable[int]) -> None:
    for boundary in boundaries:
        end_at(prepared, boundary)
        try:
            check_all_that_follows(prepared)
        except AssertionError as error:
            error.add_note(f"ended at boundary {boundary}")
            raise


def test_a_run_ended_at_every_tenth_boundary_loses_nothing(prepared: Prepared) -> None:
    assert {each.partition(" ")[2] for each in prepared.boundaries} >= ENDS
    sweep(prepared, range(1, len(prepared.boundaries) + 1, 10))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_run_ended_at_any_boundary_loses_nothing(prepared: Prepared) -> None:
    sweep(prepared, range(1, len(prepared.boundaries) + 1))


def end_twice(prepared: Prepared, first: int, second: int) -> None:
    """End a run, and the one that goes on with it as well, if that comes so far."""
    end_at(prepared, first)
    folder = prepared.folder
    resume = can_be_resumed(folder)
    arguments = [*prepared.scenario.arguments, *(["--resume"] if resume else [])]
    folder.run(*arguments, boundary=second)
    check_nothing_is_damaged(folder)
    go_on(prepared, resume=resume and can_be_resumed(folder), kills=2)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_run_that_goes_on_can_be_ended_at_any_boundary_too(prepared: Prepared) -> None:
    chosen, last = random.Random(1), len(prepared.boundaries)
    for _ in range(60):
        first, second = chosen.randint(1, last), chosen.randint(1, last)
        try:
            end_twice(prepared, first, second)
        except AssertionError as error:
            error.add_note(f"ended at boundary {first}, and the next one at {second}")
            raise


def sweep_with(bug: str, prepared: Prepared) -> None:
    for boundary in range(1, len(prepared.boundaries) + 1):
        prepared.anew().run(*prepared.scenario.arguments, boundary=boundary, bug=bug)
        check_what_is_left(prepared)


@pytest.mark.parametrize(
    ("bug", "finding"),
    [
        ("records_late", "lost what was told"),
        ("begins_late", "without a beginning"),
        ("ends_early", "an end without its effect"),
        ("runs_before_it_begins", "a command without a beginning"),
    ],
)
def test_the_check_finds_what_a_bug_leaves(
    memory_path: Path, child: subprocess.Popen[str], bug: str, finding: str
) -> None:
    prepared = Prepared(Folder(memory_path / "folder", child), SECOND)
    with pytest.raises(AssertionError, match=finding):
        sweep_with(bug, prepared)
