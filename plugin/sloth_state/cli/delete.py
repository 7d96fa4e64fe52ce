"""`state workflow delete`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sloth_state.cli.complete import complete_workflow
from sloth_state.cli.options import force_option, shared_options
from sloth_state.cli.text import counted, printable
from sloth_state.errors import LockHeld, UsageError
from sloth_state.healing import why_abandoned, workflow_lock
from sloth_state.processes import is_dead
from sloth_state.references import newest_run, resolve

if TYPE_CHECKING:
    from sloth_state.cli.app import App
    from sloth_state.model import Run
    from sloth_state.store import Store


@click.command("delete")
@click.argument("ref", metavar="NAME", shell_complete=complete_workflow)
@force_option
@shared_options
def command(app: App, ref: str, force: bool) -> None:
    """Delete a workflow's records, never the real things.

    All its runs, versions, resources, outputs and tags go, for good. The audit trail stays.
    """
    store = app.store()
    run = _whole_workflow(store, ref)
    _free_from_abandoned_lock(app, store, run.name)
    name = printable(run.name)
    versions = store.count_runs(name=run.name)
    what = f"{counted(versions, 'version')}, {counted(run.resource_count, 'resource')}"
    if not force:
        app.confirm(
            f"Delete {name}?",
            about=f"This deletes the records of {name}: {what}.\n"
            "The things themselves stay as they are, and nothing remembers them any more.",
            doing=f"deleting {name}",
        )
    store.delete_workflow(run.name, app.actor)
    app.emit_object(
        {"name": run.name, "versions": versions, "resources": run.resource_count},
        lambda: [f"Deleted {name}: {what}"],
    )


def _whole_workflow(store: Store, ref: str) -> Run:
    """The newest run of the workflow that `ref` names. One version cannot be deleted."""
    newest = newest_run(store, ref)
    if newest is not None:
        return newest
    run = resolve(store, ref)
    raise UsageError(
        f"{ref} is one version of {run.name}, and only a whole workflow can be deleted",
        hint=f"Delete all of it with: sloth-runner state workflow delete {run.name}",
    )


def _free_from_abandoned_lock(app: App, store: Store, name: str) -> None:
    """Break the lock of a dead holder. Raises LockHeld for a living one."""
    lock = workflow_lock(store, name)
    if lock is not None:
        if why_abandoned(lock, is_dead) is None:
            raise LockHeld(lock)
        store.break_lock(lock.scope, lock.name, app.actor)
