"""`state workflow versions`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sloth_state.cli.options import reference_argument, shared_options
from sloth_state.cli.tables import STATUS_COLOURS, Column
from sloth_state.cli.text import counted, local_time
from sloth_state.model import Version
from sloth_state.references import resolve
from sloth_state.shapes import version_shape

if TYPE_CHECKING:
    from sloth_state.cli.app import App
    from sloth_state.model import Changes


def changes_text(changes: Changes) -> str:
    """Resources created, updated and deleted: "+2 ~1 -0"."""
    return f"+{changes.created} ~{changes.updated} -{changes.deleted}"


COLUMNS = [
    Column[Version]("VERSION", lambda version: str(version.version)),
    Column[Version]("CREATED", lambda version: local_time(version.created_at)),
    Column[Version]("BY", lambda version: version.created_by),
    Column[Version]("STATUS", lambda version: version.status.value, STATUS_COLOURS),
    Column[Version]("CHANGES", lambda version: changes_text(version.changes)),
    Column[Version]("DESCRIPTION", lambda version: version.description),
]


@click.command("versions")
@reference_argument
@shared_options
def command(app: App, ref: str) -> None:
    """List a workflow's versions.

    Newest first. A REF that means one version or run stands for its whole workflow.
    """
    store = app.store(upgrade=False)
    versions = store.versions(resolve(store, ref).name)
    app.emit(versions, COLUMNS, version_shape, footer=counted(len(versions), "version"))
