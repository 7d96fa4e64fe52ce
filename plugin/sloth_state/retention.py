"""Which old versions of a workflow may go, and dropping them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sloth_state.errors import ReferenceNotFound
from sloth_state.leases import acquire
from sloth_state.model import LockScope, RunStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sloth_state.model import Run
    from sloth_state.store import Store


class Pruning(NamedTuple):
    """What would become of the versions of one workflow."""

    workflow: str
    dropped: tuple[int, ...]
    """Oldest first."""
    spared: Mapping[int, str]
    """Versions that are old enough to go and stay all the same, with why."""
    kept: int
    """How many stay, the spared ones among them."""


def plan_pruning(
    store: Store, workflow: str, *, keep: int | None = None, before: datetime | None = None
) -> Pruning:
    """Choose the versions that go: all but the newest `keep`, and none that began after `before`.

    Never the newest version, the last successful one, the last rollback and the one that the newest
    rollback went to, tagged ones, those that run, and those with operations that a killed run left
    half-done. Changes nothing. Raises ReferenceNotFound.
    """
    runs = store.runs(name=workflow)
    if not runs:
        raise ReferenceNotFound(workflow)
    runs.sort(key=lambda run: run.version, reverse=True)
    old = [run for run in runs[keep or 0 :] if before is None or run.started_at <= before]
    reasons = _why_needed(store, workflow, runs)
    spared = {run.version: reasons[run.version] for run in old if run.version in reasons}
    dropped = sorted(run.version for run in old if run.version not in spared)
    return Pruning(workflow, tuple(dropped), dict(sorted(spared.items())), len(runs) - len(dropped))


def prune(
    store: Store, planned: Pruning, actor: str, *, keep: int | None, before: datetime | None
) -> Pruning:
    """Drop what was planned, without what has become needed since; what was dropped in fact.

    Takes the workflow's lock for it: raises LockHeld. Raises ReferenceNotFound if the workflow was
    deleted since.
    """
    lock = acquire(store, LockScope.WORKFLOW, planned.workflow)
    try:
        now = plan_pruning(store, planned.workflow, keep=keep, before=before)
        dropped = tuple(version for version in now.dropped if version in planned.dropped)
        if dropped:
            store.drop_versions(planned.workflow, dropped, lock, actor)
        return now._replace(dropped=dropped)
    finally:
        store.release_lock(lock)


def _why_needed(store: Store, workflow: str, runs: Sequence[Run]) -> dict[int, str]:
    """Versions that must stay, with why; where there are several reasons, the first of these."""
    reasons: dict[int, str] = {}
    for version, reason in _needs(store, workflow, runs):
        reasons.setdefault(version, reason)
    return reasons


def _needs(store: Store, workflow: str, runs: Sequence[Run]) -> Iterator[tuple[int, str]]:
    """`runs`: the newest first."""
    yield runs[0].version, "the newest"
    yield from _first_of(runs, RunStatus.SUCCESS, "the last that succeeded")
    yield from _first_of(runs, RunStatus.ROLLED_BACK, "the last rollback")
    targets = (run.metadata.get("rollback_to", "") for run in runs)
    target = next((text for text in targets if text.isdigit()), None)
    if target is not None:
        yield int(target), "the newest rollback went to it"
    unfinished = {run_id for run_id, _ in store.unfinished_operations(workflow)}
    for run in runs:
        if tags := store.tags(run.id):
            yield run.version, f"tagged {', '.join(tags)}"
        if run.id in unfinished:
            yield run.version, "has operations that are not settled"
        if run.status is RunStatus.RUNNING:
            yield run.version, "runs"


def _first_of(runs: Iterable[Run], status: RunStatus, reason: str) -> Iterator[tuple[int, str]]:
    newest = next((run for run in runs if run.status is status), None)
    if newest is not None:
        yield newest.version, reason
