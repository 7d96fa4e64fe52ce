"""`sloth-runner validate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sloth_runner.cli.options import given_values, values_options
from sloth_state.cli.options import shared_options

if TYPE_CHECKING:
    from sloth_state.cli.app import App


@click.command("validate", short_help="Check a workflow file without running it.")
@click.argument("path", metavar="FILE")
@values_options
@shared_options
def command(
    app: App, *, path: str, values_files: tuple[str, ...], assignments: tuple[str, ...]
) -> None:
    """Load FILE and check its tasks and dependencies, without running any of them.

    Its top-level code runs, but what would change something does nothing there: exec, writing
    and removing files, state.
    """
    from sloth_runner.runner import inspect_file

    workflows = inspect_file(path, values=given_values(values_files, assignments))
    tasks = sum(len(workflow.tasks) for workflow in workflows)
    names = ", ".join(workflow.name for workflow in workflows)
    app.emit_object(
        {"valid": True, "file": path, "workflows": [w.name for w in workflows], "tasks": tasks},
        lambda: [f"{path} is valid: {names}, {tasks} {'task' if tasks == 1 else 'tasks'}"],
    )
