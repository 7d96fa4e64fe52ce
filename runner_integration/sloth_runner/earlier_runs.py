"""What earlier runs left, as later ones see it: their resources and outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sloth_state.errors import OutputNotFound, ReferenceNotFound
from sloth_state.model import Action, RunStatus
from sloth_state.references import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sloth_runner.active_run import ActiveRun
    from sloth_state.model import Json, Output, Resource, Run
    from sloth_state.store import Store


class PreviousVersion(NamedTuple):
    """The last successful version of a workflow, as its next run sees it."""

    version: int
    resources: list[Resource]
    """Without those that it deleted."""
    outputs: dict[str, Output]


def previous_version(store: Store, workflow: str) -> PreviousVersion | None:
    """The last version of a workflow that succeeded or was rolled back to, or None."""
    run = _last_good_run(store, workflow)
    if run is None:
        return None
    resources = existing(store.resources(workflow, version=run.version))
    return PreviousVersion(run.version, resources, store.outputs(run.id))


def output_of(store: Store, workflow: str, key: str) -> Json:
    """An output of a workflow's last successful run, or rollback.

    Raises ReferenceNotFound if there is no such run, and OutputNotFound.
    """
    run = _last_good_run(store, workflow)
    if run is None:
        raise _no_successful_run(workflow, store.workflow_names())
    return value_of(store.outputs(run.id), workflow, key)


def copy_outputs(store: Store, run_id: str, run: ActiveRun) -> None:
    """Publish with a run what an earlier one had published."""
    for output in store.outputs(run_id).values():
        run.set_output(output.key, output.value, sensitive=output.sensitive)


def keep_outputs(store: Store, run: ActiveRun) -> None:
    """Publish with a run what the last good one of its workflow had published, if there is one."""
    earlier = _last_good_run(store, run.name)
    if earlier is not None:
        copy_outputs(store, earlier.id, run)


def _last_good_run(store: Store, workflow: str) -> Run | None:
    """The newest that succeeded; a rollback that did is as good as the version it restored."""
    good = (RunStatus.SUCCESS, RunStatus.ROLLED_BACK)
    found = [run for status in good for run in store.runs(name=workflow, status=status, limit=1)]
    return max(found, key=lambda run: run.version, default=None)


def existing(resources: Iterable[Resource]) -> list[Resource]:
    """Without those that the version itself deleted."""
    return [resource for resource in resources if resource.action is not Action.DELETE]


def value_of(outputs: Mapping[str, Output], workflow: str, key: str) -> Json:
    """One of these outputs. Raises OutputNotFound."""
    if key not in outputs:
        raise OutputNotFound(workflow, key, nearest(key, outputs))
    return outputs[key].value


def _no_successful_run(workflow: str, known: Sequence[str]) -> ReferenceNotFound:
    if workflow in known:
        return ReferenceNotFound(workflow, detail=f"{workflow} has no successful run yet")
    return ReferenceNotFound(workflow, nearest(workflow, known))
