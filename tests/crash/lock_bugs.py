"""Bugs that locks may have, to be planted in processes that contend for one."""

from __future__ import annotations

from typing import Any

from sloth_state.model import Lock
from sloth_state.sqlite import lock_rows
from sloth_state.sqlite.base import OpenRun, StoreBase
from sloth_state.sqlite.store import SqliteStore
from sloth_state.sqlite.timestamps import to_microseconds


def writes_without_token() -> None:
    """Whoever has begun a run may write to it for ever, and never learns that the lock is lost."""

    def open_run(self: Any, run_id: str, lock: Lock) -> OpenRun:
        columns = "run_key, workflow_key, version"
        found = self._db.first(f"SELECT {columns} FROM workflow_states WHERE id = ?", (run_id,))
        run_key, workflow_key, version = found
        moment = self._clock()
        return OpenRun(run_key, workflow_key, version, to_microseconds(moment), moment)

    StoreBase._open_run = open_run  # type: ignore[method-assign]
    StoreBase._check_lock = lambda *_: None  # type: ignore[method-assign]
    SqliteStore.renew_lock = lambda self, lock, lease: lock  # type: ignore[method-assign]


def looks_before_it_takes() -> None:
    """Whether the lock is free is asked outside of the transaction that takes it."""

    def acquire_lock(
        self: Any, scope: Any, name: str, holder: Any, lease: Any, is_dead: Any, **options: Any
    ) -> Lock:
        held = lock_rows.held_lock(self._db, scope, name)
        self._why_over(held, is_dead, options["unrenewed"])
        token = lock_rows.next_token(self._db, scope, name)
        now = self._clock()
        lock = Lock(scope, name, holder, token, now, now, now + lease)
        with self._db.transaction():
            lock_rows.save_lock(self._db, lock)
        return lock

    SqliteStore.acquire_lock = acquire_lock  # type: ignore[method-assign]


def token_stands_still() -> None:
    lock_rows.next_token = lambda *_: 1


BUGS = {
    each.__name__: each
    for each in (writes_without_token, looks_before_it_takes, token_stands_still)
}
