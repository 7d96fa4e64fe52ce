"""Tasks that a script runs itself, with `task:run()`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sloth_runner.definitions import task_of
from sloth_runner.errors import WorkflowError
from sloth_state.model import TaskStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sloth_runner.session import Session
    from sloth_runner.task_records import TaskOutcome
    from sloth_runner.task_run import TaskRunner
    from sloth_runner.workflow import Task
    from sloth_state.model import Json, TaskRecord


class TasksAtOnce:
    """Runs tasks because other ones, or the file's top level, wait for them.

    Like any others, they are not run again if a resumed run has done them, nor if they are left
    out. The time they take is also that of who waits for them.
    """

    def __init__(
        self,
        session: Session,
        runner: TaskRunner,
        outcomes: dict[str, TaskOutcome],
        done: Mapping[str, TaskRecord],
        *,
        is_left_out: Callable[[str], bool],
        is_running: Callable[[str], bool] = lambda _name: False,
    ) -> None:
        """`outcomes`: gets what becomes of them. `done`: by an earlier run, which is resumed.

        `is_running`: whether a task is under way in its own turn.
        """
        self._session = session
        self._runner = runner
        self._outcomes = outcomes
        self._done = done
        self._is_left_out = is_left_out
        self._is_running = is_running
        self.on_end: Callable[[], None] = lambda: None
        """Called when one of them is over."""

    async def run(self, spec: Mapping[str, Any]) -> TaskOutcome:
        """Run a task that the script has described. Raises WorkflowError if it runs already."""
        task = task_of(spec, {}, self._session.script)
        name, runner = task.name, self._runner
        if name in runner.callers or self._is_running(name):
            raise WorkflowError(
                f"the task {name!r} is running already",
                hint="Nobody can run it before it is over: let one task depend on the other.",
            )
        if record := self._done.get(name):
            outcome = runner.restore(record)
        elif self._is_left_out(name):
            outcome = runner.skip(task, "left out by --only or --skip")
        else:
            outputs = self._outputs_before(task)
            runner.callers[name] = self._session.current
            try:
                outcome = await runner.run(task, outputs)
            finally:
                del runner.callers[name]
                if name in runner.stopped:
                    self._outcomes[name] = runner.stopped[name]
                self.on_end()
        self._outcomes[name] = outcome
        return outcome

    def _outputs_before(self, task: Task) -> dict[str, Json]:
        """What the tasks that it depends on have given, which nobody runs because of it."""
        outputs: dict[str, Json] = {}
        for name in task.depends_on:
            before = self._outcomes.get(name)
            if before is None or before.status is TaskStatus.FAILED:
                raise WorkflowError(
                    f"the task {task.name!r} depends on {name}, which "
                    + ("has not been run" if before is None else "failed"),
                    hint="task:run() runs one task alone: run those that it needs first.",
                )
            outputs[name] = before.output or {}
        return outputs
