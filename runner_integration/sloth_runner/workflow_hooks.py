"""The hooks of a workflow: before its first task, and after its last one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sloth_runner.errors import WorkflowError, WorkflowFailed
from sloth_runner.events import TaskOutput
from sloth_runner.time_limit import TimeLimit
from sloth_state.model import TaskStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sloth_runner.driver import Driver
    from sloth_runner.task_records import TaskOutcome
    from sloth_runner.workflow import Workflow
    from sloth_state.errors import SlothError


class WorkflowHooks:
    """Calls `on_start`, then `on_success` or `on_failure`, and `on_complete` of one workflow."""

    def __init__(
        self, workflow: Workflow, driver: Driver, outcomes: Mapping[str, TaskOutcome]
    ) -> None:
        """`outcomes`: what has become of its tasks when the closing ones are called."""
        self._workflow = workflow
        self._driver = driver
        self._outcomes = outcomes

    async def start(self) -> WorkflowFailed | None:
        """Call those that come first; how they failed, if they did."""
        try:
            await self._call("on_start", "start", {})
        except WorkflowError as error:
            self._driver.limits.raise_fatal()
            excerpt = getattr(error, "excerpt", None)
            return WorkflowFailed(f"on_start: {error}", hint=error.hint, excerpt=excerpt)
        return None

    async def close(self, failure: SlothError | None) -> None:
        """Call those that come last. An error in them is told and changes nothing."""
        facts = {"success": failure is None, "tasks": self._results()}
        for name in ("on_failure" if failure else "on_success", "on_complete"):
            try:
                await self._call(name, "complete", facts)
            except WorkflowError as error:
                self._driver.limits.raise_fatal()
                text = f"the workflow's {name} failed: {error}"
                self._driver.session.emit(TaskOutput(None, "warn", text))

    async def _call(self, name: str, kind: str, facts: dict[str, Any]) -> None:
        context = self._driver.session.top_level
        if self._workflow.workdir is not None:
            context.workdir = self._workflow.workdir
        for call in self._workflow.hooks.get(name, ()):
            async with TimeLimit(context, f"{name} of the workflow", self._workflow.timeout):
                await self._driver.call(kind, call, context, facts)

    def _results(self) -> list[dict[str, Any]]:
        position = {task.name: index for index, task in enumerate(self._workflow.tasks)}
        last = len(position)  # tasks that only `run()` knows come after the others
        ordered = sorted(self._outcomes.items(), key=lambda each: position.get(each[0], last))
        return [_result(name, outcome) for name, outcome in ordered]


def _result(name: str, outcome: TaskOutcome) -> dict[str, Any]:
    facts = {
        "name": name,
        "task_name": name,
        "status": outcome.status.value,
        "success": outcome.status is TaskStatus.SUCCESS,
        "message": outcome.message or "",
        "attempts": outcome.attempts,
    }
    if outcome.error:
        facts["error"] = str(outcome.error)
    return {"name": name, "output": outcome.output or {}, "facts": facts}
