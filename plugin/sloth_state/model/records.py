"""What a store tells of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
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
