"""Writing what a run says about resources: the current state, and the past that it closes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sloth_state.errors import InvalidValue, ResourceNotFound, UsageError
from sloth_state.json_map import JsonMap, checked_text
from sloth_state.model import Action, ResourceDraft
from sloth_state.sqlite import intervals
from sloth_state.sqlite.intervals import Content
from sloth_state.sqlite.resource_rows import SELECT_CURRENT, SELECT_PAST
from sloth_state.sqlite.resource_states import (
    INSERT_PAST,
    past_bindings,
    resource_of,
    stored_state,
)
from sloth_state.sqlite.tables import RESOURCES
from sloth_state.values import check_name, check_text, from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from sloth_state.model import Json, Resource
    from sloth_state.sqlite.base import OpenRun
    from sloth_state.sqlite.connection import Connection
    from sloth_state.sqlite.intervals import State
    from sloth_state.sqlite.resource_states import Stored

_SELECT_NAMED = f"{SELECT_CURRENT} WHERE workflow_key = ? AND type = ? AND name = ?"
_MAPS = (JsonMap, dict, Mapping)  # the first two are told faster
_SELECT_CLOSED = f"{SELECT_PAST} WHERE h.resource_key = ? AND h.valid_to = ?"


class ResourceWriter:
    """Writes changes of resources one by one, inside a transaction of the caller's."""

    def __init__(self, db: Connection, new_id: Callable[[], str]) -> None:
        self._db = db
        self._new_id = new_id

    def checked(self, draft: ResourceDraft) -> Content:
        """What a draft says, as it is kept. Raises InvalidValue, also for the rest of the draft."""
        type, name, attributes, status, _, declaration = draft
        check_name(type, "the resource's type")
        check_name(name, "the resource's name")
        if not isinstance(attributes, _MAPS):
            raise InvalidValue(f"attributes of {type}/{name} must be a map")
        text = checked_text(attributes, "attributes")
        check_text(status, "the status")
        if declaration is None:
            return Content(text, None)
        return Content(text, checked_text(declaration, "declaration"))

    def record(
        self, run: OpenRun, draft: ResourceDraft, content: Content, *, made: bool = False
    ) -> Resource:
        """Write a draft that was checked, if it differs from what is there, or the thing was made
        anew."""
        if draft.action is Action.DELETE:
            return self.remove(run, draft.type, draft.name)
        stored = self._find(run, draft.type, draft.name)
        if stored is None:
            return resource_of(run, self._insert(run, draft, content), _own(draft.attributes))
        after = _after(stored.state, run, draft, content, made)
        resource = resource_of(run, after, _own(draft.attributes))
        if after is stored.state:
            return resource._replace(action=Action.NOOP)
        self._replace(run, stored, after)
        return resource

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
        return resource_of(run, after, from_json(after.attributes))

    def move(
        self, source: OpenRun, type: str, name: str, target: OpenRun, new_name: str
    ) -> Resource:
        """Write that a resource has another name from now on, or is another workflow's.

        It keeps its id and its age, unless that name had a resource before: then it has that one's
        id. Raises ResourceNotFound, and UsageError if the name is taken.
        """
        moved = self._find(source, type, name)
        self.remove(source, type, name)
        assert moved is not None, "what was just removed"
        before = moved.state
        draft = ResourceDraft(type, new_name, {}, before.status, Action.CREATE)
        content = Content(before.attributes, before.declaration)
        earlier = self._find(target, type, new_name)
        about = draft, content, target.version, target.now
        if earlier is None:
            born = intervals.born(target.workflow_key, before.id, *about)
            after = born._replace(created_at=before.created_at)
            RESOURCES.insert(self._db, *after)
        elif intervals.is_live(earlier.state):
            raise UsageError(f"there is a resource {type}/{new_name} already")
        else:
            after = intervals.revived(earlier.state, *about)
            self._replace(target, earlier, after)
        return resource_of(target, after, from_json(after.attributes))

    def rename_dependency(self, run: OpenRun, old: str, new: str) -> None:
        """Let whatever depends on a resource name it as it is called now."""
        rows = self._db.select(
            f"{SELECT_CURRENT} WHERE workflow_key = ? AND action <> 'delete' "
            "AND instr(declaration, ?)",
            (run.workflow_key, to_json(old)),
        )
        for row in rows:
            stored = stored_state(self._db, row)
            state = stored.state
            declaration = from_json(state.declaration or "{}")
            named = declaration.get("depends_on", [])
            if old in named:
                declaration["depends_on"] = sorted(new if each == old else each for each in named)
                draft = ResourceDraft(state.type, state.name, {}, state.status, Action.UPDATE)
                content = Content(state.attributes, to_json(declaration))
                self._replace(run, stored, _after(state, run, draft, content, False))

    def _find(self, run: OpenRun, type: str, name: str) -> Stored | None:
        row = self._db.first(_SELECT_NAMED, (run.workflow_key, type, name))
        return None if row is None else stored_state(self._db, row)

    def _insert(self, run: OpenRun, draft: ResourceDraft, content: Content) -> State:
        key, id = run.workflow_key, self._new_id()
        born = intervals.born(key, id, draft, content, run.version, run.now)
        RESOURCES.insert(self._db, *born)
        return born

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


def _after(
    before: State, run: OpenRun, draft: ResourceDraft, content: Content, made: bool
) -> State:
    if intervals.is_live(before):
        return intervals.recorded(before, draft, content, run.version, run.now, made=made)
    return intervals.revived(before, draft, content, run.version, run.now)


def _own(attributes: Mapping[str, Json]) -> Mapping[str, Json]:
    """The same, and the caller cannot change it afterwards."""
    return attributes if type(attributes) is JsonMap else dict(attributes)
