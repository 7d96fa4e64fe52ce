"""The parts of a task that call a script's functions and run its commands."""

from __future__ import annotations

import os
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, TypeGuard

from sloth_runner.errors import TaskFailed, TaskTimeout, WorkflowError
from sloth_runner.events import TaskOutput
from sloth_runner.time_limit import TimeLimit
from sloth_runner.workflow import Call, Shell
from sloth_state.model import TaskStatus

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from sloth_runner.command import Command, CommandResult
    from sloth_runner.driver import Driver
    from sloth_runner.session import TaskContext
    from sloth_runner.task_records import TaskOutcome
    from sloth_runner.workflow import Task


class TaskParts:
    """Conditions, commands and hooks, each within the time that its task has."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def limit(
        self, task: Task, context: TaskContext, part: str = ""
    ) -> AbstractAsyncContextManager[None]:
        """Raises TaskTimeout out of its `async with` when the task's time is over."""
        if task.timeout is None:
            return nullcontext()
        return TimeLimit(context, f"{part}the task {task.name!r}", task.timeout)

    async def is_met(
        self, name: str, task: Task, context: TaskContext, facts: dict[str, Any]
    ) -> bool:
        """Whether run_if or abort_if is met; without a condition, so that the task is run."""
        condition = task.run_if if name == "run_if" else task.abort_if
        if condition is None:
            return name == "run_if"
        async with self.limit(task, context, f"{name} of "):
            if isinstance(condition, Call):
                answer = await self._driver.call("condition", condition, context, facts)
                return bool(answer["met"])
            if self._left_undone(condition, context):
                return name == "run_if"  # a plan supposes that the task is run
            command = self._of_shell(condition, context)
            if context.host is None and not os.path.isdir(context.workdir):
                # It may be the task that makes its folder.
                command = command._replace(workdir=self._driver.session.script.folder)
            return (await _run(command)).problem is None

    async def command(
        self, task: Task, context: TaskContext, facts: dict[str, Any]
    ) -> dict[str, Any]:
        """What the command returned, as `calls.lua` tells it. Raises TaskFailed for false."""
        if isinstance(task.command, Shell):
            await self._shell(task.command, context)
            return {}
        assert task.command is not None
        result = await self._driver.call("command", task.command, context, facts)
        if not result.get("ok", True):
            failure = TaskFailed(result.get("message") or "the command returned false")
            failure.output = result.get("output")
            raise failure
        return result

    async def hooks(
        self, task: Task, name: str, context: TaskContext, facts: dict[str, Any]
    ) -> None:
        """Call the functions of one hook, each within the task's time."""
        for call in task.hooks.get(name, ()):
            async with self.limit(task, context, f"{name} of "):
                await self._driver.call("hook", call, context, facts)

    async def after(
        self, task: Task, context: TaskContext, facts: dict[str, Any], outcome: TaskOutcome
    ) -> TaskOutcome:
        """The hooks that follow. An error in on_success fails the task; later ones are told."""
        facts["output"] = outcome.output or {}
        if outcome.error is None:
            try:
                await self.hooks(task, "on_success", context, facts)
            except WorkflowError as error:
                self.raise_unless_own(error)
                outcome = outcome._replace(status=TaskStatus.FAILED, error=error)
        if outcome.error is not None:
            told = outcome.output if isinstance(outcome.output, dict) else {}
            facts["output"] = {**told, "error": outcome.error.message}
            if isinstance(outcome.error, TaskTimeout):
                await self._hooks_reported(task, "on_timeout", context, facts)
            await self._hooks_reported(task, "on_failure", context, facts)
        await self._hooks_reported(task, "on_complete", context, facts)
        return outcome

    def is_its_own(self, error: BaseException) -> TypeGuard[WorkflowError]:
        """Whether an error is the task's alone, and not what ends others too."""
        if not isinstance(error, WorkflowError) or self._driver.limits.fatal is not None:
            return False
        whole = self._driver.session.limit
        return whole is None or error is not whole.error

    def raise_unless_own(self, error: WorkflowError) -> None:
        """A coroutine that was stopped raises the reason, which may be everybody's."""
        if not self.is_its_own(error):
            raise self._driver.limits.fatal or error

    def say(self, context: TaskContext, text: str) -> None:
        """Show a warning of the runner beside the task's own output."""
        self._driver.session.emit(TaskOutput(context.name, "warn", context.label + text))

    async def _hooks_reported(
        self, task: Task, name: str, context: TaskContext, facts: dict[str, Any]
    ) -> None:
        try:
            await self.hooks(task, name, context, facts)
        except WorkflowError as error:
            self.raise_unless_own(error)
            self.say(context, f"{name} failed: {error}")

    async def _shell(self, shell: Shell, context: TaskContext) -> None:
        if self._left_undone(shell, context):
            return
        self._driver.session.current = context
        on_lines = self._driver.session.child_output()
        result = await _run(self._of_shell(shell, context)._replace(on_lines=on_lines))
        if result.problem:
            raise TaskFailed(result.problem)

    def _of_shell(self, shell: Shell, context: TaskContext) -> Command:
        from sloth_runner.command import Command

        return Command(
            shell.command,
            context.workdir,
            user=context.user,
            secrets=self._driver.session.secrets,
            host=context.host,
        )

    def _left_undone(self, shell: Shell, context: TaskContext) -> bool:
        """Whether this is only a plan, which then has the command in it."""
        self._driver.session.current = context
        if not self._driver.session.is_inert:
            return False
        self._driver.host.left_undone("exec.run", (shell.command,))
        return True


async def _run(command: Command) -> CommandResult:
    from sloth_runner.subprocesses import run_command  # many tasks run none

    return await run_command(command)
