"""Writing what a run says about resources: the current state, and the past that it closes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sloth_state.errors import InvalidValue, ResourceNotFound
from sloth_state.model import Action
from sloth_state.sqlite import intervals
from sloth_state.sqlite.intervals import Said
from sloth_state.sqlite.resource_rows import (
    INSERT_PAST,
    SELECT_CURRENT,
    SELECT_PAST,
    past_bindings,
    resource_of,
    stored_state,
)
from sloth_state.sqlite.tables import RESOURCES
from sloth_state.values import canonical, check_name, check_text, from_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from sloth_state.model import Resource, ResourceDraft
    from sloth_state.sqlite.base import OpenRun
    from sloth_state.sqlite.connection import Connection
    from sloth_state.sqlite.intervals import State
    from sloth_state.sqlite.resource_rows import Stored

_SELECT_NAMED = f"{SELECT_CURRENT} WHERE workflow_key = ? AND type = ? AND name = ?"
_SELECT_CLOSED = f"{SELECT_PAST} WHERE h.resource_key = ? AND h.valid_to = ?"


class ResourceWriter:
    """Writes changes of resources one by one, inside a transaction of the caller's."""

    def __init__(self, db: Connection, new_id: Callable[[], str]) -> None:
        self._db = db
        self._new_id = new_id

    def checked(self, draft: ResourceDraft) -> Said:
        """The draft in the form that is kept. Raises InvalidValue. Needs no transaction."""
        type = check_name(draft.type, "the resource's type")
        name = check_name(draft.name, "the resource's name")
        if not isinstance(draft.attributes, Mapping):
            raise InvalidValue(f"attributes of {type}/{name} must be a map")
        value = dict(draft.attributes)
        attributes = canonical(value, "attributes")
        status = check_text(draft.status, "the status")
        return Said(type, name, attributes, status, draft.action, value)

    def apply(self, run: OpenRun, said: Said) -> Resource:
        """Write what the run says of a resource, if it differs from what is there."""
        if said.action is Action.DELETE:
            return self.remove(run, said.type, said.name)
        stored = self._find(run, said.type, said.name)
        if stored is None:
            id = self._new_id()
            born = intervals.born(run.workflow_key, id, said, run.version, run.now)
            RESOURCES.insert(self._db, *born)
            return resource_of(born, said.value)
        before = stored.state
        change = intervals.recorded if intervals.is_live(before) else intervals.revived
        after = change(before, said, run.version, run.now)
        if after is before:
            return resource_of(before, said.value)._replace(action=Action.NOOP)
        self._replace(run, stored, after)
        return resource_of(after, said.value)

    def remove(self, run: OpenRun, type: str, name: str) -> Resource:
        """Write that the run deleted a resource. Raises ResourceNotFound."""
        stored = self._find(run, type, name)
        if stored is None or not intervals.is_live(stored.state):
            raise self._not_found(run, type, name)
        after = intervals.deleted(stored.state, run.version, run.now)
        if intervals.is_undone(after):
            self._undo(run, stored.key)
        else:
            self._replace(run, stored, after)
        return resource_of(after, from_json(after.attributes))

    def _find(self, run: OpenRun, type: str, name: str) -> Stored | None:
        row = self._db.first(_SELECT_NAMED, (run.workflow_key, type, name))
        return None if row is None else stored_state(self._db, row)

    def _replace(self, run: OpenRun, stored: Stored, after: State) -> None:
        if stored.state.valid_from < run.version:
            self._db.write(INSERT_PAST, past_bindings(stored, run.version))
        RESOURCES.update(self._db, stored.key, *after)

    def _undo(self, run: OpenRun, key: int) -> None:
        """Bring the row back to what it was before the version, be it that there was none."""
        row = self._db.first(_SELECT_CLOSED, (key, run.version))
        if row is None:
            self._db.write("DELETE FROM workflow_resources WHERE resource_key = ?", (key,))
            return
        past = stored_state(self._db, row)
        RESOURCES.update(self._db, key, *past.state)
        self._db.write("DELETE FROM workflow_resource_history WHERE history_key = ?", (past.key,))

    def _not_found(self, run: OpenRun, type: str, name: str) -> ResourceNotFound:
        from difflib import get_close_matches

        rows = self._db.select(
            "SELECT w.name, r.type || '/' || r.name FROM workflows w "
            "LEFT JOIN workflow_resources r "
            "ON r.workflow_key = w.workflow_key AND r.action <> 'delete' "
            "WHERE w.workflow_key = ?",
            (run.workflow_key,),
        )
        known = [identity for _, identity in rows if identity]
        nearest = get_close_matches(f"{type}/{name}", known)
        return ResourceNotFound(rows[0][0], type, name, nearest)
