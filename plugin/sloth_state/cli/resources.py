"""`state workflow resources`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sloth_state.cli.complete import complete_resource_type
from sloth_state.cli.options import reference_argument, shared_options
from sloth_state.cli.tables import ACTION_COLOURS, Column
from sloth_state.cli.text import counted, local_time
from sloth_state.model import Action, Resource
from sloth_state.references import resolve
from sloth_state.shapes import resource_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sloth_state.cli.app import App

COLUMNS = [
    Column[Resource]("ID", lambda resource: resource.id),
    Column[Resource]("TYPE", lambda resource: resource.type),
    Column[Resource]("NAME", lambda resource: resource.name),
    Column[Resource]("ACTION", lambda resource: resource.action.value, ACTION_COLOURS),
    Column[Resource]("STATUS", lambda resource: resource.status or "-"),
    Column[Resource]("CREATED", lambda resource: local_time(resource.created_at)),
]


@click.command("resources")
@reference_argument
@click.option("--type", help="Only resources of this type.", shell_complete=complete_resource_type)
@shared_options
def command(app: App, ref: str, type: str | None) -> None:
    """List a version's resources.

    With what the version did to each; those it deleted are among them.
    """
    store = app.store(upgrade=False)
    run = resolve(store, ref)
    resources = store.resources(run.name, version=run.version, type=type)
    app.emit(resources, COLUMNS, resource_shape, footer=action_counts(resources))


def action_counts(resources: Sequence[Resource]) -> str:
    """How many resources, and how many of each action: "3 resources: 1 create, 2 noop"."""
    actions = [resource.action for resource in resources]
    counts = [f"{actions.count(action):,} {action}" for action in Action if action in actions]
    total = counted(len(actions), "resource")
    return f"{total}: {', '.join(counts)}" if counts else total
