"""The tables whose rows carry a checksum, and writing to them so that it is right.

Columns stand in the order that the checksum covers them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from sloth_state.sqlite import files
from sloth_state.sqlite.checksums import row_checksum

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sloth_state.sqlite.connection import Connection, Row

Value: TypeAlias = str | int | None


class Table:
    """A table with an integer key, columns of its own, and a checksum over those."""

    def __init__(
        self, name: str, key: str, columns: str, *, unique: str = "", added: str = ""
    ) -> None:
        """`added`: a last column that a later schema added; the checksum leaves out its NULL."""
        self.name = name
        self.key = key
        self.columns = tuple(f"{columns} {added}".split())
        self._is_longer = bool(added)
        listed = ", ".join((key, *self.columns, "checksum"))
        marks = ", ".join("?" * (len(self.columns) + 2))
        self._select = f"SELECT {listed} FROM {name}"
        self._insert = f"INSERT INTO {name} ({listed}) VALUES ({marks})"
        assigned = ", ".join(f"{column} = ?" for column in self.columns)
        self._update = f"UPDATE {name} SET {assigned}, checksum = ? WHERE {key} = ?"
        replaced = ", ".join(f"{column} = excluded.{column}" for column in self.columns)
        self._save = (
            f"{self._insert} ON CONFLICT ({unique}) "
            f"DO UPDATE SET {replaced}, checksum = excluded.checksum"
        )

    def selected(self, alias: str) -> str:
        """Key, columns and checksum, for the SELECT list of a query."""
        return ", ".join(f"{alias}.{column}" for column in (self.key, *self.columns, "checksum"))

    def select(self, db: Connection, condition: str = "TRUE", *bindings: Value) -> list[Row]:
        """Key and columns of all rows that meet a condition. Raises StoreDamaged."""
        rows = db.select(f"{self._select} WHERE {condition}", bindings)
        return [self.checked(db, row) for row in rows]

    def checked(self, db: Connection, row: Row) -> Row:
        """Key and columns of a row of `selected`. Raises StoreDamaged if it is not as written."""
        if self.checksum(row[1:-1]) != row[-1]:
            raise damaged_row(db, self.name, row[0])
        return row[:-1]

    def insert(self, db: Connection, *values: Value, key: int | None = None) -> int:
        """Add a row; returns its key, which is the next free one unless given."""
        db.write(self._insert, (key, *values, self.checksum(values)))
        return db.last_key()

    def checksum(self, values: Sequence[Value]) -> int:
        """The checksum of a row with these columns."""
        if self._is_longer and values[-1] is None:
            return row_checksum(values[:-1])
        return row_checksum(values)

    def insert_many(self, db: Connection, rows: Iterable[Sequence[Value]]) -> None:
        db.write_many(self._insert, [(None, *values, self.checksum(values)) for values in rows])

    def save(self, db: Connection, *values: Value) -> None:
        """Add a row, or replace the one that is equal in the unique columns."""
        db.write(self._save, (None, *values, self.checksum(values)))

    def update(self, db: Connection, key: int, *values: Value) -> None:
        db.write(self._update, (*values, self.checksum(values), key))


def damaged_row(db: Connection, table: str, key: int) -> Exception:
    return files.damaged(db.path, f"is damaged: row {key} of {table} is not what was written")


WORKFLOWS = Table("workflows", "workflow_key", "name")
RUNS = Table(
    "workflow_states",
    "run_key",
    "id workflow_key version status started_at completed_at metadata error_msg locked_by "
    "resource_count",
)
VERSIONS = Table(
    "state_versions",
    "run_key",
    "created_at created_by description parent source_key values_key "
    "created updated deleted read unchanged hash",
)
RESOURCES = Table(
    "workflow_resources",
    "resource_key",
    "workflow_key id type name valid_from created_in action status attributes "
    "created_at updated_at",
    added="declaration",
)
OUTPUTS = Table(
    "workflow_outputs", "output_key", "run_key key value sensitive", unique="run_key, key"
)
TASKS = Table(
    "workflow_tasks",
    "task_key",
    "run_key name status attempts started_at ended_at output error_msg location",
    unique="run_key, name",
    added="done_by",
)
STEPS = Table("steps", "step_key", "run_key task position name value recorded_at")
EVENTS = Table("events", "event_key", "run_key type data task dispatched_at")
LOCKS = Table(
    "locks",
    "lock_key",
    "scope name token user host pid process_started boot_id run_id "
    "acquired_at heartbeat_at expires_at",
    unique="scope, name",
)
TICKETS = Table(
    "lock_tickets",
    "ticket_key",
    "scope name user host pid process_started boot_id run_id came_at renewed_at expires_at",
)
KEY_VALUES = Table("key_values", "pair_key", "key value expires_at", unique="key")
TAGS = Table("run_tags", "tag_key", "run_key tag", unique="run_key, tag")
AUDIT_TRAIL = Table("audit_trail", "entry_key", "at actor action workflow detail")
OPERATIONS = Table(
    "operations",
    "operation_key",
    "run_key number verb type name natural_key task before wanted declaration "
    "began_at ended_at error result",
    unique="run_key, number",
)
DETECTIONS = Table(
    "drift_detections",
    "detection_key",
    "resource_key version detected_at expected actual drifted",
    added="error",
)
IMPORTED_VERSIONS = Table("imported_versions", "run_key", "hashed_workflow_key hashed_run_key")
ANCHORS = Table(
    "version_anchors",
    "run_key",
    "parent_hash parent_resource_count closed closed_live",
)

TABLES = (
    WORKFLOWS,
    RUNS,
    VERSIONS,
    RESOURCES,
    OUTPUTS,
    TASKS,
    STEPS,
    EVENTS,
    LOCKS,
    TICKETS,
    KEY_VALUES,
    TAGS,
    AUDIT_TRAIL,
    OPERATIONS,
    DETECTIONS,
    IMPORTED_VERSIONS,
    ANCHORS,
)
