"""What a run takes over from the one that it goes on with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_state.errors import UsageError
from sloth_state.model import TaskStatus
from sloth_state.sqlite.tables import OPERATIONS, OUTPUTS, STEPS, TASKS

if TYPE_CHECKING:
    from sloth_state.sqlite.connection import Connection, Row
    from sloth_state.sqlite.run_rows import RunRow
    from sloth_state.sqlite.tables import Table


def take_over(db: Connection, earlier: RunRow, run_key: int, workflow_key: int, now: int) -> None:
    """Give a run what the earlier one has done. Part of the transaction that begins it."""
    if earlier.workflow_key != workflow_key:
        raise UsageError(f"run {earlier.id} of {earlier.name} is no run of this workflow")
    done = _take_over_tasks(db, earlier, run_key, now)
    for _, _, *output in _rows(db, OUTPUTS, earlier.run_key):
        OUTPUTS.insert(db, run_key, *output)
    for _, _, task, *step in _rows(db, STEPS, earlier.run_key):
        if task not in done:
            STEPS.insert(db, run_key, task, *step)
    _take_over_commands(db, earlier, run_key)


def _take_over_tasks(db: Connection, earlier: RunRow, run_key: int, now: int) -> set[str]:
    """Record as skipped what is done; the names of those tasks."""
    done = set()
    for row in _rows(db, TASKS, earlier.run_key):
        _, _, name, status, _, _, _, output, _, _, done_by = row
        if status == TaskStatus.SUCCESS or done_by is not None:
            by = done_by or earlier.id
            skipped = TaskStatus.SKIPPED.value, 0, None, now, output, f"done by run {by}", None, by
            TASKS.insert(db, run_key, name, *skipped)
            done.add(str(name))
    return done


def _take_over_commands(db: Connection, earlier: RunRow, run_key: int) -> None:
    number = 0
    for _, _, _, verb, *operation in _rows(db, OPERATIONS, earlier.run_key):
        *_, ended_at, error, _ = operation
        if verb == "run" and ended_at is not None and error is None:
            number += 1
            OPERATIONS.insert(db, run_key, number, verb, *operation)


def _rows(db: Connection, table: Table, run_key: int) -> list[Row]:
    """A run's rows in the order in which they were written."""
    return table.select(db, f"run_key = ? ORDER BY {table.key}", run_key)
