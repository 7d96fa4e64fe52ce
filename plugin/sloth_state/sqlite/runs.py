"""Runs: beginning, ending and finding them.

What writes is imported where it is used, so that a command that lists runs starts without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_state import model
from sloth_state.errors import InvalidValue, LockHeld, ReferenceNotFound, UsageError
from sloth_state.model import RunStatus
from sloth_state.sqlite.base import StoreBase, check_covers
from sloth_state.sqlite.run_rows import (
    SELECT_RUNS,
    checked_run,
    find_run,
    latest_run,
    run_of,
    unused_run_id,
    update_run,
)
from sloth_state.sqlite.tables import AUDIT_TRAIL, RUNS, VERSIONS
from sloth_state.values import MAX_BYTES, canonical, check_name, check_text, from_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sloth_state.model import Lock, NewRun, Run
    from sloth_state.sqlite.run_rows import RunRow

_FINAL = (RunStatus.SUCCESS, RunStatus.FAILED, RunStatus.ROLLED_BACK)
_LATEST_STARTED_FIRST = "ORDER BY r.started_at DESC, r.run_key DESC"
_NEWEST_VERSION_FIRST = "ORDER BY r.version DESC"


class Runs(StoreBase):
    """The part of `Store` about runs and workflows."""

    def begin_run(self, new: NewRun, lock: Lock) -> Run:
        from sloth_state.sqlite import lock_rows

        name = checked_workflow_name(new.name)
        metadata = _metadata_text(new.metadata)
        check_covers(lock, name)
        with self._db.transaction():
            now = self._now()
            self._check_lock(lock, now)
            workflow_key = self._workflow_key_or_new(name)
            parent = self._last_version(workflow_key, now)
            run_id = unused_run_id(self._db, self._new_id)
            started = RunStatus.RUNNING.value, now, None, metadata, None, str(lock.holder), None
            run_key = RUNS.insert(self._db, run_id, workflow_key, (parent or 0) + 1, *started)
            created_by = f"{lock.holder.user}@{lock.holder.host}"
            self._open_version(run_key, now, created_by, parent, new)
            if new.resumes is not None:
                from sloth_state.sqlite.taking_over import take_over

                take_over(self._db, self._find(new.resumes), run_key, workflow_key, now)
            lock_rows.carry_run(self._db, lock, run_id)
            return self.run(run_id)

    def finish_run(
        self,
        run_id: str,
        status: RunStatus,
        lock: Lock,
        *,
        error: str | None = None,
        unchanged: int = 0,
    ) -> Run:
        from sloth_state.sqlite.version_rows import close_run

        if status not in _FINAL:
            raise UsageError(f"a run cannot end as {status}")
        with self._db.transaction():
            self._open_run(run_id, lock)
            run = self._find(run_id)
            close_run(self._db, run, status, self._now(), error=error, unchanged=unchanged)
            return self.run(run_id)

    def interrupt_run(self, run_id: str, reason: str) -> Run:
        from sloth_state.sqlite.version_rows import close_run

        with self._db.transaction():
            run = self._find(run_id)
            if run.status == RunStatus.RUNNING:
                close_run(self._db, run, RunStatus.FAILED, self._now(), error=reason)
            return self.run(run_id)

    def run(self, run_id: str) -> Run:
        with self._db.snapshot():
            return self._model_run(self._find(run_id))

    def runs(
        self,
        *,
        name: str | None = None,
        status: RunStatus | None = None,
        tag: str | None = None,
        latest: bool = False,
        limit: int | None = None,
    ) -> list[Run]:
        condition, bindings = run_filter(name, status, tag, latest)
        # The clock may have been set back between two versions of a workflow.
        order = _LATEST_STARTED_FIRST if name is None else _NEWEST_VERSION_FIRST
        sql = f"{SELECT_RUNS} {condition} {order} LIMIT ?"
        with self._db.snapshot():
            rows = self._db.select(sql, (*bindings, -1 if limit is None else limit))
            return [self._model_run(checked_run(self._db, row)) for row in rows]

    def count_runs(
        self,
        *,
        name: str | None = None,
        status: RunStatus | None = None,
        tag: str | None = None,
        latest: bool = False,
        at_most: int | None = None,
    ) -> int:
        condition, bindings = run_filter(name, status, tag, latest)
        sql = f"SELECT 1 FROM workflow_states r {condition} LIMIT ?"
        limit = -1 if at_most is None else at_most  # -1 is none
        row = self._db.first(f"SELECT count(*) FROM ({sql})", [*bindings, limit])
        assert row is not None
        return int(row[0])

    def run_ids_starting_with(self, prefix: str) -> list[str]:
        rows = self._db.select(
            "SELECT id FROM workflow_states WHERE id >= ? AND id < ? ORDER BY id LIMIT 20",
            (prefix, prefix + "g"),  # g comes after all hex digits
        )
        return [run_id for (run_id,) in rows]

    def workflow_names(self) -> list[str]:
        return [name for (name,) in self._db.select("SELECT name FROM workflows ORDER BY name")]

    def set_metadata(self, run_id: str, values: Mapping[str, str], lock: Lock) -> None:
        _metadata_text(values)
        with self._db.transaction():
            self._open_run(run_id, lock)
            run = self._find(run_id)
            metadata = _metadata_text(from_json(run.metadata) | dict(values))
            update_run(self._db, run._replace(metadata=metadata))

    def delete_workflow(self, name: str, actor: str) -> None:
        from sloth_state.sqlite import lock_rows
        from sloth_state.sqlite.contents import remove_unused_contents

        with self._db.transaction():
            now = self._now()
            workflow_key = self._workflow_key(name)
            lock = lock_rows.held_lock(self._db, model.LockScope.WORKFLOW, name)
            if lock is not None and lock.expires_at > self._clock():
                raise LockHeld(lock)
            lock_rows.free_lock(self._db, model.LockScope.WORKFLOW, name)
            runs = self.count_runs(name=name)
            self._db.write("DELETE FROM workflows WHERE workflow_key = ?", (workflow_key,))
            remove_unused_contents(self._db)
            AUDIT_TRAIL.insert(self._db, now, actor, "delete", name, f"{runs} runs")

    def _open_version(
        self, run_key: int, now: int, created_by: str, parent: int | None, new: NewRun
    ) -> None:
        from sloth_state.sqlite.contents import add_module, keep_content

        message = check_text(new.message or "", "the message")
        if new.source is not None and len(new.source) > MAX_BYTES:
            size = f"{len(new.source):,} bytes"
            raise InvalidValue(f"the workflow file has {size}, and the most is {MAX_BYTES:,}")
        values = None if new.values is None else canonical(new.values, "values").encode()
        source_key, values_key = keep_content(self._db, new.source), keep_content(self._db, values)
        about = now, created_by, message, parent, source_key, values_key
        counts_and_hash = (None,) * 6
        VERSIONS.insert(self._db, *about, *counts_and_hash, key=run_key)
        for name, content in new.modules.items():
            check_text(name, "a module's name")
            add_module(self._db, run_key, name, keep_content(self._db, content))

    def _last_version(self, workflow_key: int, now: int) -> int | None:
        """The number of the newest version, which is final from now on."""
        from sloth_state.sqlite.version_rows import close_run

        run = latest_run(self._db, workflow_key)
        if run is None:
            return None
        if run.status == RunStatus.RUNNING:
            error = f"interrupted: {run.locked_by} gave the lock up before the run had ended"
            close_run(self._db, run, RunStatus.FAILED, now, error=error)
        return run.version

    def _find(self, run_id: str) -> RunRow:
        run = find_run(self._db, "r.id = ?", run_id)
        if run is None:
            raise ReferenceNotFound(run_id)
        return run

    def _model_run(self, run: RunRow) -> Run:
        count = run.resource_count
        if count is None:
            from sloth_state.sqlite.version_rows import tally, version_of

            _, count = tally(self._db, run, version_of(self._db, run).parent)
        return run_of(run, count)


def checked_workflow_name(name: str) -> str:
    """The name itself if a workflow can be called so. Raises InvalidValue."""
    check_name(name, "the workflow's name")
    stem, mark, digits = name.rpartition("@")
    if mark and digits.isdigit():
        raise InvalidValue(
            f"the workflow's name {name!r} would mean version {digits} of {stem!r}",
            hint="Call it something that does not end in @ and a number",
        )
    return name


def run_filter(
    name: str | None, status: RunStatus | None, tag: str | None, latest: bool
) -> tuple[str, list[str]]:
    """The WHERE clause over workflow_states `r`, and its bindings."""
    conditions, bindings = [], []
    if name is not None:
        conditions.append("r.workflow_key = (SELECT workflow_key FROM workflows WHERE name = ?)")
        bindings.append(name)
    if status is not None:
        conditions.append("r.status = ?")
        bindings.append(status.value)
    if tag is not None:
        conditions.append("r.run_key IN (SELECT run_key FROM run_tags WHERE tag = ?)")
        bindings.append(tag)
    if latest:
        conditions.append(
            "r.version = (SELECT max(n.version) FROM workflow_states n "
            "WHERE n.workflow_key = r.workflow_key)"
        )
    return f"WHERE {' AND '.join(conditions)}" if conditions else "", bindings


def _metadata_text(metadata: Mapping[str, str]) -> str:
    for key, value in metadata.items():
        check_name(key, "a key of the metadata")
        if not isinstance(value, str):
            raise InvalidValue(f"metadata.{key} must be a string, not {type(value).__name__}")
    return canonical(dict(metadata), "metadata")
