"""Checks a recorded version for drift, and takes what drifted for the new baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_runner.earlier_runs import copy_outputs, existing
from sloth_runner.events import DriftDetected, ResourceChanged, TaskOutput
from sloth_runner.resources.reading import prepared
from sloth_state.drift import detection_of, find_drift
from sloth_state.errors import StoreFull
from sloth_state.model import Action, DriftState, ResourceDraft

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sloth_runner.active_run import ActiveRun
    from sloth_runner.driver import Driver
    from sloth_runner.world import World
    from sloth_state.drift import Finding
    from sloth_state.model import Run, Version
    from sloth_state.store import Store

_DRIFT = (DriftState.DRIFTED, DriftState.MISSING)


def check_drift(
    world: World,
    store: Store,
    version: Version,
    *,
    type: str | None = None,
    ignore: Sequence[str] = (),
) -> list[Finding]:
    """Compare the resources of a version with reality, and keep what was found.

    Changes no real thing and takes no lock. What is found is kept if the store can be written to
    and its disk is not full, and told to `state.on("drift_detected")` and to plugins.
    """
    driver = world.version(version)
    resources = existing(store.resources(version.workflow, version=version.version, type=type))
    findings = find_drift(world.read(driver, resources), ignore=ignore)
    if not store.read_only:
        detections = [detection_of(each) for each in findings]
        try:
            store.record_detections(version.workflow, version.version, detections)
        except StoreFull as error:
            text = f"what was found is not kept in the history of checks: {error.message}"
            world.emit(TaskOutput(None, "warn", text))
    drifted = tuple(each for each in findings if each.state in _DRIFT)
    if drifted:
        world.emit(DriftDetected(version.workflow, version.version, drifted))
        _tell_script(world, driver, version, drifted)
    return findings


def drifted_contents(
    world: World, version: Version, findings: Sequence[Finding]
) -> dict[str, bytes]:
    """What is in files now that drifted, by SHA-256, as far as their providers keep contents."""
    drifted = [
        (each.resource, each.actual) for each in findings if each.state is DriftState.DRIFTED
    ]
    return world.contents(world.version(version), drifted)


def _tell_script(
    world: World, driver: Driver, version: Version, findings: Sequence[Finding]
) -> None:
    facts = {
        "workflow": version.workflow,
        "version": version.version,
        "resources": [
            {
                "type": each.resource.type,
                "name": each.resource.name,
                "state": each.state.value,
                "attributes": [difference.path for difference in each.change.differences],
            }
            for each in findings
        ],
    }
    driver.session.acting = True

    try:
        world.run(world.tell(driver, "drift_detected", facts))
    finally:
        driver.session.acting = False


def accept_drift(
    world: World,
    store: Store,
    version: Version,
    findings: Sequence[Finding],
) -> Run:
    """Record reality as a new version: what drifted as it is now, what is missing as gone.

    Raises StateMoved if the version is no longer the newest.
    """
    drifted = [each for each in findings if each.state in _DRIFT]
    driver = world.version(version)
    execution = world.execution(
        version,
        metadata={"accepted_drift_of": str(version.version)},
        message=f"accepted drift of {len(drifted)} "
        + ("resource" if len(drifted) == 1 else "resources"),
        after_run=version.run_id,
    )
    with execution as run:
        driver.session.run = run
        run.subscribe(lambda resource: world.emit(ResourceChanged(None, resource)))
        world.run(_accept(driver, run, drifted))
        copy_outputs(store, version.run_id, run)
    assert execution.finished is not None
    return execution.finished


async def _accept(driver: Driver, run: ActiveRun, findings: Sequence[Finding]) -> None:
    for finding in findings:
        resource = finding.resource
        if finding.actual is None:
            run.remove(resource.type, resource.name)
            continue
        memory = await prepared(driver, resource, finding.actual)
        contents = driver.session.top_level.take_contents()
        if contents:
            run.keep_contents(contents)
        draft = ResourceDraft(
            resource.type,
            resource.name,
            {**resource.attributes, **finding.actual},
            action=Action.UPDATE,
            declaration={**(resource.declaration or {}), "memory": memory},
        )
        run.record_all([draft])


def drift_counts(findings: Sequence[Finding]) -> dict[str, int]:
    """How many resources are in each state."""
    states = [each.state for each in findings]
    return {state.value: states.count(state) for state in DriftState}
