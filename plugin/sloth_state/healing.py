"""Closes runs whose process is gone, so that nothing says "running" for ever after a `kill -9`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sloth_state.model import LockScope, RunStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from sloth_state.model import Holder, Lock, Run
    from sloth_state.store import Store

PROCESS_GONE = "its process is gone"
LEASE_OVER = "its lease ran out"


def mark_interrupted_runs(store: Store, is_dead: Callable[[Holder], bool]) -> list[Run]:
    """Mark every running run as failed that no living process holds the lock for.

    Returns the runs it marked. Their locks stay, for the next run to take over. One query and
    nothing else when no run is running; nothing at all when the store can only be read.
    """
    if store.read_only:
        return []
    # Runs before locks: a run that begins in between is not looked at, and one that ends in
    # between is final, which `interrupt_run` respects.
    running = store.runs(status=RunStatus.RUNNING)
    if not running:
        return []
    locks = {lock.holder.run_id: lock for lock in store.locks() if lock.scope is LockScope.WORKFLOW}
    ended = [
        (store.interrupt_run(run.id, f"interrupted: {reason}"), reason)
        for run in running
        if (reason := why_abandoned(locks.get(run.id), is_dead))
    ]
    return [run for run, reason in ended if run.error_msg == f"interrupted: {reason}"]


def workflow_lock(store: Store, workflow: str) -> Lock | None:
    """The lock that somebody has on a workflow, whether or not he still works under it."""
    identity = LockScope.WORKFLOW, workflow
    return next((lock for lock in store.locks() if (lock.scope, lock.name) == identity), None)


def why_abandoned(lock: Lock | None, is_dead: Callable[[Holder], bool]) -> str | None:
    """Why nobody works under a recorded lock any more; None if somebody may.

    No lock at all counts as a holder that is gone.
    """
    if lock is None or is_dead(lock.holder):
        return PROCESS_GONE
    return LEASE_OVER if lock.expires_at <= datetime.now(UTC) else None
