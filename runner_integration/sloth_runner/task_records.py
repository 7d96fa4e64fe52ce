"""How a task ends, and its durable record."""

from __future__ import annotations

import asyncio
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
        self._queue = RecordQueue(run)
        self._emit = emit
        self._begun: dict[str, tuple[int, asyncio.Future[None]]] = {}
        """The try of each task that goes on, and when its row is durable."""
        self.over_before: dict[str, TaskOutcome] = {}
        """Tasks that were cancelled when their end was durable already."""

    async def begin(self, task: Task, attempt: int) -> None:
        """A try of a task begins; on several machines, the first that comes to it."""
        last, written = self._begun.get(task.name, (0, None))
        if written is not None and attempt <= last:
            await written
            return
        record = TaskRecord(task.name, TaskStatus.RUNNING, attempt, datetime.now(UTC), None)
        written = self._queue.add(record)
        self._begun[task.name] = attempt, written
        await written
        self._emit(TaskStarted(task.name, attempt))

    def attempts(self, task: Task) -> int:
        """How often a task that goes on was tried."""
        attempt, _ = self._begun.get(task.name, (1, None))
        return attempt

    async def finish(self, task: Task, outcome: TaskOutcome, started: datetime) -> TaskOutcome:
        """A task is over. Its outcome becomes a failure if its output cannot be kept."""
        try:
            return await self._finish(task, outcome, started)
        except InvalidValue as error:
            outcome = outcome._replace(status=TaskStatus.FAILED, error=error, output=None)
            return await self._finish(task, outcome, started)

    async def _finish(self, task: Task, outcome: TaskOutcome, started: datetime) -> TaskOutcome:
        record = _record(task, outcome, started)
        written = self._queue.add(record)
        try:
            await written
        except asyncio.CancelledError:
            if written.cancelled():
                raise
            self.over_before[task.name] = outcome
            self._ended(record, outcome, started)
            raise
        self._ended(record, outcome, started)
        return outcome

    def finish_at_once(self, task: Task, outcome: TaskOutcome, started: datetime) -> TaskOutcome:
        """The same for a task that gave no output, and without giving others a turn."""
        record = _record(task, outcome, started)
        self._run.save_tasks([record])
        self._ended(record, outcome, started)
        return outcome

    def _ended(self, record: TaskRecord, outcome: TaskOutcome, started: datetime) -> None:
        self._begun.pop(record.name, None)
        assert record.ended_at is not None
        self._emit(
            TaskFinished(
                record.name,
                outcome.status,
                outcome.attempts,
                (record.ended_at - started).total_seconds(),
                outcome.message,
                str(outcome.error) if outcome.error else None,
                changed=_has_changed(outcome),
                hint=outcome.error.hint if outcome.error else None,
            )
        )

    def restore(self, record: TaskRecord) -> TaskOutcome:
        """A task that an earlier run has done is not run again; its output is there anyway."""
        why = f"done by run {record.done_by}"
        self._emit(TaskFinished(record.name, TaskStatus.SKIPPED, 0, 0.0, why, None, changed=False))
        return TaskOutcome(TaskStatus.SKIPPED, why, record.output)


def _record(task: Task, outcome: TaskOutcome, started: datetime) -> TaskRecord:
    skipped = outcome.status is TaskStatus.SKIPPED
    why = str(outcome.error) if outcome.error else outcome.message if skipped else None
    where = outcome.error.where if isinstance(outcome.error, ScriptError) else None
    return TaskRecord(
        task.name,
        outcome.status,
        outcome.attempts,
        None if skipped else started,
        datetime.now(UTC),
        outcome.output,
        why,
        where,
    )


def _has_changed(outcome: TaskOutcome) -> bool:
    if outcome.status is TaskStatus.SKIPPED:
        return False
    return not (outcome.unchanged or says_unchanged(outcome.output))


def says_unchanged(output: Json) -> bool:
    """Whether a task's output says that it changed nothing."""
    return isinstance(output, dict) and output.get("changed") is False


class RecordQueue:
    """Writes rows when the event loop has given all that are ready their turn."""

    def __init__(self, run: ActiveRun) -> None:
        self._run = run
        self._waiting: list[tuple[TaskRecord, asyncio.Future[None]]] = []

    def add(self, record: TaskRecord) -> asyncio.Future[None]:
        """Done when the row is durable, or raises what the store does. Cancel it to write none."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._write)
        written: asyncio.Future[None] = loop.create_future()
        self._waiting.append((record, written))
        return written

    def _write(self) -> None:
        waiting = [each for each in self._waiting if not each[1].cancelled()]
        self._waiting = []
        if len(waiting) > 1:
            try:
                self._run.save_tasks([record for record, _ in waiting])
            except InvalidValue:  # it is the fault of one of them
                for each in waiting:
                    self._write_alone(*each)
            except Exception as error:
                for _, written in waiting:
                    _fail(written, error)
            else:
                for _, written in waiting:
                    written.set_result(None)
        elif waiting:
            self._write_alone(*waiting[0])

    def _write_alone(self, record: TaskRecord, written: asyncio.Future[None]) -> None:
        try:
            self._run.save_tasks([record])
        except Exception as error:
            _fail(written, error)
        else:
            written.set_result(None)


def _fail(written: asyncio.Future[None], error: Exception) -> None:
    written.set_exception(error)
    written.exception()  # seen, or asyncio would complain if its task is cancelled just now
