"""`state workflow audit`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sloth_state.cli.complete import complete_workflow
from sloth_state.cli.options import limit_option, shared_options
from sloth_state.cli.tables import Column
from sloth_state.cli.text import counted, local_time
from sloth_state.errors import ReferenceNotFound
from sloth_state.model import AuditEntry
from sloth_state.references import nearest
from sloth_state.times import rfc3339

if TYPE_CHECKING:
    from sloth_state.cli.app import App
    from sloth_state.model import Json

COLUMNS = [
    Column[AuditEntry]("AT", lambda entry: local_time(entry.at)),
    Column[AuditEntry]("ACTOR", lambda entry: entry.actor),
    Column[AuditEntry]("ACTION", lambda entry: entry.action),
    Column[AuditEntry]("WORKFLOW", lambda entry: entry.workflow or "-"),
    Column[AuditEntry]("DETAIL", lambda entry: entry.detail),
]


@click.command("audit")
@click.argument("name", metavar="[NAME]", required=False, shell_complete=complete_workflow)
@limit_option
@shared_options
def command(app: App, name: str | None, limit: int) -> None:
    """Show who did what to the state, newest first.

    What runs do is in their versions. This is the rest: locks that were broken, resources that were
    moved, forgotten or taken in, tags, deleted records and versions, exports, imports and repairs,
    and who was shown sensitive values. With NAME, what concerns this workflow, even if its records
    are deleted.
    """
    store = app.store(upgrade=False)
    entries = store.audit_trail(name, limit=limit + 1 if limit else None)
    if name is not None and not entries and name not in store.workflow_names():
        raise ReferenceNotFound(name, nearest(name, store.workflow_names()))
    shown = entries[:limit] if limit else entries
    more = "; --limit shows more" if len(shown) < len(entries) else ""
    app.emit(shown, COLUMNS, _shape, footer=f"{counted(len(shown), 'action')}{more}")


def _shape(entry: AuditEntry) -> Json:
    return {**entry._asdict(), "at": rfc3339(entry.at)}
