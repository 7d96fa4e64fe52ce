"""Rows as the records of a history: values instead of their text, and no keys of this store."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sloth_state.sqlite import tables
from sloth_state.sqlite.timestamps import from_microseconds, to_microseconds
from sloth_state.times import rfc3339
from sloth_state.values import from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sloth_state.sqlite.connection import Connection
    from sloth_state.sqlite.tables import Table, Value


def _time_from_text(text: str) -> int:
    return to_microseconds(datetime.fromisoformat(text))


def _time_to_text(microseconds: int) -> str:
    return rfc3339(from_microseconds(microseconds))


class Shape:
    """How rows of one table become records and rows again."""

    def __init__(
        self,
        table: Table,
        *,
        keys: str,
        times: str = "",
        json: str = "",
        maps: str = "",
        flags: str = "",
    ) -> None:
        """`keys` are left out of records; the rest names columns that are not kept as they are.

        A column of `json` is never NULL, but may be the JSON null; one of `maps` the other way.
        """
        self.table = table
        self._keys = set(keys.split())
        self._never_null = set(json.split())
        self._to_record: dict[str, Callable[[Any], Any]] = {
            **dict.fromkeys(times.split(), _time_to_text),
            **dict.fromkeys((*json.split(), *maps.split()), from_json),
            **dict.fromkeys(flags.split(), bool),
        }
        self._to_row: dict[str, Callable[[Any], Any]] = {
            **dict.fromkeys(times.split(), _time_from_text),
            **dict.fromkeys((*json.split(), *maps.split()), to_json),
            **dict.fromkeys(flags.split(), int),
        }

    def record(self, columns: Sequence[Value]) -> dict[str, Any]:
        """The record of a row with these columns."""
        return {
            name: value
            if value is None or name not in self._to_record
            else self._to_record[name](value)
            for name, value in zip(self.table.columns, columns, strict=True)
            if name not in self._keys
        }

    def row(self, record: dict[str, Any], **keys: Value) -> list[Value]:
        """The columns of a record's row. Raises KeyError if the record lacks one."""
        row = []
        for name in self.table.columns:
            value = keys[name] if name in self._keys else record[name]
            if name in self._to_row and (value is not None or name in self._never_null):
                value = self._to_row[name](value)
            row.append(value)
        return row

    def records(self, db: Connection, condition: str, *bindings: Value) -> Iterator[dict[str, Any]]:
        """The records of those rows that meet a condition. Raises StoreDamaged."""
        for _, *columns in self.table.select(db, condition, *bindings):
            yield self.record(columns)


RUN = Shape(
    tables.RUNS,
    keys="workflow_key locked_by",
    times="started_at completed_at",
    maps="metadata",
)
VERSION = Shape(tables.VERSIONS, keys="source_key values_key", times="created_at")
STATE = Shape(
    tables.RESOURCES,
    keys="workflow_key id type name",
    times="created_at updated_at",
    maps="attributes declaration",
)
DETECTION = Shape(
    tables.DETECTIONS,
    keys="resource_key",
    times="detected_at",
    maps="expected actual",
    flags="drifted",
)
ANCHOR = Shape(tables.ANCHORS, keys="", json="closed")
AUDIT = Shape(tables.AUDIT_TRAIL, keys="workflow", times="at")

OF_RUNS = {
    "outputs": Shape(tables.OUTPUTS, keys="run_key", json="value", flags="sensitive"),
    "tasks": Shape(tables.TASKS, keys="run_key", times="started_at ended_at", json="output"),
    "steps": Shape(tables.STEPS, keys="run_key", times="recorded_at", json="value"),
    "events": Shape(tables.EVENTS, keys="run_key", times="dispatched_at", json="data"),
    "operations": Shape(
        tables.OPERATIONS,
        keys="run_key",
        times="began_at ended_at",
        maps="before wanted declaration result",
    ),
    "tags": Shape(tables.TAGS, keys="run_key"),
}
"""What belongs to one run, by the name of its list in the run's record."""
