"""What all areas of the store share: the connection, the time, and proof of the lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sloth_state import model
from sloth_state.errors import LockLost, ReferenceNotFound, UsageError
from sloth_state.model import RunStatus
from sloth_state.sqlite.tables import WORKFLOWS
from sloth_state.sqlite.timestamps import to_microseconds

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sloth_state.model import Lock
    from sloth_state.sqlite.connection import Connection


class OpenRun(NamedTuple):
    """The run that a write belongs to, known to be running under a lock that holds."""

    run_key: int
    workflow_key: int
    version: int
    now: int
    """The time of the write."""
    moment: datetime
    """The same."""


class StoreBase:
    """The areas are mixed into one class; each is this and the methods of one part of `Store`."""

    def __init__(
        self, db: Connection, clock: Callable[[], datetime], new_id: Callable[[], str]
    ) -> None:
        self._db = db
        self._clock = clock
        self._new_id = new_id

    def _now(self) -> int:
        return to_microseconds(self._clock())

    def _check_lock(self, lock: Lock, now: int) -> None:
        """Raise LockLost unless the lock is still this holder's and its lease has not ended."""
        row = self._db.first(
            "SELECT token, user, expires_at FROM locks WHERE scope = ? AND name = ?",
            (lock.scope, lock.name),
        )
        if row is None or row[0] != lock.token or row[1] is None or row[2] <= now:
            raise LockLost(lock.name)

    def _open_run(self, run_id: str, lock: Lock) -> OpenRun:
        """The run, if it may be written to under this lock. Call it inside the transaction."""
        moment = self._clock()
        now = to_microseconds(moment)
        # Every single write comes through here, so it is one query, and scalar subqueries,
        # because a join would take four times as long.
        row = self._db.first(
            "SELECT run_key, workflow_key, version, status, "
            "(SELECT name FROM workflows w WHERE w.workflow_key = r.workflow_key), "
            "(SELECT token FROM locks WHERE scope = ?2 AND name = ?3 "
            "AND user IS NOT NULL AND expires_at > ?4) "
            "FROM workflow_states r WHERE id = ?1",
            (run_id, lock.scope, lock.name, now),
        )
        if row is None:
            self._check_lock(lock, now)
            raise ReferenceNotFound(run_id)
        run_key, workflow_key, version, status, name, token = row
        if token != lock.token:
            raise LockLost(lock.name)
        check_covers(lock, name)
        if status != RunStatus.RUNNING:
            raise UsageError(
                f"run {run_id} of {name} has ended ({status}); it takes no more writes"
            )
        return OpenRun(run_key, workflow_key, version, now, moment)

    def _run_key(self, run_id: str) -> int:
        row = self._db.first("SELECT run_key FROM workflow_states WHERE id = ?", (run_id,))
        if row is None:
            raise ReferenceNotFound(run_id)
        return int(row[0])

    def _workflow_key(self, name: str) -> int:
        key = self._workflow_key_if_any(name)
        if key is None:
            raise ReferenceNotFound(name, self._names_like(name))
        return key

    def _workflow_key_or_new(self, name: str) -> int:
        key = self._workflow_key_if_any(name)
        return WORKFLOWS.insert(self._db, name) if key is None else key

    def _workflow_key_if_any(self, name: str) -> int | None:
        row = self._db.first("SELECT workflow_key FROM workflows WHERE name = ?", (name,))
        return None if row is None else int(row[0])

    def _names_like(self, name: str) -> list[str]:
        from difflib import get_close_matches

        names = self._db.select("SELECT name FROM workflows ORDER BY name")
        return get_close_matches(name, [known for (known,) in names])


def check_covers(lock: Lock, workflow: str) -> None:
    """Raise UsageError if the lock is not the workflow's."""
    if lock.scope is not model.LockScope.WORKFLOW or lock.name != workflow:
        raise UsageError(
            f"the {lock.scope} lock {lock.name} does not cover the workflow {workflow}"
        )
