"""Brings the world and the records back to a recorded version: rollback, and reconcile."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from sloth_runner.earlier_runs import copy_outputs
from sloth_runner.errors import WorkflowError
from sloth_runner.events import ResourceChanged
from sloth_runner.interruption import interrupt_elsewhere
from sloth_runner.resources.pruning import perform
from sloth_runner.resources.reading import prepared
from sloth_runner.rollback_choice import chosen_resources
from sloth_runner.rollback_events import ask_hooks, tell_after
from sloth_state.errors import Interrupted
from sloth_state.model import Action, ResourceDraft, RunStatus
from sloth_state.rollback import StepKind, plan_rollback, record_changes
from sloth_state.things import is_another, thing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sloth_runner.active_run import ActiveRun
    from sloth_runner.driver import Driver
    from sloth_runner.world import World
    from sloth_state.drift import Reading
    from sloth_state.errors import SlothError
    from sloth_state.model import Json, Resource, Run, Version
    from sloth_state.recorded import Identity
    from sloth_state.rollback import RollbackPlan, RollbackStep
    from sloth_state.store import Store


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
    state_only: bool = False
    """Only the records are restored, whatever reality is."""

    @property
    def is_rollback(self) -> bool:
        return self.target.version != self.newest.version

    def takes_in(self, resource: Resource) -> bool:
        """Whether a thing is there that is not recorded now: somebody else made it."""
        if self.state_only or resource.declaration is None:
            return False
        return thing(resource) not in {thing(each) for each in self.current}

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
    current, wanted = chosen_resources(store, newest, target, only)
    if state_only:
        records = record_changes(current, wanted)
        return Restoration(newest, target, current, records, is_partial=bool(only), state_only=True)
    then = {(each.type, each.name): each for each in wanted}
    leaving = [
        each
        for each in current
        if (each.type, each.name) not in then or is_another(each, then[each.type, each.name])
    ]
    driver = world.version(target)
    today = _memories(current)
    looked_for = [_remembering(each, today.get(thing(each), {})) for each in wanted]
    readings = _by_identity(world.read(driver, looked_for))
    remembered = {**_memories(wanted), **today}
    wanted = [_remembering(each, remembered[thing(each)]) for each in wanted]
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


def _memories(resources: Iterable[Resource]) -> dict[tuple[str, str, str | None], Json]:
    """What providers remember of things, whatever the names of these are."""
    return {thing(each): (each.declaration or {}).get("memory", {}) for each in resources}


def _remembering(resource: Resource, memory: Json) -> Resource:
    if resource.declaration is None:
        return resource
    return resource._replace(declaration={**resource.declaration, "memory": memory})


def restore(
    world: World, store: Store, restoration: Restoration, *, lock_timeout: float = 0.0
) -> Run:
    """Carry a restoration out as a new version, each change journaled; the finalised run.

    Raises StateMoved if somebody made a version since it was planned, RollbackRefused, LockHeld,
    and what a provider raises: then the version is `failed`, with all that was done recorded.
    """
    newest = restoration.newest
    if restoration.plan.unreadable:
        raise _unreadable(restoration.plan.unreadable[0])
    base = restoration.base
    for version in (newest, restoration.target):
        world.version(version)  # so that none is loaded while the other's hooks run
    execution = world.execution(
        base,
        message=_description(restoration),
        lock_timeout=lock_timeout,
        status=RunStatus.ROLLED_BACK if restoration.is_rollback else RunStatus.SUCCESS,
        after_run=newest.run_id,
    )
    try:
        with execution as run:
            run.subscribe(lambda resource: world.emit(ResourceChanged(None, resource)))
            last_words = partial(interrupt_elsewhere, store, run.id)
            world.run(_carry_out(world, run, restoration), last_words)
            copy_outputs(store, base.run_id, run)
    except (WorkflowError, Interrupted) as error:
        error.hint = error.hint or _how_to_finish(restoration, execution.finished, error)
        raise
    finally:
        if execution.finished is not None and restoration.is_rollback:
            tell_after(world, restoration, execution.finished)
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
        await ask_hooks(world, restoration)
    # Only now: one that was refused has not begun, so there is nothing to finish with --resume.
    run.set_metadata(_metadata(restoration))
    for step in plan.steps:
        await _take(world, run, restoration, step)


def _how_to_finish(restoration: Restoration, finished: Run | None, error: SlothError) -> str | None:
    """What to do about a rollback that has begun and did not end; None for all else."""
    if restoration.is_partial or finished is None or "rollback_to" not in finished.metadata:
        return None
    first = "Finish" if isinstance(error, Interrupted) else "Mend that, then finish"
    name = restoration.newest.workflow
    return f"{first} it with: sloth-runner state workflow rollback {name} --resume"


async def _take(world: World, run: ActiveRun, restoration: Restoration, step: RollbackStep) -> None:
    resource = step.resource
    identity = resource.type, resource.name
    match step.kind:
        case StepKind.DELETE:
            await perform(world.version(restoration.newest), "delete", resource)
        case StepKind.CREATE | StepKind.UPDATE:
            driver = world.version(restoration.target)
            if step.kind is StepKind.UPDATE and restoration.takes_in(resource):
                resource = _remembering(resource, {})
            declaration = {**(resource.declaration or {})}
            declaration.pop("memory", None)
            driver.session.declarations.restore(identity, declaration)
            await perform(driver, "put", resource)
        case StepKind.RECORD:
            if restoration.takes_in(resource):
                resource = await _taken_in(world.version(restoration.target), run, resource)
            run.record_all([_draft(run, resource)])
        case StepKind.FORGET:
            run.remove(*identity)
        case StepKind.KEEP:
            pass


async def _taken_in(driver: Driver, run: ActiveRun, resource: Resource) -> Resource:
    """A thing that somebody made just as it shall be: the workflow did not, and remembers that."""
    memory = await prepared(driver, _remembering(resource, {}), resource.attributes)
    contents = driver.session.top_level.take_contents()
    if contents:
        run.keep_contents(contents)
    return _remembering(resource, memory)


def _draft(run: ActiveRun, resource: Resource) -> ResourceDraft:
    is_recorded = run.resource(resource.type, resource.name) is not None
    return ResourceDraft(
        resource.type,
        resource.name,
        resource.attributes,
        resource.status,
        Action.UPDATE if is_recorded else Action.CREATE,
        resource.declaration,
    )


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


def _by_identity(readings: Iterable[Reading]) -> Mapping[Identity, Reading]:
    return {(each.resource.type, each.resource.name): each for each in readings}
