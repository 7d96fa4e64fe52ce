"""Resources: recording what a run does to them, and showing them as any version knew them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sloth_state import model
from sloth_state.errors import InvalidValue
from sloth_state.sqlite.base import StoreBase
from sloth_state.sqlite.versions import no_such_version
from sloth_state.values import canonical, check_name, check_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sloth_state.model import Lock, Resource, ResourceDraft
    from sloth_state.sqlite.intervals import Said


class Resources(StoreBase):
    """The part of `Store` about resources."""

    def record(self, run_id: str, drafts: Sequence[ResourceDraft], lock: Lock) -> list[Resource]:
        return self._say(run_id, [_checked(draft) for draft in drafts], lock)

    def remove_resource(self, run_id: str, type: str, name: str, lock: Lock) -> Resource:
        from sloth_state.sqlite.intervals import Said

        return self._say(run_id, [Said(type, name, "{}", "", model.Action.DELETE, {})], lock)[0]

    def resource(
        self, workflow: str, type: str, name: str, *, version: int | None = None
    ) -> Resource | None:
        from sloth_state.sqlite.resource_rows import SELECT_CURRENT, SELECT_PAST, resources_of

        with self._db.snapshot():
            workflow_key = self._workflow_key(workflow)
            newest = self._newest_version(workflow, workflow_key, version)
            seen_from = newest if version is None else version
            identity = (workflow_key, type, name, seen_from)
            row = self._db.first(
                f"{SELECT_CURRENT} WHERE r.workflow_key = ? AND r.type = ? AND r.name = ? "
                "AND r.valid_from <= ?",
                identity,
            ) or self._db.first(
                f"{SELECT_PAST} WHERE r.workflow_key = ? AND r.type = ? AND r.name = ? "
                "AND h.valid_from <= ? AND h.valid_to > ?",
                (*identity, seen_from),
            )
            if row is None:
                return None
            (resource,) = resources_of(self._db, [row], seen_from)
            return None if row[7] == model.Action.DELETE else resource

    def resources(
        self, workflow: str, *, version: int | None = None, type: str | None = None
    ) -> list[Resource]:
        from sloth_state.sqlite.resource_rows import SELECT_CURRENT, SELECT_PAST, resources_of

        with self._db.snapshot():
            workflow_key = self._workflow_key(workflow)
            newest = self._newest_version(workflow, workflow_key, version)
            seen_from = newest if version is None else version
            of_type, types = ("", ()) if type is None else ("AND r.type = ?", (type,))
            sql = (
                f"{SELECT_CURRENT} WHERE r.workflow_key = ? AND r.valid_from <= ? "
                f"AND (r.action <> 'delete' OR r.valid_from = ?) {of_type}"
            )
            bindings = [workflow_key, seen_from, seen_from, *types]
            if seen_from < newest:
                sql += (
                    f"UNION ALL {SELECT_PAST} WHERE h.workflow_key = ? AND h.valid_from <= ? "
                    f"AND h.valid_to > ? AND (h.action <> 'delete' OR h.valid_from = ?) {of_type}"
                )
                bindings += [workflow_key, seen_from, seen_from, seen_from, *types]
            rows = self._db.select(f"{sql} ORDER BY r.type, r.name", bindings)
            return resources_of(self._db, rows, seen_from)

    def _say(self, run_id: str, said: Sequence[Said], lock: Lock) -> list[Resource]:
        from sloth_state.sqlite.resource_writer import ResourceWriter

        with self._db.transaction():
            run = self._open_run(run_id, lock)
            writer = ResourceWriter(self._db, run, self._now(), self._new_id)
            resources = [writer.apply(one) for one in said]
            writer.write()
            return resources

    def _newest_version(self, workflow: str, workflow_key: int, asked: int | None) -> int:
        """The number of the newest version; ReferenceNotFound if the one asked for is not there."""
        row = self._db.first(
            "SELECT max(version), EXISTS (SELECT 1 FROM workflow_states "
            "WHERE workflow_key = ? AND version = ?) FROM workflow_states WHERE workflow_key = ?",
            (workflow_key, asked, workflow_key),
        )
        assert row is not None
        if asked is not None and not row[1]:
            raise no_such_version(workflow, asked)
        return int(row[0])


def _checked(draft: ResourceDraft) -> Said:
    from sloth_state.sqlite.intervals import Said

    type = check_name(draft.type, "the resource's type")
    name = check_name(draft.name, "the resource's name")
    if not isinstance(draft.attributes, Mapping):
        raise InvalidValue(f"attributes of {type}/{name} must be a map")
    value = dict(draft.attributes)
    attributes = canonical(value, "attributes")
    status = check_text(draft.status, "the status")
    return Said(type, name, attributes, status, draft.action, value)
