"""Rows of resources, current and past: reading them checked, as values of the model."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from sloth_state.json_map import JsonMap, json_maps
from sloth_state.model import Action, Resource
from sloth_state.sqlite.checksums import closed_row_checksum
from sloth_state.sqlite.tables import RESOURCES, damaged_row
from sloth_state.sqlite.timestamps import from_microseconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sloth_state.sqlite.connection import Connection, Row

HISTORY = "workflow_resource_history"

SELECT_CURRENT = f"""
    SELECT {RESOURCES.selected("r")}, NULL
    FROM workflow_resources r
"""
SELECT_PAST = """
    SELECT h.history_key, h.workflow_key, r.id, r.type, r.name, h.valid_from, h.created_in,
           h.action, h.status, h.attributes, h.created_at, h.updated_at, h.declaration,
           h.checksum, h.valid_to
    FROM workflow_resource_history h JOIN workflow_resources r USING (resource_key)
"""
COLUMNS = slice(1, 13)
"""Those in a row of these that are a `State`, and that the checksum covers."""
CHECKSUM, VALID_TO = 13, 14
"""Their places in a row of these. No version has ended the state of a row of SELECT_CURRENT."""
identity_of = itemgetter(3, 4)
"""Type and name in a row of these."""
action_of = itemgetter(7)
texts_of = itemgetter(8, 9, 12)
"""Status, attributes and declaration in a row of these."""
ACTIONS = {action.value: action for action in Action}


def check_resource(db: Connection, row: Row) -> None:
    """Raise StoreDamaged if a row of SELECT_CURRENT or SELECT_PAST is not as it was written."""
    if not is_sound(row):
        raise damaged_row(db, RESOURCES.name if row[VALID_TO] is None else HISTORY, row[0])


def is_sound(row: Row) -> bool:
    checksum, valid_to = RESOURCES.checksum(row[COLUMNS]), row[VALID_TO]
    if valid_to is not None:
        checksum = closed_row_checksum(checksum, valid_to)
    return bool(row[CHECKSUM] == checksum)


def resources_of(db: Connection, rows: Sequence[Row], version: int) -> list[Resource]:
    """Rows of SELECT_CURRENT or SELECT_PAST as a version sees them. Raises StoreDamaged."""
    for row in rows:
        check_resource(db, row)
    attributes = json_maps([row[9] for row in rows])
    return [_as_seen(row, of_one, version) for row, of_one in zip(rows, attributes, strict=True)]


def _as_seen(row: Row, attributes: JsonMap, version: int) -> Resource:
    _, id, type, name, valid_from, _, action, status, _, created, changed, declared = row[COLUMNS]
    updated_at = from_microseconds(changed)
    return Resource(
        id,
        type,
        name,
        ACTIONS[action] if valid_from == version else Action.NOOP,
        status,
        attributes,
        updated_at if created == changed else from_microseconds(created),
        updated_at,
        None if declared is None else JsonMap(declared),
    )
