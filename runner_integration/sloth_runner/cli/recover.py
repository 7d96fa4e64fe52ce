"""`state workflow recover`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sloth_runner.cli.options import lock_timeout_option, parsed_identity
from sloth_state.cli.options import reference_argument, shared_options
from sloth_state.cli.text import counted, printable
from sloth_state.references import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sloth_runner.resources.recovery import Settled
    from sloth_state.cli.app import App
    from sloth_state.model import Json

UNSETTLED = 1
"""The exit code if something could not be settled."""


@click.command("recover")
@reference_argument
@click.option("--done", metavar="TYPE/NAME", multiple=True, help="It was done: you have looked.")
@click.option("--not-done", metavar="TYPE/NAME", multiple=True, help="It was not done.")
@lock_timeout_option
@shared_options
def command(
    app: App, *, ref: str, done: tuple[str, ...], not_done: tuple[str, ...], lock_timeout: float
) -> None:
    """Find out what killed runs left half-done, and record it.

    Each change that was begun and never ended is read in reality, and the state then says what is
    there. A run does the same by itself before it begins. What nobody can read is listed, to be
    settled with --done or --not-done. Changes no real thing.
    """
    from sloth_runner.cli.options import warnings_only
    from sloth_runner.recovering import recover
    from sloth_runner.world import World

    verdicts = {**_verdicts(done, True), **_verdicts(not_done, False)}
    store = app.store()
    name = resolve(store, ref).name
    with World(store, [warnings_only(app)]) as world:
        settled = recover(world, store, name, verdicts=verdicts, lock_timeout=lock_timeout)
    app.emit_object([_shape(each) for each in settled], lambda: _lines(name, settled))
    if not all(each.is_settled for each in settled):
        raise click.exceptions.Exit(UNSETTLED)


def _verdicts(names: Sequence[str], was_done: bool) -> dict[tuple[str, str], bool]:
    return {parsed_identity(each): was_done for each in names}


def _shape(settled: Settled) -> Json:
    operation = settled.operation
    return {
        "run_id": settled.run_id,
        "verb": operation.verb,
        "type": operation.type,
        "name": operation.name,
        "found": settled.found,
        "settled": settled.is_settled,
    }


def _lines(workflow: str, settled: Sequence[Settled]) -> Iterator[str]:
    if not settled:
        yield f"{printable(workflow)} has nothing half-done"
        return
    for each in settled:
        operation = each.operation
        identity = printable(f"{operation.type}/{operation.name}")
        mark = "✓" if each.is_settled else "?"
        yield f"{mark} {operation.verb} {identity}: {printable(each.found)}"
    open_ones = [each.operation for each in settled if not each.is_settled]
    yield ""
    yield f"{counted(len(settled) - len(open_ones), 'operation')} settled, {len(open_ones)} not"
    for operation in open_ones:
        identity = printable(f"{operation.type}/{operation.name}")
        yield "Look at it, then say whether it was done, with one of:"
        for option in ("--done", "--not-done"):
            yield f"  sloth-runner state workflow recover {printable(workflow)} {option} {identity}"
