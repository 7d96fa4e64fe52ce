"""`state workflow rollback` and `state workflow reconcile`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sloth_runner.cli.awaiting import wait_for_run
from sloth_runner.cli.options import dry_run_option, lock_timeout_option, parsed_identity
from sloth_runner.rollback_versions import last_good_version, rollback_target
from sloth_state.cli.complete import complete_version
from sloth_state.cli.options import force_option, reference_argument, shared_options
from sloth_state.cli.text import counted
from sloth_state.errors import ResourceNotFound, UsageError
from sloth_state.model import RunStatus
from sloth_state.references import newest_run, resolve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sloth_runner.restoring import Restoration
    from sloth_state.cli.app import App
    from sloth_state.model import Version
    from sloth_state.store import Store

target_option = click.option(
    "--target", "targets", metavar="TYPE/NAME", multiple=True, help="Only this resource."
)


@click.command("rollback")
@reference_argument
@click.argument("version", metavar="[VERSION]", required=False, shell_complete=complete_version)
@dry_run_option
@click.option("--state-only", is_flag=True, help="Bring back the records alone, not the world.")
@target_option
@click.option("--resume", is_flag=True, help="Finish the rollback that failed half-way.")
@lock_timeout_option
@force_option
@shared_options
def rollback_command(
    app: App,
    *,
    ref: str,
    version: str | None,
    dry_run: bool,
    state_only: bool,
    targets: tuple[str, ...],
    resume: bool,
    lock_timeout: float,
    force: bool,
) -> None:
    """Bring the world back to what it was at VERSION.

    Without VERSION: the last successful one before this. Reality is compared with what VERSION
    recorded; what differs is created, updated and deleted by the providers that VERSION had, after
    asking. The result is a new version with the status rolled_back, so it can be undone as well.
    """
    store = app.store()
    name = resolve(store, ref).name
    wait_for_run(app, store, name, lock_timeout)
    newest = _newest(store, name)
    target = _target(store, ref, newest, version, resume=resume)
    if target.version == newest.version:
        raise UsageError(
            f"{newest.workflow} is at version {newest.version} already",
            hint="To put back what drifted from it: "
            f"sloth-runner state workflow reconcile {newest.workflow}",
        )
    _go(
        app,
        store,
        newest,
        target,
        targets,
        state_only=state_only,
        dry_run=dry_run,
        force=force,
        lock_timeout=lock_timeout,
    )


@click.command("reconcile")
@reference_argument
@dry_run_option
@target_option
@lock_timeout_option
@force_option
@shared_options
def reconcile_command(
    app: App, *, ref: str, dry_run: bool, targets: tuple[str, ...], lock_timeout: float, force: bool
) -> None:
    """Put back what drifted from the newest version.

    Shows what would be done and asks. Only the newest version can be put back in this way: an
    older one, such as one that was just rolled back, is a matter of `rollback`.
    """
    store = app.store()
    wait_for_run(app, store, resolve(store, ref).name, lock_timeout)
    run = resolve(store, ref)
    newest = _newest(store, run.name)
    if run.version != newest.version:
        raise UsageError(
            f"{run.name} is at version {newest.version}, and only that can be reconciled",
            hint=f"To go back to version {run.version}: "
            f"sloth-runner state workflow rollback {run.name} {run.version}",
        )
    if newest.status is RunStatus.FAILED and rollback_target(store, newest) is not None:
        raise UsageError(
            f"version {newest.version} of {newest.workflow} is a rollback that failed half-way",
            hint=f"Finish it: sloth-runner state workflow rollback {newest.workflow} --resume",
        )
    _go(
        app,
        store,
        newest,
        newest,
        targets,
        state_only=False,
        dry_run=dry_run,
        force=force,
        lock_timeout=lock_timeout,
    )


def _newest(store: Store, name: str) -> Version:
    run = newest_run(store, name)
    assert run is not None
    return store.version(name, run.version)


def _target(store: Store, ref: str, newest: Version, asked: str | None, *, resume: bool) -> Version:
    from sloth_state.version_words import find_version

    if resume:
        if asked is not None:
            raise UsageError("--resume goes to the version that the failed rollback went to")
        number = rollback_target(store, newest)
        if number is None or newest.status is not RunStatus.FAILED:
            raise UsageError(
                f"the newest version of {newest.workflow}, {newest.version}, is no failed rollback"
            )
        return store.version(newest.workflow, number)
    if asked is not None:
        return find_version(store, newest.workflow, asked)
    named = resolve(store, ref)
    if named.version != newest.version:
        return store.version(named.name, named.version)
    return last_good_version(store, newest)


def _identities(targets: Sequence[str], *versions: tuple[Store, Version]) -> list[tuple[str, str]]:
    found = []
    for target in targets:
        type, name = parsed_identity(target, "--target")
        known = [s.resource(v.workflow, type, name, version=v.version) for s, v in versions]
        if not any(known):
            raise ResourceNotFound(versions[0][1].workflow, type, name)
        found.append((type, name))
    return found


def _go(
    app: App,
    store: Store,
    newest: Version,
    target: Version,
    targets: Sequence[str],
    *,
    state_only: bool,
    dry_run: bool,
    force: bool,
    lock_timeout: float,
) -> None:
    from sloth_runner.cli.options import lines_of_changes
    from sloth_runner.cli.rollback_view import RestorationView
    from sloth_runner.restoring import plan_restoration, restore
    from sloth_runner.world import World

    newest, target = _after_recovery(app, store, newest, target, dry_run=dry_run)
    only = _identities(targets, (store, newest), (store, target))
    with World(store, [lines_of_changes(app)]) as world:
        restoration = plan_restoration(
            world, store, newest, target, only=only, state_only=state_only
        )
        view = RestorationView(app, store, restoration)
        if dry_run or not _must_be_recorded(store, restoration):
            app.emit_object(view.shape(), view.lines)
            return
        if not force:
            app.confirm(
                "Go on?", about="\n".join(view.lines()), doing=f"{view.doing} {newest.workflow}"
            )
        finished = restore(world, store, restoration, lock_timeout=lock_timeout)
    app.emit_object(
        {**view.shape(), "version": finished.version, "status": finished.status.value},
        lambda: [view.done(finished)],
    )


def _must_be_recorded(store: Store, restoration: Restoration) -> bool:
    """Whether there is something to do, or at least to say: that a rollback which failed half-way
    is over, or why nothing can be done."""
    if not restoration.plan.is_empty:
        return True
    newest = restoration.newest
    is_half_way = newest.status is RunStatus.FAILED and rollback_target(store, newest) is not None
    return is_half_way and restoration.is_rollback and not restoration.is_partial


def _after_recovery(
    app: App, store: Store, newest: Version, target: Version, *, dry_run: bool
) -> tuple[Version, Version]:
    """Both versions, after what a killed run left half-done was settled; that is a version too."""
    from sloth_runner.cli.options import warnings_only
    from sloth_runner.recovering import recover
    from sloth_runner.world import World

    unfinished = store.unfinished_operations(newest.workflow)
    if not unfinished:
        return newest, target
    if dry_run:
        app.say(f"Note: {counted(len(unfinished), 'operation')} of killed runs are not settled yet")
        return newest, target
    with World(store, [warnings_only(app)]) as world:
        settled = recover(world, store, newest.workflow)
    for each in settled:
        identity = f"{each.operation.type}/{each.operation.name}"
        app.say(f"Note: {each.operation.verb} {identity} was interrupted; {each.found}")
    recovered = _newest(store, newest.workflow)
    return recovered, recovered if target.version == newest.version else target
