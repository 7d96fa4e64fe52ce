"""What checks for drift have found. Of what is found again and again only the first is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_state import model
from sloth_state.json_map import checked_text
from sloth_state.sqlite.base import StoreBase
from sloth_state.sqlite.tables import DETECTIONS
from sloth_state.sqlite.timestamps import from_microseconds
from sloth_state.values import from_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sloth_state.model import Detection, NewDetection
    from sloth_state.sqlite.connection import Row


_NEWEST = """
    SELECT r.type, r.name, r.resource_key, d.expected, d.actual, d.drifted, d.error
    FROM workflow_resources r LEFT JOIN drift_detections d ON d.detection_key =
        (SELECT max(detection_key) FROM drift_detections n WHERE n.resource_key = r.resource_key)
    WHERE r.workflow_key = ?
"""


class Detections(StoreBase):
    """The part of `Store` about drift."""

    def record_detections(
        self, workflow: str, version: int, detections: Sequence[NewDetection]
    ) -> int:
        rows = [
            (
                (each.type, each.name),
                checked_text(each.expected, "expected"),
                None if each.actual is None else checked_text(each.actual, "actual"),
                None if each.drifted is None else int(each.drifted),
                each.error,
            )
            for each in detections
        ]
        with self._db.transaction():
            workflow_key, now = self._workflow_key(workflow), self._now()
            known = {row[:2]: row[2:] for row in self._db.select(_NEWEST, (workflow_key,))}
            new = [
                (known[identity][0], version, now, *found)
                for identity, *found in rows
                if identity in known and known[identity][1:] != tuple(found)
            ]
            DETECTIONS.insert_many(self._db, new)
            return len(new)

    def detections(
        self, workflow: str, *, type: str | None = None, limit: int | None = None
    ) -> list[Detection]:
        rows = self._db.select(
            f"SELECT {DETECTIONS.selected('d')}, r.id, r.type, r.name FROM drift_detections d "
            "JOIN workflow_resources r USING (resource_key) WHERE r.workflow_key = ?1 "
            "AND (?2 IS NULL OR r.type = ?2) ORDER BY detection_key DESC LIMIT ?3",
            (self._workflow_key(workflow), type, -1 if limit is None else limit),
        )
        return [self._detection(row) for row in rows]

    def _detection(self, row: Row) -> Detection:
        own, (id, type, name) = row[:-3], row[-3:]
        _, _, version, detected_at, *found = DETECTIONS.checked(self._db, own)
        expected, actual, drifted, error = found
        return model.Detection(
            id,
            type,
            name,
            version,
            from_microseconds(detected_at),
            from_json(expected),
            None if actual is None else from_json(actual),
            None if drifted is None else bool(drifted),
            error,
        )
