"""A run that is only planned: it reads the store and writes nothing anywhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sloth_runner.active_run import ActiveRun
from sloth_runner.session import PLANNED_ID
from sloth_runner.tally import Tally
from sloth_state.errors import ResourceNotFound
from sloth_state.model import Action, Holder, Lock, LockScope, Output, Resource, ResourceDraft
from sloth_state.recorded import already_made
from sloth_state.references import newest_run
from sloth_state.values import canonical, check_name, check_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sloth_runner.planning import Plan
    from sloth_runner.session import Session
    from sloth_state.errors import LockHeld
    from sloth_state.model import Json, Run, Step, TaskRecord
    from sloth_state.recorded import RecordedResources
    from sloth_state.store import Store


class PlannedRun(ActiveRun):
    """Stands in for a run while a plan is made. What would be written is kept here instead."""

    def __init__(
        self, store: Store, name: str, plan: Plan, session: Session, resumes: Run | None = None
    ) -> None:
        """What the script would record by itself becomes part of the plan."""
        newest = newest_run(store, name)
        self.id, self.name = PLANNED_ID, name
        self.version = newest.version + 1 if newest else 1
        self.newest: Run | None = newest
        self.resumes = resumes
        self.failure = None
        self.secrets = session.secrets
        self._store = store
        self._tally = Tally()
        self._listeners = []
        self._kept_end = None
        self._plan = plan
        self._session = session
        self._resources = (
            {(each.type, each.name): each for each in super().resources()} if newest else {}
        )
        self._outputs: dict[str, Output] = {}
        self._tasks: dict[str, TaskRecord] = {}

    # -- resources -------------------------------------------------------------------------

    def record_all(self, drafts: Sequence[ResourceDraft]) -> list[Resource]:
        return [self._record(draft) for draft in drafts]

    def _record(self, draft: ResourceDraft) -> Resource:
        self.secrets.refuse_in_clear(draft)
        check_name(draft.type, "the resource's type")
        check_name(draft.name, "the resource's name")
        canonical(dict(draft.attributes), "attributes")
        check_text(draft.status, "the status")
        before = self._resources.get((draft.type, draft.name))
        after = self._planned(draft.type, draft.name, draft.attributes, draft.declaration)
        if before is not None and before.status != draft.status:
            after = after._replace(action=Action.UPDATE)
        after = after._replace(status=draft.status)
        self._resources[draft.type, draft.name] = after
        self._touch([after])
        self._plan.record(before, after, self._session.current.name)
        return after

    def plan_resource(
        self,
        type: str,
        name: str,
        attributes: Mapping[str, Json],
        declaration: Mapping[str, Any] | None,
    ) -> None:
        """Note how a declared resource would be."""
        self.secrets.refuse_in_clear(ResourceDraft(type, name, attributes, declaration=declaration))
        self._touch([self._planned(type, name, attributes, declaration)])

    def _planned(
        self,
        type: str,
        name: str,
        attributes: Mapping[str, Json],
        declaration: Mapping[str, Any] | None,
    ) -> Resource:
        now = datetime.now(UTC)
        before = self._resources.get((type, name))
        action = Action.UPDATE if before else Action.CREATE
        if before is not None and before.attributes == attributes:
            action = Action.NOOP
        planned = Resource(
            before.id if before else PLANNED_ID,
            type,
            name,
            action,
            before.status if before else "",
            attributes,
            before.created_at if before else now,
            now,
            declaration,
        )
        self._resources[type, name] = planned
        return planned

    def suppose(self, resources: Sequence[Resource]) -> None:
        """Take it that these would be recorded again, of which a plan cannot know more."""
        self._touch([each._replace(action=Action.NOOP) for each in resources])

    def remove(self, type: str, name: str) -> Resource:
        removed = self._resources.pop((type, name), None)
        if removed is None:
            raise ResourceNotFound(self.name, type, name)
        removed = removed._replace(action=Action.DELETE)
        self._touch([removed])
        self._plan.delete(removed, self._session.current.name, record_only=True)
        return removed

    def move(self, type: str, name: str, new_name: str, to: ActiveRun | None = None) -> Resource:
        assert to is None, "only within a workflow"
        moved = self._resources.pop((type, name))._replace(name=new_name)
        self._resources[type, new_name] = moved
        return moved

    def resource(self, type: str, name: str) -> Resource | None:
        return self._resources.get((type, name))

    def resources(self, type: str | None = None) -> list[Resource]:
        found = [each for each in self._resources.values() if type in (None, each.type)]
        return sorted(found, key=lambda each: (each.type, each.name))

    def recorded(self) -> RecordedResources:
        return already_made(self._resources)

    # -- all else --------------------------------------------------------------------------

    def set_output(self, key: str, value: Json, *, sensitive: bool = False) -> None:
        check_name(key, "the output's key")
        canonical(value, f"output {key}")
        secret = self.secrets.found_in(value) is not None
        self._outputs[key] = Output(key, value, sensitive or secret)

    def outputs(self) -> dict[str, Output]:
        return dict(self._outputs)

    def set_metadata(self, values: Mapping[str, str]) -> None:
        for key in values:
            check_name(key, "a key of the metadata")

    def save_tasks(self, tasks: Sequence[TaskRecord]) -> None:
        self._tasks.update({task.name: task for task in tasks})

    def tasks(self) -> list[TaskRecord]:
        return list(self._tasks.values())

    def save_step(self, task: str, position: int, name: str, value: Json) -> None:
        check_name(name, "the step's name")
        self.secrets.refuse_in(value, f"what step {name!r} returns")
        canonical(value, f"what step {name} returns")

    def steps(self, task: str) -> list[Step]:
        return [] if self.resumes is None else self._store.steps(self.resumes.id, task)

    def acquire(
        self,
        name: str,
        ttl: timedelta,
        *,
        wait: timedelta = timedelta(0),
        on_waiting: Callable[[LockHeld], None] | None = None,
    ) -> Lock:
        check_name(name, "the lock's name")
        now = datetime.now(UTC)
        holder = Holder("plan", "", 0, 0, "", self.id)
        return Lock(LockScope.SCRIPT, name, holder, 0, now, now, now + ttl)

    async def acquire_async(self, name: str, ttl: timedelta, *, wait: timedelta) -> Lock:
        return self.acquire(name, ttl)

    def release(self, lock: Lock) -> None:
        pass

    def _held_lock(self) -> Lock:
        raise AssertionError("a plan writes nothing")
