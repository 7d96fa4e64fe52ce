"""All measurements, as a table; exit code 1 if a limit is missed."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import contending
import declared
import exchange
import recording
import recovering
import starting
import tasks
import verifying
import versions
from measure import table

GROUPS = {
    "recording": recording,
    "versions": versions,
    "starting": starting,
    "declared": declared,
    "exchange": exchange,
    "verifying": verifying,
    "recovering": recovering,
    "contending": contending,
    "tasks": tasks,
}

chosen = sys.argv[1:] or list(GROUPS)
with tempfile.TemporaryDirectory(prefix="sloth-bench-") as folder:
    os.chdir(folder)  # outside of any git work tree, which a run would ask about
    found = [figure for name in chosen for figure in GROUPS[name].figures(Path(folder))]
print(table(found))
sys.exit(0 if all(figure.met for figure in found) else 1)
