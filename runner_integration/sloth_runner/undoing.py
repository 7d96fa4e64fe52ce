"""Undoes what a failed run did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_runner.restoring import plan_restoration, restore
from sloth_runner.rollback_versions import last_good_version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sloth_runner.events import Listener
    from sloth_state.model import Run
    from sloth_state.store import Store


def roll_back_failed_run(store: Store, run_id: str, listeners: Sequence[Listener]) -> Run | None:
    """Bring the world back to the last successful version before a run that failed.

    None if there was nothing to do. Raises NotFound if there is no such version, StateMoved if the
    run is no longer the newest, and what `restore` raises.
    """
    from sloth_runner.recovering import recover
    from sloth_runner.world import World

    run = store.run(run_id)
    newest = store.version(run.name, run.version)
    target = last_good_version(store, newest)
    with World(store, listeners) as world:
        settled = recover(world, store, run.name)  # changes that a timeout cut off
        if any(each.is_settled for each in settled):
            newest = store.version(run.name, newest.version + 1)
        restoration = plan_restoration(world, store, newest, target)
        if restoration.plan.is_empty:
            return None
        return restore(world, store, restoration)
