"""Whole histories of workflows, leaving the store and coming into it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sloth_state import model
from sloth_state.errors import HistoryRefused, LockHeld, SlothError
from sloth_state.model import RunStatus
from sloth_state.sqlite.base import StoreBase, check_covers
from sloth_state.sqlite.run_rows import latest_run
from sloth_state.sqlite.runs import checked_workflow_name
from sloth_state.sqlite.tables import AUDIT_TRAIL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sloth_state.model import AddedHistory, HistoryRecord, Lock, NewHistory


class Histories(StoreBase):
    """The part of `Store` about export and import."""

    def history(self, workflow: str) -> Iterator[HistoryRecord]:
        from sloth_state.sqlite import lock_rows
        from sloth_state.sqlite.history_reading import history_records

        with self._db.snapshot():
            workflow_key = self._workflow_key(workflow)
            run = latest_run(self._db, workflow_key)
            if run is not None and run.status == RunStatus.RUNNING:
                lock = lock_rows.held_lock(self._db, model.LockScope.WORKFLOW, workflow)
                if lock is not None:
                    raise LockHeld(lock)
                raise HistoryRefused(f"version {run.version} of {workflow} has not ended")
            yield from history_records(self._db, workflow_key, workflow)

    def add_histories(
        self, wanted: Sequence[tuple[NewHistory, Lock]], actor: str, *, dry_run: bool = False
    ) -> list[AddedHistory]:
        # What can be known to be wrong beforehand need not keep other writers waiting.
        hashes = [_checked(new) for new, _ in wanted]
        added = []
        try:
            with self._db.transaction(), _no_malformed_records():
                for (new, lock), proven in zip(wanted, hashes, strict=True):
                    check_covers(lock, new.name)
                    self._check_lock(lock, self._now())
                    added.append(self._add(new, proven, actor))
                if dry_run:
                    raise _DryRun
        except _DryRun:
            pass
        return added

    def _add(self, new: NewHistory, hashes: dict[int, str], actor: str) -> AddedHistory:
        from sloth_state.sqlite.history_writing import HistoryWriter

        checked_workflow_name(new.name)
        known = self._known_version(new, hashes)
        if hashes and known == max(hashes):
            return model.AddedHistory(new.name, known, known, 0)
        key = self._workflow_key_or_new(new.name)
        HistoryWriter(self._db, new, key, known, self._new_id).write()
        run = latest_run(self._db, key)
        if run is None:
            raise HistoryRefused(f"there is nothing in {new.history.origin} to import")
        added = self._count_versions(key, known)
        detail = f"{new.history.origin}: versions {run.version - added + 1} to {run.version}"
        AUDIT_TRAIL.insert(self._db, self._now(), actor, "import", new.name, detail)
        return model.AddedHistory(new.name, known, run.version, added)

    def _count_versions(self, workflow_key: int, after: int) -> int:
        row = self._db.first(
            "SELECT count(*) FROM workflow_states WHERE workflow_key = ? AND version > ?",
            (workflow_key, after),
        )
        assert row is not None
        return int(row[0])

    def _known_version(self, new: NewHistory, hashes: dict[int, str]) -> int:
        """The newest version of the workflow here, which the history goes on from; 0 if none.

        Raises HistoryRefused if it does not go on from there.
        """
        from sloth_state.sqlite.version_rows import version_of

        key = self._workflow_key_if_any(new.name)
        run = None if key is None else latest_run(self._db, key)
        if run is None:
            return 0
        if not new.keeps_identity:
            raise HistoryRefused(
                f"there is a workflow {new.name} already, and {new.history.origin} is another",
                hint="Import it under a name that is free with: --as NEWNAME",
            )
        hash = version_of(self._db, run).hash
        if hash is not None and hashes.get(run.version) == hash:
            return run.version
        newest = max(hashes)
        raise HistoryRefused(
            f"{new.name} is at version {run.version} ({_short(hash)}) here, and the history that "
            f"ends at version {newest} ({_short(hashes[newest])}) does not go on from there",
            hint="Import it as another workflow with: --as NEWNAME",
        )


class _DryRun(Exception):
    """Takes everything back at the end."""


def _checked(new: NewHistory) -> dict[int, str]:
    """The hashes of a history that has some, proven; by version."""
    from sloth_state.sqlite.history_check import ChainCheck

    if not new.history.is_hashed:
        return {}
    with _no_malformed_records():
        return ChainCheck(str(new.history.workflow)).run(new.history.records())


def _short(hash: str | None) -> str:
    return "no hash" if hash is None else hash[:12]


@contextmanager
def _no_malformed_records() -> Iterator[None]:
    """Records come from files that anybody may have written."""
    import apsw

    try:
        yield
    except SlothError:
        raise
    except (
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        OverflowError,
        RecursionError,
        apsw.ConstraintError,
    ) as error:
        raise HistoryRefused(
            f"the file holds what no history can hold: {type(error).__name__}: {error}",
            hint="Export it again where it comes from.",
        ) from error
