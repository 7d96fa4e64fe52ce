"""Waiting for a run that goes on, before a command looks at what it leaves."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sloth_state.cli.text import counted
from sloth_state.errors import LockHeld
from sloth_state.model import LockScope, RunStatus
from sloth_state.references import newest_run

if TYPE_CHECKING:
    from sloth_state.cli.app import App
    from sloth_state.store import Store


def wait_for_run(app: App, store: Store, name: str, seconds: float) -> None:
    """If a run of a workflow goes on, wait for its end, at most so long.

    A plan that is made while it goes on would be for a version that is soon not the newest any
    more. Raises LockHeld.
    """
    newest = newest_run(store, name)
    if newest is None or newest.status is not RunStatus.RUNNING:
        return
    if not seconds:
        from sloth_state.healing import why_abandoned, workflow_lock
        from sloth_state.processes import is_dead

        held = workflow_lock(store, name)
        # On a full disk a run that is over may still be called running.
        if held is not None and why_abandoned(held, is_dead) is None:
            raise LockHeld(held)
        return
    from sloth_state.leases import acquire

    lock = acquire(
        store,
        LockScope.WORKFLOW,
        name,
        wait=timedelta(seconds=seconds),
        on_waiting=lambda held: say_waiting(app, held),
    )
    store.release_lock(lock)


def say_waiting(app: App, held: LockHeld) -> None:
    """Who is waited for."""
    others = f" behind {counted(held.ahead, 'other')}" if held.ahead else ""
    app.say(f"Note: {held.message}; waiting{others}")
