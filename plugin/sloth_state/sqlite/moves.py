"""Moving the record of a resource to another name or to another workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_state.errors import UsageError
from sloth_state.sqlite.resources import Resources
from sloth_state.values import check_name

if TYPE_CHECKING:
    from sloth_state.model import Lock, Resource
    from sloth_state.sqlite.base import OpenRun


class Moves(Resources):
    """The part of `Store` about moving resources."""

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

    def _share_contents(self, source: OpenRun, target: OpenRun) -> None:
        """Whatever the resource names by its hash outlives the workflow that it leaves."""
        self._db.write(
            "INSERT OR IGNORE INTO kept_contents (workflow_key, content_key) "
            "SELECT ?, content_key FROM kept_contents WHERE workflow_key = ?",
            (target.workflow_key, source.workflow_key),
        )
