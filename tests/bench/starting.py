"""Whole processes: looking at a large store, and running a small workflow."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path

from measure import Figure, ratio_of_commands

from sloth_state import LockScope, NewRun, RunStatus, open_store
from sloth_state.processes import current_holder, is_dead

RUNS = 100_000


def figures(folder: Path) -> list[Figure]:
    """Start-up of `state workflow list` and `run`, against importing the libraries alone."""
    os.environ["SLOTH_RUNNER_STATE"] = str(folder / "many.db")
    _fill()
    sloth = str(Path(sys.executable).parent / "sloth-runner")
    listing = ratio_of_commands(
        [sloth, "state", "workflow", "list"], [sys.executable, "-c", "import click"]
    )
    script = folder / "empty.sloth"
    script.write_text('task("nothing"):command(function() end)\n')
    os.environ["SLOTH_RUNNER_STATE"] = str(folder / "few.db")
    running = ratio_of_commands(
        [sloth, "run", str(script)], [sys.executable, "-c", "import click, lupa.luajit21, apsw"]
    )
    return [
        Figure("state workflow list, 100,000 runs / import click", listing, "x", 1.3),
        Figure("run of an empty task / import click, lupa, apsw", running, "x", 2.5),
    ]


def _fill() -> None:
    with open_store() as store:
        for name in range(10):
            lock = store.acquire_lock(
                LockScope.WORKFLOW,
                f"workflow-{name}",
                current_holder(),
                timedelta(hours=1),
                is_dead,
            )
            with store._db.transaction():  # one commit for all, or filling takes minutes
                for _ in range(RUNS // 10):
                    run = store.begin_run(NewRun(f"workflow-{name}", {}), lock)
                    store.finish_run(run.id, RunStatus.SUCCESS, lock)
            store.release_lock(lock)
