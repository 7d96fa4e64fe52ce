"""Settles what killed runs left half-done, as a version of its own."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import groupby
from typing import TYPE_CHECKING

from sloth_runner.earlier_runs import copy_outputs, existing
from sloth_runner.events import ResourceChanged
from sloth_runner.resources.recovery import judge
from sloth_runner.resuming import failed_run
from sloth_state.errors import NotFound
from sloth_state.references import newest_run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
    can be settled: no version is made. Otherwise it is a failed one, for it records what a run left
    that did not succeed; it takes over what that run has done, so that it can be resumed. Raises
    NotFound for a verdict on what is not unfinished, LockHeld and what the store raises.
    """
    verdicts = verdicts or {}
    unfinished = store.unfinished_operations(workflow)
    _check_verdicts(workflow, unfinished, verdicts)
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
    with ExitStack() as stack:
        stack.push(execution)
        execution.take_lock()
        # Whoever had the lock may have settled some.
        unfinished = store.unfinished_operations(workflow)
        judged = _judge_all(world, store, workflow, unfinished, verdicts)
        if any(each.is_settled for each in judged):
            run = execution.__enter__()
            run.subscribe(lambda resource: world.emit(ResourceChanged(None, resource)))
            for each in judged:
                if each.end is not None:
                    each.end(run)
            copy_outputs(store, version.run_id, run)
            run.fail(f"records what was left by {newest.id}, which was interrupted")
    return judged


def _check_verdicts(
    workflow: str,
    unfinished: Sequence[tuple[str, Operation]],
    verdicts: Mapping[tuple[str, str], bool],
) -> None:
    known = [(operation.type, operation.name) for _, operation in unfinished]
    for identity in verdicts:
        if identity not in known:
            names = ", ".join("/".join(each) for each in known)
            raise NotFound(
                f"{workflow} has no half-done {'/'.join(identity)}",
                hint=f"Half-done: {names}" if names else "Nothing of it is half-done.",
            )


def _judge_all(
    world: World,
    store: Store,
    workflow: str,
    unfinished: Sequence[tuple[str, Operation]],
    verdicts: Mapping[tuple[str, str], bool],
) -> list[Settled]:
    """By the run they belong to, because each has the providers of its own file."""
    recorded = existing(store.resources(workflow))
    judged: list[Settled] = []
    for run_id, operations in groupby(unfinished, key=lambda each: each[0]):
        begun_in = store.run(run_id)
        driver = world.version(store.version(begun_in.name, begun_in.version))
        judged += world.run(judge(driver, recorded, list(operations), verdicts))
    return judged
