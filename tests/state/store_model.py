"""What a store must say: a whole copy of every version, in plain dicts.

The store keeps intervals, rows and hashes; the model knows of none. Where the store must refuse
something the model raises Refused with the store's error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from version_model import Identity, Refused, Told, Version, depends_on, draft_of, told

from sloth_state.errors import HistoryRefused, ResourceNotFound, UsageError
from sloth_state.model import Action, Json, Output, Resource, ResourceDraft, RunStatus


class Workflow:
    """The versions of a workflow by their numbers."""

    def __init__(self) -> None:
        self.versions: dict[int, Version] = {}

    @property
    def newest(self) -> Version:
        return self.versions[max(self.versions)]

    @property
    def is_running(self) -> bool:
        return self.newest.status is RunStatus.RUNNING

    def known_id(self, identity: Identity) -> str | None:
        """The id that a resource has in all versions that show it."""
        shown = (each.resources.get(identity) for each in self.versions.values())
        return next((each.id for each in shown if each is not None), None)

    def begin(self, run_id: str, source: bytes | None, outputs: dict[str, Output]) -> Version:
        live = self.newest.live if self.versions else {}
        untouched = {key: each._replace(action=Action.NOOP) for key, each in live.items()}
        number = max(self.versions, default=0) + 1
        version = Version(number, run_id, source, untouched, frozenset(live), dict(outputs))
        self.versions[number] = version
        return version

    def begin_by_hand(self, run_id: str) -> Version:
        """A version that changes records, and is otherwise as the one before."""
        if not self.versions:
            return self.begin(run_id, None, {})
        return self.begin(run_id, self.newest.source, self.newest.outputs)

    def record(
        self, drafts: Sequence[ResourceDraft], ids: Sequence[str], now: datetime
    ) -> list[Resource]:
        """All of them or none. `ids`: what those shall have that are new."""
        version = self.newest
        before = dict(version.resources)
        try:
            return [
                version.record(draft, self.known_id((draft.type, draft.name)) or new_id, now)
                for draft, new_id in zip(drafts, ids, strict=True)
            ]
        except Refused:
            version.resources = before
            raise

    def finish(self, status: RunStatus, error: str | None = None, unchanged: int = 0) -> None:
        version = self.newest
        version.status, version.error, version.unchanged = status, error, unchanged

    def forget(self, identity: Identity, run_id: str, now: datetime) -> None:
        self.begin_by_hand(run_id).remove(identity, now)
        self.finish(RunStatus.SUCCESS)

    def roll_back(self, number: int, run_id: str, now: datetime) -> None:
        """Make the records what they were at a version."""
        target = self.versions[number]
        version = self.begin(run_id, target.source, target.outputs)
        current, wanted = version.live, target.live
        for identity in sorted({*current, *wanted}):
            if identity not in wanted:
                version.remove(identity, now)
            elif (draft := _way_back(current.get(identity), wanted[identity])) is not None:
                version.record(draft, wanted[identity].id, now)
        version.went_to = number
        self.finish(RunStatus.ROLLED_BACK)

    def prune(self, keep: int) -> tuple[int, ...]:
        """Drop old versions; which they were."""
        newest_first = sorted(self.versions.values(), key=lambda each: -each.number)
        needed = {each.number for each in newest_first if each.tags} | {newest_first[0].number}
        for status in (RunStatus.SUCCESS, RunStatus.ROLLED_BACK):
            needed.update([each.number for each in newest_first if each.status is status][:1])
        needed.update([each.went_to for each in newest_first if each.went_to is not None][:1])
        dropped = sorted({each.number for each in newest_first[keep:]} - needed)
        for number in dropped:
            del self.versions[number]
        return tuple(dropped)


class StoreModel:
    """Workflows by their names, and the key-value state."""

    def __init__(self) -> None:
        self.workflows: dict[str, Workflow] = {}
        self.pairs: dict[str, Json] = {}

    def workflow(self, name: str) -> Workflow:
        """It is there from now on."""
        return self.workflows.setdefault(name, Workflow())

    @property
    def running(self) -> list[str]:
        return sorted(name for name, each in self.workflows.items() if each.is_running)

    def compare_swap(self, key: str, expected: Json, value: Json) -> bool:
        """`expected` None: only if there is no such key; null as its value is something else."""
        if (key in self.pairs) is (expected is None) or self.pairs.get(key) != expected:
            return False
        self.pairs[key] = value
        return True

    def check_move(self, name: str, identity: Identity, to: str, new_name: str) -> None:
        new_identity = identity[0], new_name
        if identity not in self.workflows[name].newest.live:
            raise Refused(ResourceNotFound)
        if (to, new_identity) == (name, identity):
            raise Refused(UsageError)
        if to in self.workflows and new_identity in self.workflows[to].newest.live:
            raise Refused(UsageError)

    def move(
        self,
        name: str,
        identity: Identity,
        to: str,
        new_name: str,
        run_ids: Sequence[str],
        landed: Resource,
        now: datetime,
    ) -> None:
        """`landed` is what the store has there: of a name that no version shows, the rows of a
        pruned resource may be left, which the model does not know."""
        new_identity = identity[0], new_name
        source = self.workflows[name].begin_by_hand(run_ids[0])
        target = source if to == name else self.workflow(to).begin_by_hand(run_ids[1])
        before = source.live[identity]
        source.remove(identity, now)
        known = self.workflows[to].known_id(new_identity)
        moved = before._replace(name=new_name, action=Action.CREATE, updated_at=now)
        if known is not None:
            moved = moved._replace(id=known, created_at=now)
        elif landed.id != before.id:
            moved = moved._replace(id=landed.id, created_at=now)
        target.resources[new_identity] = moved
        if to == name:
            old, new = "/".join(identity), "/".join(new_identity)
            source.rename_dependency(old, new, now)
        for workflow in {name, to}:
            self.workflows[workflow].finish(RunStatus.SUCCESS)

    def check_import(self, name: str, exported: Workflow, exported_as: str) -> None:
        here = self.workflows.get(name)
        if name != exported_as:
            if here is not None:
                raise Refused(HistoryRefused)
            return
        known = here.newest.number if here is not None else 0
        if here is not None:
            same = exported.versions.get(known)
            if same is None or same.proof is not here.newest.proof:
                raise Refused(HistoryRefused)
        new = {each.run_id for each in exported.versions.values() if each.number > known}
        if new & self.run_ids:
            raise Refused(HistoryRefused)

    @property
    def run_ids(self) -> set[str]:
        return {
            each.run_id
            for workflow in self.workflows.values()
            for each in workflow.versions.values()
        }

    @property
    def resource_ids(self) -> set[str]:
        return {
            resource.id
            for workflow in self.workflows.values()
            for version in workflow.versions.values()
            for resource in version.resources.values()
        }

    def continue_with(self, name: str, exported: Workflow) -> None:
        """Add what is new in a history of this workflow."""
        here = self.workflow(name)
        known = max(here.versions, default=0)
        if known == max(exported.versions):
            return
        for number, version in exported.versions.items():
            if number > known:
                here.versions[number] = version.copy()
            elif number in here.versions:
                here.versions[number].tags |= version.tags

    def copy_as(
        self,
        name: str,
        exported: Workflow,
        run_id: Callable[[int, str], str],
        resource_id: Callable[[Identity, str], str],
    ) -> None:
        """Add a history as another workflow: with ids and hashes of its own."""
        copies = {}
        for number, version in exported.versions.items():
            copy = copies[number] = version.copy()
            copy.proof, copy.run_id = object(), run_id(number, version.run_id)
            for identity, each in copy.resources.items():
                copy.resources[identity] = each._replace(id=resource_id(identity, each.id))
        self.workflow(name).versions = copies


def all_told(workflows: Iterable[tuple[str, Workflow]]) -> dict[str, dict[int, Told]]:
    return {
        name: {number: told(each) for number, each in sorted(workflow.versions.items())}
        for name, workflow in sorted(workflows)
    }


def _way_back(current: Resource | None, wanted: Resource) -> ResourceDraft | None:
    """How a record becomes what it was; None if it is that already."""
    if current is None:
        return draft_of(wanted)._replace(action=Action.CREATE)
    if (current.attributes, current.status) != (wanted.attributes, wanted.status):
        return draft_of(wanted)
    if current.declaration is not None and depends_on(current) != depends_on(wanted):
        return draft_of(current, depends_on=depends_on(wanted))
    return None
