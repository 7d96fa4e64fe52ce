"""How a task ends, and its durable record."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from sloth_runner.errors import ScriptError
from sloth_runner.events import TaskFinished, TaskStarted
from sloth_state.errors import InvalidValue
from sloth_state.model import TaskRecord, TaskStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from sloth_runner.active_run import ActiveRun
    from sloth_runner.events import Event
    from sloth_runner.workflow import Task
    from sloth_state.errors import SlothError
    from sloth_state.model import Json


class TaskOutcome(NamedTuple):
    """How a task ended."""

    status: TaskStatus
    message: str | None = None
    output: Json = None
    error: SlothError | None = None
    attempts: int = 0
    aborts: bool = False
    """`abort_if` was true: nothing more of the workflow is started."""
    unchanged: bool = False
    """On each of several machines its output said `changed = false`."""


class TaskRecords:
    """Writes the rows of tasks, and tells of them once they are durable."""

    def __init__(self, run: ActiveRun, emit: Callable[[Event], None]) -> None:
        self._run = run
        self._emit = emit
        self._attempts: dict[str, int] = {}

    def begin(self, task: Task, attempt: int) -> None:
        """A try of a task begins; on several machines, the first that comes to it."""
        if attempt <= self._attempts.get(task.name, 0):
            return
        self._attempts[task.name] = attempt
        record = TaskRecord(task.name, TaskStatus.RUNNING, attempt, datetime.now(UTC), None)
        self._run.save_task(record)
        self._emit(TaskStarted(task.name, attempt))

    def attempts(self, task: Task) -> int:
        """How often a task that goes on was tried."""
        return self._attempts.get(task.name, 1)

    def finish(self, task: Task, outcome: TaskOutcome, started: datetime) -> TaskOutcome:
        """A task is over. Its outcome becomes a failure if its output cannot be kept."""
        self._attempts.pop(task.name, None)
        try:
            ended = self._save(task, outcome, started)
        except InvalidValue as error:
            outcome = outcome._replace(status=TaskStatus.FAILED, error=error, output=None)
            ended = self._save(task, outcome, started)
        changed = not (outcome.unchanged or says_unchanged(outcome.output))
        self._emit(
            TaskFinished(
                task.name,
                outcome.status,
                outcome.attempts,
                (ended - started).total_seconds(),
                outcome.message,
                str(outcome.error) if outcome.error else None,
                changed,
            )
        )
        return outcome

    def restore(self, record: TaskRecord) -> TaskOutcome:
        """A task that an earlier run has done is not run again; its output is there anyway."""
        why = f"done by run {record.done_by}"
        self._emit(TaskFinished(record.name, TaskStatus.SKIPPED, 0, 0.0, why, None, changed=True))
        return TaskOutcome(TaskStatus.SKIPPED, why, record.output)

    def _save(self, task: Task, outcome: TaskOutcome, started: datetime) -> datetime:
        ended = datetime.now(UTC)
        skipped = outcome.status is TaskStatus.SKIPPED
        why = str(outcome.error) if outcome.error else outcome.message if skipped else None
        where = outcome.error.where if isinstance(outcome.error, ScriptError) else None
        self._run.save_task(
            TaskRecord(
                task.name,
                outcome.status,
                outcome.attempts,
                None if skipped else started,
                ended,
                outcome.output,
                why,
                where,
            )
        )
        return ended


def says_unchanged(output: Json) -> bool:
    """Whether a task's output says that it changed nothing."""
    return isinstance(output, dict) and output.get("changed") is False
