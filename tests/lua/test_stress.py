"""What crashes a process that keeps Lua objects in Python does not crash this one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("work", "found"),
    [
        ("calls_from_coroutines_that_die", "80000"),
        ("tasks_that_are_dropped_while_they_wait", "10000"),
        ("errors_that_are_kept", "2000"),
        ("hosts_that_die_with_all_they_hold", "100"),
    ],
)
def test_long_work_across_the_boundary_does_not_crash(work: str, found: str) -> None:
    child = subprocess.run(
        [sys.executable, "-X", "faulthandler", Path(__file__).with_name("stress_child.py"), work],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (child.returncode, child.stdout.strip(), child.stderr[-2000:]) == (0, found, "")
