"""Runs a workflow file from beginning to end, and looks at one without running it."""

from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple

from sloth_runner.definitions import workflows_of
from sloth_runner.errors import ScriptError
from sloth_runner.events import (
    ResourceChanged,
    ResourcesUndeclared,
    RunFinished,
    RunStarted,
    TaskOutput,
)
from sloth_runner.execution import Execution
from sloth_runner.interruption import interrupt_elsewhere
from sloth_runner.loading import Loading
from sloth_runner.resources.pruning import delete_all, no_longer_declared
from sloth_runner.resuming import done_tasks, run_to_resume
from sloth_runner.scheduler import Scheduler
from sloth_runner.script import read_script
from sloth_runner.selection import choose_workflow, left_out
from sloth_runner.session import Session
from sloth_runner.stopping import StopSignals
from sloth_runner.supervisor import Supervisor
from sloth_state.errors import StateMoved
from sloth_state.model import TaskStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sloth_runner.active_run import ActiveRun
    from sloth_runner.driver import Driver
    from sloth_runner.events import Listener
    from sloth_runner.script import Script
    from sloth_runner.task_records import TaskOutcome
    from sloth_runner.workflow import Workflow
    from sloth_state.errors import LockHeld
    from sloth_state.model import Changes, Json, Run
    from sloth_state.store import Store


class RunRequest(NamedTuple):
    """What to run, and how."""

    path: str
    name: str | None = None
    """The name of the state, if it is not the workflow's own."""
    workflow: str | None = None
    """Which workflow of the file, if it has several."""
    values: Json = None
    metadata: Mapping[str, str] = {}
    message: str | None = None
    lock_timeout: float = 0.0
    """Seconds to wait for a workflow that somebody else runs."""
    max_parallel: int | None = None
    only: tuple[str, ...] = ()
    """Run these tasks and those they depend on."""
    skip: tuple[str, ...] = ()
    """Leave these tasks out, as if they had been done."""
    script: Script | None = None
    """The file's content, if it is not to be read again from `path`."""
    modules: Mapping[str, bytes] = {}
    """Lua files that it requires, likewise, by the name it gives them."""
    after_run: str | None = None
    """The run that must be the workflow's newest when this one begins, "" for none at all."""
    resume: Literal["same", "force"] | None = None
    """Go on with the newest run, which failed: "force" even if file or values changed since."""
    prune: bool = False
    """Delete resources that the file no longer declares, as its `prune` setting does."""
    stream_children: bool = False
    """Tell of every line that commands write, not only of the last ones."""


def inspect_file(
    path: str, *, values: Json = None, listeners: Sequence[Listener] = ()
) -> list[Workflow]:
    """Load a file without running its tasks and without effects; what it defines.

    Its top-level code runs, but what would change something (exec, writing files, state) does
    nothing there. Raises the errors of `sloth_runner.errors`.
    """
    script = read_script(path)
    loading = Loading(listeners)
    driver = loading.driver(Session(script, values=values, emit=loading.emit, inspecting=True))
    left_undone: list[str] = []
    driver.host.left_undone = lambda name, _arguments: left_undone.append(name)
    with StopSignals() as signals, asyncio.Runner() as loop:
        try:
            Supervisor(loop, signals, driver.limits).run(driver.load())
        except ScriptError as error:
            error.hint = error.hint or _hint_of_left_undone(left_undone)
            raise
    return workflows_of(driver.host.describe(), script)


def _hint_of_left_undone(operations: Sequence[str]) -> str | None:
    if not operations:
        return None
    names = ", ".join(dict.fromkeys(operations))
    return f"Looking at a file changes nothing, so {names} did nothing and gave an empty result."


def run_file(
    store: Store,
    request: RunRequest,
    listeners: Sequence[Listener] = (),
    *,
    on_waiting: Callable[[LockHeld], None] | None = None,
) -> Run:
    """Run a workflow file; the finalised run.

    Must be called on the main thread (signals). Raises WorkflowFailed and the other errors of
    `sloth_runner.errors`, LockHeld, Interrupted, and what the store raises; in all cases the run,
    if it was begun, is finalised.
    """
    script = request.script or read_script(request.path)
    loading = Loading(listeners)
    session = Session(
        script,
        values=request.values,
        store=store,
        emit=loading.emit,
        stream_children=request.stream_children,
    )
    session.modules = dict(request.modules)
    driver = loading.driver(session)
    with StopSignals() as signals, asyncio.Runner() as loop:
        supervisor = Supervisor(loop, signals, driver.limits)
        supervisor.run(driver.load())
        workflow = choose_workflow(
            workflows_of(driver.host.describe(), script), request.path, request.workflow
        )
        name = request.name or workflow.name
        execution = Execution(
            store,
            name,
            metadata=request.metadata,
            message=request.message,
            source=script.source,
            source_path=script.path,
            values=request.values,
            modules=dict(session.modules),
            lock_timeout=timedelta(seconds=request.lock_timeout),
            on_waiting=on_waiting,
            on_lock_lost=supervisor.stop,
            resume=lambda: run_to_resume(store, name, session, request.resume),
        )
        return _execute(execution, store, workflow, request, loading, driver, supervisor)


def _execute(
    execution: Execution,
    store: Store,
    workflow: Workflow,
    request: RunRequest,
    loading: Loading,
    driver: Driver,
    supervisor: Supervisor,
) -> Run:
    skipped = left_out(workflow, request.only, request.skip)
    emit = driver.session.emit
    outcomes: dict[str, TaskOutcome] = {}
    try:
        with execution as run, closing(driver.session):
            _check_predecessor(store, request, run)
            driver.session.run = run
            if loading.is_heard(ResourceChanged):
                run.subscribe(lambda each: emit(ResourceChanged(driver.session.current.name, each)))
            emit(RunStarted(run.id, run.name, run.version, tuple(t.name for t in workflow.tasks)))
            scheduler = Scheduler(
                workflow,
                run,
                driver,
                outcomes,
                max_parallel=request.max_parallel,
                left_out=skipped,
                done=done_tasks(store, run.resumes),
            )
            _settle_what_was_interrupted(driver, run, supervisor)
            last_words = partial(interrupt_elsewhere, store, run.id)
            supervisor.run(scheduler.run(), last_words)
            left = no_longer_declared(driver, run, outcomes)
            if left:
                prune = request.prune or workflow.prune
                emit(ResourcesUndeclared(tuple(left), prune))
                if prune:
                    supervisor.run(delete_all(driver, left), last_words)
            for key, value in driver.host.outputs().items():
                run.set_output(key, value)
    finally:
        if execution.finished is not None:
            emit(_finished(execution.finished, store, run.touched, outcomes))
    assert execution.finished is not None
    return execution.finished


def _settle_what_was_interrupted(driver: Driver, run: ActiveRun, supervisor: Supervisor) -> None:
    """Find out what a killed run left half-done, before anything is built on it."""
    unfinished = run.unfinished_operations()
    if not unfinished:
        return
    from sloth_runner.resources.recovery import settle

    async def work() -> None:
        for each in await settle(driver, run, unfinished):
            operation = each.operation
            driver.session.declarations.settled.add((operation.type, operation.name))
            what = f"{operation.verb} {operation.type}/{operation.name}"
            text = f"run {each.run_id} was interrupted in: {what}; {each.found}"
            driver.session.emit(TaskOutput(None, "warn", text))

    supervisor.run(work())


def _check_predecessor(store: Store, request: RunRequest, run: ActiveRun) -> None:
    if request.after_run is None:
        return
    before = [each for each in store.runs(name=run.name, limit=2) if each.id != run.id]
    if (before[0].id if before else "") != request.after_run:
        raise StateMoved(run.name, run.version - 2, run.version - 1)


def _finished(
    run: Run, store: Store, changes: Changes, outcomes: Mapping[str, TaskOutcome]
) -> RunFinished:
    counts = dict.fromkeys((TaskStatus.SUCCESS, TaskStatus.FAILED, TaskStatus.SKIPPED), 0)
    for outcome in outcomes.values():
        counts[outcome.status] += 1
    return RunFinished(
        run.id,
        run.name,
        run.version,
        run.status,
        run.duration_seconds or 0.0,
        counts,
        changes,
        store.outputs(run.id),
        run.error_msg,
    )
