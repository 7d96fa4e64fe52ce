"""The run that is going on: what it may do to its workflow's state."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

from sloth_runner.script_locks import ScriptLocks
from sloth_runner.secrets import NO_SECRETS
from sloth_runner.tally import Tally
from sloth_state.errors import LockLost, SlothError, UsageError
from sloth_state.model import Action, Output, ResourceDraft

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sloth_runner.earlier_runs import PreviousVersion
    from sloth_runner.secrets import Secrets
    from sloth_state.errors import LockHeld
    from sloth_state.leases import Heartbeat
    from sloth_state.model import (
        Changes,
        DispatchedEvent,
        Json,
        Lock,
        NewOperation,
        Operation,
        Resource,
        Run,
        Step,
        TaskRecord,
    )
    from sloth_state.recorded import Identity, RecordedResources
    from sloth_state.store import Store


class ActiveRun:
    """A run under its workflow's lock; `Execution` makes it and ends it.

    Everything recorded is durable when the call returns. Every write raises LockLost once the
    lock is lost, and UsageError once the run is over; nothing is written then. Never touches the
    real things. Belongs to the thread that entered the `Execution`.
    """

    def __init__(
        self,
        store: Store,
        run: Run,
        lock: Lock,
        heartbeat: Heartbeat,
        *,
        resumes: Run | None = None,
        secrets: Secrets = NO_SECRETS,
    ) -> None:
        """`secrets`: what the run must not keep."""
        self.id = run.id
        self.name = run.name
        self.version = run.version
        self.resumes = resumes
        """The earlier run that this one goes on with."""
        self.failure: str | None = None
        """What `fail` was told first."""
        self.secrets = secrets
        self._store = store
        self._lock = lock
        self._heartbeat = heartbeat
        self._tally = Tally()
        self._listeners: list[Callable[[Resource], None]] = []
        self._script_locks = ScriptLocks(store, heartbeat, run.id)
        self._kept_end: tuple[int, ResourceDraft, Callable[[Resource], None]] | None = None
        self._over = False

    # -- resources -------------------------------------------------------------------------

    def record(
        self,
        type: str,
        name: str,
        attributes: Mapping[str, Json] | None = None,
        *,
        status: str = "",
        action: Action | None = None,
    ) -> Resource:
        """Create or update a resource; one that is recorded in this form comes back as `noop`.

        Raises InvalidValue for what is not JSON.
        """
        values = {} if attributes is None else attributes
        return self.record_all([ResourceDraft(type, name, values, status, action)])[0]

    def record_all(self, drafts: Sequence[ResourceDraft]) -> list[Resource]:
        """Create or update resources, all of them or none."""
        for draft in drafts:
            self.secrets.refuse_in_clear(draft)
        recorded = self._store.record(self.id, drafts, self._held_lock())
        self._touch(recorded)
        return recorded

    def remove(self, type: str, name: str) -> Resource:
        """Record that a resource was deleted. Raises ResourceNotFound."""
        removed = self._store.remove_resource(self.id, type, name, self._held_lock())
        self._touch([removed])
        return removed

    def move(self, type: str, name: str, new_name: str, to: ActiveRun | None = None) -> Resource:
        """Record a resource under another name, or as that of another workflow's run.

        See `Store.move_resource`. Raises ResourceNotFound, and UsageError if the name is taken.
        """
        target = None if to is None else (to.id, to._held_lock())
        return self._store.move_resource(
            self.id, type, name, new_name, self._held_lock(), to=target
        )

    def touch_unchanged(self, identity: Identity, recorded: Mapping[Identity, Resource]) -> None:
        """Count a resource that was looked at and found as it is recorded. Writes nothing."""
        self._tally.count(identity, Action.NOOP)
        if self._listeners:
            self._tell([recorded[identity]._replace(action=Action.NOOP)])

    def leave_uncounted(self, type: str, name: str) -> None:
        """Do not count this resource among those that were `touched`, whatever becomes of it."""
        self._tally.leave_uncounted((type, name))

    def has_touched(self, type: str, name: str) -> bool:
        """Whether this run has dealt with a resource."""
        return self._tally.has(type, name)

    # -- changes of the world --------------------------------------------------------------

    def begin_operation(self, operation: NewOperation, contents: Sequence[bytes] = ()) -> int:
        """Journal a change of the world before it is made; its number."""
        identity = operation.type, operation.name
        draft = ResourceDraft(*identity, operation.wanted, declaration=operation.declaration)
        self.secrets.refuse_in_clear(draft, contents)
        if self._kept_end is None:
            lock = self._held_lock()
            return self._store.begin_operation(self.id, operation, lock, contents=contents)
        kept, self._kept_end = self._kept_end, None
        number, record, on_recorded = kept
        try:
            resource, begun = self._store.end_and_begin_operation(
                self.id, number, record, operation, self._held_lock(), contents=contents
            )
        except SlothError:  # of what is to begin, perhaps, and the end is an end all the same
            self._kept_end = kept
            raise
        self._touch([resource])
        on_recorded(resource)
        return begun

    def end_operation(
        self,
        number: int,
        *,
        record: ResourceDraft | None = None,
        remove: tuple[str, str] | None = None,
        error: str | None = None,
        result: Json = None,
        of_run: str | None = None,
    ) -> Resource | None:
        """Journal that a change was made or failed, and record what is there now, in one go.

        `of_run`: it is an operation of an earlier run, see `unfinished_operations`.
        """
        if record is not None:
            self.secrets.refuse_in_clear(record)
        resource = self._store.end_operation(
            self.id,
            number,
            self._held_lock(),
            record=record,
            remove=remove,
            error=self.secrets.masked(error),
            result=result,
            of_run=of_run,
        )
        if resource is not None:
            self._touch([resource])
        return resource

    def keep_end(
        self, number: int, record: ResourceDraft, on_recorded: Callable[[Resource], None]
    ) -> None:
        """Journal that a change was made a little later: before this run writes anything else.

        Many changes follow each other, and one transaction less for each is a sync less. Until
        then the journal says that the change has begun, which is what a crash would leave anyway.
        So nobody may learn that it was made before `write_kept_end`. `on_recorded` gets the
        resource as it is then.
        """
        self.write_kept_end()
        self.secrets.refuse_in_clear(record)
        self._kept_end = number, record, on_recorded

    def write_kept_end(self) -> None:
        """Write what `keep_end` kept, if anything."""
        if self._kept_end is not None:
            (number, record, on_recorded), self._kept_end = self._kept_end, None
            resource = self.end_operation(number, record=record)
            assert resource is not None, "a record is written"
            on_recorded(resource)

    def operations(self) -> list[Operation]:
        """The run's journal, with the commands of the run that it goes on with."""
        self.write_kept_end()
        return self._store.operations(self.id)

    def unfinished_operations(self) -> list[tuple[str, Operation]]:
        """What earlier runs of this workflow began and never ended, with the runs' ids."""
        return self._store.unfinished_operations(self.name)

    def keep_contents(self, contents: Sequence[bytes]) -> None:
        """Keep contents that attributes name by their SHA-256."""
        self._store.keep_contents(self.id, contents, self._held_lock())

    # -- reading what is recorded ----------------------------------------------------------

    def resource(self, type: str, name: str) -> Resource | None:
        """One resource as it is recorded now, or None."""
        self.write_kept_end()
        return self._store.resource(self.name, type, name)

    def resources(self, type: str | None = None) -> list[Resource]:
        """All resources as they are recorded now, ordered by type and name."""
        from sloth_runner.earlier_runs import existing

        self.write_kept_end()
        return existing(self._store.resources(self.name, type=type))

    def recorded(self) -> RecordedResources:
        """The same, by type and name, each made when somebody looks at it."""
        return self._store.recorded(self.name)

    @property
    def touched(self) -> Changes:
        """How many resources this run has dealt with so far, each counted once, by net action."""
        self.write_kept_end()
        return self._tally.changes()

    def subscribe(self, callback: Callable[[Resource], None]) -> None:
        """Call this with each resource that is recorded or removed, unchanged ones too.

        What it raises reaches the caller of `record`, although the record is durable.
        """
        self._listeners.append(callback)

    def _touch(self, resources: Sequence[Resource]) -> None:
        for resource in resources:
            self._tally.count((resource.type, resource.name), resource.action)
        self._tell(resources)

    def _tell(self, resources: Sequence[Resource]) -> None:
        for callback in self._listeners:
            for resource in resources:
                callback(resource)

    # -- outputs, metadata, tasks ----------------------------------------------------------

    def set_output(self, key: str, value: Json, *, sensitive: bool = False) -> None:
        """Publish an output; a sensitive one is shown only on request.

        One that has a secret in it is sensitive in any case.
        """
        sensitive = sensitive or self.secrets.found_in(value) is not None
        self._store.set_output(self.id, Output(key, value, sensitive), self._held_lock())

    def output(self, key: str) -> Json:
        """The value of an output of this run. Raises OutputNotFound."""
        from sloth_runner.earlier_runs import value_of

        return value_of(self.outputs(), self.name, key)

    def outputs(self) -> dict[str, Output]:
        """What this run has published so far, by key."""
        return self._store.outputs(self.id)

    def output_of(self, workflow: str, key: str) -> Json:
        """An output of another workflow's last successful run, or rollback.

        Raises ReferenceNotFound if there is no such run, and OutputNotFound.
        """
        from sloth_runner.earlier_runs import output_of

        return output_of(self._store, workflow, key)

    def set_metadata(self, values: Mapping[str, str]) -> None:
        """Add to the run's metadata, replacing equal keys."""
        self._store.set_metadata(self.id, self.secrets.masked(values), self._held_lock())

    def save_tasks(self, tasks: Sequence[TaskRecord]) -> None:
        """Write rows of tasks, all or none, each replacing the one of the same name."""
        masked = [self.secrets.masked(task) for task in tasks]
        self._store.save_tasks(self.id, masked, self._held_lock())

    def tasks(self) -> list[TaskRecord]:
        """The run's tasks in the order they were first saved."""
        return self._store.tasks(self.id)

    def save_step(self, task: str, position: int, name: str, value: Json) -> None:
        """Keep what a step of a task gave. Raises WorkflowError if it has a secret in it."""
        self.secrets.refuse_in(value, f"what step {name!r} returns")
        self._store.save_step(self.id, task, position, name, value, self._held_lock())

    def steps(self, task: str) -> list[Step]:
        """The steps that a task has done, in the run that this one goes on with too."""
        return self._store.steps(self.id, task)

    def dispatch(
        self, type: str, data: Mapping[str, Json], *, task: str | None = None
    ) -> DispatchedEvent:
        """Keep an event of the script; it is returned as it is kept, without secrets."""
        return self._store.save_event(
            self.id, type, self.secrets.masked(data), self._held_lock(), task=task
        )

    def previous(self) -> PreviousVersion | None:
        """The last version before this one that succeeded or was rolled back to, or None."""
        from sloth_runner.earlier_runs import previous_version

        return previous_version(self._store, self.name)

    def fail(self, message: str) -> None:
        """Let the run end as failed although nothing is raised. Only the first message counts."""
        if self.failure is None:
            self.failure = message

    # -- script locks ----------------------------------------------------------------------

    def acquire(
        self,
        name: str,
        ttl: timedelta,
        *,
        wait: timedelta = timedelta(0),
        on_waiting: Callable[[LockHeld], None] | None = None,
    ) -> Lock:
        """Take a lock of a name the script chose, and keep it until `release` or the run's end.

        It is renewed while this process lives; after a crash on another host it lasts for `ttl`.
        Raises LockHeld, at once or when `wait` is over; this run's own locks count too.
        """
        self._held_lock()
        with self._script_locks.wait_for(name, ttl, wait, on_waiting) as waiter:
            while (lock := waiter.attempt()) is None:
                time.sleep(waiter.next_pause())
                self._held_lock()
        return self._keep(lock)

    async def acquire_async(self, name: str, ttl: timedelta, *, wait: timedelta) -> Lock:
        """The same, while other tasks go on."""
        import asyncio  # slow, and whoever has tasks has it already

        self._held_lock()
        with self._script_locks.wait_for(name, ttl, wait) as waiter:
            while (lock := waiter.attempt()) is None:
                await asyncio.sleep(waiter.next_pause())
                self._held_lock()
        return self._keep(lock)

    def _keep(self, lock: Lock) -> Lock:
        self._script_locks.keep(lock)
        # Taking a lock is no write of the run, so the store has not compared the workflow's yet.
        self._store.renew_lock(self._lock, self._lock.expires_at - self._lock.heartbeat_at)
        return lock

    def release(self, lock: Lock) -> None:
        """Give a script lock up. Raises LockLost if it was lost while it was needed."""
        self._script_locks.release(lock)

    # -- the end ---------------------------------------------------------------------------

    def close(self) -> None:
        """Release what script locks are left; from now on nothing more is recorded."""
        self._over = True
        self._script_locks.release_all()

    def _held_lock(self) -> Lock:
        """The workflow's lock, to be shown to the store, which checks it again."""
        if self._over:
            raise UsageError(f"run {self.id} of {self.name} is over, nothing more is recorded")
        if self._heartbeat.lost(self._lock):
            raise LockLost(self.name)
        self.write_kept_end()
        return self._lock
