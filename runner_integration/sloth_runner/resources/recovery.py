"""What a killed run left half-done: found out by reading, and recorded."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from sloth_runner.resources.decisions import FAILED
from sloth_runner.resources.reading import read_all
from sloth_state.differences import differences
from sloth_state.drift import Reading, drifted_attributes
from sloth_state.model import Action, NewOperation, Resource, ResourceDraft
from sloth_state.sensitive import declared_list
from sloth_state.things import thing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

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
    end: Callable[[ActiveRun], None] | None = None
    """Writes that down, with what is there now; None: it is not settled."""

    @property
    def is_settled(self) -> bool:
        return self.end is not None


async def settle(
    driver: Driver, run: ActiveRun, unfinished: Sequence[tuple[str, Operation]]
) -> list[Settled]:
    """End operations of earlier runs as `judge` says, and record that.

    What is there although no run recorded it becomes part of the state, so that it can be changed
    and undone like everything else. Touches no real thing.
    """
    judged = await judge(driver, run.resources(), unfinished)
    for each in judged:
        if each.end is not None:
            each.end(run)
    return judged


async def judge(
    driver: Driver,
    recorded: Sequence[Resource],
    unfinished: Sequence[tuple[str, Operation]],
    verdicts: Mapping[tuple[str, str], bool] = {},
) -> list[Settled]:
    """Find out by reading what became of operations of earlier runs. Writes nothing.

    What cannot be read stays unsettled, and so does what was to be made where something else is
    now, unless `verdicts` (by type and name) says whether it was done; no command with a key can be
    read.
    """
    things = [each for each in unfinished if each[1].verb != RUN]
    readings = await read_all(driver, [_subject(operation) for _, operation in things])
    judged = [
        _judge(recorded, run_id, operation, reading, verdicts.get((operation.type, operation.name)))
        for (run_id, operation), reading in zip(things, readings, strict=True)
    ]
    return judged + [
        _judge_command(run_id, operation, verdicts.get((COMMAND, operation.name)))
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


def _judge_command(run_id: str, operation: Operation, was_done: bool | None) -> Settled:
    if was_done is None:
        found = f"nobody knows whether it was done: {operation.wanted['command']}"
        return Settled(run_id, operation, found)
    if not was_done:
        return _not_done(run_id, operation, "it was not done")
    return Settled(run_id, operation, "it was done", partial(_end_command, run_id, operation))


def _end_command(run_id: str, operation: Operation, run: ActiveRun) -> None:
    nothing: dict[str, Json] = {"stdout": "", "stderr": "", "exit_code": 0, "duration": 0}
    run.end_operation(operation.number, of_run=run_id, result=nothing)
    # Whoever goes on with this run takes over what is in its own journal.
    said = operation.wanted, operation.declaration
    new = NewOperation(RUN, COMMAND, operation.name, None, operation.task, None, *said)
    run.end_operation(run.begin_operation(new), result=nothing)


def _as_said(reading: Reading, operation: Operation, was_done: bool | None) -> Reading:
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


def _judge(
    recorded: Sequence[Resource],
    run_id: str,
    operation: Operation,
    reading: Reading,
    was_done: bool | None,
) -> Settled:
    reading = _as_said(reading, operation, was_done)
    wanted, actual = reading.resource, reading.actual
    if reading.error is not None:
        return Settled(run_id, operation, f"it cannot be read: {reading.error}")
    if operation.verb == "delete":
        return _judge_delete(run_id, operation, gone=actual is None)
    if actual is None:
        return _not_done(run_id, operation, "nothing is there")
    if operation.verb == "create" and _is_dealt_with(recorded, wanted):
        return _not_done(run_id, operation, "a later run has dealt with it")
    if was_done is None and _is_somebody_elses(operation, wanted, actual):
        return Settled(run_id, operation, "something else is there; who made it?")
    return _judge_what_is_there(run_id, operation, wanted, actual, was_done)


def _judge_delete(run_id: str, operation: Operation, *, gone: bool) -> Settled:
    if not gone:
        return _not_done(run_id, operation, "it was not done")
    return Settled(run_id, operation, "it was done", partial(_end_delete, run_id, operation))


def _end_delete(run_id: str, operation: Operation, run: ActiveRun) -> None:
    identity = operation.type, operation.name
    remove = identity if run.resource(*identity) is not None else None
    run.end_operation(operation.number, of_run=run_id, remove=remove)


def _not_done(run_id: str, operation: Operation, found: str) -> Settled:
    return Settled(run_id, operation, found, partial(_end_not_done, run_id, operation))


def _end_not_done(run_id: str, operation: Operation, run: ActiveRun) -> None:
    run.end_operation(operation.number, of_run=run_id, error=INTERRUPTED)


def _is_dealt_with(recorded: Sequence[Resource], wanted: Resource) -> bool:
    """Whether a later run has recorded the thing, so that all is known of it."""
    return any(
        thing(each) == thing(wanted) and each.updated_at > wanted.created_at for each in recorded
    )


def _is_somebody_elses(operation: Operation, wanted: Resource, actual: Mapping[str, Json]) -> bool:
    if operation.verb != "create" or operation.type not in MADE_IN_ONE_STEP:
        return False
    return bool(drifted_attributes(wanted, actual))


def _is_as_before(operation: Operation, wanted: Resource, actual: Mapping[str, Json]) -> bool:
    """Whether a thing that was there before is as it was then."""
    if not isinstance(operation.before, dict):
        return False
    return not differences(operation.before, actual, ignore=declared_list(wanted, "ignore"))


def _judge_what_is_there(
    run_id: str,
    operation: Operation,
    wanted: Resource,
    actual: Mapping[str, Json],
    was_done: bool | None,
) -> Settled:
    done = not drifted_attributes(wanted, actual)
    is_theirs = was_done is False and _is_somebody_elses(operation, wanted, actual)
    if is_theirs or (not done and _is_as_before(operation, wanted, actual)):
        return _not_done(run_id, operation, "it was not done")
    all_read = operation.wanted.keys() <= actual.keys()
    draft = ResourceDraft(
        operation.type,
        operation.name,
        {**operation.wanted, **actual},
        status="" if done and all_read else FAILED,
        declaration=operation.declaration,
    )
    found = "it was done" if all_read else "it was done, as far as it can be read"
    end = partial(_end_with_record, run_id, operation, draft, None if done else INTERRUPTED)
    return Settled(run_id, operation, found if done else "it was done in part", end)


def _end_with_record(
    run_id: str, operation: Operation, draft: ResourceDraft, error: str | None, run: ActiveRun
) -> None:
    is_recorded = run.resource(draft.type, draft.name) is not None
    action = Action.UPDATE if is_recorded else Action.CREATE
    record = draft._replace(action=action)
    run.end_operation(operation.number, of_run=run_id, error=error, record=record)
