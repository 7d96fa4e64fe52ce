"""Tags of runs, and the audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_state import model
from sloth_state.errors import NotFound
from sloth_state.sqlite.base import StoreBase
from sloth_state.sqlite.tables import AUDIT_TRAIL, TAGS
from sloth_state.sqlite.timestamps import from_microseconds
from sloth_state.values import check_name, check_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sloth_state.model import AuditEntry


class Tags(StoreBase):
    """The part of `Store` about tags and the audit trail."""

    def add_tags(self, run_id: str, tags: Sequence[str], actor: str) -> list[str]:
        wanted = {check_name(tag, "the tag") for tag in tags}
        with self._db.transaction():
            new = sorted(wanted.difference(self.tags(run_id)))
            run_key = self._run_key(run_id)
            TAGS.insert_many(self._db, [(run_key, tag) for tag in new])
            self._audit_tags(run_id, "tag", new, actor)
            return self.tags(run_id)

    def remove_tags(self, run_id: str, tags: Sequence[str], actor: str) -> list[str]:
        with self._db.transaction():
            absent = sorted(set(tags).difference(self.tags(run_id)))
            if absent:
                raise NotFound(f"run {run_id} has no tag {', '.join(absent)}")
            run_key = self._run_key(run_id)
            rows = [(run_key, tag) for tag in tags]
            self._db.write_many("DELETE FROM run_tags WHERE run_key = ? AND tag = ?", rows)
            self._audit_tags(run_id, "untag", sorted(set(tags)), actor)
            return self.tags(run_id)

    def tags(self, run_id: str) -> list[str]:
        rows = TAGS.select(self._db, "run_key = ? ORDER BY tag", self._run_key(run_id))
        return [tag for _, _, tag in rows]

    def tag_counts(self) -> dict[str, int]:
        rows = self._db.select("SELECT tag, count(*) FROM run_tags GROUP BY tag ORDER BY tag")
        return dict(rows)

    def audit(self, actor: str, action: str, workflow: str | None, detail: str) -> None:
        for text in (actor, action, workflow or "", detail):
            check_text(text, "an audit entry")
        with self._db.transaction():
            AUDIT_TRAIL.insert(self._db, self._now(), actor, action, workflow, detail)

    def audit_trail(
        self, workflow: str | None = None, *, limit: int | None = None
    ) -> list[AuditEntry]:
        condition, bindings = ("TRUE", []) if workflow is None else ("workflow = ?", [workflow])
        rows = AUDIT_TRAIL.select(
            self._db,
            f"{condition} ORDER BY entry_key DESC LIMIT ?",
            *bindings,
            -1 if limit is None else limit,
        )
        return [model.AuditEntry(from_microseconds(at), *said) for _, at, *said in rows]

    def _audit_tags(self, run_id: str, action: str, tags: Sequence[str], actor: str) -> None:
        if not tags:
            return
        row = self._db.first(
            "SELECT w.name FROM workflow_states r JOIN workflows w USING (workflow_key) "
            "WHERE r.id = ?",
            (run_id,),
        )
        assert row is not None, "a run that was just found"
        detail = f"{run_id}: {', '.join(tags)}"
        AUDIT_TRAIL.insert(self._db, self._now(), actor, action, row[0], detail)
