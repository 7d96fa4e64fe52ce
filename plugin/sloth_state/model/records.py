"""What a store tells of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


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


class Repair(NamedTuple):
    """What a repair of a store did, or would do."""

    mended: tuple[Problem, ...]
    """Where something was mended, and what became of it."""
    lost: Mapping[str, int]
    """By table how many rows were in damaged pages and could not be read any more."""
    left: tuple[Problem, ...]
    """What could not be mended, as `Store.verify` finds it."""
    backup: str | None = None
    """The file as it was before; None if nothing was changed."""


class StoreStats(NamedTuple):
    """How much a store holds, and how large it is."""

    workflows: int
    runs: Mapping[str, int]
    """By status; the kept ones of all workflows."""
    resources: Mapping[str, int]
    """By type; those that workflows have now."""
    contents: int
    """Workflow files, values and contents of files, each counted once."""
    content_bytes: int
    file_bytes: int
    free_bytes: int
    """Room in the file that is used again before it grows."""
    log_bytes: int
