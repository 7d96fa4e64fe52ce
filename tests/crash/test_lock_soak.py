"""However many want a lock, are killed with it or have wrong clocks: one has it, and all get on."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from lock_witness import Try, faults, logged_events, logged_tries, put_witness, witnessed_events

from sloth_state.open import open_store

FOLDER = Path(__file__).parent
SLACK_SECONDS = 10.0
"""What a waiting process needs beyond the time that it was told to wait: it never sleeps longer
than that, so this is its last look at the lock, on a machine with 50 processes to a processor."""


def crowd(folder: Path, **plan: Any) -> dict[str, int]:
    """Let processes contend for the lock of a new store; how many ended with which code."""
    open_store(f"{folder}/state.db").close()
    if plan.get("jump"):
        put_witness(folder / "state.db")
    command = [
        sys.executable,
        str(FOLDER / "lock_child.py"),
        json.dumps({"folder": str(folder)} | plan),
    ]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    codes: dict[str, int] = json.loads(ended.stdout)
    return codes


def check_that_all_got_on(tries: list[Try], processes: int, wait: float) -> None:
    """Everyone got the lock at some time, and knows who had it where it waited in vain."""
    held = [each for each in tries if each.what == "held"]
    assert {each.pid for each in tries if each.what == "taken"} == {each.pid for each in tries}
    assert len({each.pid for each in tries}) == processes
    assert max(each.seconds for each in tries) < wait + SLACK_SECONDS
    assert all(each.seconds >= wait for each in held)
    # It may be free for a moment at the end of a wait, if the next in line is slow to see that.
    assert all(each.message.startswith(("w is locked by ", "w is free, but ")) for each in held)
    assert all(each.message.endswith(f" after waiting {wait:.0f} s") for each in held)


def soak(folder: Path, processes: int, tries: int, mortal: int, wait: float) -> None:
    """All of them get the lock again and again, some of them die with it."""
    codes = crowd(folder, processes=processes, tries=tries, mortal=mortal, wait=wait)
    events, seen = logged_events(folder), logged_tries(folder)

    assert codes == {"0": processes, "-9": mortal}
    assert faults(events) == []
    check_that_all_got_on(seen, processes + mortal, wait)
    taken = sum(each.what == "taken" for each in seen)
    assert len([each for each in seen if each.what != "held"]) == taken
    assert Counter(each.what for each in events) == {
        "enter": taken,
        "leave": taken - mortal,
        "die": mortal,
    }
    in_vain_by_mortals = len(seen) - processes * tries - mortal
    assert 0 <= in_vain_by_mortals < mortal * tries
    assert [each.token for each in events if each.what == "enter"] == list(range(1, taken + 1))


def test_a_dozen_processes_never_have_a_lock_together(tmp_path: Path) -> None:
    soak(tmp_path, processes=12, tries=15, mortal=3, wait=20)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_hundred_processes_never_have_a_lock_together(tmp_path: Path) -> None:
    soak(tmp_path, processes=100, tries=100, mortal=8, wait=5)


def test_a_lock_whose_being_free_is_asked_too_early_is_had_by_two(tmp_path: Path) -> None:
    crowd(tmp_path, processes=12, tries=15, bug="looks_before_it_takes")
    assert faults(logged_events(tmp_path)) != []


def test_a_token_that_does_not_grow_is_noticed(tmp_path: Path) -> None:
    crowd(tmp_path, processes=2, tries=2, bug="token_stands_still")
    assert "token 1 was given out after 1" in faults(logged_events(tmp_path))


# -- clocks that jump ----------------------------------------------------------------------

HOUR = 3600.0


def jump_about(folder: Path, processes: int, tries: int) -> None:
    """Holders and those who wait have clocks that are set forward and back by up to an hour."""
    codes = crowd(folder, processes=processes, tries=tries, mortal=3, wait=60, lease=0.5, jump=HOUR)
    events, seen = witnessed_events(folder / "state.db"), logged_tries(folder)

    assert codes == {"0": processes, "-9": 3}
    assert faults(events) == []
    what = Counter(each.what for each in seen)
    assert what["taken"] == sum(each.what == "enter" for each in events)
    assert what["lost"] > 0
    assert what["held"] == 0
    with open_store(f"{folder}/state.db") as store:
        assert store.verify() == []


def test_clocks_that_jump_let_nobody_write_late(tmp_path: Path) -> None:
    jump_about(tmp_path, processes=6, tries=6)


@pytest.mark.slow
def test_many_clocks_that_jump_let_nobody_write_late(tmp_path: Path) -> None:
    jump_about(tmp_path, processes=20, tries=40)


def test_without_tokens_somebody_writes_late_if_clocks_jump(tmp_path: Path) -> None:
    crowd(tmp_path, processes=6, tries=10, jump=HOUR, lease=0.5, bug="writes_without_token")
    found = faults(witnessed_events(tmp_path / "state.db"))
    assert any("did write after" in fault for fault in found)
