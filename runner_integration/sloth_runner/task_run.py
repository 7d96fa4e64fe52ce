"""Runs one task: conditions, tries and hooks."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sloth_runner import artifacts
from sloth_runner.errors import TaskFailed, TaskTimeout, WorkflowError
from sloth_runner.events import TaskOutput
from sloth_runner.session import TaskContext
from sloth_runner.steps import AttemptSteps
from sloth_runner.subprocesses import Command, run_command
from sloth_runner.task_records import TaskOutcome, TaskRecords
from sloth_runner.time_limit import TimeLimit
from sloth_runner.workflow import Call, Shell, pause_before
from sloth_state.errors import LockLost
from sloth_state.model import TaskStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sloth_runner.active_run import ActiveRun
    from sloth_runner.artifacts import Artifact
    from sloth_runner.driver import Driver
    from sloth_runner.workflow import Task, Workflow
    from sloth_state.model import Json, TaskRecord


class TaskRunner:
    """Runs the tasks of one workflow, one at a call; calls may overlap."""

    def __init__(self, workflow: Workflow, run: ActiveRun, driver: Driver) -> None:
        self._workflow = workflow
        self._run = run
        self._driver = driver
        self._emit = driver.session.emit
        self._records = TaskRecords(run, driver.session.emit)
        self._artifacts: dict[str, list[Artifact]] = {}
        self.callers: dict[str, TaskContext] = {}
        """By the name of a task that another one runs: that other one."""
        self.stopped: dict[str, TaskOutcome] = {}
        """Tasks that were ended from outside, and so have no result to return."""
        self.additional = 0
        """The machines on which tasks run at this moment, but for the first of each task."""

    async def run(self, task: Task, dependencies: Mapping[str, Json]) -> TaskOutcome:
        """Run a task to its end and record it.

        A failure of the task is its outcome, not an exception. Raises what ends the whole run:
        Interrupted, LockLost, a StoreError.
        """
        started = datetime.now(UTC)
        try:
            if task.delegate_to:
                outcome = await self._on_its_hosts(task, dependencies)
            else:
                outcome = await self._on_host(None, task, dependencies)
        except WorkflowError as error:
            self._raise_if_fatal(error)
            outcome = TaskOutcome(TaskStatus.FAILED, error=error)
        except BaseException as error:
            reason = self._driver.limits.fatal or error
            why = WorkflowError(str(reason) or "stopped before its end")
            stopped = TaskOutcome(
                TaskStatus.FAILED, error=why, attempts=self._records.attempts(task)
            )
            self.stopped[task.name] = self._records.finish(task, stopped, started)
            raise
        return self._records.finish(task, outcome, started)

    def skip(self, task: Task, why: str) -> TaskOutcome:
        """Record that a task is not run, and why."""
        outcome = TaskOutcome(TaskStatus.SKIPPED, message=why)
        return self._records.finish(task, outcome, datetime.now(UTC))

    def restore(self, record: TaskRecord) -> TaskOutcome:
        """Take over what an earlier run has done; that it is, is recorded already."""
        self._artifacts[record.name] = artifacts.of_earlier_run(record.name, self._run)
        return self._records.restore(record)

    def own_folders(self) -> list[str]:
        """The folders that tasks have for themselves, whether or not they are there."""
        here = [task for task in self._workflow.tasks if not task.delegate_to]
        folders = [(task, self._workdir(task)) for task in here]
        return [folder for task, folder in folders if self._owns(task, folder)]

    # -- where it runs ---------------------------------------------------------------------

    async def _on_its_hosts(self, task: Task, dependencies: Mapping[str, Json]) -> TaskOutcome:
        """On all machines that it is delegated to, at the same time."""
        from sloth_runner import delegation

        here, facts = self._situation(None, task, dependencies)
        hosts = await delegation.hosts_of(task, self._driver, here, facts)
        remaining, is_one_of_several = len(hosts), len(hosts) > 1
        self.additional += remaining - 1

        async def on_host(host: str | None) -> TaskOutcome:
            nonlocal remaining
            try:
                return await self._on_host(host, task, dependencies, labelled=is_one_of_several)
            finally:
                remaining -= 1
                if remaining:
                    self.additional -= 1
                    self._driver.check_for_deadlock()

        return delegation.outcome_of(await delegation.on_all(hosts, on_host))

    async def _on_host(
        self,
        host: str | None,
        task: Task,
        dependencies: Mapping[str, Json],
        *,
        labelled: bool = False,
    ) -> TaskOutcome:
        context, facts = self._situation(host, task, dependencies)
        if labelled:
            context.label = f"{facts['agent']}: "
        try:
            return await self._decide(task, context, facts)
        except WorkflowError as error:
            self._raise_if_fatal(error)
            return TaskOutcome(TaskStatus.FAILED, error=error)
        finally:
            self._release_locks(context)

    def _situation(
        self, host: str | None, task: Task, dependencies: Mapping[str, Json]
    ) -> tuple[TaskContext, dict[str, Any]]:
        """What the task's commands need to know, and what its functions are told."""
        context = TaskContext(task.name, self._workdir(task), task.user, host)
        context.caller = self.callers.get(task.name)
        owns_workdir = self._owns(task, context.workdir)
        if host is not None:
            context.workdir, owns_workdir = "~", False
            context.workdir = context.folder(task.workdir)
        facts = {
            "task": task.name,
            "workflow": self._workflow.name,
            "workdir": context.workdir,
            "owns_workdir": owns_workdir,
            "deps": dict(dependencies),
            "attempt": 1,
            "params": dict(task.params),
            "agent": host or "local",
        }
        return context, facts

    # -- the course of a task --------------------------------------------------------------

    async def _decide(self, task: Task, context: TaskContext, facts: dict[str, Any]) -> TaskOutcome:
        if task.run_if and not await self._is_met(task, "run_if", task.run_if, context, facts):
            return TaskOutcome(TaskStatus.SKIPPED, message="run_if is not met")
        if task.abort_if and await self._is_met(task, "abort_if", task.abort_if, context, facts):
            error = TaskFailed("abort_if is met, so the workflow stops here")
            return TaskOutcome(TaskStatus.FAILED, error=error, aborts=True)
        outcome = await self._try_until_done(task, context, facts)
        return await self._after(task, context, facts, outcome)

    async def _try_until_done(
        self, task: Task, context: TaskContext, facts: dict[str, Any]
    ) -> TaskOutcome:
        attempt = 0
        while True:
            attempt += 1
            facts["attempt"] = context.attempt = attempt
            self._records.begin(task, attempt)
            try:
                result = await self._try(task, context, facts)
            except WorkflowError as error:
                self._raise_if_fatal(error)
                if attempt > task.retries or self._driver.session.inspecting:
                    return TaskOutcome(TaskStatus.FAILED, error=error, attempts=attempt)
                pause = pause_before(task, attempt + 1)
                self._say(context, f"try {attempt} failed, next in {pause:g} s: {error}")
                await asyncio.sleep(pause)
            else:
                return TaskOutcome(
                    TaskStatus.SUCCESS, result.get("message"), result.get("output"), None, attempt
                )

    async def _try(self, task: Task, context: TaskContext, facts: dict[str, Any]) -> dict[str, Any]:
        done_by = task.name if context.host is None else f"{task.name}@{context.host}"
        context.steps = AttemptSteps(self._run, done_by)
        try:
            async with self._limit(task, context):
                for hook in task.hooks.get("pre_hook", ()):
                    await self._driver.call("hook", hook, context, facts)
                if task.consumes and not self._driver.session.inspecting:
                    artifacts.provide(task, context.workdir, self._artifacts)
                result = await self._command(task, context, facts)
                for hook in task.hooks.get("post_hook", ()):
                    await self._driver.call("hook", hook, context, facts)
                if task.artifacts and not self._driver.session.inspecting:
                    made = artifacts.collect(task, context.workdir, self._run)
                    self._artifacts[task.name] = made
                return result
        finally:
            context.steps = None
            self._release_locks(context)  # what a timeout left held, or the next try would wait

    async def _command(
        self, task: Task, context: TaskContext, facts: dict[str, Any]
    ) -> dict[str, Any]:
        if isinstance(task.command, Shell):
            await self._shell(task.command, context)
            return {}
        assert task.command is not None
        result = await self._driver.call("command", task.command, context, facts)
        if not result["ok"]:
            raise TaskFailed(result.get("message") or "the command returned false")
        return result

    async def _after(
        self, task: Task, context: TaskContext, facts: dict[str, Any], outcome: TaskOutcome
    ) -> TaskOutcome:
        """The hooks that follow. An error in on_success fails the task; later ones are told."""
        facts["output"] = outcome.output or {}
        if outcome.error is None:
            try:
                await self._hooks(task, "on_success", context, facts)
            except WorkflowError as error:
                self._raise_if_fatal(error)
                outcome = outcome._replace(status=TaskStatus.FAILED, error=error)
        if outcome.error is not None:
            facts["output"] = {"error": outcome.error.message}
            if isinstance(outcome.error, TaskTimeout):
                await self._hooks_reported(task, "on_timeout", context, facts)
            await self._hooks_reported(task, "on_failure", context, facts)
        await self._hooks_reported(task, "on_complete", context, facts)
        return outcome

    async def _hooks(
        self, task: Task, name: str, context: TaskContext, facts: dict[str, Any]
    ) -> None:
        for call in task.hooks.get(name, ()):
            async with self._limit(task, context, f"{name} of "):
                await self._driver.call("hook", call, context, facts)

    async def _hooks_reported(
        self, task: Task, name: str, context: TaskContext, facts: dict[str, Any]
    ) -> None:
        try:
            await self._hooks(task, name, context, facts)
        except WorkflowError as error:
            self._raise_if_fatal(error)
            self._say(context, f"{name} failed: {error}")

    async def _is_met(
        self,
        task: Task,
        name: str,
        condition: Call | Shell,
        context: TaskContext,
        facts: dict[str, Any],
    ) -> bool:
        async with self._limit(task, context, f"{name} of "):
            if isinstance(condition, Call):
                answer = await self._driver.call("condition", condition, context, facts)
                return bool(answer["met"])
            if self._left_undone(condition, context):
                return name == "run_if"  # a plan supposes that the task is run
            return (await run_command(self._of_shell(condition, context))).problem is None

    def _limit(self, task: Task, context: TaskContext, part: str = "") -> TimeLimit:
        return TimeLimit(context, f"{part}the task {task.name!r}", task.timeout)

    async def _shell(self, shell: Shell, context: TaskContext) -> None:
        if self._left_undone(shell, context):
            return
        self._driver.session.current = context
        on_line = self._driver.session.child_output()
        result = await run_command(self._of_shell(shell, context)._replace(on_line=on_line))
        if result.problem:
            raise TaskFailed(result.problem)

    def _of_shell(self, shell: Shell, context: TaskContext) -> Command:
        return Command(shell.command, context.workdir, user=context.user, host=context.host)

    def _left_undone(self, shell: Shell, context: TaskContext) -> bool:
        """Whether this is only a plan, which then has the command in it."""
        self._driver.session.current = context
        if not self._driver.session.is_inert:
            return False
        self._driver.host.left_undone("exec.run", (shell.command,))
        return True

    # -- around it -------------------------------------------------------------------------

    def _release_locks(self, context: TaskContext) -> None:
        for name in list(context.held_locks):
            with suppress(LockLost):  # the task is over; whoever has the lock now may keep it
                self._run.release(context.held_locks.pop(name))

    def _say(self, context: TaskContext, text: str) -> None:
        self._emit(TaskOutput(context.name, "warn", context.label + text))

    def _raise_if_fatal(self, error: BaseException) -> None:
        """A coroutine that was stopped raises the reason, which may be everybody's."""
        if self._driver.limits.fatal is not None:
            raise self._driver.limits.fatal from error

    def _owns(self, task: Task, workdir: str) -> bool:
        """Whether a task may delete its folder: it named one, which holds nobody's sources."""
        folder = os.path.realpath(workdir)
        sources = (self._driver.session.script.folder, os.getcwd())
        kept = [os.path.realpath(source) for source in sources]
        return task.workdir is not None and folder not in (
            os.path.commonpath([folder, source]) for source in kept
        )

    def _workdir(self, task: Task) -> str:
        base = self._workflow.workdir
        if task.workdir is None:
            return base or self._driver.session.top_level.workdir
        folder = base or self._driver.session.script.folder
        return os.path.join(folder, os.path.expanduser(task.workdir))
