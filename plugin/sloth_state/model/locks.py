"""Locks and who holds them."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class LockScope(StrEnum):
    """What a lock's name stands for: a workflow, or a name a script chose (`state.with_lock`)."""

    WORKFLOW = "workflow"
    SCRIPT = "script"


class Holder(NamedTuple):
    """A process that holds a lock, or waits for one.

    Start time and boot id tell it from a later one with its pid.
    """

    user: str
    host: str
    pid: int
    process_started: int
    """Clock ticks after boot, field 22 of /proc/PID/stat; 0 where the system does not say."""
    boot_id: str
    """And the pid namespace, "9c51…/pid:[4026531836]"; empty where the system does not say."""
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


class Ticket(NamedTuple):
    """The place of one who waits for a lock. The lowest number of a lock is next."""

    number: int
    """Above those of all who waited when this one came. It may come again when it is gone."""
    scope: LockScope
    name: str
    holder: Holder
    """Who waits."""
    came_at: datetime
    renewed_at: datetime
    expires_at: datetime

    def is_valid(self, now: datetime) -> bool:
        """Whether it was renewed lately. One from a time that is not yet was made by another clock,
        or before this one was set back, and must not count until then."""
        return abs(now - self.renewed_at) < self.expires_at - self.renewed_at
