"""Commands that look first whether a run goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from sloth_runner.cli.awaiting import wait_for_run
from sloth_state.cli import App
from sloth_state.errors import LockHeld
from sloth_state.leases import acquire
from sloth_state.model import LockScope, NewRun, Run
from sloth_state.open import open_store
from sloth_state.store import Store


def test_a_run_that_goes_on_is_named_with_who_runs_it(store_path: Path) -> None:
    with open_store(str(store_path)) as store:  # with the time as it is
        lock = acquire(store, LockScope.WORKFLOW, "web")
        store.begin_run(NewRun("web", {}), lock)
        with pytest.raises(LockHeld, match="web is locked by"):
            wait_for_run(App(), store, "web", 0)


def test_nobody_waits_for_a_dead_run_that_could_not_be_marked(store: Store, dead_run: Run) -> None:
    """As on a full disk; what comes next says what is wrong with that."""
    assert store.run(dead_run.id).status == "running"
    wait_for_run(App(), store, dead_run.name, 0)
    assert len(store.locks()) == 1
