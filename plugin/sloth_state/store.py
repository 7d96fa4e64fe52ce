"""What a store of state can do. SQLite is one; every store runs the same contract tests.

Rules that hold for all methods:

- A method that writes has made it durable when it returns, or raises and has written nothing.
- A write of a run shows the `Lock` it runs under. The store compares name, token and expiry in the
  same transaction and raises `LockLost` if they no longer hold, so a process that was paused past
  its lease cannot write (Kleppmann, "How to do distributed locking", 2016: fencing).
- Reading takes no lock and never waits for a writer.
- Every failure is one of `sloth_state.errors`.
- A store belongs to the thread and the process that opened it; use `reopen` for another thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import timedelta
    from types import TracebackType

    from sloth_state.model import (
        AddedHistory,
        AuditEntry,
        Detection,
        DispatchedEvent,
        HistoryRecord,
        Holder,
        Json,
        KeyValueStats,
        Lock,
        LockScope,
        NewDetection,
        NewHistory,
        NewOperation,
        NewRun,
        Operation,
        Output,
        Problem,
        Resource,
        ResourceDraft,
        Run,
        RunStatus,
        Step,
        StoreStats,
        TaskRecord,
        Ticket,
        Version,
    )
    from sloth_state.recorded import RecordedResources


class Store(Protocol):
    """Keeps workflows, their runs and all that belongs to them."""

    @property
    def url(self) -> str:
        """Where it is, in the form that `open_store` takes."""

    @property
    def read_only(self) -> str | None:
        """Why it can only be read ("the folder is read-only"), or None."""

    def reopen(self) -> Self:
        """The same store through a connection of its own, for another thread."""

    def close(self) -> None:
        """Give the connection up. Closing twice is allowed."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    # -- runs ------------------------------------------------------------------------------

    def begin_run(self, new: NewRun, lock: Lock) -> Run:
        """Start a run as the workflow's next version, with status running.

        The lock must be the workflow's; from now on its holder carries the run's id. What the run
        takes over from an earlier one (`NewRun.resumes`) is there in the same transaction.
        """

    def finish_run(
        self,
        run_id: str,
        status: RunStatus,
        lock: Lock,
        *,
        error: str | None = None,
        unchanged: int = 0,
    ) -> Run:
        """Close a run and its version (counts, content hash) with a final status.

        `unchanged` is how many resources the run looked at and found as recorded; the store
        does not see those. The lock stays held; release it afterwards.
        """

    def interrupt_run(self, run_id: str, reason: str) -> Run:
        """Mark a run failed whose process is gone, without its lock. A final run stays as it is.

        Does not check that the process is gone: the caller has.
        """

    def run(self, run_id: str) -> Run:
        """One run by its full id. Raises ReferenceNotFound."""

    def runs(
        self,
        *,
        name: str | None = None,
        status: RunStatus | None = None,
        tag: str | None = None,
        latest: bool = False,
        limit: int | None = None,
    ) -> list[Run]:
        """Runs, newest first: of one workflow by version, of all by the time of their start.

        `latest`: of each workflow the newest; then the other filters.
        """

    def count_runs(
        self,
        *,
        name: str | None = None,
        status: RunStatus | None = None,
        tag: str | None = None,
        latest: bool = False,
        at_most: int | None = None,
    ) -> int:
        """How many runs `runs` would return without a limit; counts no further than `at_most`."""

    def run_ids_starting_with(self, prefix: str) -> list[str]:
        """Run ids that begin with these hex digits, sorted; of many the first 20."""

    def workflow_names(self) -> list[str]:
        """The names of all workflows, sorted."""

    def set_metadata(self, run_id: str, values: Mapping[str, str], lock: Lock) -> None:
        """Add to a run's metadata, replacing equal keys."""

    def delete_workflow(self, name: str, actor: str) -> None:
        """Forget a workflow: its runs, versions, resources, outputs, tasks and tags, for good.

        Never touches the real things. The audit trail stays. A held lock is an error: LockHeld.
        """

    # -- versions --------------------------------------------------------------------------

    def versions(self, name: str) -> list[Version]:
        """All versions of a workflow, newest first."""

    def version(self, name: str, version: int) -> Version:
        """One version. Raises ReferenceNotFound."""

    def drop_versions(self, name: str, versions: Sequence[int], lock: Lock, actor: str) -> None:
        """Delete versions of a workflow for good, audited. The others can be shown as before.

        With them go their outputs, tasks, operations, detections and tags, and contents that
        nothing names any more. `verify` can still check the others. Under the workflow's lock.
        Raises ReferenceNotFound, and UsageError if the newest version is among them.
        """

    def modules(self, run_id: str) -> dict[str, bytes]:
        """The further files that a version was made from, by name (`NewRun.modules`)."""

    def content(self, hash: str) -> bytes:
        """What is kept under this SHA-256: a workflow file, a Lua file that it required, values as
        canonical JSON, or what a resource names by its hash. Raises NotFound."""

    # -- histories -------------------------------------------------------------------------

    def history(self, workflow: str) -> Iterator[HistoryRecord]:
        """Everything that belongs to a workflow, as records that `add_histories` takes.

        Sensitive values are among them. Nobody may be writing to the workflow: raises LockHeld
        while a run goes on, ReferenceNotFound, HistoryRefused.
        """

    def add_histories(
        self, wanted: Sequence[tuple[NewHistory, Lock]], actor: str, *, dry_run: bool = False
    ) -> list[AddedHistory]:
        """Add histories, each under its name and its workflow's lock, all of them or none.

        One that is there already is continued if the new one begins with it. Raises HistoryRefused
        for one that does not, and for records that are damaged or do not fit each other.
        `dry_run`: find all that out, and add nothing.
        """

    # -- resources -------------------------------------------------------------------------

    def record(self, run_id: str, drafts: Sequence[ResourceDraft], lock: Lock) -> list[Resource]:
        """Create or update resources in the run's version, all of them or none, in one transaction.

        A draft that says what is recorded already is written nowhere and comes back as `noop`,
        unless it names an action other than create. Action `delete` is `remove_resource`.
        """

    def remove_resource(self, run_id: str, type: str, name: str, lock: Lock) -> Resource:
        """Record that the run deleted a resource. Its version shows it as `delete`, later ones not.

        Raises ResourceNotFound. Does not touch the real thing.
        """

    def move_resource(
        self,
        run_id: str,
        type: str,
        name: str,
        new_name: str,
        lock: Lock,
        *,
        to: tuple[str, Lock] | None = None,
    ) -> Resource:
        """Record a resource under another name, or as the resource of another workflow's run.

        One transaction, whatever `to` (that run's id and lock) is. To the version it left it is
        deleted, to the one it came to created; it keeps its id, unless a resource of that name
        was there before, whose id it then gets. Resources of the workflow that depend on it name
        it anew. Raises ResourceNotFound, and UsageError if the name is taken.
        """

    def resource(
        self, workflow: str, type: str, name: str, *, version: int | None = None
    ) -> Resource | None:
        """One resource as a version knew it (default: the newest); None also if it was deleted."""

    def resources(
        self, workflow: str, *, version: int | None = None, type: str | None = None
    ) -> list[Resource]:
        """All resources of a version (the newest by default), ordered by type and name.

        Those that the version itself deleted are in it, with action `delete`.
        """

    def recorded(self, workflow: str) -> RecordedResources:
        """The resources that the newest version has, each made when somebody looks at it."""

    # -- the journal -----------------------------------------------------------------------

    def begin_operation(
        self, run_id: str, new: NewOperation, lock: Lock, *, contents: Sequence[bytes] = ()
    ) -> int:
        """Write down a change of the world before it is made; returns its number in the run.

        `contents` are kept with it, so that attributes can name them by SHA-256.
        """

    def end_operation(
        self,
        run_id: str,
        number: int,
        lock: Lock,
        *,
        record: ResourceDraft | None = None,
        remove: tuple[str, str] | None = None,
        error: str | None = None,
        result: Json = None,
        of_run: str | None = None,
    ) -> Resource | None:
        """Write down that a change was made, or why it failed, and with it what the state says.

        All of it in one transaction: `record` as `record` does, `remove` (type, name) as
        `remove_resource`. Returns the resource, if one is written. `result` is what a command
        gave. `of_run`: the operation is one that an earlier run of the workflow began and never
        ended.
        """

    def end_and_begin_operation(
        self,
        run_id: str,
        number: int,
        record: ResourceDraft,
        new: NewOperation,
        lock: Lock,
        *,
        contents: Sequence[bytes] = (),
    ) -> tuple[Resource, int]:
        """End an operation that made what `record` says, and begin another, in one transaction.

        Returns the resource that was recorded and the number of the new operation.
        """

    def operations(self, run_id: str) -> list[Operation]:
        """The journal of a run, in the order the operations began."""

    def unfinished_operations(self, workflow: str) -> list[tuple[str, Operation]]:
        """Operations that ended runs of a workflow began and never ended, oldest first, each with
        its run's id: what the process did of them before it was gone, only reality can tell."""

    def keep_contents(self, run_id: str, contents: Sequence[bytes], lock: Lock) -> None:
        """Keep contents by their SHA-256 as long as the workflow's records are kept."""

    # -- drift -----------------------------------------------------------------------------

    def record_detections(
        self, workflow: str, version: int, detections: Sequence[NewDetection]
    ) -> int:
        """Keep what a check for drift found, where it differs from the check before; how many.

        Needs no lock.
        """

    def detections(
        self, workflow: str, *, type: str | None = None, limit: int | None = None
    ) -> list[Detection]:
        """What checks have found, newest first."""

    # -- outputs and tasks -----------------------------------------------------------------

    def set_output(self, run_id: str, output: Output, lock: Lock) -> None:
        """Publish an output, replacing an earlier one of the same key."""

    def outputs(self, run_id: str) -> dict[str, Output]:
        """A run's outputs by key, in the order they were first published."""

    def save_tasks(self, run_id: str, tasks: Sequence[TaskRecord], lock: Lock) -> None:
        """Write rows of tasks, all or none, each replacing the one of the same name."""

    def tasks(self, run_id: str) -> list[TaskRecord]:
        """A run's tasks in the order they were first saved."""

    def save_step(
        self, run_id: str, task: str, position: int, name: str, value: Json, lock: Lock
    ) -> None:
        """Keep what a step of a task gave. Its position must be new in the run's task."""

    def steps(self, run_id: str, task: str) -> list[Step]:
        """The steps that a task has done in a run, or in the one that it goes on with, in order."""

    def save_event(
        self,
        run_id: str,
        type: str,
        data: Mapping[str, Json],
        lock: Lock,
        *,
        task: str | None = None,
    ) -> DispatchedEvent:
        """Keep an event that a script has dispatched, as it is returned."""

    def events(self, run_id: str) -> list[DispatchedEvent]:
        """What a run has dispatched, in order; not what the one that it goes on with had."""

    # -- locks -----------------------------------------------------------------------------

    def acquire_lock(
        self,
        scope: LockScope,
        name: str,
        holder: Holder,
        lease: timedelta,
        is_dead: Callable[[Holder], bool],
        *,
        unrenewed: Lock | None = None,
        ticket: Ticket | None = None,
    ) -> Lock:
        """Take a lock, or raise LockHeld at once; `ticket` is that of a caller who waits for it.

        One that is free is taken only by whoever has the oldest ticket, or if nobody waits; others
        get LockAwaited. Tickets that ran out or whose holder `is_dead` do not count, and go when
        the lock is taken, as does `ticket`.

        A lock whose lease is over or whose holder `is_dead` is taken over: in the same transaction
        the run it belonged to becomes failed ("interrupted: …") and the takeover is audited. Its
        lease is over at the time it says, or if the lock still is `unrenewed`: what the caller saw
        a whole lease ago.
        """

    def renew_lock(self, lock: Lock, lease: timedelta) -> Lock:
        """Extend a lease that is still held. Raises LockLost, also when it already ran out."""

    def release_lock(self, lock: Lock) -> None:
        """Give a lock up. One that was lost in the meantime is nobody's business: no error."""

    def break_lock(self, scope: LockScope, name: str, actor: str) -> Lock | None:
        """Take a lock from its holder, audited; its run becomes failed. None if it was free."""

    def locks(self) -> list[Lock]:
        """All locks that are held, expired ones too, ordered by scope and name."""

    def take_ticket(
        self, scope: LockScope, name: str, holder: Holder, validity: timedelta
    ) -> Ticket:
        """Wait for a lock, behind all who wait for it already. It counts for `validity`."""

    def renew_ticket(self, ticket: Ticket, validity: timedelta) -> Ticket:
        """Let a ticket count for `validity` from now on. One that is gone is taken anew."""

    def drop_ticket(self, ticket: Ticket) -> None:
        """Wait no longer. A ticket that is gone is no error."""

    def tickets(self) -> list[Ticket]:
        """All tickets, also those that count no more, in the order in which they were taken."""

    # -- key-value state -------------------------------------------------------------------

    def kv_get(self, key: str) -> tuple[bool, Json]:
        """Whether the key exists (and has not expired), and its value."""

    def kv_set(self, key: str, value: Json, *, ttl: timedelta | None = None) -> None:
        """Set a key; without `ttl` it never expires. With one, expired keys are deleted."""

    def kv_delete(self, key: str) -> bool:
        """Delete a key; whether it existed."""

    def kv_keys(self, prefix: str = "") -> list[str]:
        """Live keys that begin with `prefix`, sorted."""

    def kv_clear(self, prefix: str = "") -> int:
        """Delete all keys that begin with `prefix`; how many live ones there were."""

    def kv_increment(self, key: str, by: int | float = 1) -> int | float:
        """Add to a number (a missing key counts as 0) and return it; keeps the key's expiry.

        Raises InvalidValue if the value is not a number.
        """

    def kv_compare_swap(self, key: str, expected: Json, value: Json) -> bool:
        """Set the key only if its value is `expected` (None: only if it does not exist)."""

    def kv_stats(self) -> KeyValueStats:
        """How much there is."""

    # -- tags, audit, integrity ------------------------------------------------------------

    def add_tags(self, run_id: str, tags: Sequence[str], actor: str) -> list[str]:
        """Tag a run; returns all its tags, sorted. A tag it already has changes nothing."""

    def remove_tags(self, run_id: str, tags: Sequence[str], actor: str) -> list[str]:
        """Take tags off a run; returns those it keeps. Raises NotFound for one it does not have."""

    def tags(self, run_id: str) -> list[str]:
        """A run's tags, sorted."""

    def tag_counts(self) -> dict[str, int]:
        """Every tag that any run has, sorted, with the number of runs that have it."""

    def audit(self, actor: str, action: str, workflow: str | None, detail: str) -> None:
        """Add to the audit trail what somebody does now; `workflow` None: to the whole store."""

    def audit_trail(
        self, workflow: str | None = None, *, limit: int | None = None
    ) -> list[AuditEntry]:
        """The audit trail, newest first."""

    def stats(self) -> StoreStats:
        """How much there is, and how large the store is. Counts rows without checking them."""

    def verify(self) -> list[Problem]:
        """Check the whole store: SQLite's own check, checksums of rows, hash chains, references.

        Changes nothing. An empty list means all is well.
        """

    def backup(self, path: str) -> list[Problem]:
        """Copy the whole store into a new file, as it is at one moment, while others use it.

        The file has mode 0600. Returns what `verify` finds in the copy. Raises UsageError if there
        is a file already: a copy never replaces anything.
        """
