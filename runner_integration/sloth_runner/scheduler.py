"""Runs the tasks of a workflow: dependencies first, independent ones at the same time."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from sloth_runner.at_once import TasksAtOnce
from sloth_runner.errors import TaskTimeout, WorkflowError, WorkflowFailed
from sloth_runner.task_order import TaskOrder
from sloth_runner.task_records import TaskOutcome
from sloth_runner.task_run import TaskRunner
from sloth_runner.time_limit import TimeLimit
from sloth_runner.workflow_hooks import WorkflowHooks
from sloth_state.errors import Interrupted
from sloth_state.model import TaskStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sloth_runner.active_run import ActiveRun
    from sloth_runner.artifacts import Artifact
    from sloth_runner.driver import Driver
    from sloth_runner.workflow import Task, Workflow
    from sloth_state.errors import SlothError
    from sloth_state.model import Json, TaskRecord

_SECONDS_UNTIL_CANCELLED = 1.0
"""How long an interruption that Lua has raised is ahead of its cancellation, at most."""
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
        skip: Collection[str] = (),
        done: Mapping[str, TaskRecord] = {},
        artifacts: dict[str, list[Artifact]],
    ) -> None:
        """`outcomes` is filled, by task, while it runs, so that it tells of an interrupted run too.

        `left_out`: tasks that count as done without being run (--only, --skip); of those, another
        task can still run all but `skip`. `done`: those that an earlier run did, which this one
        goes on with; they are not run either. `artifacts`: what tasks have made, by task.
        """
        self._workflow = workflow
        self._driver = driver
        self._tasks = TaskRunner(workflow, run, driver, artifacts)
        self._hooks = WorkflowHooks(workflow, driver, outcomes)
        bound = max_parallel or workflow.max_parallel_tasks
        self._is_bounded = bound is not None
        self._limit = bound or os.cpu_count() or 1
        self._left_out = left_out
        self._done = done
        self._order = TaskOrder(workflow.tasks)
        self._running: dict[asyncio.Task[TaskOutcome], Task] = {}
        self._held_back: list[Task] = []
        """Those whose turn came while another task ran them."""
        self._have_output = False
        """Whether any task gave an output."""
        self._stopped: str | None = None
        self._outcomes = outcomes
        self._finished: asyncio.Queue[asyncio.Task[TaskOutcome] | None] = asyncio.Queue()
        """Tasks that are over; None when others can be started."""
        driver.busy_tasks = lambda: len(self._running) + self._tasks.additional
        driver.relieve = self._start_more
        at_once = TasksAtOnce(
            driver.session,
            self._tasks,
            outcomes,
            done,
            is_left_out=skip.__contains__,
            is_running=lambda name: name in [task.name for task in self._running.values()],
        )
        at_once.on_end = self._take_up_held_back
        driver.session.run_task = at_once.run

    async def run(self) -> None:
        """Run all tasks and the workflow's hooks; those of what was interrupted, too.

        Raises WorkflowFailed if a task failed, TaskTimeout if the workflow's own time is over,
        and what ends a run as a whole: Interrupted, LockLost, a StoreError.
        """
        missing = self._missing_folders()
        failure: SlothError | None
        try:
            failure = await self._start() or await self._run_tasks() or self._failure()
        except (asyncio.CancelledError, Interrupted) as error:
            failure = await self._interruption(error)
        await self._tasks.hooks_of_stopped()
        await self._hooks.close(failure)
        if failure and missing:
            import shutil  # it takes 2 ms of a run's start

            for folder in missing:
                shutil.rmtree(folder, ignore_errors=True)
        if failure:
            raise failure

    async def _interruption(self, error: BaseException) -> Interrupted:
        """What has interrupted the tasks, so that hooks can run. Raises the error if none can."""
        task = asyncio.current_task()
        assert task is not None
        can_go_on = not self._driver.session.inspecting
        interruption = self._driver.limits.pardon(Interrupted) if can_go_on else None
        if interruption is None:
            raise error
        if not task.cancelling():  # then the cancellation would end the hooks
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(_SECONDS_UNTIL_CANCELLED)
        task.uncancel()
        return interruption

    def _missing_folders(self) -> list[str]:
        """The tasks' own folders that are not there yet, if they are to be removed again."""
        if not self._workflow.cleanup_on_failure or self._driver.session.inspecting:
            return []
        return [folder for folder in self._tasks.own_folders() if not os.path.lexists(folder)]

    async def _start(self) -> WorkflowError | None:
        failure = await self._hooks.start()
        if failure:
            self._skip_rest("not started, because on_start failed")
        return failure

    async def _run_tasks(self) -> WorkflowError | None:
        """Run what can be run; the workflow's own timeout, if that ended it."""
        try:
            async with TimeLimit(self._driver.session, "the workflow", self._workflow.timeout):
                try:
                    while self._order or self._running or self._held_back:
                        self._start_ready()
                        if self._running or self._held_back:
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
        while self._order and len(self._running) < self._limit:
            task = self._order.take()
            if task.name in self._tasks.callers:
                self._held_back.append(task)
            elif ran_at_once := self._outcomes.get(task.name):
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

    def _take_up_held_back(self) -> None:
        """A task that another one ran is over, and perhaps its own turn has come before."""
        if self._held_back:
            for task in self._held_back:
                self._order.put_back(task)
            self._held_back.clear()
            self._finished.put_nowait(None)

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
        found: dict[str, Json] = {name: {} for name in task.depends_on}
        if not self._have_output:
            return found
        pending, seen = list(task.depends_on), set(task.depends_on)
        while pending:
            name = pending.pop()
            if (output := self._outcomes[name].output) is not None:
                found[name] = output
            needed = self._order[name].depends_on
            pending += [each for each in needed if each not in seen]
            seen.update(needed)
        return found

    def _start_more(self) -> bool:
        """Let one more run when all that do wait for another, if nobody has set a bound."""
        if self._is_bounded or not self._order:
            return False
        self._limit += 1
        self._finished.put_nowait(None)
        return True

    async def _collect(self) -> None:
        done = [await self._finished.get()]
        while not self._finished.empty():
            done.append(self._finished.get_nowait())
        finished = [each for each in done if each is not None]
        for each in sorted(finished, key=lambda each: self._order.position(self._running[each])):
            outcome = each.result()  # or what ends them all, and then this one counts as running
            self._settle(self._running.pop(each), outcome)

    def _settle(self, task: Task, outcome: TaskOutcome) -> None:
        is_skipped = outcome.status is TaskStatus.SKIPPED and task.name not in self._done
        if is_skipped and (blocker := self._blocker(task)):
            outcome = outcome._replace(error=WorkflowError(blocker))  # its dependents follow it
        self._outcomes[task.name] = outcome
        self._have_output = self._have_output or outcome.output is not None
        if outcome.aborts:
            self._stopped = f"not started, because {task.name} stopped the workflow"
        elif outcome.status is TaskStatus.FAILED and not self._workflow.continue_on_error:
            self._stopped = self._stopped or _FAILED_EARLIER
        self._order.over(task)

    async def _cancel_rest(self) -> None:
        for running in self._running:
            running.cancel()
        results = await asyncio.gather(*self._running, return_exceptions=True)
        for task, result in zip(self._running.values(), results, strict=True):
            if isinstance(result, TaskOutcome):
                self._outcomes[task.name] = result
            elif stopped := self._tasks.stopped.get(task.name):
                self._outcomes[task.name] = stopped

    def _failure(self) -> WorkflowFailed | None:
        failed = [
            (name, outcome.error)
            for name, outcome in self._outcomes.items()
            if outcome.status is TaskStatus.FAILED and outcome.error
        ]
        if not failed:
            return None
        own = [each for each in failed if each[0] not in self._tasks.stopped]
        name, error = (own or failed)[0]
        more = f" (and {len(failed) - 1} more failed)" if len(failed) > 1 else ""
        return WorkflowFailed(
            f"task {name}: {error}{more}",
            hint=error.hint,
            excerpt=getattr(error, "excerpt", None),
            failures={task: str(why) for task, why in failed},
        )
