"""`state workflow mv` and `state workflow rm`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sloth_runner.cli.awaiting import wait_for_run
from sloth_runner.cli.options import dry_run_option, lock_timeout_option, parsed_identity
from sloth_state.cli.complete import complete_resource, complete_workflow
from sloth_state.cli.options import reference_argument, shared_options
from sloth_state.cli.text import printable
from sloth_state.errors import UsageError
from sloth_state.references import newest_run, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from sloth_runner.surgery import Move
    from sloth_state.cli.app import App
    from sloth_state.model import Json, Resource, Run, Version


def resource_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add TYPE/NAME."""
    return click.argument("resource", metavar="TYPE/NAME", shell_complete=complete_resource)(
        command
    )


@click.command("mv")
@reference_argument
@resource_argument
@click.argument("new_name", metavar="NEW")
@click.option(
    "--to-workflow",
    "to_workflow",
    metavar="NAME",
    shell_complete=complete_workflow,
    help="Move it to this workflow, which need not exist yet.",
)
@dry_run_option
@lock_timeout_option
@shared_options
def mv_command(
    app: App,
    *,
    ref: str,
    resource: str,
    new_name: str,
    to_workflow: str | None,
    dry_run: bool,
    lock_timeout: float,
) -> None:
    """Give a resource's record another name, or move it to another workflow.

    The resource keeps its id, and resources that depend on it name it as NEW. The real thing stays
    as it is; rename it in the workflow file too, or the next run makes another one. The result is
    a new version (of both workflows), which `rollback --state-only` undoes.
    """
    from sloth_runner.surgery import move_resource, plan_move

    store = app.store()
    source = newest_version(app, ref, lock_timeout)
    identity = parsed_identity(resource)
    new_name = new_name.removeprefix(f"{identity[0]}/")
    workflow = source.workflow if to_workflow is None else to_workflow
    wait_for_run(app, store, workflow, lock_timeout)
    move = plan_move(store, source, identity, new_name, workflow)
    finished = [] if dry_run else move_resource(store, move, app.actor, lock_timeout=lock_timeout)
    app.emit_object(_move_shape(move, finished), lambda: _move_lines(move, finished))


@click.command("rm")
@reference_argument
@resource_argument
@dry_run_option
@lock_timeout_option
@shared_options
def rm_command(app: App, *, ref: str, resource: str, dry_run: bool, lock_timeout: float) -> None:
    """Forget a resource, never touching the real thing.

    The result is a new version, which `rollback --state-only` undoes.
    """
    from sloth_runner.surgery import forget_resource, settled_resource

    store = app.store()
    version = newest_version(app, ref, lock_timeout)
    found = settled_resource(store, version, parsed_identity(resource))
    finished = (
        None
        if dry_run
        else forget_resource(store, version, found, app.actor, lock_timeout=lock_timeout)
    )
    shape: dict[str, Json] = {
        "workflow": version.workflow,
        "id": found.id,
        "type": found.type,
        "name": found.name,
        "version": finished.version if finished else None,
    }
    app.emit_object(shape, lambda: _rm_lines(version, found, finished))


def newest_version(app: App, ref: str, lock_timeout: float) -> Version:
    """The newest version of the workflow that `ref` means, after waiting for a run that goes on.

    Raises UsageError if `ref` is an older version, and LockHeld.
    """
    store = app.store()
    wait_for_run(app, store, resolve(store, ref).name, lock_timeout)
    run = resolve(store, ref)
    newest = newest_run(store, run.name)
    assert newest is not None
    if run.version != newest.version:
        raise UsageError(
            f"{run.name} is at version {newest.version}, and only that can be changed",
            hint=f"Name the workflow alone: {run.name}",
        )
    return store.version(run.name, newest.version)


def _move_shape(move: Move, finished: Sequence[Run]) -> Json:
    return {
        "workflow": move.source.workflow,
        "id": move.resource.id,
        "type": move.resource.type,
        "name": move.resource.name,
        "to_workflow": move.workflow,
        "new_name": move.new_name,
        "versions": {run.name: run.version for run in finished},
    }


def _move_lines(move: Move, finished: Sequence[Run]) -> Iterator[str]:
    old, new = printable(move.old_identity), printable(move.new_identity)
    here, there = printable(move.source.workflow), printable(move.workflow)
    is_new = ", which is new" if move.target is None else ""
    where = f"in {here}" if move.stays else f"from {here} to {there}{is_new}"
    if not finished:
        yield f"Would move {old} to {new} {where}"
        return
    yield f"Moved {old} to {new} {where}"
    yield from recorded_lines(finished)


def _rm_lines(version: Version, resource: Resource, finished: Run | None) -> Iterator[str]:
    identity, workflow = printable(f"{resource.type}/{resource.name}"), printable(version.workflow)
    if finished is None:
        yield f"Would forget {identity} of {workflow}"
        return
    yield f"Forgot {identity} of {workflow}; the thing itself stays as it is"
    yield from recorded_lines([finished])


def recorded_lines(finished: Sequence[Run]) -> Iterator[str]:
    """Which versions there are now, and how each is undone; the first of a workflow cannot be."""
    for run in finished:
        name = printable(run.name)
        undo = f"{name} {run.version - 1} --state-only"
        how = f"; undo it with: sloth-runner state workflow rollback {undo}"
        yield f"Recorded as version {run.version} of {name}{how if run.version > 1 else ''}"
