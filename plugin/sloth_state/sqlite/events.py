"""Events that scripts dispatch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_state import model
from sloth_state.sqlite.base import StoreBase
from sloth_state.sqlite.tables import EVENTS
from sloth_state.sqlite.timestamps import from_microseconds
from sloth_state.values import canonical, check_name, from_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sloth_state.model import DispatchedEvent, Json, Lock


class Events(StoreBase):
    """The part of `Store` about dispatched events."""

    def save_event(
        self,
        run_id: str,
        type: str,
        data: Mapping[str, Json],
        lock: Lock,
        *,
        task: str | None = None,
    ) -> DispatchedEvent:
        check_name(type, "the event's type")
        text = canonical(dict(data), f"the data of event {type}")
        with self._db.transaction():
            run = self._open_run(run_id, lock)
            EVENTS.insert(self._db, run.run_key, type, text, task, run.now)
        return model.DispatchedEvent(type, data, task, run.moment)

    def events(self, run_id: str) -> list[DispatchedEvent]:
        rows = self._db.select(
            f"SELECT {EVENTS.selected('e')} FROM events e WHERE run_key = ? ORDER BY event_key",
            (self._run_key(run_id),),
        )
        events = []
        for key, *columns, checksum in rows:
            EVENTS.check(self._db, key, columns, checksum)
            _, type, data, task, at = columns
            when = from_microseconds(at)
            events.append(model.DispatchedEvent(type, from_json(data), task, when))
        return events
