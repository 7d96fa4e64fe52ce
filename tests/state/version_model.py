"""A version as a whole copy of all resources, in a plain dict; what a run may do to it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from sloth_state.errors import ResourceNotFound
from sloth_state.model import Action, Changes, Output, Resource, ResourceDraft, RunStatus

Identity = tuple[str, str]
"""Type and name."""
_STRENGTH = (Action.NOOP, Action.READ, Action.UPDATE, Action.CREATE)


class Refused(Exception):
    """The store must raise this error and stay as it was."""

    def __init__(self, error: type[Exception]) -> None:
        super().__init__(error.__name__)
        self.error = error


@dataclass
class Version:
    """A version with all that belongs to its run."""

    number: int
    run_id: str
    source: bytes | None
    resources: dict[Identity, Resource]
    """As the version shows them, those among them that it deleted itself."""
    inherited: frozenset[Identity]
    """What was there when it began."""
    outputs: dict[str, Output]
    tags: set[str] = field(default_factory=set)
    status: RunStatus = RunStatus.RUNNING
    error: str | None = None
    unchanged: int = 0
    went_to: int | None = None
    """The version that a rollback went to."""
    proof: object = field(default_factory=object)
    """Stands for its hash: a copy that was exported and imported has the same one."""

    @property
    def live(self) -> dict[Identity, Resource]:
        return {
            identity: each
            for identity, each in self.resources.items()
            if each.action is not Action.DELETE
        }

    def copy(self) -> Version:
        """One that changes by itself from now on."""
        return replace(
            self, resources=dict(self.resources), outputs=dict(self.outputs), tags=set(self.tags)
        )

    def record(self, draft: ResourceDraft, new_id: str, now: datetime) -> Resource:
        """Create, update or, if the draft says so, delete; as the version shows it then.

        `new_id` is for a resource that no version has.
        """
        identity = draft.type, draft.name
        if draft.action is Action.DELETE:
            return self.remove(identity, now)
        before = self.resources.get(identity)
        said = draft.status, draft.attributes, draft.declaration
        if before is None:
            action = draft.action or Action.CREATE
            after = Resource(new_id, *identity, action, *said[:2], now, now, draft.declaration)
        elif before.action is Action.DELETE:
            after = _changed(before, Action.UPDATE, draft, now)
        else:
            same = said == (before.status, before.attributes, before.declaration)
            action = draft.action or Action.CREATE
            if action is Action.CREATE:  # of what exists: only a way of speaking
                action = Action.NOOP if same else Action.UPDATE
            action = max(action, before.action, key=_STRENGTH.index)
            if same and action is before.action:
                return before._replace(action=Action.NOOP)
            after = _changed(before, action, draft, now)
        self.resources[identity] = after
        return after

    def remove(self, identity: Identity, now: datetime) -> Resource:
        before = self.live.get(identity)
        if before is None:
            raise Refused(ResourceNotFound)
        removed = before._replace(action=Action.DELETE, updated_at=now)
        if identity in self.inherited:
            self.resources[identity] = removed
        else:
            del self.resources[identity]
        return removed

    def rename_dependency(self, old: str, new: str, now: datetime) -> None:
        for each in list(self.live.values()):
            named = depends_on(each)
            if old in named:
                renamed = sorted(new if name == old else name for name in named)
                self.record(draft_of(each, depends_on=renamed), "", now)


class Told(NamedTuple):
    """All that is said of a version."""

    run_id: str
    parent: int | None
    status: RunStatus
    error: str | None
    source: bytes | None
    changes: Changes
    resource_count: int
    resources: list[Resource]
    outputs: list[Output]
    tags: list[str]


def told(version: Version) -> Told:
    actions = [each.action for each in version.resources.values()]
    counted = Changes(*(actions.count(action) for action in Action))
    return Told(
        version.run_id,
        version.number - 1 or None,
        version.status,
        version.error,
        version.source,
        counted._replace(unchanged=version.unchanged),
        len(version.live),
        [version.resources[identity] for identity in sorted(version.resources)],
        list(version.outputs.values()),
        sorted(version.tags),
    )


def _changed(before: Resource, action: Action, draft: ResourceDraft, now: datetime) -> Resource:
    return before._replace(
        action=action,
        status=draft.status,
        attributes=draft.attributes,
        updated_at=now,
        declaration=draft.declaration,
    )


def draft_of(resource: Resource, **declared: list[str]) -> ResourceDraft:
    declaration = resource.declaration
    if declared:
        declaration = {**(declaration or {}), **declared}
    about = resource.type, resource.name, resource.attributes, resource.status
    return ResourceDraft(*about, Action.UPDATE, declaration)


def depends_on(resource: Resource) -> list[str]:
    return list((resource.declaration or {}).get("depends_on", []))
