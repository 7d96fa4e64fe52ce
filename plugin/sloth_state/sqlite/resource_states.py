"""Rows of resources as states that a run changes, and what becomes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sloth_state.json_map import JsonMap
from sloth_state.model import Resource
from sloth_state.sqlite.checksums import closed_row_checksum
from sloth_state.sqlite.intervals import State
from sloth_state.sqlite.resource_rows import ACTIONS, CHECKSUM, COLUMNS, check_resource
from sloth_state.sqlite.timestamps import from_microseconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sloth_state.model import Json
    from sloth_state.sqlite.base import OpenRun
    from sloth_state.sqlite.connection import Connection, Row

INSERT_PAST = """
    INSERT INTO workflow_resource_history
        (workflow_key, resource_key, valid_from, valid_to, created_in, action, status, attributes,
         created_at, updated_at, declaration, checksum)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


class Stored(NamedTuple):
    """A state with the key and the checksum of its row."""

    key: int
    state: State
    checksum: int


def stored_state(db: Connection, row: Row) -> Stored:
    """The state in a row of SELECT_CURRENT or SELECT_PAST. Raises StoreDamaged."""
    check_resource(db, row)
    return Stored(row[0], State(*row[COLUMNS]), row[CHECKSUM])


def state_of(row: Row) -> State:
    """The same, without the check."""
    return State(*row[COLUMNS])


def past_bindings(stored: Stored, valid_to: int) -> tuple[str | int | None, ...]:
    """For INSERT_PAST: a current state, closed by a version."""
    state = stored.state
    checksum = closed_row_checksum(stored.checksum, valid_to)
    return (state.workflow_key, stored.key, state.valid_from, valid_to, *state[5:], checksum)


def resource_of(run: OpenRun, state: State, attributes: Mapping[str, Json]) -> Resource:
    """A resource as the version sees it that made this state, which is nearly always the run's."""
    is_now = state.updated_at == run.now
    updated_at = run.moment if is_now else from_microseconds(state.updated_at)
    is_new = state.created_at == state.updated_at
    return Resource(
        state.id,
        state.type,
        state.name,
        ACTIONS[state.action],
        state.status,
        attributes,
        updated_at if is_new else from_microseconds(state.created_at),
        updated_at,
        None if state.declaration is None else JsonMap(state.declaration),
    )
