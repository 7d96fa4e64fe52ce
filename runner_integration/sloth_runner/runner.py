"""Runs a workflow file from beginning to end, and looks at one without running it."""

from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from sloth_runner.definitions import workflows_of
from sloth_runner.driver import Driver
from sloth_runner.errors import ScriptError
from sloth_runner.events import (
    ResourceChanged,
    RunFinished,
    RunStarted,
    TaskOutput,
)
from sloth_runner.execution import Execution
from sloth_runner.plugins import Plugins
from sloth_runner.scheduler import Scheduler
from sloth_runner.script import read_script
from sloth_runner.selection import choose_workflow, left_out
from sloth_runner.session import Session
from sloth_runner.stopping import StopSignals
from sloth_runner.supervisor import Supervisor
from sloth_state.model import TaskStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sloth_runner.events import (
        Event,
        Listener,
    )
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
    loading = _Loading(listeners)
    driver = loading.driver(Session(script, values=values, emit=loading.emit, inspecting=True))
    with StopSignals() as signals, asyncio.Runner() as loop:
        try:
            Supervisor(loop, signals, driver.limits).run(driver.load())
        except ScriptError as error:
            error.hint = error.hint or _hint_of_left_undone(driver.host.left_undone)
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
    script = read_script(request.path)
    loading = _Loading(listeners)
    session = Session(
        script,
        values=request.values,
        store=store,
        emit=loading.emit,
        stream_children=request.stream_children,
    )
    driver = loading.driver(session)
    with StopSignals() as signals, asyncio.Runner() as loop:
        supervisor = Supervisor(loop, signals, driver.limits)
        supervisor.run(driver.load())
        workflow = choose_workflow(
            workflows_of(driver.host.describe(), script), request.path, request.workflow
        )
        execution = Execution(
            store,
            request.name or workflow.name,
            metadata=request.metadata,
            message=request.message,
            source=script.source,
            source_path=script.path,
            values=request.values,
            lock_timeout=timedelta(seconds=request.lock_timeout),
            on_waiting=on_waiting,
            on_lock_lost=supervisor.stop,
        )
        return _execute(execution, store, workflow, request, driver, supervisor)


def _execute(
    execution: Execution,
    store: Store,
    workflow: Workflow,
    request: RunRequest,
    driver: Driver,
    supervisor: Supervisor,
) -> Run:
    skipped = left_out(workflow, request.only, request.skip)
    emit = driver.session.emit
    outcomes: dict[str, TaskOutcome] = {}
    try:
        with execution as run, closing(driver.session):
            driver.session.run = run
            run.subscribe(lambda each: emit(ResourceChanged(driver.session.current.name, each)))
            emit(RunStarted(run.id, run.name, run.version, tuple(t.name for t in workflow.tasks)))
            scheduler = Scheduler(
                workflow, run, driver, outcomes, max_parallel=request.max_parallel, left_out=skipped
            )
            supervisor.run(scheduler.run(), partial(_interrupt_elsewhere, store, run.id))
            for key, value in driver.host.outputs().items():
                run.set_output(key, value)
    finally:
        if execution.finished is not None:
            emit(_finished(execution.finished, store, run.touched, outcomes))
    assert execution.finished is not None
    return execution.finished


def _interrupt_elsewhere(store: Store, run_id: str) -> None:
    """Finalise a run on another thread than the main one, which may be stuck."""
    with store.reopen() as own:
        own.interrupt_run(run_id, "interrupted twice, so it ended at once")


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


class _Loading:
    """Listeners and plugins of one script."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self._listeners = listeners
        self._plugins = Plugins(lambda text: self.emit(TaskOutput(None, "warn", text)))

    def driver(self, session: Session) -> Driver:
        return Driver(session.script, session, self._plugins.lua_modules(session))

    def emit(self, event: Event) -> None:
        now = datetime.now(UTC)
        for listener in self._listeners:
            listener(now, event)
        self._plugins.tell(now, event)
