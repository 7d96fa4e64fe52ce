"""Outputs and tasks of runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sloth_state import model
from sloth_state.sqlite.base import StoreBase
from sloth_state.sqlite.tables import OUTPUTS, TASKS
from sloth_state.sqlite.timestamps import from_optional_microseconds, to_optional_microseconds
from sloth_state.values import canonical, check_name, check_text, from_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sloth_state.model import Lock, Output, TaskRecord


class Outputs(StoreBase):
    """The part of `Store` about outputs and tasks."""

    def set_output(self, run_id: str, output: Output, lock: Lock) -> None:
        key = check_name(output.key, "the output's key")
        value = canonical(output.value, f"output {key}")
        with self._db.transaction():
            run = self._open_run(run_id, lock)
            OUTPUTS.save(self._db, run.run_key, key, value, int(output.sensitive))

    def outputs(self, run_id: str) -> dict[str, Output]:
        rows = self._db.select(
            f"SELECT {OUTPUTS.selected('o')} FROM workflow_outputs o "
            "WHERE run_key = ? ORDER BY output_key",
            (self._run_key(run_id),),
        )
        outputs = {}
        for row_key, *columns, checksum in rows:
            OUTPUTS.check(self._db, row_key, columns, checksum)
            _, key, value, sensitive = columns
            outputs[key] = model.Output(key, from_json(value), bool(sensitive))
        return outputs

    def save_tasks(self, run_id: str, tasks: Sequence[TaskRecord], lock: Lock) -> None:
        rows = [_row(task) for task in tasks]
        with self._db.transaction():
            run = self._open_run(run_id, lock)
            for row in rows:
                TASKS.save(self._db, run.run_key, *row)

    def tasks(self, run_id: str) -> list[TaskRecord]:
        rows = self._db.select(
            f"SELECT {TASKS.selected('t')} FROM workflow_tasks t "
            "WHERE run_key = ? ORDER BY task_key",
            (self._run_key(run_id),),
        )
        tasks = []
        for row_key, *columns, checksum in rows:
            TASKS.check(self._db, row_key, columns, checksum)
            _, name, status, attempts, started_at, ended_at, output, *rest = columns
            tasks.append(
                model.TaskRecord(
                    name,
                    model.TaskStatus(status),
                    attempts,
                    from_optional_microseconds(started_at),
                    from_optional_microseconds(ended_at),
                    from_json(output),
                    *rest,
                )
            )
        return tasks


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
