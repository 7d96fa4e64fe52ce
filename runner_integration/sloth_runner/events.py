"""What happens during a run, as told to views and plugins.

With `-o json` each event is one line: `{"event": "task_started", "at": …, …fields}`; the field
names are stable.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from sloth_state.model import Changes, Json, Output, Resource, RunStatus, TaskStatus

if TYPE_CHECKING:
    from sloth_state.drift import Finding
    from sloth_state.rollback import RollbackStep


class RunStarted(NamedTuple):
    """The lock is taken and the run exists in the store."""

    run_id: str
    workflow: str
    version: int
    tasks: tuple[str, ...]


class TaskStarted(NamedTuple):
    """A try of a task begins; its record is durable."""

    task: str
    attempt: int


class TaskOutput(NamedTuple):
    """A line from a task: of the script (`log`, `print`), or of a child process."""

    task: str | None
    """None for code at the top level of the file."""
    level: str
    """debug, info, success, warn, error, print; stdout or stderr for a child process."""
    text: str


class TaskFinished(NamedTuple):
    """A task is over and its record is durable."""

    task: str
    status: TaskStatus
    attempts: int
    duration_seconds: float
    message: str | None
    error_msg: str | None
    changed: bool
    """False if it was skipped, or said so itself, with `changed = false` in its outputs."""
    hint: str | None = None
    """What may help with the error."""


class EventDispatched(NamedTuple):
    """A script dispatched an event (`event.dispatch`), which is durable."""

    task: str | None
    type: str
    data: Mapping[str, Json]


class ResourceChanged(NamedTuple):
    """A resource was recorded or removed, durably."""

    task: str | None
    resource: Resource


class ResourcesUndeclared(NamedTuple):
    """Resources that earlier versions had and this run no longer declares, told once at its end."""

    resources: tuple[Resource, ...]
    pruned: bool
    """Whether they are deleted now; if not, all of them stay."""
    notes: Mapping[str, str] = {}
    """Of those that are not deleted even so, by type/name: why, and what becomes of them."""


class DriftDetected(NamedTuple):
    """A check for drift found that reality is not as recorded."""

    workflow: str
    version: int
    findings: "tuple[Finding, ...]"
    """Those that drifted or are missing."""


class BeforeRollback(NamedTuple):
    """A rollback is about to begin; its lock is taken, and nothing has been changed."""

    workflow: str
    from_version: int
    to_version: int
    steps: "tuple[RollbackStep, ...]"


class AfterRollback(NamedTuple):
    """A rollback is finalised in the store."""

    workflow: str
    from_version: int
    to_version: int
    version: int
    """The version that the rollback itself is."""
    status: RunStatus


class RunFinished(NamedTuple):
    """The run is finalised in the store."""

    run_id: str
    workflow: str
    version: int
    status: RunStatus
    duration_seconds: float
    tasks: Mapping[TaskStatus, int]
    resources: Changes
    outputs: Mapping[str, Output]
    error_msg: str | None


Event: TypeAlias = (
    RunStarted
    | TaskStarted
    | TaskOutput
    | TaskFinished
    | EventDispatched
    | ResourceChanged
    | ResourcesUndeclared
    | DriftDetected
    | BeforeRollback
    | AfterRollback
    | RunFinished
)
Listener: TypeAlias = Callable[[datetime, Event], None]


def ignored_by(listener: Listener) -> Collection[type[Event]]:
    """The kinds of events that a listener makes nothing of, from its attribute `ignores`.

    It may be told of them all the same. One without the attribute wants all.
    """
    ignored: Collection[type[Event]] = getattr(listener, "ignores", ())
    return ignored


__all__ = [
    "AfterRollback",
    "BeforeRollback",
    "DriftDetected",
    "Event",
    "EventDispatched",
    "Listener",
    "ResourceChanged",
    "ResourcesUndeclared",
    "RunFinished",
    "RunStarted",
    "TaskFinished",
    "TaskOutput",
    "TaskStarted",
    "ignored_by",
]
