"""Runs: one execution of a workflow each."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sloth_state.model.json import Json


class RunStatus(StrEnum):
    """Where a run stands. The last three are final."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"


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
    modules: Mapping[str, bytes] = {}
    """Further files that the workflow file consists of, by the name it gives them."""
    resumes: str | None = None
    """The run of the same workflow that this one goes on with: it takes over the tasks that were
    done, as skipped ones, the outputs, and the steps and keyed commands that need not be done
    again."""
