"""A run on a disk that is full or broken ends with one clear sentence, and nothing told is lost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from faulty_runs import FACTS, Fault, Folder, Prepared, check, traced_child, unsynced

FAULTS = [("ENOSPC", False), ("EIO", False), ("ENOSPC", True)]
NAMES = ["full once", "broken once", "full from then on"]


@pytest.fixture(scope="module")
def child() -> Iterator[subprocess.Popen[str]]:
    with traced_child() as process:
        yield process


@pytest.fixture
def first(memory_path: Path, child: subprocess.Popen[str]) -> Prepared:
    """A run that makes the store too."""
    return Prepared(Folder(memory_path / "first", child), 1)


@pytest.fixture
def later(memory_path: Path, child: subprocess.Popen[str]) -> Prepared:
    """A run that changes what a run before has kept."""
    return Prepared(Folder(memory_path / "later", child), 2)


def sweep(prepared: Prepared, error: str, goes_on: bool, *, step: int = 1) -> set[int]:
    """Refuse each of the calls that the run makes; the exit codes of those runs."""
    return {
        check(prepared, Fault(call, number, error, goes_on))
        for call in ("pwrite64", "fdatasync", "fsync", "write")
        for number in range(1, prepared.calls(call) + 1, step)
    }


each_fault = pytest.mark.parametrize(("error", "goes_on"), FAULTS, ids=NAMES)


@each_fault
def test_some_refused_writes_lose_nothing(later: Prepared, error: str, goes_on: bool) -> None:
    assert later.calls("pwrite64") > 100
    assert {1, 6} <= sweep(later, error, goes_on, step=23)


@pytest.mark.slow
@pytest.mark.timeout(600)
@each_fault
def test_no_refused_write_of_a_first_run_loses_anything(
    first: Prepared, error: str, goes_on: bool
) -> None:
    assert sweep(first, error, goes_on) == {0, 1, 6}


@pytest.mark.slow
@pytest.mark.timeout(600)
@each_fault
def test_no_refused_write_of_a_later_run_loses_anything(
    later: Prepared, error: str, goes_on: bool
) -> None:
    assert sweep(later, error, goes_on) == {0, 1, 6}


def test_a_run_tells_nothing_before_it_is_on_the_disk(first: Prepared, later: Prepared) -> None:
    for prepared in (first, later):
        assert unsynced(prepared.undisturbed) == []
        assert prepared.folder.told() == FACTS


# -- the check can fail --------------------------------------------------------------------


def middle(prepared: Prepared) -> int:
    """A write to the log in the middle of the run."""
    return prepared.calls("pwrite64") // 2


def test_the_check_finds_a_failed_commit_that_is_ignored(later: Prepared) -> None:
    with pytest.raises(AssertionError, match="lost what was told"):
        check(later, Fault("pwrite64", middle(later), "ENOSPC", True), "ignores_failed_commits")


def test_the_check_finds_a_traceback(later: Prepared) -> None:
    with pytest.raises(AssertionError, match="Traceback"):
        check(later, Fault("pwrite64", middle(later), "EIO"), "speaks_in_tracebacks")


def test_the_check_finds_a_wrong_exit_code(later: Prepared) -> None:
    with pytest.raises(AssertionError, match="exit code 1"):
        check(later, Fault("pwrite64", middle(later), "ENOSPC"), "ends_with_another_code")


def test_the_check_finds_a_file_that_was_emptied(later: Prepared) -> None:
    with pytest.raises(AssertionError, match="half a file"):
        check(later, Fault("write", 1, "ENOSPC", True), "writes_in_place")


def test_the_check_finds_a_commit_that_is_told_before_it_is_synced(later: Prepared) -> None:
    code, said = later.anew().run(
        later.version, ["-e", "trace=pwrite64,fdatasync,write"], "never_syncs"
    )
    assert code == 0, said
    assert unsynced(later.folder.trace()) != []
