"""`state workflow verify`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sloth_state.cli.options import shared_options
from sloth_state.cli.tables import Column
from sloth_state.cli.text import counted
from sloth_state.errors import StoreError
from sloth_state.model import Problem
from sloth_state.shapes import problem_shape

if TYPE_CHECKING:
    from sloth_state.cli.app import App
    from sloth_state.model import Json

COLUMNS = [
    Column[Problem]("PLACE", lambda problem: problem.place),
    Column[Problem]("PROBLEM", lambda problem: problem.what),
]


@click.command("verify")
@shared_options
def command(app: App) -> None:
    """Check the whole store for damage.

    Checks the database, the checksum of every row and the chain of every workflow's versions.
    Changes nothing. Exits with 6 if something is wrong.
    """
    # Marking interrupted runs would write, which a damaged store should be spared.
    store = app.store(heal=False)
    problems = store.verify()
    shape: dict[str, Json] = {
        "ok": not problems,
        "url": store.url,
        "problems": [problem_shape(problem) for problem in problems],
    }
    app.emit_object(shape, lambda: _lines(app, store.url, problems))
    if problems:
        raise click.exceptions.Exit(StoreError.exit_code)


def _lines(app: App, url: str, problems: list[Problem]) -> list[str]:
    if not problems:
        return [f"OK: nothing is wrong with {url}"]
    return [*app.table(problems, COLUMNS), "", f"{counted(len(problems), 'problem')} in {url}"]
