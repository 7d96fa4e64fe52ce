"""Going on with a run that failed: which one that is, and what it has done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_runner.errors import ResumeRefused
from sloth_state.model import RunStatus, TaskStatus
from sloth_state.references import newest_run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from sloth_runner.session import Session
    from sloth_state.model import Run, TaskRecord
    from sloth_state.store import Store


def failed_run(store: Store, workflow: str) -> Run | None:
    """The newest run of a workflow, if it failed.

    Under the workflow's lock nobody works on a run that is called running, so it failed too. A
    rollback that failed does not count: it ran no tasks.
    """
    run = newest_run(store, workflow)
    if run is None or "rollback_to" in run.metadata:
        return None
    return run if run.status in (RunStatus.FAILED, RunStatus.RUNNING) else None


def run_to_resume(
    store: Store, workflow: str, session: Session, wanted: Literal["same", "force"]
) -> Run:
    """The run to go on with; "force": even if file or values changed since.

    Raises ResumeRefused.
    """
    run = failed_run(store, workflow)
    if run is None:
        raise ResumeRefused(_not_failed(store, workflow), hint="Run it without --resume.")
    changed = [] if wanted == "force" else list(_changed(store, run, session))
    if changed:
        raise ResumeRefused(
            f"{' and '.join(changed)} changed since run {run.id} of {workflow} failed, "
            "so it cannot be resumed",
            hint="Run all of it without --resume, or go on all the same with --resume=force.",
        )
    return run


def done_tasks(store: Store, run: Run) -> dict[str, TaskRecord]:
    """The tasks that a run has done, or had taken over as done; each says who did it."""
    return {
        task.name: task._replace(done_by=task.done_by or run.id)
        for task in store.tasks(run.id)
        if task.status is TaskStatus.SUCCESS or task.done_by
    }


def _not_failed(store: Store, workflow: str) -> str:
    newest = newest_run(store, workflow)
    if newest is None:
        return f"{workflow} has no run yet that could be resumed"
    is_rollback = "rollback_to" in newest.metadata
    what = "is a rollback" if is_rollback else f"ended as {newest.status}"
    return (
        f"only a failed run can be resumed, and run {newest.id}, the newest of {workflow}, {what}"
    )


def _changed(store: Store, run: Run, session: Session) -> Iterator[str]:
    from hashlib import sha256  # slow to import

    from sloth_state.values import canonical

    version = store.version(run.name, run.version)
    if version.source_hash != sha256(session.script.source).hexdigest():
        yield "the file"
    if store.modules(run.id) != session.modules:
        yield "what the file requires"
    values = session.values
    encoded = None if values is None else canonical(values, "values").encode()
    if version.values_hash != (encoded and sha256(encoded).hexdigest()):
        yield "the values"
