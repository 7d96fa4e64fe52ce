"""`sloth-runner list`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sloth_runner.cli.options import (
    given_secrets,
    given_values,
    secrets_option,
    values_options,
    warnings_only,
)
from sloth_state.cli.options import shared_options
from sloth_state.cli.tables import Column

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sloth_runner.workflow import Task, Workflow
    from sloth_state.cli.app import App


@click.command("list", short_help="List the workflows and tasks of a file.")
@click.argument("path", metavar="FILE")
@values_options
@secrets_option
@shared_options
def command(
    app: App,
    *,
    path: str,
    values_files: tuple[str, ...],
    assignments: tuple[str, ...],
    secrets_files: tuple[str, ...],
) -> None:
    """List the workflows and tasks of FILE in the order they would run, without running any."""
    from sloth_runner.runner import inspect_file

    workflows = inspect_file(
        path,
        values=given_values(values_files, assignments),
        secrets=given_secrets(secrets_files),
        listeners=[warnings_only(app)],
    )
    app.emit_object([_shape(workflow) for workflow in workflows], lambda: _lines(app, workflows))


def _lines(app: App, workflows: list[Workflow]) -> Iterator[str]:
    for index, workflow in enumerate(workflows):
        if index:
            yield ""
        described = f"  {workflow.description}" if workflow.description else ""
        yield f"{workflow.name}{described}"
        columns: list[Column[Task]] = [
            Column("TASK", lambda task: task.name),
            Column("DEPENDS ON", lambda task: ", ".join(task.depends_on)),
            Column("DESCRIPTION", lambda task: task.description),
        ]
        for line in app.table(workflow.tasks, columns):
            yield f"  {line}"


def _shape(workflow: Workflow) -> dict[str, Any]:
    return {
        "name": workflow.name,
        "description": workflow.description,
        "version": workflow.version,
        "tasks": [
            {
                "name": task.name,
                "description": task.description,
                "depends_on": list(task.depends_on),
                "tags": list(task.tags),
                "defined_at": task.where,
            }
            for task in workflow.tasks
        ],
    }
