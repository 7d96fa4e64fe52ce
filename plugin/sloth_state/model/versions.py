"""Versions: the numbered states of a workflow."""

from datetime import datetime
from typing import NamedTuple

from sloth_state.model.runs import RunStatus


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
