"""Brings the world and the records back to a recorded version: rollback, and reconcile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from sloth_runner.errors import RollbackRefused, WorkflowError
from sloth_runner.events import AfterRollback, BeforeRollback, ResourceChanged
from sloth_runner.execution import Execution
from sloth_runner.resources.pruning import perform
from sloth_state.errors import NotFound, StateMoved
from sloth_state.model import Action, ResourceDraft, RunStatus
from sloth_state.rollback import (
    StepKind,
    is_another,
    plan_rollback,
    record_changes,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sloth_runner.active_run import ActiveRun
    from sloth_runner.events import Listener
    from sloth_runner.world import World
    from sloth_state.drift import Reading
    from sloth_state.model import Resource, Run, Version
    from sloth_state.rollback import RollbackPlan, Step
    from sloth_state.store import Store

Identity = tuple[str, str]
"""Type and name."""


class Restoration(NamedTuple):
    """What is to be restored, and how."""

    newest: Version
    """The version that is left."""
    target: Version
    """The one that is restored; the newest itself for a reconcile."""
    current: Sequence[Resource]
    plan: RollbackPlan
    contents: Mapping[str, bytes] = {}
    """What is in files now that would be changed, by SHA-256."""
    is_partial: bool = False
    """Only some resources are restored."""

    @property
    def is_rollback(self) -> bool:
        return self.target.version != self.newest.version

    @property
    def base(self) -> Version:
        """The version whose file, values and outputs the new one has: what most of it is from."""
        return self.newest if self.is_partial else self.target


def plan_restoration(
    world: World,
    store: Store,
    newest: Version,
    target: Version,
    *,
    only: Sequence[Identity] = (),
    state_only: bool = False,
) -> Restoration:
    """Read reality and find out what must be done. `only`: look at these resources alone."""
    current = _resources(store, newest, only)
    wanted = current if target.version == newest.version else _resources(store, target, only)
    if state_only:
        records = record_changes(current, wanted)
        return Restoration(newest, target, current, records, is_partial=bool(only))
    then = {(each.type, each.name): each for each in wanted}
    leaving = [
        each
        for each in current
        if (each.type, each.name) not in then or is_another(each, then[each.type, each.name])
    ]
    driver = world.version(target)
    readings = _by_identity(world.read(driver, _remembered_now(wanted, current)))
    plan = plan_rollback(
        current, wanted, _by_identity(world.read(world.version(newest), leaving)), readings
    )
    changing = [
        (step.resource, readings[step.resource.type, step.resource.name].actual)
        for step in plan.steps
        if step.kind is StepKind.UPDATE
    ]
    contents = world.contents(driver, changing)
    return Restoration(newest, target, current, plan, contents, is_partial=bool(only))


def _remembered_now(wanted: Sequence[Resource], current: Sequence[Resource]) -> list[Resource]:
    """With what providers remember today, not then; of what is no longer recorded, nothing."""
    if wanted is current:
        return list(wanted)
    today = {(each.type, each.name): each.declaration or {} for each in current}
    return [
        each._replace(
            declaration={
                **each.declaration,
                "memory": today.get((each.type, each.name), {}).get("memory", {}),
            }
        )
        if each.declaration is not None
        else each
        for each in wanted
    ]


def restore(
    world: World, store: Store, restoration: Restoration, *, lock_timeout: float = 0.0
) -> Run:
    """Carry a restoration out as a new version, each change journaled; the finalised run.

    Raises StateMoved if somebody made a version since it was planned, RollbackRefused, LockHeld,
    and what a provider raises: then the version is `failed`, with all that was done recorded.
    """
    newest, target, *_ = restoration
    if restoration.plan.unreadable:
        raise _unreadable(restoration.plan.unreadable[0])
    base = restoration.base
    driver = world.version(base)
    execution = Execution(
        store,
        newest.workflow,
        metadata=_metadata(restoration),
        message=_description(restoration),
        source=driver.session.script.source if base.source_hash else None,
        source_path=driver.session.script.path,
        values=driver.session.values,
        modules=driver.session.modules,
        lock_timeout=timedelta(seconds=lock_timeout),
        on_lock_lost=world.supervisor.stop,
        status=RunStatus.ROLLED_BACK if restoration.is_rollback else RunStatus.SUCCESS,
    )
    try:
        with execution as run:
            if run.version != newest.version + 1:
                raise StateMoved(newest.workflow, newest.version, run.version - 1)
            run.subscribe(lambda resource: world.emit(ResourceChanged(None, resource)))
            last_words = partial(_interrupt_elsewhere, store, run.id)
            world.run(_carry_out(world, run, restoration), last_words)
            copy_outputs(store, base, run)
    finally:
        if execution.finished is not None and restoration.is_rollback:
            _tell_after(world, restoration, execution.finished)
    assert execution.finished is not None
    return execution.finished


async def _carry_out(world: World, run: ActiveRun, restoration: Restoration) -> None:
    newest, target, current, plan, *_ = restoration
    recorded = {(each.type, each.name): each for each in current}
    drivers = {world.version(newest), world.version(target)}
    for driver in drivers:
        driver.session.run, driver.session.acting = run, True
        driver.session.known_resources.use(recorded)
    if restoration.is_rollback:
        await _ask_hooks(world, restoration)
    for step in plan.steps:
        await _take(world, run, restoration, step)


async def _take(world: World, run: ActiveRun, restoration: Restoration, step: Step) -> None:
    resource = step.resource
    identity = resource.type, resource.name
    match step.kind:
        case StepKind.DELETE:
            await perform(world.version(restoration.newest), "delete", resource)
        case StepKind.CREATE | StepKind.UPDATE:
            driver = world.version(restoration.target)
            declaration = {**(resource.declaration or {})}
            declaration.pop("memory", None)
            driver.session.declarations.restore(identity, declaration)
            await perform(driver, "put", resource)
        case StepKind.RECORD:
            run.record_all([_draft(resource)])
        case StepKind.FORGET:
            run.remove(*identity)
        case StepKind.KEEP:
            pass


def _draft(resource: Resource) -> ResourceDraft:
    return ResourceDraft(
        resource.type,
        resource.name,
        resource.attributes,
        resource.status,
        Action.UPDATE,
        resource.declaration,
    )


async def _ask_hooks(world: World, restoration: Restoration) -> None:
    newest, target, _, plan, *_ = restoration
    facts = _facts(restoration)
    reason = await world.tell(world.version(newest), "before_rollback", facts)
    event = BeforeRollback(newest.workflow, newest.version, target.version, plan.steps)
    refusals = [reason] if reason else world.plugins.refusals(datetime.now(UTC), event)
    if refusals:
        raise RollbackRefused(newest.workflow, refusals[0])


def _tell_after(world: World, restoration: Restoration, finished: Run) -> None:
    newest, target, *_ = restoration
    world.emit(
        AfterRollback(
            newest.workflow, newest.version, target.version, finished.version, finished.status
        )
    )
    facts = {
        **_facts(restoration),
        "version": finished.version,
        "status": finished.status.value,
        "error": finished.error_msg,
    }

    async def tell() -> None:
        await world.tell(world.version(newest), "after_rollback", facts)

    world.run(tell())


def _facts(restoration: Restoration) -> dict[str, Any]:
    newest, target, _, plan, *_ = restoration
    return {
        "workflow": newest.workflow,
        "from_version": newest.version,
        "to_version": target.version,
        "steps": [
            {"action": step.kind.value, "type": step.resource.type, "name": step.resource.name}
            for step in plan.steps
        ],
    }


def _metadata(restoration: Restoration) -> dict[str, str]:
    newest, target, *_ = restoration
    if not restoration.is_rollback:
        return {"reconciled_with": str(target.version)}
    return {"rollback_from": str(newest.version), "rollback_to": str(target.version)}


def _description(restoration: Restoration) -> str:
    newest, target, _, plan, *_ = restoration
    if restoration.is_rollback:
        return f"rolled back from v{newest.version} to v{target.version}"
    number = sum(step.changes_the_world for step in plan.steps)
    return f"reconciled with v{target.version}: {number} put back"


def _unreadable(reading: Reading) -> WorkflowError:
    resource = reading.resource
    return WorkflowError(
        f"{resource.type}/{resource.name} cannot be read, so nothing was changed: {reading.error}",
        hint="Mend that, leave it out with --target, or change the records alone: --state-only",
    )


def last_good_version(store: Store, newest: Version) -> Version:
    """The last version before this one that succeeded or was itself rolled back to.

    Before a finished rollback: before the version it went back to. For one that failed half-way it
    is where that was going. Raises NotFound if there is none.
    """
    good = (RunStatus.SUCCESS, RunStatus.ROLLED_BACK)
    went_to = rollback_target(store, newest)
    if went_to is not None and newest.status is RunStatus.FAILED:
        return store.version(newest.workflow, went_to)
    before = went_to or newest.version
    for version in store.versions(newest.workflow):
        if version.version < before and version.status in good:
            return version
    raise NotFound(
        f"{newest.workflow} has no successful version before version {before}",
        hint=f"Name one of: sloth-runner state workflow versions {newest.workflow}",
    )


def rollback_target(store: Store, version: Version) -> int | None:
    """The version that a rollback went to; None for all that is no rollback."""
    text = store.run(version.run_id).metadata.get("rollback_to", "")
    return int(text) if text.isdigit() else None


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
        if recover(world, store, run.name):  # a change that a timeout cut off
            newest = store.version(run.name, newest.version + 1)
        restoration = plan_restoration(world, store, newest, target)
        if not restoration.plan.steps:
            return None
        return restore(world, store, restoration)


def copy_outputs(store: Store, version: Version, run: ActiveRun) -> None:
    """Publish with a run what a version had published."""
    for output in store.outputs(version.run_id).values():
        run.set_output(output.key, output.value, sensitive=output.sensitive)


def existing(resources: Iterable[Resource]) -> list[Resource]:
    """Without those that the version itself deleted."""
    return [each for each in resources if each.action is not Action.DELETE]


def _resources(store: Store, version: Version, only: Sequence[Identity]) -> list[Resource]:
    name, number = version.workflow, version.version
    if not only:
        return existing(store.resources(name, version=number))
    found = [store.resource(name, *identity, version=number) for identity in only]
    return [each for each in found if each is not None]


def _by_identity(readings: Iterable[Reading]) -> Mapping[Identity, Reading]:
    return {(each.resource.type, each.resource.name): each for each in readings}


def _interrupt_elsewhere(store: Store, run_id: str) -> None:
    """Finalise a run on another thread than the main one, which may be stuck."""
    with store.reopen() as own:
        own.interrupt_run(run_id, "interrupted twice, so it ended at once")
