"""Planning to bring the world back to what it was at a version. Pure: reads and changes nothing."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from sloth_state.changes import ResourceChange, by_identity, changes_between, resource_change
from sloth_state.differences import with_ignored
from sloth_state.drift import drifted_attributes
from sloth_state.ordering import dependencies, in_dependency_order
from sloth_state.sensitive import declared_list
from sloth_state.things import is_another, kind_of, natural_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sloth_state.drift import Reading
    from sloth_state.model import Json, Resource
    from sloth_state.recorded import Identity


class StepKind(StrEnum):
    """What a step does."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    RECORD = "record"
    """The record is put back, the world stays."""
    FORGET = "forget"
    """The record goes, the world stays."""
    KEEP = "keep"
    """It cannot be undone, so world and record both stay as they are."""


class RollbackStep(NamedTuple):
    """One step back."""

    kind: StepKind
    resource: Resource
    """As it shall be, or, if it goes, as it is recorded now."""
    change: ResourceChange
    """From reality (of a record: from the record) to what shall be."""
    record_only: bool = False
    """No provider manages the resource, so only its record changes."""
    irreversible: str | None = None
    """Why the change that is undone here cannot be undone in the world."""

    @property
    def changes_the_world(self) -> bool:
        return self.kind in (StepKind.CREATE, StepKind.UPDATE, StepKind.DELETE)


class RollbackPlan(NamedTuple):
    """All that a rollback would do, in order."""

    steps: tuple[RollbackStep, ...]
    """Of what could be read."""
    unchanged: int
    """Resources that are as they shall be, in the world and in the record."""
    unreadable: tuple[Reading, ...]
    """Those of which nobody knows what they are now. Nothing is done while there are any."""

    @property
    def is_empty(self) -> bool:
        """Whether all is known to be as it shall be."""
        return not self.steps and not self.unreadable


def plan_rollback(
    current: Sequence[Resource],
    target: Sequence[Resource],
    current_readings: Mapping[Identity, Reading],
    target_readings: Mapping[Identity, Reading],
) -> RollbackPlan:
    """What must be done so that reality and the records are as a version had them.

    `current` are the recorded resources now, `target` those of the version. Things that must go
    are deleted first, dependents before what they depend on; then the others are put back, in the
    order in which they depend on each other. `target` has what providers remember today of
    things that are recorded today.
    """
    now, then = by_identity(current), by_identity(target)
    steps: list[RollbackStep] = []
    keys = {(kind_of(each.type), natural_key(each)) for each in then.values()}
    for resource in reversed(in_dependency_order(list(now.values()))):
        identity = resource.type, resource.name
        if identity not in then or is_another(resource, then[identity]):
            reading = current_readings.get(identity)
            steps += _steps_away(resource, reading, keys, stays=identity in then)
    for resource in in_dependency_order(list(then.values())):
        identity = resource.type, resource.name
        steps += _steps_back(now.get(identity), resource, target_readings.get(identity))
    # What is known by another name is forgotten last, or a crash in between would lose its memory.
    steps.sort(key=lambda step: step.kind is StepKind.FORGET)
    readings = [*current_readings.values(), *target_readings.values()]
    unreadable = _unreadable(readings, steps)
    unknown = {_as_known(each.resource) for each in unreadable}
    touched = {(each.type, each.name) for each in _resources(steps) + _resources(unreadable)}
    known = tuple(step for step in steps if _as_known(step.resource) not in unknown)
    return RollbackPlan(known, len(then.keys() - touched), unreadable)


def _resources(about: Sequence[RollbackStep] | Sequence[Reading]) -> list[Resource]:
    return [each.resource for each in about]


def _unreadable(readings: Sequence[Reading], steps: Sequence[RollbackStep]) -> tuple[Reading, ...]:
    """Those that failed, but for things that are in the way of others and go first."""
    going = {natural_key(step.resource) for step in steps if step.kind is StepKind.DELETE} - {None}
    return tuple(
        each
        for each in readings
        if each.error and each.resource.declaration and natural_key(each.resource) not in going
    )


def _as_known(resource: Resource) -> tuple[str, str, str | None]:
    return resource.type, resource.name, natural_key(resource)


def record_changes(current: Sequence[Resource], target: Sequence[Resource]) -> RollbackPlan:
    """The same for the records alone, whatever the world is (`--state-only`)."""
    now, then = by_identity(current), by_identity(target)
    steps = []
    for change in changes_between(now.values(), then.values()):
        identity = change.type, change.name
        kind = StepKind.RECORD if identity in then else StepKind.FORGET
        resource = then.get(identity) or now[identity]
        steps.append(RollbackStep(kind, resource, change, record_only=resource.declaration is None))
    steps += _dependencies_back(
        now, then, {(each.resource.type, each.resource.name) for each in steps}
    )
    return RollbackPlan(tuple(steps), len(then) - sum(s.kind is StepKind.RECORD for s in steps), ())


def _dependencies_back(
    now: Mapping[Identity, Resource], then: Mapping[Identity, Resource], done: set[Identity]
) -> list[RollbackStep]:
    """Resources that differ in nothing but in what they depend on, or in its name."""
    steps = []
    for identity in sorted(now.keys() & then.keys() - done):
        resource, wanted = now[identity], dependencies(then[identity])
        if dependencies(resource) != wanted and resource.declaration is not None:
            declaration: dict[str, Json] = {**resource.declaration, "depends_on": [*wanted]}
            change = ResourceChange(*identity, "update")
            steps.append(
                RollbackStep(StepKind.RECORD, resource._replace(declaration=declaration), change)
            )
    return steps


def _steps_away(
    resource: Resource,
    reading: Reading | None,
    keys: set[tuple[str, str | None]],
    *,
    stays: bool,
) -> list[RollbackStep]:
    """How a resource goes that the version does not have, or has in another place."""
    record_only = resource.declaration is None
    gone = _gone(resource)
    if reading is None or reading.actual is None or _is_in(resource, keys):
        # Not there, or there under another name: then it is that resource's business.
        return [] if stays else [RollbackStep(StepKind.FORGET, resource, gone, record_only)]
    if reading.undeletable is not None:
        return [RollbackStep(StepKind.KEEP, resource, gone, irreversible=reading.undeletable)]
    return [RollbackStep(StepKind.DELETE, resource, gone)]


def _steps_back(
    now: Resource | None, resource: Resource, reading: Reading | None
) -> list[RollbackStep]:
    """How a resource becomes what the version had."""
    recorded = _record_step(now, resource)
    if resource.declaration is None or reading is None:
        return [recorded] if recorded else []
    sensitive = declared_list(resource, "sensitive")
    if reading.actual is None:
        made = resource_change(
            resource.type, resource.name, None, resource.attributes, sensitive=sensitive
        )
        return [RollbackStep(StepKind.CREATE, resource, made)]
    found = drifted_attributes(resource, reading.actual)
    if not found:
        return [recorded] if recorded else []
    back = tuple(each._replace(before=each.after, after=each.before) for each in found)
    change = ResourceChange(resource.type, resource.name, "update", back, tuple(sensitive))
    if reading.irreversible is not None:
        return [RollbackStep(StepKind.KEEP, resource, change, irreversible=reading.irreversible)]
    ignore = declared_list(resource, "ignore")
    resource = resource._replace(
        attributes=with_ignored(resource.attributes, reading.actual, ignore)
    )
    return [RollbackStep(StepKind.UPDATE, resource, change)]


def _record_step(now: Resource | None, resource: Resource) -> RollbackStep | None:
    changes = changes_between([now] if now else [], [resource])
    if now is not None and not changes and _said(now) != _said(resource):
        changes = [ResourceChange(resource.type, resource.name, "update")]
    if not changes:
        return None
    return RollbackStep(
        StepKind.RECORD, resource, changes[0], record_only=resource.declaration is None
    )


def _said(resource: Resource) -> dict[str, Json] | None:
    """What was said of a resource beside its attributes; otherwise the next run would note it."""
    if resource.declaration is None:
        return None
    return {name: value for name, value in resource.declaration.items() if name != "memory"}


def _is_in(resource: Resource, keys: set[tuple[str, str | None]]) -> bool:
    key = natural_key(resource)
    return key is not None and (kind_of(resource.type), key) in keys


def _gone(resource: Resource) -> ResourceChange:
    sensitive = declared_list(resource, "sensitive")
    return resource_change(
        resource.type, resource.name, resource.attributes, None, sensitive=sensitive
    )
