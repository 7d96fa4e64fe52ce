"""`state workflow search`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sloth_state.cli.options import shared_options
from sloth_state.cli.tables import Column
from sloth_state.errors import UsageError
from sloth_state.searching import Match, search

if TYPE_CHECKING:
    from sloth_state.cli.app import App
    from sloth_state.model import Json

COLUMNS = [
    Column[Match]("WORKFLOW", lambda match: f"{match.workflow}@{match.version}"),
    Column[Match]("PLACE", lambda match: match.place),
    Column[Match]("TEXT", lambda match: match.text),
]


@click.command("search")
@click.argument("text", metavar="TEXT")
@click.option("--type", metavar="TYPE", help="Only in resources of this type.")
@shared_options
def command(app: App, text: str, type: str | None) -> None:
    """Find TEXT in the newest version of every workflow.

    In names, messages, errors, metadata, tags, outputs, and in types, names, status and attributes
    of resources, in upper or lower case. Sensitive values are not searched.
    """
    if not text:
        raise UsageError("TEXT is empty")
    found = search(app.store(upgrade=False), text, type=type)
    matches = "1 match" if len(found) == 1 else f"{len(found):,} matches"
    app.emit(found, COLUMNS, _shape, footer=matches)


def _shape(match: Match) -> Json:
    return dict(match._asdict())
