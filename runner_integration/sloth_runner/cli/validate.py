"""`sloth-runner validate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sloth_runner.cli.options import (
    given_secrets,
    given_values,
    secrets_option,
    values_options,
    warnings_only,
)
from sloth_state.cli.options import shared_options
from sloth_state.cli.text import counted

if TYPE_CHECKING:
    from sloth_state.cli.app import App


@click.command("validate", short_help="Check a workflow file without running it.")
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
    """Load FILE and check its tasks and dependencies, without running any of them.

    What it asks for and nobody can do, such as an unknown option, is told of, and the exit code is
    1: `run` refuses that, `list` does not.

    Its top-level code runs, but what would change something does nothing there: exec, writing
    and removing files, state.
    """
    from sloth_runner.runner import inspect_file

    workflows = inspect_file(
        path,
        values=given_values(values_files, assignments),
        secrets=given_secrets(secrets_files),
        listeners=[warnings_only(app)],
    )
    tasks = sum(len(workflow.tasks) for workflow in workflows)
    names = [workflow.name for workflow in workflows]
    problems = [problem for workflow in workflows for problem in workflow.problems]
    for problem in problems:
        app.say(f"Note: {problem}; `run` refuses that")
    app.emit_object(
        {
            "valid": not problems,
            "file": path,
            "workflows": [*names],
            "tasks": tasks,
            "problems": [*problems],
        },
        lambda: [
            f"{path} {'loads' if problems else 'is valid'}: {', '.join(names)}, "
            f"{counted(tasks, 'task')}"
        ],
    )
    if problems:
        raise click.exceptions.Exit(1)
