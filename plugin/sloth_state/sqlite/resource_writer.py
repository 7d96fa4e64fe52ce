"""Applying what one transaction says about resources, then writing what differs, in bulk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_state.errors import ResourceNotFound
from sloth_state.model import Action
from sloth_state.sqlite import intervals
from sloth_state.sqlite.resource_rows import (
    INSERT_PAST,
    SELECT_CURRENT,
    SELECT_PAST,
    past_bindings,
    resource_of,
    stored_state,
)
from sloth_state.sqlite.tables import RESOURCES
from sloth_state.values import from_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from sloth_state.model import Resource
    from sloth_state.sqlite.base import OpenRun
    from sloth_state.sqlite.connection import Connection
    from sloth_state.sqlite.intervals import Said, State
    from sloth_state.sqlite.resource_rows import (
        Stored,
    )


class ResourceWriter:
    """The resources that one transaction of a run touches, before and after it."""

    def __init__(self, db: Connection, run: OpenRun, now: int, new_id: Callable[[], str]) -> None:
        self._db = db
        self._run = run
        self._now = now
        self._new_id = new_id
        self._before: dict[tuple[str, str], Stored | None] = {}
        self._after: dict[tuple[str, str], State] = {}

    def apply(self, said: Said) -> Resource:
        """Work out one change; nothing is written yet."""
        before = self._state(said.type, said.name)
        after = self._changed(before, said)
        self._after[said.type, said.name] = after
        action = Action.NOOP if after is before else Action(after.action)
        deleted = said.action is Action.DELETE
        return resource_of(after, action, from_json(after.attributes) if deleted else said.value)

    def write(self) -> None:
        """Write all changes that were applied."""
        inserted: list[State] = []
        replaced: list[tuple[int, State]] = []
        closed: list[tuple[str | int, ...]] = []
        for identity, after in self._after.items():
            before = self._before[identity]
            if before is None:
                if not intervals.is_undone(after):
                    inserted.append(after)
            elif intervals.is_undone(after):
                self._undo(before)
            elif after is not before.state:
                if before.state.valid_from < self._run.version:
                    closed.append(past_bindings(before, self._run.version))
                replaced.append((before.key, after))
        if inserted:
            RESOURCES.insert_many(self._db, inserted)
        if replaced:
            RESOURCES.update_many(self._db, replaced)
        if closed:
            self._db.write_many(INSERT_PAST, closed)

    def _state(self, type: str, name: str) -> State | None:
        identity = type, name
        if identity not in self._before:
            row = self._db.first(
                f"{SELECT_CURRENT} WHERE workflow_key = ? AND type = ? AND name = ?",
                (self._run.workflow_key, type, name),
            )
            stored = None if row is None else stored_state(self._db, row)
            self._before[identity] = stored
            if stored is not None:
                self._after[identity] = stored.state
        return self._after.get(identity)

    def _changed(self, before: State | None, said: Said) -> State:
        version, now = self._run.version, self._now
        if said.action is Action.DELETE:
            if before is None or before.action == Action.DELETE:
                raise self._not_found(said)
            return intervals.deleted(before, version, now)
        if before is None:
            return intervals.born(self._run.workflow_key, self._new_id(), said, version, now)
        change = intervals.revived if before.action == Action.DELETE else intervals.recorded
        return change(before, said, version, now)

    def _undo(self, before: Stored) -> None:
        """Bring the row back to what it was before the version, be it that there was none."""
        key = before.key
        if before.state.valid_from < self._run.version:
            return
        row = self._db.first(
            f"{SELECT_PAST} WHERE h.resource_key = ? AND h.valid_to = ?", (key, self._run.version)
        )
        if row is None:
            self._db.write("DELETE FROM workflow_resources WHERE resource_key = ?", (key,))
            return
        past = stored_state(self._db, row)
        RESOURCES.update(self._db, key, *past.state)
        self._db.write("DELETE FROM workflow_resource_history WHERE history_key = ?", (past.key,))

    def _not_found(self, said: Said) -> ResourceNotFound:
        from difflib import get_close_matches

        rows = self._db.select(
            "SELECT w.name, r.type || '/' || r.name FROM workflows w "
            "LEFT JOIN workflow_resources r "
            "ON r.workflow_key = w.workflow_key AND r.action <> 'delete' "
            "WHERE w.workflow_key = ?",
            (self._run.workflow_key,),
        )
        known = [identity for _, identity in rows if identity]
        nearest = get_close_matches(f"{said.type}/{said.name}", known)
        return ResourceNotFound(rows[0][0], said.type, said.name, nearest)
