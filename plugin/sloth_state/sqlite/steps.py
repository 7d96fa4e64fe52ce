"""Steps of tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_state import model
from sloth_state.sqlite.base import StoreBase
from sloth_state.sqlite.tables import STEPS
from sloth_state.sqlite.timestamps import from_microseconds
from sloth_state.values import canonical, check_name, from_json

if TYPE_CHECKING:
    from sloth_state.model import Json, Lock, Step


class Steps(StoreBase):
    """The part of `Store` about the steps of tasks."""

    def save_step(
        self, run_id: str, task: str, position: int, name: str, value: Json, lock: Lock
    ) -> None:
        check_name(name, "the step's name")
        text = canonical(value, f"what step {name} returns")
        with self._db.transaction():
            run = self._open_run(run_id, lock)
            STEPS.insert(self._db, run.run_key, task, position, name, text, run.now)

    def steps(self, run_id: str, task: str) -> list[Step]:
        rows = self._db.select(
            f"SELECT {STEPS.selected('s')} FROM steps s "
            "WHERE run_key = ? AND task = ? ORDER BY position",
            (self._run_key(run_id), task),
        )
        steps = []
        for key, *columns, checksum in rows:
            STEPS.check(self._db, key, columns, checksum)
            _, _, position, name, value, recorded_at = columns
            when = from_microseconds(recorded_at)
            steps.append(model.Step(task, position, name, from_json(value), when))
        return steps
