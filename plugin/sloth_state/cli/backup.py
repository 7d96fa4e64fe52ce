"""`state workflow backup`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from sloth_state.cli.options import shared_options
from sloth_state.cli.text import counted
from sloth_state.errors import StoreError
from sloth_state.open import store_path
from sloth_state.shapes import problem_shape
from sloth_state.sqlite.files import kept_name
from sloth_state.values import check_text

if TYPE_CHECKING:
    from sloth_state.cli.app import App
    from sloth_state.model import Json, Problem


@click.command("backup")
@click.argument("file", metavar="[FILE]", required=False, type=click.Path())
@shared_options
def command(app: App, file: str | None) -> None:
    """Copy the whole store while it is used.

    The copy is the store at one moment, checked like `verify` does, and only you can read it. It
    never replaces a file; without FILE it is beside the store, with the time (UTC) in its name.
    Exits with 6 if the copy, and so the store, is damaged.
    """
    store = app.store(upgrade=False, heal=False)
    target = file or kept_name(store_path(app.state), "backup")
    problems = store.backup(check_text(target, "the file's name"))
    size = os.stat(target).st_size
    shape: dict[str, Json] = {
        "url": store.url,
        "file": target,
        "bytes": size,
        "problems": [problem_shape(problem) for problem in problems],
    }
    app.emit_object(shape, lambda: _lines(target, size, problems))
    if problems:
        raise click.exceptions.Exit(StoreError.exit_code)


def _lines(target: str, size: int, problems: list[Problem]) -> list[str]:
    line = f"Backed up to {target} ({size:,} bytes)"
    if not problems:
        return [line]
    found = counted(len(problems), "problem")
    return [f"{line}, with {found} that the store has: see `verify`"]
