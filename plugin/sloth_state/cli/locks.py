"""`state workflow locks` and `state workflow unlock`."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from sloth_state.cli.complete import complete_lock
from sloth_state.cli.options import force_option, shared_options
from sloth_state.cli.tables import Column
from sloth_state.cli.text import counted, local_time, printable
from sloth_state.healing import LEASE_OVER, why_abandoned
from sloth_state.model import Lock, LockScope
from sloth_state.processes import current_holder, is_dead
from sloth_state.references import resolve
from sloth_state.shapes import lock_shape

if TYPE_CHECKING:
    from sloth_state.cli.app import App
    from sloth_state.model import Json
    from sloth_state.store import Store

ALIVE_COLOURS = {"alive": "green", "dead": "red", "expired": "yellow"}


def holder_state(lock: Lock) -> str:
    """Whether the holder is "alive", "dead" or "expired" (its lease is over).

    "unknown host" is one that cannot be looked at from here and whose lease still lasts.
    """
    reason = why_abandoned(lock, is_dead)
    if reason:
        return "expired" if reason == LEASE_OVER else "dead"
    here = current_holder()
    local = (lock.holder.host, lock.holder.boot_id) == (here.host, here.boot_id)
    return "alive" if local else "unknown host"


COLUMNS = [
    Column[Lock]("SCOPE", lambda lock: lock.scope.value),
    Column[Lock]("NAME", lambda lock: lock.name),
    Column[Lock]("HOLDER", lambda lock: str(lock.holder)),
    Column[Lock]("SINCE", lambda lock: local_time(lock.acquired_at)),
    Column[Lock]("HEARTBEAT", lambda lock: local_time(lock.heartbeat_at)),
    Column[Lock]("EXPIRES", lambda lock: local_time(lock.expires_at)),
    Column[Lock]("ALIVE", holder_state, ALIVE_COLOURS),
]


def _shape(lock: Lock) -> dict[str, Json]:
    return {**lock_shape(lock), "alive": holder_state(lock)}


@click.command("locks")
@shared_options
def locks_command(app: App) -> None:
    """List the locks that are held.

    ALIVE says whether the holder's process is there: alive, dead, expired (it did not renew its
    lease), or unknown host (it runs on another machine, and its lease lasts). WAITING says how many
    wait for the lock.
    """
    store = app.store(upgrade=False)
    locks, waiting = store.locks(), _waiting(store)
    app.emit(
        locks,
        [*COLUMNS, Column("WAITING", lambda lock: str(waiting[lock.scope, lock.name]))],
        lambda lock: {**_shape(lock), "waiting": waiting[lock.scope, lock.name]},
        footer=counted(len(locks), "lock"),
    )


def _waiting(store: Store) -> Counter[tuple[LockScope, str]]:
    """How many wait for each lock, by its scope and name."""
    now = datetime.now(UTC)
    return Counter(
        (ticket.scope, ticket.name)
        for ticket in store.tickets()
        if ticket.is_valid(now) and not is_dead(ticket.holder)
    )


@click.command("unlock")
@click.argument("ref", metavar="REF", shell_complete=complete_lock)
@click.option("--script", is_flag=True, help="REF is the name of a lock that a script took.")
@force_option
@shared_options
def unlock_command(app: App, ref: str, script: bool, force: bool) -> None:
    """Take a lock away from its holder.

    The holder can write nothing under it any more, and its run becomes failed. That is written to
    the audit trail. A lock that nobody holds is no error.
    """
    store = app.store()
    scope = LockScope.SCRIPT if script else LockScope.WORKFLOW
    lock = _held(store, scope, ref)
    if lock is None:
        app.emit_object({"broken": None}, lambda: [f"Nobody holds a lock on {printable(ref)}"])
        return
    name = printable(lock.name)
    if not force:
        app.confirm(
            f"Break the lock on {name}?",
            about=f"{name} is locked by {_holder_text(lock)}",
            doing=f"unlocking {name}",
        )
    shape = _shape(lock)
    store.break_lock(scope, lock.name, app.actor)
    app.emit_object(
        {"broken": shape}, lambda: [f"Broke the lock on {name} of {printable(str(lock.holder))}"]
    )


def _holder_text(lock: Lock) -> str:
    holder = printable(str(lock.holder))
    return f"{holder} since {local_time(lock.acquired_at)} ({holder_state(lock)})"


def _held(store: Store, scope: LockScope, ref: str) -> Lock | None:
    """The lock on exactly this name, or on the workflow that `ref` means; None if it is free.

    Raises ReferenceNotFound where there is neither such a lock nor such a workflow.
    """
    locks = {lock.name: lock for lock in store.locks() if lock.scope is scope}
    if ref in locks or scope is LockScope.SCRIPT:
        return locks.get(ref)
    return locks.get(resolve(store, ref).name)
