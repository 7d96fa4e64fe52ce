"""The journal of changes to the world, and the contents that resources name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_state import model
from sloth_state.errors import ReferenceNotFound, UsageError
from sloth_state.json_map import checked_text
from sloth_state.sqlite.resources import Resources
from sloth_state.sqlite.tables import OPERATIONS
from sloth_state.sqlite.timestamps import from_microseconds, from_optional_microseconds
from sloth_state.values import canonical, check_name, check_text, from_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sloth_state.model import Json, Lock, NewOperation, Operation, Resource, ResourceDraft
    from sloth_state.sqlite.base import OpenRun
    from sloth_state.sqlite.connection import Row
    from sloth_state.sqlite.intervals import Content

# Every change of the world ends with this query, so it is made once.
_SELECT_ONE = (
    f"SELECT {OPERATIONS.selected('o')} FROM operations o WHERE run_key = ? AND number = ?"
)


class Operations(Resources):
    """The part of `Store` about the journal, whose ends also record resources."""

    def begin_operation(
        self, run_id: str, new: NewOperation, lock: Lock, *, contents: Sequence[bytes] = ()
    ) -> int:
        said = _said(new)
        with self._db.transaction():
            return self._begin(self._open_run(run_id, lock), said, contents)

    def end_operation(
        self,
        run_id: str,
        number: int,
        lock: Lock,
        *,
        record: ResourceDraft | None = None,
        remove: tuple[str, str] | None = None,
        error: str | None = None,
        result: Json = None,
        of_run: str | None = None,
    ) -> Resource | None:
        outcome = None if result is None else canonical(result, "the operation's result")
        content = None if record is None else self._writer.checked(record)
        if error is not None:
            check_text(error, "the error")
        with self._db.transaction():
            run = self._open_run(run_id, lock)
            begun_in = run.run_key if of_run is None else self._earlier_run(run, of_run)
            self._close(begun_in, number, run.now, error, outcome)
            if record is not None and content is not None:
                return self._record_made(run, record, content)
            if remove is not None:
                return self._writer.remove(run, *remove)
            return None

    def end_and_begin_operation(
        self,
        run_id: str,
        number: int,
        record: ResourceDraft,
        new: NewOperation,
        lock: Lock,
        *,
        contents: Sequence[bytes] = (),
    ) -> tuple[Resource, int]:
        content, said = self._writer.checked(record), _said(new)
        with self._db.transaction():
            run = self._open_run(run_id, lock)
            self._close(run.run_key, number, run.now, None, None)
            resource = self._record_made(run, record, content)
            return resource, self._begin(run, said, contents)

    def operations(self, run_id: str) -> list[Operation]:
        rows = OPERATIONS.select(self._db, "run_key = ? ORDER BY number", self._run_key(run_id))
        return [_operation(row) for row in rows]

    def unfinished_operations(self, workflow: str) -> list[tuple[str, Operation]]:
        rows = self._db.select(
            f"SELECT r.id, {OPERATIONS.selected('o')} FROM operations o "
            "JOIN workflow_states r USING (run_key) "
            "WHERE o.ended_at IS NULL AND r.status <> 'running' AND r.workflow_key = "
            "(SELECT workflow_key FROM workflows WHERE name = ?) ORDER BY operation_key",
            (workflow,),
        )
        return [(row[0], _operation(OPERATIONS.checked(self._db, row[1:]))) for row in rows]

    def keep_contents(self, run_id: str, contents: Sequence[bytes], lock: Lock) -> None:
        with self._db.transaction():
            self._keep(self._open_run(run_id, lock).workflow_key, contents)

    def _begin(self, run: OpenRun, said: Sequence[str | None], contents: Sequence[bytes]) -> int:
        self._keep(run.workflow_key, contents)
        row = self._db.first(
            "SELECT coalesce(max(number), 0) + 1 FROM operations WHERE run_key = ?",
            (run.run_key,),
        )
        assert row is not None
        number = int(row[0])
        OPERATIONS.insert(self._db, run.run_key, number, *said, run.now, None, None, None)
        return number

    def _record_made(self, run: OpenRun, record: ResourceDraft, content: Content) -> Resource:
        return self._writer.record(run, record, content, made=record.action is model.Action.CREATE)

    def _keep(self, workflow_key: int, contents: Sequence[bytes]) -> None:
        from sloth_state.sqlite.contents import keep_content, keep_for_workflow

        for content in contents:
            keep_for_workflow(self._db, workflow_key, keep_content(self._db, content))

    def _earlier_run(self, run: OpenRun, id: str) -> int:
        row = self._db.first(
            "SELECT run_key FROM workflow_states WHERE id = ? AND workflow_key = ?",
            (id, run.workflow_key),
        )
        if row is None:
            raise ReferenceNotFound(id)
        return int(row[0])

    def _close(
        self, run_key: int, number: int, now: int, error: str | None, result: str | None
    ) -> None:
        row = self._db.first(_SELECT_ONE, (run_key, number))
        if row is None:
            raise UsageError(f"the run has no operation {number}")
        key, *before, ended_at, _, _ = OPERATIONS.checked(self._db, row)
        if ended_at is not None:
            raise UsageError(f"operation {number} has ended before")
        # Not `OPERATIONS.update`: writing all columns writes all indexes anew, a page more to sync.
        self._db.write(
            "UPDATE operations SET ended_at = ?, error = ?, result = ?, checksum = ? "
            "WHERE operation_key = ?",
            (now, error, result, OPERATIONS.checksum((*before, now, error, result)), key),
        )


def _operation(row: Row) -> Operation:
    _, _, number, verb, type, name, natural_key, task, before, wanted, declaration, *ends = row
    began_at, ended_at, error, result = ends
    return model.Operation(
        number,
        verb,
        type,
        name,
        natural_key,
        task,
        None if before is None else from_json(before),
        from_json(wanted),
        from_json(declaration),
        from_microseconds(began_at),
        from_optional_microseconds(ended_at),
        error,
        None if result is None else from_json(result),
    )


def _said(new: NewOperation) -> tuple[str | None, ...]:
    """What is said of an operation before it begins, as it is kept. Raises InvalidValue."""
    check_name(new.type, "the resource's type")
    check_name(new.name, "the resource's name")
    what = f"{new.type}/{new.name}"
    before = None if new.before is None else checked_text(new.before, f"{what} before")
    wanted = checked_text(new.wanted, what)
    declaration = checked_text(new.declaration, f"declaration of {what}")
    return new.verb, new.type, new.name, new.key, new.task, before, wanted, declaration
