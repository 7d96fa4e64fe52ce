"""Settles what killed runs left half-done, as a version of its own."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from sloth_runner.earlier_runs import copy_outputs
from sloth_runner.events import ResourceChanged
from sloth_runner.resources.recovery import settle
from sloth_runner.resuming import failed_run
from sloth_state.references import newest_run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sloth_runner.active_run import ActiveRun
    from sloth_runner.resources.recovery import Settled
    from sloth_runner.world import World
    from sloth_state.model import Operation
    from sloth_state.store import Store


def recover(
    world: World,
    store: Store,
    workflow: str,
    *,
    verdicts: Mapping[tuple[str, str], bool] | None = None,
    lock_timeout: float = 0.0,
) -> list[Settled]:
    """Settle the unfinished operations of a workflow by reading, each with its version's providers.

    `verdicts`: for things (type, name) that nobody can read, whether the change was made. Nothing
    unfinished: no version is made. Otherwise it is a failed one, for it records what a run left
    that did not succeed; it takes over what that run has done, so that it can be resumed. Raises
    LockHeld and what the store raises.
    """
    unfinished = store.unfinished_operations(workflow)
    if not unfinished:
        return []
    newest = newest_run(store, workflow)
    assert newest is not None
    version = store.version(workflow, newest.version)
    execution = world.execution(
        version,
        metadata={"recovered": ", ".join(dict.fromkeys(run_id for run_id, _ in unfinished))},
        message=f"recovered what {'runs' if len(unfinished) > 1 else 'a run'} left half-done",
        lock_timeout=lock_timeout,
        resume=lambda: failed_run(store, workflow),
    )
    with execution as run:
        run.subscribe(lambda resource: world.emit(ResourceChanged(None, resource)))
        settled = _settle_all(world, store, run, unfinished, verdicts or {})
        copy_outputs(store, version.run_id, run)
        run.fail(f"records what was left by {newest.id}, which was interrupted")
    return settled


def _settle_all(
    world: World,
    store: Store,
    run: ActiveRun,
    unfinished: Sequence[tuple[str, Operation]],
    verdicts: Mapping[tuple[str, str], bool],
) -> list[Settled]:
    """By the run they belong to, because each has the providers of its own file."""
    settled: list[Settled] = []
    for run_id, operations in groupby(unfinished, key=lambda each: each[0]):
        begun_in = store.run(run_id)
        driver = world.version(store.version(begun_in.name, begun_in.version))
        settled += world.run(settle(driver, run, list(operations), verdicts))
    return settled
