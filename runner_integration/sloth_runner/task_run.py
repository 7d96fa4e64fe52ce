"""Runs one task: conditions, tries and hooks."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeGuard

from sloth_runner import artifacts
from sloth_runner.errors import TaskFailed, TaskTimeout, WorkflowError
from sloth_runner.events import TaskOutput
from sloth_runner.situations import Situations
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
    from sloth_runner.session import TaskContext
    from sloth_runner.workflow import Task, Workflow
    from sloth_state.model import Json, TaskRecord


class TaskRunner:
    """Runs the tasks of one workflow, one at a call; calls may overlap."""

    def __init__(
        self,
        workflow: Workflow,
        run: ActiveRun,
        driver: Driver,
        artifacts: dict[str, list[Artifact]],
    ) -> None:
        """`artifacts`: what tasks have made so far, by task; those of this runner are added."""
        self._run = run
        self._driver = driver
        self._emit = driver.session.emit
        self._records = TaskRecords(run, driver.session.emit)
        self._situations = Situations(workflow, driver.session)
        self._artifacts = artifacts
        self.callers: dict[str, TaskContext] = {}
        """By the name of a task that another one runs: that other one."""
        self.stopped: dict[str, TaskOutcome] = {}
        """Tasks that were ended from outside, and so have no result to return."""
        self._hooks_to_run: list[tuple[Task, TaskContext, dict[str, Any]]] = []
        """Of those tasks."""
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
        except BaseException as error:
            if self._is_its_own(error):
                outcome = TaskOutcome(TaskStatus.FAILED, error=error)
            else:
                self._record_stopped(task, started)
                raise
        return self._records.finish(task, outcome, started)

    def _is_its_own(self, error: BaseException) -> TypeGuard[WorkflowError]:
        """Whether an error is the task's alone, and not what ends others too."""
        if not isinstance(error, WorkflowError) or self._driver.limits.fatal is not None:
            return False
        whole = self._driver.session.limit
        return whole is None or error is not whole.error

    def _record_stopped(self, task: Task, started: datetime) -> None:
        whole = self._driver.session.limit
        error: WorkflowError
        if self._driver.limits.fatal is not None:
            error = WorkflowError(str(self._driver.limits.fatal))
        elif whole is not None and whole.is_over:
            error = whole.error
        else:
            error = WorkflowError("stopped before its end")
        attempts = self._records.attempts(task)
        stopped = TaskOutcome(TaskStatus.FAILED, error=error, attempts=attempts)
        self.stopped[task.name] = self._records.finish(task, stopped, started)

    async def hooks_of_stopped(self) -> None:
        """Run the hooks of the tasks that were ended from outside, when that is over."""
        while self._hooks_to_run:
            task, context, facts = self._hooks_to_run.pop(0)
            try:
                await self._after(task, context, facts, self.stopped[task.name])
            finally:
                self._release_locks(context)

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
        return self._situations.own_folders()

    # -- where it runs ---------------------------------------------------------------------

    async def _on_its_hosts(self, task: Task, dependencies: Mapping[str, Json]) -> TaskOutcome:
        """On all machines that it is delegated to, at the same time."""
        from sloth_runner import delegation

        here, facts = self._situations.of(task, None, dependencies)
        async with self._limit(task, here, "delegate_to of "):
            hosts = await delegation.hosts_of(task, self._driver, here, facts)
        remaining, is_one_of_several = len(hosts), len(hosts) > 1
        self.additional += remaining - 1

        async def on_host(host: str | None) -> TaskOutcome:
            nonlocal remaining
            outcome = await self._on_host(host, task, dependencies, labelled=is_one_of_several)
            remaining -= 1
            if remaining:
                self.additional -= 1
                self._driver.check_for_deadlock()
            return outcome

        try:
            return delegation.outcome_of(await delegation.on_all(hosts, on_host))
        finally:
            self.additional -= max(remaining - 1, 0)

    async def _on_host(
        self,
        host: str | None,
        task: Task,
        dependencies: Mapping[str, Json],
        *,
        labelled: bool = False,
    ) -> TaskOutcome:
        context, facts = self._situations.of(task, host, dependencies)
        context.caller = self.callers.get(task.name)
        if labelled:
            context.label = f"{facts['agent']}: "
        try:
            return await self._decide(task, context, facts)
        except BaseException:
            self._hooks_to_run.append((task, context, facts))
            raise
        finally:
            self._release_locks(context)

    # -- the course of a task --------------------------------------------------------------

    async def _decide(self, task: Task, context: TaskContext, facts: dict[str, Any]) -> TaskOutcome:
        try:
            outcome = await self._before(task, context, facts)
        except WorkflowError as error:
            self._raise_unless_own(error)
            outcome = TaskOutcome(TaskStatus.FAILED, error=error)
        outcome = outcome or await self._try_until_done(task, context, facts)
        if outcome.status is TaskStatus.SKIPPED:
            return outcome
        return await self._after(task, context, facts, outcome)

    async def _before(
        self, task: Task, context: TaskContext, facts: dict[str, Any]
    ) -> TaskOutcome | None:
        """The conditions; what they make of the task, unless it is to be run."""
        if task.run_if and not await self._is_met(task, "run_if", task.run_if, context, facts):
            return TaskOutcome(TaskStatus.SKIPPED, message="run_if is not met")
        if task.abort_if and await self._is_met(task, "abort_if", task.abort_if, context, facts):
            error = TaskFailed("abort_if is met, so the workflow stops here")
            return TaskOutcome(TaskStatus.FAILED, error=error, aborts=True)
        return None

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
                self._raise_unless_own(error)
                if attempt > task.retries:
                    return TaskOutcome(TaskStatus.FAILED, error=error, attempts=attempt)
                if not self._driver.session.inspecting:  # a plan waits for nothing
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
                    await artifacts.provide(task, context.workdir, self._artifacts)
                result = await self._command(task, context, facts)
                done = {**facts, "output": result.get("output") or {}}
                for hook in task.hooks.get("post_hook", ()):
                    await self._driver.call("hook", hook, context, done)
                if task.artifacts and not self._driver.session.inspecting:
                    made = await artifacts.collect(task, context.workdir, self._run)
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
                self._raise_unless_own(error)
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
            self._raise_unless_own(error)
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
            command = self._of_shell(condition, context)
            if context.host is None and not os.path.isdir(context.workdir):
                # It may be the task that makes its folder.
                command = command._replace(workdir=self._driver.session.script.folder)
            return (await run_command(command)).problem is None

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

    def _raise_unless_own(self, error: WorkflowError) -> None:
        """A coroutine that was stopped raises the reason, which may be everybody's."""
        if not self._is_its_own(error):
            raise self._driver.limits.fatal or error
