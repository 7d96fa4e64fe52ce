"""One run of a workflow file, from its first line to its last word."""

from __future__ import annotations

from contextlib import ExitStack, closing
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from sloth_runner.at_once import TasksAtOnce
from sloth_runner.definitions import workflows_of
from sloth_runner.errors import DefinitionError, ScriptError
from sloth_runner.events import (
    ResourceChanged,
    ResourcesUndeclared,
    RunFinished,
    RunStarted,
    TaskOutput,
)
from sloth_runner.execution import Execution
from sloth_runner.interruption import interrupt_elsewhere
from sloth_runner.scheduler import Scheduler
from sloth_runner.selection import check_runnable, choose_workflow, left_out
from sloth_runner.task_run import TaskRunner
from sloth_runner.workflow import Workflow
from sloth_state.model import TaskStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sloth_runner.active_run import ActiveRun
    from sloth_runner.artifacts import Artifact
    from sloth_runner.driver import Driver
    from sloth_runner.loading import Loading
    from sloth_runner.runner import RunRequest
    from sloth_runner.supervisor import Supervisor
    from sloth_runner.task_records import TaskOutcome
    from sloth_state.errors import LockHeld
    from sloth_state.model import Run, TaskRecord
    from sloth_state.store import Store


class FileRun:
    """Loads a file, begins its run and carries it out.

    The run begins once the file is loaded and its workflow is known, or before that when the file
    runs a task at its top level; then it is a run of the file's own workflow.
    """

    def __init__(
        self,
        store: Store,
        request: RunRequest,
        loading: Loading,
        driver: Driver,
        supervisor: Supervisor,
        on_waiting: Callable[[LockHeld], None] | None,
    ) -> None:
        self._store = store
        self._request = request
        self._loading = loading
        self._driver = driver
        self._session = driver.session
        self._supervisor = supervisor
        self._on_waiting = on_waiting
        self._stack = ExitStack()
        self._execution: Execution | None = None
        self._run: ActiveRun | None = None
        self._outcomes: dict[str, TaskOutcome] = {}
        self._done: Mapping[str, TaskRecord] = {}
        self._artifacts: dict[str, list[Artifact]] = {}
        self._at_once: TasksAtOnce | None = None

    def to_its_end(self) -> Run:
        """Do it all; the finalised run. Raises as `run_file` does."""
        self._session.run_task = self._run_while_loading
        try:
            with self._session.secrets.kept_out_of_errors(), self._stack:
                try:
                    self._supervisor.run(self._driver.load())
                    self._run_workflow(self._workflow())
                finally:
                    self._supervisor.run(self._driver.end_leftovers())
        finally:
            execution = self._execution
            # Without a run a signal has ended it in the moment of its beginning, of which nobody
            # has heard.
            if self._run is not None and execution is not None and execution.finished is not None:
                self._session.emit(self._finished(execution.finished))
        assert execution is not None
        assert execution.finished is not None
        return execution.finished

    def _workflow(self) -> Workflow:
        script, request = self._session.script, self._request
        workflows = workflows_of(self._driver.host.describe(), script)
        if self._run is not None and workflows[0].name != script.stem:
            raise DefinitionError(
                f"{workflows[0].where}: the file defines the workflow {workflows[0].name!r}, but "
                "has run a task at its top level, outside of it",
                hint="Put the task into the workflow, or call its :run() inside another task.",
            )
        workflow = choose_workflow(workflows, request.path, request.workflow)
        check_runnable(workflow)
        return workflow

    # -- before anything runs --------------------------------------------------------------

    def _begin(self, workflow: Workflow) -> ActiveRun:
        request, session = self._request, self._session
        name = request.name or session.state_name or workflow.name
        self._execution = Execution(
            self._store,
            name,
            metadata=session.secrets.masked({**workflow.metadata, **request.metadata}),
            message=request.message,
            source=session.script.source,
            source_path=session.script.path,
            values=request.values,
            modules=dict(session.modules),
            lock_timeout=timedelta(seconds=request.lock_timeout),
            on_waiting=self._on_waiting,
            on_lock_lost=self._supervisor.stop,
            after_run=request.after_run,
            resume=partial(self._to_resume, name),
            secrets=session.secrets,
        )
        run = session.run = self._run = self._stack.enter_context(self._execution)
        self._stack.enter_context(closing(session))
        if self._loading.is_heard(ResourceChanged):
            run.subscribe(lambda each: session.emit(ResourceChanged(session.current.name, each)))
        tasks = tuple(task.name for task in workflow.tasks)
        session.emit(RunStarted(run.id, run.name, run.version, tasks))
        if run.resumes is not None:
            from sloth_runner.resuming import done_tasks

            self._done = done_tasks(self._store, run.resumes)
        return run

    def _to_resume(self, name: str) -> Run | None:
        """The run to go on with, if that is wanted."""
        wanted = self._request.resume
        if wanted is None:
            return None
        from sloth_runner.resuming import run_to_resume

        return run_to_resume(self._store, name, self._session, wanted)

    async def _settle_what_was_interrupted(self, run: ActiveRun) -> None:
        """Find out what a killed run left half-done, before anything is built on it."""
        unfinished = run.unfinished_operations()
        if not unfinished:
            return
        from sloth_runner.resources.recovery import settle, settling_hint

        for each in await settle(self._driver, run, unfinished):
            operation = each.operation
            self._session.declarations.settled.add((operation.type, operation.name))
            what = f"{operation.verb} {operation.type}/{operation.name}"
            text = f"run {each.run_id} was interrupted in: {what}; {each.found}"
            if not each.is_settled:
                text += f"\n{settling_hint(run.name, operation)}"
            self._session.emit(TaskOutput(None, "warn", text))

    async def _run_while_loading(self, spec: Mapping[str, Any]) -> TaskOutcome:
        """Run a task for the file's top level."""
        if self._at_once is None:
            self._at_once = await self._begin_while_loading()
        return await self._at_once.run(spec)

    async def _begin_while_loading(self) -> TasksAtOnce:
        script, request = self._session.script, self._request
        workflow = Workflow(script.stem, script.name, ())
        run = self._begin(workflow)
        await self._settle_what_was_interrupted(run)

        def is_left_out(name: str) -> bool:
            return name in request.skip or bool(request.only and name not in request.only)

        runner = TaskRunner(workflow, run, self._driver, self._artifacts)
        return TasksAtOnce(
            self._session, runner, self._outcomes, self._done, is_left_out=is_left_out
        )

    # -- the workflow ----------------------------------------------------------------------

    def _run_workflow(self, workflow: Workflow) -> None:
        request, supervisor, driver = self._request, self._supervisor, self._driver
        skipped = left_out(workflow, request.only, request.skip)
        run = self._run
        if run is None:
            run = self._begin(workflow)
            supervisor.run(self._settle_what_was_interrupted(run))
        if skipped and run.resumes is None:  # a run that goes on with another has its outputs
            from sloth_runner.earlier_runs import keep_outputs

            keep_outputs(self._store, run)
        scheduler = Scheduler(
            workflow,
            run,
            driver,
            self._outcomes,
            max_parallel=request.max_parallel,
            left_out=skipped,
            skip=request.skip,
            done=self._done,
            artifacts=self._artifacts,
        )
        self._session.prunes = request.prune or workflow.prune
        last_words = partial(interrupt_elsewhere, self._store, run.id)
        supervisor.run(scheduler.run(), last_words)
        if self._session.known_resources.of(run):
            supervisor.run(self._deal_with_undeclared(run), last_words)
        for key, value in self._outputs().items():
            run.set_output(key, value)

    def _outputs(self) -> dict[str, Any]:
        try:
            return self._driver.host.outputs()
        except ScriptError as error:
            error.hint = error.hint or (
                f"The global table `outputs` of {self._session.script.name} is what its run "
                "publishes; make it local if it is not meant so."
            )
            raise

    async def _deal_with_undeclared(self, run: ActiveRun) -> None:
        from sloth_runner.resources.pruning import Fate, carry_out, no_longer_declared

        prune = self._session.prunes
        left = no_longer_declared(self._driver, run, self._outcomes, prune=prune)
        told = [each for each in left if prune or each.fate is Fate.KEEP]
        if told:
            notes = {f"{each.type}/{each.name}": note for each, _, note in told if note}
            resources = tuple(each.resource for each in told)
            self._session.emit(ResourcesUndeclared(resources, prune, notes))
        await carry_out(self._driver, run, left)

    def _finished(self, run: Run) -> RunFinished:
        assert self._run is not None
        counts = dict.fromkeys((TaskStatus.SUCCESS, TaskStatus.FAILED, TaskStatus.SKIPPED), 0)
        for outcome in self._outcomes.values():
            counts[outcome.status] += 1
        return RunFinished(
            run.id,
            run.name,
            run.version,
            run.status,
            run.duration_seconds or 0.0,
            counts,
            self._run.touched,
            self._store.outputs(run.id),
            run.error_msg,
        )
