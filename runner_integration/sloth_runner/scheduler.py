"""Runs the tasks of a workflow: dependencies first, independent ones at the same time."""

from __future__ import annotations

import asyncio
import heapq
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sloth_runner.definitions import task_of
from sloth_runner.errors import TaskTimeout, WorkflowError, WorkflowFailed
from sloth_runner.events import TaskOutput
from sloth_runner.task_run import TaskRunner
from sloth_runner.time_limit import TimeLimit
from sloth_state.errors import Interrupted, SlothError
from sloth_state.model import TaskStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sloth_runner.active_run import ActiveRun
    from sloth_runner.driver import Driver
    from sloth_runner.task_records import TaskOutcome
    from sloth_runner.workflow import Task, Workflow
    from sloth_state.model import Json, TaskRecord

_FAILED_EARLIER = "not started, because a task failed before and continue_on_error is off"


class Scheduler:
    """Runs one workflow once.

    A failed task skips all that depend on it; others go on, unless the workflow's
    `continue_on_error` is off. Among tasks that can start, definition order decides.
    """

    def __init__(
        self,
        workflow: Workflow,
        run: ActiveRun,
        driver: Driver,
        outcomes: dict[str, TaskOutcome],
        *,
        max_parallel: int | None = None,
        left_out: Collection[str] = (),
        done: Mapping[str, TaskRecord] = {},
    ) -> None:
        """`outcomes` is filled, by task, while it runs, so that it tells of an interrupted run too.

        `left_out`: tasks that count as done without being run (--only, --skip). `done`: those that
        an earlier run did, which this one goes on with; they are not run either.
        """
        self._workflow = workflow
        self._driver = driver
        self._tasks = TaskRunner(workflow, run, driver)
        bound = max_parallel or workflow.max_parallel_tasks
        self._is_bounded = bound is not None
        self._limit = bound or os.cpu_count() or 1
        self._left_out = left_out
        self._done = done
        self._position = {task.name: index for index, task in enumerate(workflow.tasks)}
        self._unmet = {task.name: len(task.depends_on) for task in workflow.tasks}
        self._dependents: dict[str, list[str]] = {task.name: [] for task in workflow.tasks}
        for task in workflow.tasks:
            for name in task.depends_on:
                self._dependents[name].append(task.name)
        self._ready = [self._position[name] for name, count in self._unmet.items() if not count]
        self._running: dict[asyncio.Task[TaskOutcome], Task] = {}
        self._stopped: str | None = None
        self._outcomes = outcomes
        self._finished: asyncio.Queue[asyncio.Task[TaskOutcome] | None] = asyncio.Queue()
        """Tasks that are over; None when others can be started."""
        driver.busy_tasks = lambda: len(self._running) + self._tasks.additional
        driver.relieve = self._start_more
        driver.session.run_task = self._run_at_once

    async def run(self) -> None:
        """Run all tasks and the workflow's hooks.

        Raises WorkflowFailed if a task failed, TaskTimeout if the workflow's own time is over,
        and what ends a run as a whole: Interrupted, LockLost, a StoreError.
        """
        missing = self._missing_folders()
        failure = await self._start() or await self._run_tasks() or self._failure()
        await self._closing_hooks(failure)
        if failure and missing:
            import shutil  # it takes 2 ms of a run's start

            for folder in missing:
                shutil.rmtree(folder, ignore_errors=True)
        await self._driver.end_leftovers()
        if failure:
            raise failure

    def _missing_folders(self) -> list[str]:
        """The tasks' own folders that are not there yet, if they are to be removed again."""
        if not self._workflow.cleanup_on_failure or self._driver.session.inspecting:
            return []
        return [folder for folder in self._tasks.own_folders() if not os.path.lexists(folder)]

    async def _start(self) -> WorkflowError | None:
        try:
            await self._hooks("on_start", "start", {})
        except WorkflowError as error:
            self._raise_if_fatal()
            excerpt = getattr(error, "excerpt", None)
            failure = WorkflowFailed(f"on_start: {error}", hint=error.hint, excerpt=excerpt)
            self._skip_rest("not started, because on_start failed")
            return failure
        return None

    async def _run_tasks(self) -> WorkflowError | None:
        """Run what can be run; the workflow's own timeout, if that ended it."""
        try:
            async with TimeLimit(self._driver.session, "the workflow", self._workflow.timeout):
                try:
                    while self._ready or self._running:
                        self._start_ready()
                        if self._running:
                            self._driver.check_for_deadlock()
                            await self._collect()
                finally:
                    await self._cancel_rest()
        except TaskTimeout as timeout:
            self._skip_rest("not started, because the workflow's time was over")
            return timeout
        except (asyncio.CancelledError, Interrupted):
            self._skip_rest("not started, because the run was interrupted")
            raise
        return None

    def _skip_rest(self, why: str) -> None:
        for task in self._workflow.tasks:
            if task.name not in self._outcomes:
                self._outcomes[task.name] = self._restored(task) or self._tasks.skip(task, why)

    def _restored(self, task: Task) -> TaskOutcome | None:
        record = self._done.get(task.name)
        return self._tasks.restore(record) if record else None

    def _start_ready(self) -> None:
        while self._ready and len(self._running) < self._limit:
            task = self._workflow.tasks[heapq.heappop(self._ready)]
            if ran_at_once := self._outcomes.get(task.name):
                self._settle(task, ran_at_once)
            elif restored := self._restored(task):
                self._settle(task, restored)
            elif task.name in self._left_out:
                self._settle(task, self._tasks.skip(task, "left out by --only or --skip"))
            elif blocker := self._blocker(task):
                self._settle(task, self._tasks.skip(task, blocker))
            else:
                outputs = self._outputs_before(task)
                running = asyncio.create_task(self._tasks.run(task, outputs))
                running.add_done_callback(self._finished.put_nowait)
                self._running[running] = task

    async def _run_at_once(self, spec: Mapping[str, Any]) -> TaskOutcome:
        """Run a task because another one asks for it; its own turn, if it has one, is over."""
        session = self._driver.session
        task = task_of(spec, {}, session.script)
        if any(running.name == task.name for running in self._running.values()):
            raise WorkflowError(f"the task {task.name!r} is running already")
        self._tasks.callers[task.name] = session.current
        try:
            outcome = self._outcomes[task.name] = await self._tasks.run(task, {})
        finally:
            del self._tasks.callers[task.name]
        return outcome

    def _blocker(self, task: Task) -> str | None:
        for name in task.depends_on:
            outcome = self._outcomes[name]
            if outcome.status is TaskStatus.FAILED:
                return f"it depends on {name}, which failed"
            if outcome.status is TaskStatus.SKIPPED and outcome.error is not None:
                return f"it depends on {name}, which was not run"
        return self._stopped

    def _outputs_before(self, task: Task) -> dict[str, Json]:
        """What the tasks gave that this one depends on, directly or not."""
        found: dict[str, Json] = {}
        pending, seen = list(task.depends_on), set(task.depends_on)
        while pending:
            name = pending.pop()
            if (output := self._outcomes[name].output) is not None:
                found[name] = output
            needed = self._workflow.tasks[self._position[name]].depends_on
            pending += [each for each in needed if each not in seen]
            seen.update(needed)
        return found

    def _start_more(self) -> bool:
        """Let one more run when all that do wait for another, if nobody has set a bound."""
        if self._is_bounded or not self._ready:
            return False
        self._limit += 1
        self._finished.put_nowait(None)
        return True

    async def _collect(self) -> None:
        done = [await self._finished.get()]
        while not self._finished.empty():
            done.append(self._finished.get_nowait())
        finished = [each for each in done if each is not None]
        for each in sorted(finished, key=lambda each: self._position[self._running[each].name]):
            self._settle(self._running.pop(each), each.result())

    def _settle(self, task: Task, outcome: TaskOutcome) -> None:
        is_skipped = outcome.status is TaskStatus.SKIPPED and task.name not in self._done
        if is_skipped and (blocker := self._blocker(task)):
            outcome = outcome._replace(error=WorkflowError(blocker))  # its dependents follow it
        self._outcomes[task.name] = outcome
        if outcome.aborts:
            self._stopped = f"not started, because {task.name} stopped the workflow"
        elif outcome.status is TaskStatus.FAILED and not self._workflow.continue_on_error:
            self._stopped = self._stopped or _FAILED_EARLIER
        for name in self._dependents[task.name]:
            self._unmet[name] -= 1
            if not self._unmet[name]:
                heapq.heappush(self._ready, self._position[name])

    async def _cancel_rest(self) -> None:
        for running in self._running:
            running.cancel()
        for running, task in self._running.items():
            with suppress(asyncio.CancelledError, SlothError):
                self._outcomes[task.name] = await running
        self._outcomes.update(self._tasks.stopped)

    # -- the end ---------------------------------------------------------------------------

    def _failure(self) -> WorkflowFailed | None:
        failed = [
            (name, outcome.error)
            for name, outcome in self._outcomes.items()
            if outcome.status is TaskStatus.FAILED and outcome.error
        ]
        if not failed:
            return None
        name, error = failed[0]
        more = f" (and {len(failed) - 1} more failed)" if len(failed) > 1 else ""
        return WorkflowFailed(
            f"task {name}: {error}{more}",
            hint=error.hint,
            excerpt=getattr(error, "excerpt", None),
        )

    async def _closing_hooks(self, failure: WorkflowError | None) -> None:
        facts = {"success": failure is None, "tasks": self._results()}
        for name in ("on_failure" if failure else "on_success", "on_complete"):
            try:
                await self._hooks(name, "complete", facts)
            except WorkflowError as error:
                self._raise_if_fatal()
                text = f"the workflow's {name} failed: {error}"
                self._driver.session.emit(TaskOutput(None, "warn", text))

    def _raise_if_fatal(self) -> None:
        if self._driver.limits.fatal is not None:
            raise self._driver.limits.fatal

    def _results(self) -> list[dict[str, Any]]:
        results = []
        last = len(self._position)  # tasks that only `run()` knows come after the others
        ordered = sorted(self._outcomes.items(), key=lambda each: self._position.get(each[0], last))
        for name, outcome in ordered:
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
            results.append({"name": name, "output": outcome.output or {}, "facts": facts})
        return results

    async def _hooks(self, name: str, kind: str, facts: dict[str, Any]) -> None:
        session = self._driver.session
        if self._workflow.workdir is not None:
            session.top_level.workdir = self._workflow.workdir
        for call in self._workflow.hooks.get(name, ()):
            async with TimeLimit(session.top_level, name, self._workflow.timeout):
                await self._driver.call(kind, call, session.top_level, facts)
