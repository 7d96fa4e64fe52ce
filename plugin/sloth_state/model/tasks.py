"""Tasks and outputs of a run."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sloth_state.model.json import Json


class TaskStatus(StrEnum):
    """Where a task of a run stands. `skipped` also covers tasks behind a failed one."""

    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    SKIPPED = "skipped"


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
    done_by: str | None = None
    """The earlier run that did it, if this one goes on with that and skipped it."""


class Output(NamedTuple):
    """A named value that a run publishes."""

    key: str
    value: Json
    sensitive: bool = False
