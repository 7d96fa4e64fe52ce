"""`state workflow repair`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sloth_state.cli.options import force_option, shared_options
from sloth_state.cli.tables import Column
from sloth_state.cli.text import counted, printable
from sloth_state.errors import StoreError
from sloth_state.model import Problem
from sloth_state.open import repair_store
from sloth_state.shapes import problem_shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sloth_state.cli.app import App
    from sloth_state.model import Json, Repair

MENDED = [
    Column[Problem]("PLACE", lambda problem: problem.place),
    Column[Problem]("WHAT BECOMES OF IT", lambda problem: problem.what),
]
LEFT = [
    Column[Problem]("PLACE", lambda problem: problem.place),
    Column[Problem]("CANNOT BE MENDED", lambda problem: problem.what),
]


@click.command("repair")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@force_option
@shared_options
def command(app: App, dry_run: bool, force: bool) -> None:
    """Mend what is damaged in the store, as far as that can be done.

    Says what it would do and asks; then makes a backup beside the file, always. Rows that were
    changed are accepted as they are now, which is listed one by one and written to the audit trail.
    Of damaged pages every row that can be read is saved. Exits with 6 if something is left.
    """
    repair = repair_store(app.state, app.actor, dry_run=True)
    if not dry_run and repair.mended:
        if not force:
            app.confirm("Go on?", about="\n".join(_lines(app, repair)), doing="repairing the store")
        repair = repair_store(app.state, app.actor)
    app.emit_object(_shape(repair), lambda: _lines(app, repair))
    if repair.left:
        raise click.exceptions.Exit(StoreError.exit_code)


def _shape(repair: Repair) -> dict[str, Json]:
    return {
        "mended": [problem_shape(each) for each in repair.mended],
        "lost": dict(repair.lost),
        "left": [problem_shape(each) for each in repair.left],
        "backup": repair.backup,
    }


def _lines(app: App, repair: Repair) -> Iterator[str]:
    done = repair.backup is not None
    if not (repair.mended or repair.left):
        yield "Nothing is wrong, so there is nothing to repair"
        return
    if repair.mended:
        yield from [*app.table(repair.mended, MENDED), ""]
    for table, number in repair.lost.items():
        yield f"{table}: {counted(number, 'row')} lost in damaged pages"
    if repair.left:
        yield from [*app.table(repair.left, LEFT), ""]
    mended = counted(len(repair.mended), "problem")
    yield f"{mended} mended" if done else f"{mended} can be mended"
    if repair.left:
        yield f"{counted(len(repair.left), 'problem')} left; a backup from before may have it right"
    if repair.backup is not None:
        yield f"The file as it was: {printable(repair.backup)}"
