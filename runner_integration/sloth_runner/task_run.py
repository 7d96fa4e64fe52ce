"""Runs one task: conditions, tries and hooks."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sloth_runner.errors import TaskFailed, WorkflowError
from sloth_runner.situations import Situations
from sloth_runner.steps import AttemptSteps
from sloth_runner.task_parts import TaskParts
from sloth_runner.task_records import TaskOutcome, TaskRecords
from sloth_runner.workflow import pause_before
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
        self._parts = TaskParts(driver)
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
            if self._parts.is_its_own(error):
                outcome = TaskOutcome(TaskStatus.FAILED, error=error)
            else:
                self._record_stopped(task, started)
                raise
        return await self._finished(task, outcome, started)

    async def _finished(self, task: Task, outcome: TaskOutcome, started: datetime) -> TaskOutcome:
        try:
            return await self._records.finish(task, outcome, started)
        except asyncio.CancelledError:
            if outcome_before := self._records.over_before.pop(task.name, None):
                self.stopped[task.name] = outcome_before
            else:
                self._record_stopped(task, started)
            raise

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
        self.stopped[task.name] = self._records.finish_at_once(task, stopped, started)

    async def hooks_of_stopped(self) -> None:
        """Run the hooks of the tasks that were ended from outside, when that is over."""
        while self._hooks_to_run:
            task, context, facts = self._hooks_to_run.pop(0)
            try:
                await self._parts.after(task, context, facts, self.stopped[task.name])
            finally:
                self._release_locks(context)

    def skip(self, task: Task, why: str) -> TaskOutcome:
        """Record that a task is not run, and why."""
        outcome = TaskOutcome(TaskStatus.SKIPPED, message=why)
        return self._records.finish_at_once(task, outcome, datetime.now(UTC))

    def restore(self, record: TaskRecord) -> TaskOutcome:
        """Take over what an earlier run has done; that it is, is recorded already."""
        from sloth_runner.artifacts import of_earlier_run

        self._artifacts[record.name] = of_earlier_run(record.name, self._run)
        return self._records.restore(record)

    def own_folders(self) -> list[str]:
        """The folders that tasks have for themselves, whether or not they are there."""
        return self._situations.own_folders()

    # -- where it runs ---------------------------------------------------------------------

    async def _on_its_hosts(self, task: Task, dependencies: Mapping[str, Json]) -> TaskOutcome:
        """On all machines that it is delegated to, at the same time."""
        from sloth_runner import delegation

        here, facts = self._situations.of(task, None, dependencies)
        async with self._parts.limit(task, here, "delegate_to of "):
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
            from sloth_runner.delegation import LOCAL

            context.label = f"{host or LOCAL}: "
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
            self._parts.raise_unless_own(error)
            outcome = TaskOutcome(TaskStatus.FAILED, error=error)
        outcome = outcome or await self._try_until_done(task, context, facts)
        if outcome.status is TaskStatus.SKIPPED:
            return outcome
        return await self._parts.after(task, context, facts, outcome)

    async def _before(
        self, task: Task, context: TaskContext, facts: dict[str, Any]
    ) -> TaskOutcome | None:
        """The conditions; what they make of the task, unless it is to be run."""
        if not await self._parts.is_met("run_if", task, context, facts):
            return TaskOutcome(TaskStatus.SKIPPED, message="run_if is not met")
        if await self._parts.is_met("abort_if", task, context, facts):
            error = TaskFailed("abort_if is met, so the workflow stops here")
            return TaskOutcome(TaskStatus.FAILED, error=error, aborts=True)
        return None

    async def _try_until_done(
        self, task: Task, context: TaskContext, facts: dict[str, Any]
    ) -> TaskOutcome:
        attempt = 0
        while True:
            attempt += 1
            context.attempt = attempt
            if attempt > 1:
                facts["attempt"] = attempt
            await self._records.begin(task, attempt)
            try:
                result = await self._try(task, context, facts)
            except WorkflowError as error:
                self._parts.raise_unless_own(error)
                if attempt > task.retries:
                    output = error.output if isinstance(error, TaskFailed) else None
                    return TaskOutcome(TaskStatus.FAILED, None, output, error, attempt)
                if not self._driver.session.inspecting:  # a plan waits for nothing
                    pause = pause_before(task, attempt + 1)
                    self._parts.say(context, f"try {attempt} failed, next in {pause:g} s: {error}")
                    await asyncio.sleep(pause)
            else:
                return TaskOutcome(
                    TaskStatus.SUCCESS, result.get("message"), result.get("output"), None, attempt
                )

    async def _try(self, task: Task, context: TaskContext, facts: dict[str, Any]) -> dict[str, Any]:
        done_by = task.name if context.host is None else f"{task.name}@{context.host}"
        context.steps = AttemptSteps(self._run, done_by)
        try:
            async with self._parts.limit(task, context):
                for hook in task.hooks.get("pre_hook", ()):
                    await self._driver.call("hook", hook, context, facts)
                if task.consumes and not self._driver.session.inspecting:
                    from sloth_runner.artifacts import provide

                    await provide(task, context.workdir, self._artifacts)
                result = await self._parts.command(task, context, facts)
                done = {**facts, "output": result.get("output") or {}}
                for hook in task.hooks.get("post_hook", ()):
                    await self._driver.call("hook", hook, context, done)
                if task.artifacts and not self._driver.session.inspecting:
                    from sloth_runner.artifacts import collect

                    made = await collect(task, context.workdir, self._run)
                    self._artifacts[task.name] = made
                return result
        finally:
            context.steps = None
            self._release_locks(context)  # what a timeout left held, or the next try would wait

    # -- around it -------------------------------------------------------------------------

    def _release_locks(self, context: TaskContext) -> None:
        while context.held_locks:
            with suppress(LockLost):  # the task is over; whoever has the lock now may keep it
                self._run.release(context.held_locks.pop())
