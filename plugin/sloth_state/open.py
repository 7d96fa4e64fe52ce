"""Opening a store by what the user says about where it is."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sloth_state.errors import StoreMissing, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sloth_state.model import Repair
    from sloth_state.store import Store

VARIABLE = "SLOTH_RUNNER_STATE"
DEFAULT_PATH = "~/.sloth-runner/state.db"

_SQLITE = "sqlite:///"


def utc_now() -> datetime:
    return datetime.now(UTC)


_ID_BYTES = 6
_unused_bytes = b""


def random_id() -> str:
    """12 hex digits."""
    # Asking the kernel each time takes 3 µs of the 150 that recording a resource does.
    global _unused_bytes  # noqa: PLW0603
    if not _unused_bytes:
        _unused_bytes = os.urandom(_ID_BYTES * 64)
    id, _unused_bytes = _unused_bytes[:_ID_BYTES], _unused_bytes[_ID_BYTES:]
    return id.hex()


def _forget_bytes() -> None:
    global _unused_bytes  # noqa: PLW0603
    _unused_bytes = b""


# Two processes must not make the same ids.
os.register_at_fork(after_in_child=_forget_bytes)


def open_store(
    url: str | None = None,
    *,
    create: bool = True,
    upgrade: bool = True,
    clock: Callable[[], datetime] = utc_now,
    ids: Callable[[], str] = random_id,
) -> Store:
    """Open the store at a path or an `sqlite:///` URL.

    None: the environment variable SLOTH_RUNNER_STATE, else ~/.sloth-runner/state.db.
    `create=False` is for those who only look: a file that is not there is StoreMissing; with
    `upgrade=False` one of an older schema stays as it is, and can only be read. Raises UsageError
    for another kind of store, StoreError for a file that cannot be used.
    """
    from sloth_state.sqlite.store import SqliteStore

    try:
        return SqliteStore.open(
            store_path(url), create=create, upgrade=upgrade, clock=clock, ids=ids
        )
    except StoreMissing as error:
        if not (url or os.environ.get(VARIABLE)):
            error.hint = "Nothing has run yet. Run a workflow with: sloth-runner run FILE"
        raise


def store_path(url: str | None = None) -> str:
    """The file that `open_store` would open, whether or not it is there. Raises UsageError."""
    return _path_of(url or os.environ.get(VARIABLE) or DEFAULT_PATH)


def repair_store(url: str | None, actor: str, *, dry_run: bool = False) -> Repair:
    """Repair the store at a path or URL (see `open_store`), or find out what that would do.

    Raises StoreError for a file of which nothing can be read, LockHeld while somebody works on it.
    """
    from sloth_state.processes import is_dead
    from sloth_state.sqlite.repair import Repairer

    repairer = Repairer(store_path(url), actor=actor, is_dead=is_dead, new_id=random_id)
    return repairer.plan() if dry_run else repairer.repair()


def _path_of(url: str) -> str:
    path = url.removeprefix(_SQLITE)
    scheme, separator, _ = path.partition("://")
    if separator and scheme.replace("+", "").isalnum():
        raise UsageError(
            f"state cannot be kept in {scheme}://: this release keeps it in SQLite only",
            hint=f"Give a path, or a URL such as {_SQLITE}state.db",
        )
    if not path or "\0" in path or not _is_utf8(path):
        raise UsageError(f"{url!r} does not name a file for the state store")
    return os.path.expanduser(path)


def _is_utf8(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
