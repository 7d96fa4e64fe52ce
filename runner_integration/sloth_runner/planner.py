"""Makes a plan: runs a workflow file without its effects."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, NamedTuple

from sloth_runner import artifacts
from sloth_runner.definitions import workflows_of
from sloth_runner.errors import WorkflowFailed
from sloth_runner.loading import Loading, hint_of_left_undone
from sloth_runner.planned_run import PlannedRun
from sloth_runner.resources.pruning import Fate, no_longer_declared
from sloth_runner.resuming import done_tasks, run_to_resume
from sloth_runner.scheduler import Scheduler
from sloth_runner.script import read_script
from sloth_runner.selection import check_runnable, choose_workflow, left_out
from sloth_runner.session import Session
from sloth_runner.stopping import StopSignals
from sloth_runner.supervisor import Supervisor
from sloth_state.model import TaskStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sloth_runner.driver import Driver
    from sloth_runner.events import Listener
    from sloth_runner.planning import Plan, PlannedChange, PlannedEffect
    from sloth_runner.runner import RunRequest
    from sloth_runner.task_records import TaskOutcome
    from sloth_runner.workflow import Workflow
    from sloth_state.model import Run
    from sloth_state.store import Store


class Planned(NamedTuple):
    """A plan and what it was made for."""

    workflow: str
    newest: Run | None
    """The newest run of the workflow, which the plan comes after; None if there is none."""
    source: bytes
    modules: Mapping[str, bytes]
    """Lua files that the workflow file required."""
    plan: Plan
    failure: WorkflowFailed | None
    """Why the plan is not whole: a task failed, perhaps for want of what was not run."""


def plan_file(
    store: Store,
    request: RunRequest,
    plan: Plan,
    on_found: Callable[[PlannedChange | PlannedEffect], None] = lambda _found: None,
    listeners: Sequence[Listener] = (),
) -> Planned:
    """Find out what `run_file` would do with the same request. Changes nothing, takes no lock.

    `plan` is filled, and `on_found` is told of each change and effect as it is found; `listeners`
    hear the events of a run, such as what tasks log. Tasks run, and what they would change is left
    undone; providers read reality. Raises what loading a file raises.
    """
    script = request.script or read_script(request.path)
    loading = Loading(listeners)
    session = Session(
        script,
        values=request.values,
        store=store,
        emit=loading.emit,
        inspecting=True,
        secrets=request.secrets,
    )
    session.modules = dict(request.modules)
    session.plan, plan.on_found = plan, on_found
    driver = loading.driver(session)

    def on_effect(operation: str, arguments: Sequence[object]) -> None:
        plan.add_effect(session.current, operation, session.secrets.masked(list(arguments)))

    driver.host.left_undone = on_effect
    hidden = session.secrets.kept_out_of_errors()
    with hidden, StopSignals() as signals, asyncio.Runner() as loop:
        supervisor = Supervisor(loop, signals, driver.limits)
        supervisor.run(driver.load())
        workflow = choose_workflow(
            workflows_of(driver.host.describe(), script), request.path, request.workflow
        )
        check_runnable(workflow)
        name = request.name or session.state_name or workflow.name
        wanted = request.resume
        resumes = run_to_resume(store, name, session, wanted) if wanted else None
        run = PlannedRun(store, name, plan, session, resumes)
        failure = _run_tasks(driver, store, run, workflow, request, supervisor)
    return Planned(run.name, run.newest, script.source, dict(session.modules), plan, failure)


def _effects_of(session: Session) -> list[str]:
    assert session.plan is not None
    return [each.operation for each in session.plan.effects]


def _hint(session: Session, failure: WorkflowFailed) -> str | None:
    """Why a task may fail in a plan alone: what is missing would have been made before it."""
    assert session.plan is not None
    missing = [
        f"{each.change.type}/{each.change.name}"
        for each in session.plan.changes
        if each.change.action == "create"
        and f"{each.change.type}/{each.change.name}" not in failure.message  # it knows of it
        and any(
            one.path == "path" and os.path.basename(str(one.after)) in failure.message
            for one in each.change.differences
        )
    ]
    if missing:
        return f"A plan changes nothing, so {', '.join(missing)} is not there yet. That may be why."
    return hint_of_left_undone("A plan", _effects_of(session))


def _run_tasks(
    driver: Driver,
    store: Store,
    run: PlannedRun,
    workflow: Workflow,
    request: RunRequest,
    supervisor: Supervisor,
) -> WorkflowFailed | None:
    session = driver.session
    session.run = run
    session.prunes = request.prune or workflow.prune
    outcomes: dict[str, TaskOutcome] = {}
    skipped = left_out(workflow, request.only, request.skip)
    scheduler = Scheduler(
        workflow,
        run,
        driver,
        outcomes,
        max_parallel=request.max_parallel,
        left_out=skipped,
        skip=request.skip,
        done=done_tasks(store, run.resumes) if run.resumes else {},
        artifacts={},
    )
    failure = None
    try:
        with session.secrets.kept_out_of_errors():
            supervisor.run(scheduler.run())
    except WorkflowFailed as error:
        failure = error
        failure.hint = failure.hint or _hint(session, failure)
    supervisor.run(driver.end_leftovers())
    session.close()
    assert session.plan is not None
    session.plan.prunes = session.prunes
    for task in workflow.tasks:
        outcome = outcomes.get(task.name)
        if task.artifacts and outcome and outcome.status is TaskStatus.SUCCESS:
            run.suppose(artifacts.expected(task, run))
    for each in no_longer_declared(driver, run, outcomes, prune=session.prunes):
        if each.fate is Fate.KEEP or failure is not None:
            session.plan.undeclared.append(each)
        else:
            session.plan.delete(each.resource, None, record_only=each.fate is Fate.FORGET)
    return failure
