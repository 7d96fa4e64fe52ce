"""What the tasks of a run leave: their rows, outputs, steps and events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sloth_state import model
from sloth_state.sqlite.base import StoreBase
from sloth_state.sqlite.tables import EVENTS, OUTPUTS, STEPS, TASKS
from sloth_state.sqlite.timestamps import (
    from_microseconds,
    from_optional_microseconds,
    to_optional_microseconds,
)
from sloth_state.values import canonical, check_name, check_text, from_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sloth_state.model import DispatchedEvent, Json, Lock, Output, Step, TaskRecord


class Tasks(StoreBase):
    """The part of `Store` about tasks, their steps and events, and outputs."""

    def set_output(self, run_id: str, output: Output, lock: Lock) -> None:
        key = check_name(output.key, "the output's key")
        value = canonical(output.value, f"output {key}")
        with self._db.transaction():
            run = self._open_run(run_id, lock)
            OUTPUTS.save(self._db, run.run_key, key, value, int(output.sensitive))

    def outputs(self, run_id: str) -> dict[str, Output]:
        rows = OUTPUTS.select(self._db, "run_key = ? ORDER BY output_key", self._run_key(run_id))
        return {
            key: model.Output(key, from_json(value), bool(sensitive))
            for _, _, key, value, sensitive in rows
        }

    def save_tasks(self, run_id: str, tasks: Sequence[TaskRecord], lock: Lock) -> None:
        rows = [_row(task) for task in tasks]
        with self._db.transaction():
            run = self._open_run(run_id, lock)
            for row in rows:
                TASKS.save(self._db, run.run_key, *row)

    def tasks(self, run_id: str) -> list[TaskRecord]:
        rows = TASKS.select(self._db, "run_key = ? ORDER BY task_key", self._run_key(run_id))
        return [
            model.TaskRecord(
                name,
                model.TaskStatus(status),
                attempts,
                from_optional_microseconds(started_at),
                from_optional_microseconds(ended_at),
                from_json(output),
                *rest,
            )
            for _, _, name, status, attempts, started_at, ended_at, output, *rest in rows
        ]

    def save_step(
        self, run_id: str, task: str, position: int, name: str, value: Json, lock: Lock
    ) -> None:
        check_name(name, "the step's name")
        text = canonical(value, f"what step {name} returns")
        with self._db.transaction():
            run = self._open_run(run_id, lock)
            STEPS.insert(self._db, run.run_key, task, position, name, text, run.now)

    def steps(self, run_id: str, task: str) -> list[Step]:
        condition = "run_key = ? AND task = ? ORDER BY position"
        rows = STEPS.select(self._db, condition, self._run_key(run_id), task)
        return [
            model.Step(task, position, name, from_json(value), from_microseconds(recorded_at))
            for _, _, _, position, name, value, recorded_at in rows
        ]

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
        rows = EVENTS.select(self._db, "run_key = ? ORDER BY event_key", self._run_key(run_id))
        return [
            model.DispatchedEvent(type, from_json(data), task, from_microseconds(at))
            for _, _, type, data, task, at in rows
        ]


def _row(task: TaskRecord) -> Sequence[Any]:
    name = check_name(task.name, "the task's name")
    texts = [
        None if text is None else check_text(text, f"the {what} of task {name}")
        for what, text in (("error", task.error_msg), ("location", task.location))
    ]
    return (
        name,
        task.status.value,
        task.attempts,
        to_optional_microseconds(task.started_at),
        to_optional_microseconds(task.ended_at),
        canonical(task.output, f"output of task {name}"),
        *texts,
        task.done_by,
    )
