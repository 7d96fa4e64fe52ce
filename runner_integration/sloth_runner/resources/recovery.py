"""What a killed run left half-done: found out by reading, and recorded."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from sloth_runner.resources.decisions import FAILED
from sloth_runner.resources.reading import read_all
from sloth_state.differences import differences
from sloth_state.drift import Reading, drifted_attributes
from sloth_state.model import Action, NewOperation, Resource, ResourceDraft
from sloth_state.sensitive import declared_list
from sloth_state.things import thing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sloth_runner.active_run import ActiveRun
    from sloth_runner.driver import Driver
    from sloth_state.model import Json, Operation

INTERRUPTED = "interrupted before its end"
MADE_IN_ONE_STEP = ("file", "template", "symlink")
"""Types of which no half-made thing is ever there: what differs was made by somebody else."""
RUN, COMMAND = "run", "exec"
"""Verb and type of the operation that a command with a key is; its name is the key."""


class Settled(NamedTuple):
    """What became of an operation that was begun and never ended."""

    run_id: str
    operation: Operation
    found: str
    """In words: "it was done", "it was not done", …; why it could not be read, if it could not."""
    is_settled: bool


async def settle(
    driver: Driver,
    run: ActiveRun,
    unfinished: Sequence[tuple[str, Operation]],
    verdicts: Mapping[tuple[str, str], bool] = {},
) -> list[Settled]:
    """End operations of earlier runs by reading what is there now, and record that.

    What is there although no run recorded it becomes part of the state, so that it can be changed
    and undone like everything else. What cannot be read stays unsettled, and so does what was to be
    made where something else is now, unless `verdicts` (by type and name) says whether it was done;
    no command with a key can be read. Touches no real thing.
    """
    things = [each for each in unfinished if each[1].verb != RUN]
    readings = await read_all(driver, [_subject(operation) for _, operation in things])
    settled = [
        _settle(run, run_id, operation, reading, verdicts.get((operation.type, operation.name)))
        for (run_id, operation), reading in zip(things, readings, strict=True)
    ]
    return settled + [
        _settle_command(run, run_id, operation, verdicts.get((COMMAND, operation.name)))
        for run_id, operation in unfinished
        if operation.verb == RUN
    ]


def settling_hint(workflow: str, operation: Operation) -> str:
    """What somebody can do who finds out whether an operation was done."""
    identity = f"{operation.type}/{operation.name}"
    return (
        "Find out, and say so with: sloth-runner state workflow recover "
        f"{workflow} --done {identity} (or --not-done {identity})"
    )


def _settle_command(
    run: ActiveRun, run_id: str, operation: Operation, was_done: bool | None
) -> Settled:
    number = operation.number
    if was_done is None:
        found = f"nobody knows whether it was done: {operation.wanted['command']}"
        return Settled(run_id, operation, found, is_settled=False)
    if not was_done:
        run.end_operation(number, of_run=run_id, error=INTERRUPTED)
        return Settled(run_id, operation, "it was not done", True)
    nothing: dict[str, Json] = {"stdout": "", "stderr": "", "exit_code": 0, "duration": 0}
    run.end_operation(number, of_run=run_id, result=nothing)
    # Whoever goes on with this run takes over what is in its own journal.
    said = operation.wanted, operation.declaration
    new = NewOperation(RUN, COMMAND, operation.name, None, operation.task, None, *said)
    run.end_operation(run.begin_operation(new), result=nothing)
    return Settled(run_id, operation, "it was done", True)


def _judged(reading: Reading, operation: Operation, was_done: bool | None) -> Reading:
    """What somebody says who has looked, where nothing else can tell."""
    if reading.error is None or was_done is None:
        return reading
    is_there = was_done is not (operation.verb == "delete")
    return Reading(reading.resource, operation.wanted if is_there else None)


def _subject(operation: Operation) -> Resource:
    """The thing that an operation was about, as it was wanted."""
    return Resource(
        "",
        operation.type,
        operation.name,
        Action.NOOP,
        "",
        operation.wanted,
        operation.began_at,
        datetime.now(UTC),
        operation.declaration,
    )


def _settle(
    run: ActiveRun, run_id: str, operation: Operation, reading: Reading, was_done: bool | None
) -> Settled:
    reading = _judged(reading, operation, was_done)
    if reading.error is not None:
        return Settled(run_id, operation, f"it cannot be read: {reading.error}", is_settled=False)
    if operation.verb == "delete":
        return _settle_delete(run, run_id, operation, gone=reading.actual is None)
    if reading.actual is None:
        return _not_done(run, run_id, operation, "nothing is there")
    if operation.verb == "create" and _is_dealt_with(run, reading.resource):
        return _not_done(run, run_id, operation, "a later run has dealt with it")
    if not was_done and _is_somebody_elses(operation, reading.resource, reading.actual):
        return _settle_strange(run, run_id, operation, was_done)
    if _is_as_before(operation, reading.resource, reading.actual):
        return _not_done(run, run_id, operation, "it was not done")
    return _record_what_is_there(run, run_id, operation, reading.resource, reading.actual)


def _settle_strange(
    run: ActiveRun, run_id: str, operation: Operation, was_done: bool | None
) -> Settled:
    if was_done is None:
        return Settled(run_id, operation, "something else is there; who made it?", is_settled=False)
    return _not_done(run, run_id, operation, "it was not done")


def _settle_delete(run: ActiveRun, run_id: str, operation: Operation, *, gone: bool) -> Settled:
    if not gone:
        return _not_done(run, run_id, operation, "it was not done")
    identity = operation.type, operation.name
    remove = identity if run.resource(*identity) is not None else None
    run.end_operation(operation.number, of_run=run_id, remove=remove)
    return Settled(run_id, operation, "it was done", True)


def _not_done(run: ActiveRun, run_id: str, operation: Operation, found: str) -> Settled:
    run.end_operation(operation.number, of_run=run_id, error=INTERRUPTED)
    return Settled(run_id, operation, found, True)


def _is_dealt_with(run: ActiveRun, wanted: Resource) -> bool:
    """Whether a later run has recorded the thing, so that all is known of it."""
    return any(
        thing(each) == thing(wanted) and each.updated_at > wanted.created_at
        for each in run.resources()
    )


def _is_somebody_elses(operation: Operation, wanted: Resource, actual: Mapping[str, Json]) -> bool:
    if operation.verb != "create" or operation.type not in MADE_IN_ONE_STEP:
        return False
    return bool(drifted_attributes(wanted, actual))


def _is_as_before(operation: Operation, wanted: Resource, actual: Mapping[str, Json]) -> bool:
    """Whether an update left no trace, although one could be read."""
    if not isinstance(operation.before, dict) or not drifted_attributes(wanted, actual):
        return False
    return not differences(operation.before, actual, ignore=declared_list(wanted, "ignore"))


def _record_what_is_there(
    run: ActiveRun, run_id: str, operation: Operation, wanted: Resource, actual: Mapping[str, Json]
) -> Settled:
    done = not drifted_attributes(wanted, actual)
    all_read = operation.wanted.keys() <= actual.keys()
    is_recorded = run.resource(operation.type, operation.name) is not None
    draft = ResourceDraft(
        operation.type,
        operation.name,
        {**operation.wanted, **actual},
        status="" if done and all_read else FAILED,
        action=Action.UPDATE if is_recorded else Action.CREATE,
        declaration=operation.declaration,
    )
    error = None if done else INTERRUPTED
    run.end_operation(operation.number, of_run=run_id, error=error, record=draft)
    found = "it was done" if all_read else "it was done, as far as it can be read"
    return Settled(run_id, operation, found if done else "it was done in part", True)
