"""`state workflow stats`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sloth_state.cli.list_runs import COLUMNS as RUN_COLUMNS
from sloth_state.cli.options import shared_options
from sloth_state.cli.text import printable
from sloth_state.shapes import run_shape

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sloth_state.cli.app import App
    from sloth_state.model import Json, Run, StoreStats

LAST_RUNS = 5


@click.command("stats")
@shared_options
def command(app: App) -> None:
    """Show how much the store holds.

    Workflows, runs by status, resources by type, sizes, and the last runs.
    """
    store = app.store(upgrade=False)
    stats, last = store.stats(), store.runs(limit=LAST_RUNS)
    app.emit_object(_shape(store.url, stats, last), lambda: _lines(app, store.url, stats, last))


def _shape(url: str, stats: StoreStats, last: Sequence[Run]) -> dict[str, Json]:
    return {
        "url": url,
        **stats._asdict(),
        "runs": dict(stats.runs),
        "resources": dict(stats.resources),
        "last_runs": [run_shape(run) for run in last],
    }


def _lines(app: App, url: str, stats: StoreStats, last: Sequence[Run]) -> Iterator[str]:
    yield f"Store:      {printable(url)}"
    yield f"Workflows:  {stats.workflows:,}"
    yield f"Runs:       {_counted(stats.runs)}"
    yield f"Resources:  {_counted(stats.resources)}"
    yield f"Contents:   {stats.contents:,}, {size(stats.content_bytes)}"
    yield f"File:       {size(stats.file_bytes)}, of which {size(stats.free_bytes)} are free"
    yield f"Log:        {size(stats.log_bytes)}"
    if last:
        yield ""
        yield app.strong("Last runs")
        yield from app.table(last, RUN_COLUMNS, indent="  ")


def _counted(numbers: Mapping[str, int]) -> str:
    """ "12: 2 failed, 10 success"."""
    total = f"{sum(numbers.values()):,}"
    parts = [f"{number:,} {printable(name)}" for name, number in numbers.items()]
    return f"{total}: {', '.join(parts)}" if parts else total


def size(number: int) -> str:
    """Bytes in the unit that fits: "912 B", "40.0 KiB", "3.1 MiB"."""
    if number < 1024:
        return f"{number} B"
    amount, units = number / 1024, ["KiB", "MiB", "GiB", "TiB"]
    while amount >= 1024 and len(units) > 1:
        amount, units = amount / 1024, units[1:]
    return f"{amount:.1f} {units[0]}"
