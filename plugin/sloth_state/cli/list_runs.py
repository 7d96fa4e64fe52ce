"""`state workflow list`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sloth_state.cli.complete import complete_tag, complete_workflow
from sloth_state.cli.options import limit_option, shared_options
from sloth_state.cli.tables import STATUS_COLOURS, Column
from sloth_state.cli.text import counted, duration, local_time
from sloth_state.model import Run, RunStatus
from sloth_state.shapes import run_shape

if TYPE_CHECKING:
    from sloth_state.cli.app import App

MOST_COUNTED = 10_000
"""Runs. Counting more takes longer than all the rest of a listing, and tells nobody anything."""

COLUMNS = [
    Column[Run]("NAME", lambda run: run.name),
    Column[Run]("VERSION", lambda run: str(run.version)),
    Column[Run]("STATUS", lambda run: run.status.value, STATUS_COLOURS),
    Column[Run]("STARTED", lambda run: local_time(run.started_at)),
    Column[Run]("DURATION", lambda run: duration(run.duration_seconds)),
    Column[Run]("RESOURCES", lambda run: str(run.resource_count)),
]


@click.command("list")
@click.option("--name", help="Only runs of this workflow.", shell_complete=complete_workflow)
@click.option(
    "--status", type=click.Choice([status.value for status in RunStatus]), help="Only these."
)
@click.option("--tag", help="Only runs with this tag.", shell_complete=complete_tag)
@click.option("--latest", is_flag=True, help="Only the newest run of each workflow.")
@limit_option
@shared_options
def command(
    app: App, *, name: str | None, status: str | None, tag: str | None, latest: bool, limit: int
) -> None:
    """List runs, newest first."""
    wanted = RunStatus(status) if status else None
    store = app.store(upgrade=False)
    runs = store.runs(name=name, status=wanted, tag=tag, latest=latest, limit=limit or None)
    total = len(runs)
    if total == limit and not app.json:
        total = store.count_runs(
            name=name, status=wanted, tag=tag, latest=latest, at_most=MOST_COUNTED + 1
        )
    app.emit(runs, COLUMNS, run_shape, footer=_total(len(runs), total))


def _total(shown: int, total: int) -> str:
    if shown == total:
        return counted(total, "run")
    if total > MOST_COUNTED:
        return f"{shown:,} of more than {counted(MOST_COUNTED, 'run')}; --limit shows more"
    return f"{shown:,} of {counted(total, 'run')}; --limit shows more"
