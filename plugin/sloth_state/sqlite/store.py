"""The store in SQLite: its parts put together, opened and closed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Self

from sloth_state.sqlite.base import check_covers
from sloth_state.sqlite.detections import Detections
from sloth_state.sqlite.histories import Histories
from sloth_state.sqlite.key_values import KeyValues
from sloth_state.sqlite.locks import Locks
from sloth_state.sqlite.opening import connect
from sloth_state.sqlite.operations import Operations
from sloth_state.sqlite.runs import Runs
from sloth_state.sqlite.tables import AUDIT_TRAIL
from sloth_state.sqlite.tags import Tags
from sloth_state.sqlite.tasks import Tasks
from sloth_state.sqlite.versions import Versions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from types import TracebackType

    from sloth_state.model import Lock, Problem, StoreStats


class SqliteStore(
    Runs,
    Versions,
    Operations,
    Detections,
    Tasks,
    Locks,
    KeyValues,
    Tags,
    Histories,
):
    """A `Store` in one SQLite file. Make one with `SqliteStore.open` or `open_store`."""

    @classmethod
    def open(
        cls,
        path: str,
        *,
        create: bool,
        upgrade: bool,
        clock: Callable[[], datetime],
        ids: Callable[[], str],
    ) -> Self:
        """Open the file, or make it if `create`. Raises StoreError, see `sloth_state.errors`."""
        return cls(connect(os.path.realpath(path), create=create, upgrade=upgrade), clock, ids)

    @property
    def url(self) -> str:
        return f"sqlite:///{self._db.path}"

    @property
    def read_only(self) -> str | None:
        return self._db.read_only

    def reopen(self) -> Self:
        return self.open(
            self._db.path,
            create=False,
            upgrade=self.read_only is None,
            clock=self._clock,
            ids=self._new_id,
        )

    def drop_versions(self, name: str, versions: Sequence[int], lock: Lock, actor: str) -> None:
        from sloth_state.sqlite.retention import drop_versions

        check_covers(lock, name)
        with self._db.transaction():
            self._check_lock(lock, self._now())
            drop_versions(self._db, name, self._workflow_key(name), set(versions))
            detail = f"versions {', '.join(map(str, sorted(versions)))}"
            AUDIT_TRAIL.insert(self._db, self._now(), actor, "prune", name, detail)

    def stats(self) -> StoreStats:
        from sloth_state.sqlite.statistics import statistics

        with self._db.snapshot():
            return statistics(self._db)

    def verify(self) -> list[Problem]:
        from sloth_state.sqlite.integrity import all_problems

        with self._db.snapshot():
            return all_problems(self._db)

    def backup(self, path: str) -> list[Problem]:
        from sloth_state.sqlite.copies import copy_store

        return copy_store(self._db.path, path)

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
