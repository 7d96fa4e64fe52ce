"""`state workflow verify`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sloth_state.cli.options import shared_options
from sloth_state.cli.tables import Column
from sloth_state.cli.text import counted, printable
from sloth_state.errors import StoreError
from sloth_state.model import Problem
from sloth_state.shapes import problem_shape

if TYPE_CHECKING:
    from sloth_state.cli.app import App
    from sloth_state.model import Json
    from sloth_state.store import Store

COLUMNS = [
    Column[Problem]("PLACE", lambda problem: problem.place),
    Column[Problem]("PROBLEM", lambda problem: problem.what),
]


@click.command("verify")
@shared_options
def command(app: App) -> None:
    """Check the whole store for damage.

    Checks the database, the checksum of every row and the chain of every workflow's versions.
    Changes nothing. Exits with 6 if something is wrong; `repair` mends it. Changes that killed runs
    left half-done are no damage, and are said too.
    """
    # Marking interrupted runs would write, which a damaged store should be spared.
    store = app.store(upgrade=False, heal=False)
    problems = store.verify()
    unsettled = {} if problems else _unsettled(store)
    shape: dict[str, Json] = {
        "ok": not problems,
        "url": store.url,
        "problems": [problem_shape(problem) for problem in problems],
        "unsettled": dict(unsettled),
    }
    app.emit_object(shape, lambda: _lines(app, store.url, problems))
    for name, number in unsettled.items():
        workflow = printable(name)
        app.say(
            f"Note: killed runs of {workflow} left {counted(number, 'operation')} half-done; "
            f"settle that with: sloth-runner state workflow recover {workflow}"
        )
    if problems:
        raise click.exceptions.Exit(StoreError.exit_code)


def _unsettled(store: Store) -> dict[str, int]:
    """How many operations without an end the ended runs of each workflow have."""
    counts = {name: len(store.unfinished_operations(name)) for name in store.workflow_names()}
    return {name: number for name, number in counts.items() if number}


def _lines(app: App, url: str, problems: list[Problem]) -> list[str]:
    if not problems:
        return [f"OK: nothing is wrong with {url}"]
    return [*app.table(problems, COLUMNS), "", f"{counted(len(problems), 'problem')} in {url}"]
