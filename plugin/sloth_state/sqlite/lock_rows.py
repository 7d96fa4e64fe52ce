"""Rows of locks as they are in the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sloth_state import model
from sloth_state.sqlite.tables import LOCKS
from sloth_state.sqlite.timestamps import from_microseconds, to_microseconds

if TYPE_CHECKING:
    from sloth_state.model import Lock, LockScope
    from sloth_state.sqlite.connection import Connection, Row

SELECT_LOCKS = f"SELECT {LOCKS.selected('l')} FROM locks l"


class LockRow(NamedTuple):
    """The columns of a lock that the checksum covers. A free one has no holder and no times."""

    scope: str
    name: str
    token: int
    user: str | None = None
    host: str | None = None
    pid: int | None = None
    process_started: int | None = None
    boot_id: str | None = None
    run_id: str | None = None
    acquired_at: int | None = None
    heartbeat_at: int | None = None
    expires_at: int | None = None


def held_lock(db: Connection, scope: LockScope, name: str) -> Lock | None:
    """The lock of that name if it has a holder, whether or not the lease has ended."""
    row = _find(db, scope, name)
    return None if row is None or row.user is None else lock_of(row)


def save_lock(db: Connection, lock: Lock) -> None:
    holder = lock.holder
    LOCKS.save(
        db,
        lock.scope.value,
        lock.name,
        lock.token,
        *holder,
        to_microseconds(lock.acquired_at),
        to_microseconds(lock.heartbeat_at),
        to_microseconds(lock.expires_at),
    )


def next_token(db: Connection, scope: LockScope, name: str) -> int:
    row = _find(db, scope, name)
    return 1 if row is None else row.token + 1


def free_lock(db: Connection, scope: LockScope, name: str) -> None:
    """Take the holder off. The row stays, so that its token is never used again."""
    row = _find(db, scope, name)
    if row is not None:
        LOCKS.save(db, *LockRow(row.scope, row.name, row.token))


def carry_run(db: Connection, lock: Lock, run_id: str) -> None:
    """Note on a held lock which run its holder works on."""
    row = _find(db, lock.scope, lock.name)
    assert row is not None, "a lock that was just checked"
    LOCKS.save(db, *row._replace(run_id=run_id))


def _find(db: Connection, scope: LockScope, name: str) -> LockRow | None:
    row = db.first(f"{SELECT_LOCKS} WHERE scope = ? AND name = ?", (scope.value, name))
    return None if row is None else checked_lock(db, row)


def checked_lock(db: Connection, row: Row) -> LockRow:
    """The row of SELECT_LOCKS by its columns' names. Raises StoreDamaged."""
    _, *columns = LOCKS.checked(db, row)
    return LockRow(*columns)


def lock_of(row: LockRow) -> Lock:
    """A held lock of the model."""
    columns: tuple[Any, ...] = row  # none of those is None if there is a holder
    scope, name, token, *holder, acquired_at, heartbeat_at, expires_at = columns
    return model.Lock(
        model.LockScope(scope),
        name,
        model.Holder(*holder),
        token,
        from_microseconds(acquired_at),
        from_microseconds(heartbeat_at),
        from_microseconds(expires_at),
    )
