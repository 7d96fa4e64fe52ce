"""Checking a whole store with a long history."""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

import versions
from measure import Figure, seconds

TRIES = 3


def figures(folder: Path) -> list[Figure]:
    """`verify` as a process."""
    sloth = str(Path(sys.executable).parent / "sloth-runner")
    store = str(versions.history(folder).database)
    command = [sloth, "state", "workflow", "verify", "--state", store]

    def verify() -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    taken = statistics.median(seconds(verify) for _ in range(TRIES))
    return [Figure("verify of 100 versions x 10,000 resources", taken, "s", 5)]
