"""`state workflow tags`: add, remove, list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sloth_state.cli.complete import complete_reference, complete_tag, complete_tag_of_reference
from sloth_state.cli.lazy import LazyCommand, LazyGroup
from sloth_state.cli.options import reference_argument, shared_options
from sloth_state.cli.tables import Column
from sloth_state.cli.text import counted, printable
from sloth_state.references import resolve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sloth_state.cli.app import App

COMMANDS = {
    "add": LazyCommand("sloth_state.cli.tags:add_command", "Tag a run."),
    "remove": LazyCommand("sloth_state.cli.tags:remove_command", "Take tags off a run."),
    "list": LazyCommand("sloth_state.cli.tags:list_command", "List a run's tags, or all tags."),
}


@click.group("tags", cls=LazyGroup, lazy_commands=COMMANDS)
def group() -> None:
    """Add, remove and list tags of runs.

    A workflow's name means its newest run.
    """


@click.command("add")
@reference_argument
@click.argument("tags", metavar="TAG...", nargs=-1, required=True, shell_complete=complete_tag)
@shared_options
def add_command(app: App, ref: str, tags: tuple[str, ...]) -> None:
    """Tag a run.

    Prints all its tags. A tag it already has changes nothing.
    """
    store = app.store()
    _emit(app, store.add_tags(resolve(store, ref).id, tags, app.actor))


@click.command("remove")
@reference_argument
@click.argument(
    "tags", metavar="TAG...", nargs=-1, required=True, shell_complete=complete_tag_of_reference
)
@shared_options
def remove_command(app: App, ref: str, tags: tuple[str, ...]) -> None:
    """Take tags off a run.

    Prints those it keeps.
    """
    store = app.store()
    _emit(app, store.remove_tags(resolve(store, ref).id, tags, app.actor))


@click.command("list")
@click.argument("ref", metavar="[REF]", required=False, shell_complete=complete_reference)
@shared_options
def list_command(app: App, ref: str | None) -> None:
    """List a run's tags, or all tags.

    Without REF: every tag there is, and how many runs have it.
    """
    store = app.store(upgrade=False)
    if ref is None:
        _emit_all(app, store.tag_counts())
    else:
        _emit(app, store.tags(resolve(store, ref).id))


def _emit(app: App, tags: Sequence[str]) -> None:
    app.emit_object(list(tags), lambda: [printable(tag) for tag in tags])


TAG_COLUMNS = [
    Column[tuple[str, int]]("TAG", lambda pair: pair[0]),
    Column[tuple[str, int]]("RUNS", lambda pair: str(pair[1])),
]


def _emit_all(app: App, counts: dict[str, int]) -> None:
    app.emit(
        list(counts.items()),
        TAG_COLUMNS,
        lambda pair: {"tag": pair[0], "runs": pair[1]},
        footer=counted(len(counts), "tag"),
    )
