"""Resources: recording what a run does to them, and showing them as any version knew them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from sloth_state import model
from sloth_state.errors import UsageError
from sloth_state.sqlite.base import StoreBase
from sloth_state.sqlite.versions import no_such_version
from sloth_state.values import check_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sloth_state.model import Lock, Resource, ResourceDraft
    from sloth_state.recorded import RecordedResources
    from sloth_state.sqlite.base import OpenRun
    from sloth_state.sqlite.resource_writer import ResourceWriter


class Resources(StoreBase):
    """The part of `Store` about resources."""

    def record(self, run_id: str, drafts: Sequence[ResourceDraft], lock: Lock) -> list[Resource]:
        writer = self._writer
        checked = [(draft, writer.checked(draft)) for draft in drafts]
        with self._db.transaction():
            run = self._open_run(run_id, lock)
            return [writer.record(run, draft, content) for draft, content in checked]

    def remove_resource(self, run_id: str, type: str, name: str, lock: Lock) -> Resource:
        with self._db.transaction():
            return self._writer.remove(self._open_run(run_id, lock), type, name)

    def move_resource(
        self,
        run_id: str,
        type: str,
        name: str,
        new_name: str,
        lock: Lock,
        *,
        to: tuple[str, Lock] | None = None,
    ) -> Resource:
        check_name(new_name, "the resource's name")
        with self._db.transaction():
            source = self._open_run(run_id, lock)
            target = source if to is None else self._open_run(*to)
            if source.workflow_key != target.workflow_key:
                self._share_contents(source, target)
            elif name == new_name:
                raise UsageError(f"{type}/{name} already has this name")
            resource = self._writer.move(source, type, name, target, new_name)
            if source.workflow_key == target.workflow_key:
                self._writer.rename_dependency(source, f"{type}/{name}", f"{type}/{new_name}")
            return resource

    def resource(
        self, workflow: str, type: str, name: str, *, version: int | None = None
    ) -> Resource | None:
        from sloth_state.sqlite.resource_rows import (
            SELECT_CURRENT,
            SELECT_PAST,
            action_of,
            resources_of,
        )

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
            return None if action_of(row) == model.Action.DELETE else resource

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

    def recorded(self, workflow: str) -> RecordedResources:
        from sloth_state.recorded import RecordedResources
        from sloth_state.sqlite.resource_rows import (
            SELECT_CURRENT,
            identity_of,
            resources_of,
            texts_of,
        )

        with self._db.snapshot():
            workflow_key = self._workflow_key(workflow)
            newest = self._newest_version(workflow, workflow_key, None)
            rows = self._db.select(
                f"{SELECT_CURRENT} WHERE r.workflow_key = ? AND r.action <> 'delete'",
                (workflow_key,),
            )
        return RecordedResources(
            {identity_of(row): row for row in rows},
            make=lambda row: resources_of(self._db, [row], newest)[0],
            texts=texts_of,
        )

    def _share_contents(self, source: OpenRun, target: OpenRun) -> None:
        """Whatever the resource names by its hash outlives the workflow that it leaves."""
        self._db.write(
            "INSERT OR IGNORE INTO kept_contents (workflow_key, content_key) "
            "SELECT ?, content_key FROM kept_contents WHERE workflow_key = ?",
            (target.workflow_key, source.workflow_key),
        )

    @cached_property
    def _writer(self) -> ResourceWriter:
        # Looking at runs must not import it; importing anew for each resource would cost 1 µs.
        from sloth_state.sqlite.resource_writer import ResourceWriter

        return ResourceWriter(self._db, self._new_id)

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
