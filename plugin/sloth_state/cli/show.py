"""`state workflow show`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

import click

from sloth_state.cli.options import reference_argument, shared_options, show_sensitive_option
from sloth_state.cli.outputs import audit_sensitive, output_columns, value_text
from sloth_state.cli.resources import COLUMNS as RESOURCE_COLUMNS
from sloth_state.cli.resources import action_counts
from sloth_state.cli.tables import STATUS_COLOURS, Column
from sloth_state.cli.text import duration, local_time, printable, width
from sloth_state.model import DispatchedEvent, TaskRecord
from sloth_state.references import resolve
from sloth_state.sensitive import declared_list
from sloth_state.shapes import event_shape, outputs_shape, resource_shape, run_shape, task_shape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sloth_state.cli.app import App
    from sloth_state.model import Json, Output, Resource, Run
    from sloth_state.store import Store

INDENT = "  "

Row = TypeVar("Row")


class Details(NamedTuple):
    """All that is kept of one run."""

    run: Run
    description: str
    tags: list[str]
    tasks: list[TaskRecord]
    resources: list[Resource]
    outputs: dict[str, Output]
    events: list[DispatchedEvent]
    show_sensitive: bool


def _failure(task: TaskRecord) -> str:
    """The first line of a task's error, with its place in the script."""
    first = (task.error_msg or "").partition("\n")[0]
    if task.location is None or first.startswith(task.location):
        return first
    return f"{task.location}: {first}"


TASK_COLUMNS = [
    Column[TaskRecord]("NAME", lambda task: task.name),
    Column[TaskRecord]("STATUS", lambda task: task.status.value, STATUS_COLOURS),
    Column[TaskRecord]("ATTEMPTS", lambda task: str(task.attempts)),
    Column[TaskRecord]("STARTED", lambda task: local_time(task.started_at)),
    Column[TaskRecord]("DURATION", lambda task: duration(_seconds(task))),
    Column[TaskRecord]("ERROR", _failure),
]

EVENT_COLUMNS = [
    Column[DispatchedEvent]("TYPE", lambda event: event.type),
    Column[DispatchedEvent]("TASK", lambda event: event.task or ""),
    Column[DispatchedEvent]("AT", lambda event: local_time(event.dispatched_at)),
    Column[DispatchedEvent]("DATA", lambda event: value_text(dict(event.data))),
]


@click.command("show")
@reference_argument
@show_sensitive_option
@shared_options
def command(app: App, ref: str, show_sensitive: bool) -> None:
    """Show one run whole.

    A workflow's name means its newest run.
    """
    store = app.store(upgrade=show_sensitive)
    details = _details(store, resolve(store, ref), show_sensitive)
    if show_sensitive:
        audit_sensitive(app, details.run, details.outputs)
        _audit_attributes(app, details)
    app.emit_object(_shape(details), lambda: _lines(app, details))


def _audit_attributes(app: App, details: Details) -> None:
    """Write down who is about to be shown which sensitive attributes; a table shows none."""
    shown = [
        f"{resource.type}/{resource.name}"
        for resource in details.resources
        if app.json and declared_list(resource, "sensitive")
    ]
    if shown:
        detail = f"version {details.run.version}: {', '.join(shown)}"
        app.audit("read sensitive attributes", details.run.name, detail)


def _details(store: Store, run: Run, show_sensitive: bool) -> Details:
    return Details(
        run=run,
        description=store.version(run.name, run.version).description,
        tags=store.tags(run.id),
        tasks=store.tasks(run.id),
        resources=store.resources(run.name, version=run.version),
        outputs=store.outputs(run.id),
        events=store.events(run.id),
        show_sensitive=show_sensitive,
    )


def _shape(details: Details) -> dict[str, Json]:
    return {
        **run_shape(details.run),
        "description": details.description,
        "tags": list(details.tags),
        "tasks": [task_shape(task) for task in details.tasks],
        "resources": [
            resource_shape(resource, show_sensitive=details.show_sensitive)
            for resource in details.resources
        ],
        "outputs": outputs_shape(details.outputs, show_sensitive=details.show_sensitive),
        "events": [event_shape(event) for event in details.events],
    }


def _lines(app: App, details: Details) -> Iterator[str]:
    run = details.run
    yield app.strong(f"Workflow: {printable(run.name)} (v{run.version})")
    yield from _section(app, "Basic Information", _pairs(_basic_information(app, details)))
    yield from _section(app, "Metadata", _pairs(_metadata(run)))
    yield from _section(app, "Tasks", _table(app, details.tasks, TASK_COLUMNS))
    yield from _section(app, "Resources", _resources(app, details.resources))
    columns = output_columns(details.show_sensitive)
    yield from _section(app, "Outputs", _table(app, list(details.outputs.values()), columns))
    yield from _section(app, "Events", _table(app, details.events, EVENT_COLUMNS))
    yield from _section(app, "Error", _error(run))


def _basic_information(app: App, details: Details) -> dict[str, str]:
    run = details.run
    facts = {
        "ID": run.id,
        "Name": printable(run.name),
        "Version": str(run.version),
        "Status": app.word(run.status.value, STATUS_COLOURS),
        "Started": local_time(run.started_at),
        "Completed": local_time(run.completed_at),
        "Duration": duration(run.duration_seconds),
        "Description": printable(details.description),
        "Tags": printable(", ".join(details.tags)),
        "Locked by": printable(run.locked_by or ""),
    }
    return {name: fact for name, fact in facts.items() if fact}


def _resources(app: App, resources: Sequence[Resource]) -> list[str]:
    if not resources:
        return []
    return [*_table(app, resources, RESOURCE_COLUMNS), "", INDENT + action_counts(resources)]


def _table(app: App, rows: Sequence[Row], columns: Sequence[Column[Row]]) -> list[str]:
    return app.table(rows, columns, indent=INDENT) if rows else []


def _pairs(facts: dict[str, str]) -> list[str]:
    """Lines "key:  value", the values under one another."""
    longest = max(map(width, facts), default=0)
    return [
        f"{INDENT}{name}:{' ' * (longest - width(name))}  {fact}" for name, fact in facts.items()
    ]


def _section(app: App, title: str, lines: Sequence[str]) -> Iterator[str]:
    """A titled section, after an empty line; nothing if it has no lines."""
    if lines:
        yield ""
        yield app.strong(title)
        yield from lines


def _metadata(run: Run) -> dict[str, str]:
    return {printable(key): printable(run.metadata[key]) for key in sorted(run.metadata)}


def _error(run: Run) -> list[str]:
    message = printable(run.error_msg or "", keep="\n\t")
    return [f"{INDENT}{line}" for line in message.splitlines()]


def _seconds(task: TaskRecord) -> float | None:
    if task.started_at is None or task.ended_at is None:
        return None
    return (task.ended_at - task.started_at).total_seconds()
