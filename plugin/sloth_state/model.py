"""The words of the state, as values: runs, versions, resources, outputs, tasks, locks.

Every store takes and returns these and nothing else. They are frozen and compare by content.
They are named tuples rather than dataclasses because a command that only lists runs would
otherwise spend a fifth of its start-up time building classes (docs/decisions/0001).

Times are aware UTC datetimes, durations are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, TypeAlias

Json: TypeAlias = "None | bool | int | float | str | list[Json] | dict[str, Json]"


class RunStatus(StrEnum):
    """Where a run stands. The last three are final."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"


class TaskStatus(StrEnum):
    """Where a task of a run stands. `skipped` also covers tasks behind a failed one."""

    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    SKIPPED = "skipped"


class Action(StrEnum):
    """What a run did to a resource."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    READ = "read"
    NOOP = "noop"


class LockScope(StrEnum):
    """What a lock's name stands for: a workflow, or a name a script chose (`state.with_lock`)."""

    WORKFLOW = "workflow"
    SCRIPT = "script"


class Run(NamedTuple):
    """One execution of a workflow."""

    id: str
    name: str
    version: int
    status: RunStatus
    started_at: datetime
    completed_at: datetime | None
    duration_seconds: float | None
    metadata: Mapping[str, str]
    error_msg: str | None
    locked_by: str | None
    """Who holds the workflow's lock for this run: "user@host pid 123". None once it is final."""
    resource_count: int
    """Resources the workflow has at this version, those deleted by it not counted."""


class NewRun(NamedTuple):
    """What is known about a run before it starts."""

    name: str
    metadata: Mapping[str, str]
    message: str | None = None
    source: bytes | None = None
    """The workflow file, kept once per content, so that a version can be run again."""
    values: Json = None
    """The values the file runs with, kept in the same way."""


class Changes(NamedTuple):
    """How many resources a version created, updated, deleted, read and left as they were."""

    created: int = 0
    updated: int = 0
    deleted: int = 0
    read: int = 0
    unchanged: int = 0


class Version(NamedTuple):
    """One numbered state of a workflow: who made it, when, why and what it changed."""

    workflow: str
    version: int
    created_at: datetime
    created_by: str
    """user@host"""
    description: str
    status: RunStatus
    run_id: str
    parent: int | None
    """The version this one was made from; None for the first."""
    changes: Changes
    resource_count: int
    source_hash: str | None
    """SHA-256 of the workflow file, hex; `Store.content` returns the file itself."""
    values_hash: str | None
    hash: str | None
    """SHA-256 over this version's changes and the hash of its parent; None while it runs."""


class ResourceDraft(NamedTuple):
    """What a caller says about a resource. The store adds id, times and the real action."""

    type: str
    name: str
    attributes: Mapping[str, Json]
    status: str = ""
    """Free text of the author's, for instance "running"."""
    action: Action | None = None
    """None: found out by comparing. `create` of a resource that exists counts as update or noop."""


class Resource(NamedTuple):
    """A thing a workflow manages, as one version knew it."""

    id: str
    """12 hex digits; the same through all versions, also after a delete and a new create."""
    type: str
    name: str
    action: Action
    """What the version did to it; `noop` when it was last changed by an earlier version."""
    status: str
    attributes: Mapping[str, Json]
    created_at: datetime
    updated_at: datetime


class Output(NamedTuple):
    """A named value that a run publishes."""

    key: str
    value: Json
    sensitive: bool = False


class TaskRecord(NamedTuple):
    """One task of one run."""

    name: str
    status: TaskStatus
    attempts: int
    started_at: datetime | None
    ended_at: datetime | None
    output: Json = None
    error_msg: str | None = None
    location: str | None = None
    """Where in the script it failed: "deploy.sloth:12"."""


class Holder(NamedTuple):
    """A process that holds a lock. Start time and boot id tell it from a later one with its pid."""

    user: str
    host: str
    pid: int
    process_started: int
    """Clock ticks after boot, field 22 of /proc/PID/stat; 0 where the system does not say."""
    boot_id: str
    run_id: str | None = None

    def __str__(self) -> str:
        return f"{self.user}@{self.host} pid {self.pid}"


class Lock(NamedTuple):
    """A lease on a name. Whoever writes under it shows its token (see `Store.renew_lock`)."""

    scope: LockScope
    name: str
    holder: Holder
    token: int
    """Fencing token: grows with every acquisition of this name and is never used twice."""
    acquired_at: datetime
    heartbeat_at: datetime
    expires_at: datetime


class AuditEntry(NamedTuple):
    """Who did what to the state, when."""

    at: datetime
    actor: str
    action: str
    workflow: str | None
    detail: str


class KeyValueStats(NamedTuple):
    """Size of the key-value state: live keys, of which some expire, and bytes of their JSON."""

    keys: int
    expiring: int
    bytes: int


class Problem(NamedTuple):
    """Something `Store.verify` found wrong: where, and what, in one sentence each."""

    place: str
    what: str
