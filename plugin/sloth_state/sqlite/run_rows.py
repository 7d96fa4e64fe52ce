"""Rows of runs as they are in the table, and their conversion to the model."""

from collections.abc import Callable
from typing import NamedTuple

from sloth_state.model import Run, RunStatus
from sloth_state.sqlite.connection import Connection, Row
from sloth_state.sqlite.tables import RUNS
from sloth_state.sqlite.timestamps import from_microseconds, from_optional_microseconds
from sloth_state.values import from_json

SELECT_RUNS = f"""
    SELECT {RUNS.selected("r")}, w.name
    FROM workflow_states r JOIN workflows w USING (workflow_key)
"""


class RunRow(NamedTuple):
    """A row of workflow_states, with the workflow's name."""

    run_key: int
    id: str
    workflow_key: int
    version: int
    status: str
    started_at: int
    completed_at: int | None
    metadata: str
    error_msg: str | None
    locked_by: str | None
    resource_count: int | None
    """None while it runs."""
    checksum: int
    name: str

    @property
    def columns(self) -> Row:
        """Those that the checksum covers."""
        return self[1:-2]


def checked_run(db: Connection, row: Row) -> RunRow:
    """The row of SELECT_RUNS by its columns' names. Raises StoreDamaged."""
    RUNS.checked(db, row[:-1])
    return RunRow(*row)


def find_run(db: Connection, condition: str, *bindings: str | int) -> RunRow | None:
    """The first run that meets a condition on the tables `r` (runs) and `w` (workflows)."""
    row = db.first(f"{SELECT_RUNS} WHERE {condition}", bindings)
    return None if row is None else checked_run(db, row)


def latest_run(db: Connection, workflow_key: int) -> RunRow | None:
    return find_run(db, "r.workflow_key = ? ORDER BY r.version DESC LIMIT 1", workflow_key)


def unused_run_id(db: Connection, new_id: Callable[[], str]) -> str:
    """The next of the new ids that no run has."""
    while True:
        id = new_id()
        if not db.select("SELECT 1 FROM workflow_states WHERE id = ?", (id,)):
            return id


def update_run(db: Connection, row: RunRow) -> None:
    """Write a changed row back."""
    RUNS.update(db, row.run_key, *row.columns)


def run_of(row: RunRow, resource_count: int) -> Run:
    completed_at = from_optional_microseconds(row.completed_at)
    started_at = from_microseconds(row.started_at)
    duration = None if completed_at is None else (completed_at - started_at).total_seconds()
    return Run(
        id=row.id,
        name=row.name,
        version=row.version,
        status=RunStatus(row.status),
        started_at=started_at,
        completed_at=completed_at,
        duration_seconds=duration,
        metadata=from_json(row.metadata),
        error_msg=row.error_msg,
        locked_by=row.locked_by,
        resource_count=resource_count,
    )
