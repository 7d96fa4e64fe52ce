"""The view at a terminal: finished tasks scroll past, running ones stay below with a spinner."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from sloth_runner.events import RunFinished, TaskFinished, TaskOutput, TaskStarted
from sloth_runner.views.text import (
    lines_of,
    output_text,
    resource_counts,
    shown,
    summary_heading,
    task_counts,
)
from sloth_state.cli.text import duration, printable, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from rich.console import ConsoleOptions, RenderResult

    from sloth_runner.events import Event
    from sloth_runner.views.text import Style
    from sloth_state.model import Output

_REFRESHES_PER_SECOND = 10
_SHORTEST_NAME = 12
"""Columns that a task's name gets in any case."""


class LiveView:
    """A context manager that is told of events; the terminal is as before when it is left."""

    def __init__(self, style: Style, *, colour: bool, verbose: bool = False) -> None:
        self._style = style
        self._verbose = verbose
        self._console = Console(highlight=False, soft_wrap=True, no_color=not colour)
        self._running: dict[str, _RunningTask] = {}
        self._live = Live(
            self, console=self._console, refresh_per_second=_REFRESHES_PER_SECOND, transient=True
        )

    def __enter__(self) -> LiveView:
        try:
            self._live.start()
        except BaseException:  # Ctrl-C
            self._live.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def __call__(self, _at: datetime, event: Event) -> None:
        if isinstance(event, TaskStarted):
            self._running[event.task] = _RunningTask(event.task, event.attempt)
        elif isinstance(event, TaskFinished):
            self._running.pop(event.task, None)
        elif isinstance(event, TaskOutput) and event.task in self._running and event.text:
            self._running[event.task].last_line = _without_style(event.text.splitlines()[-1])
        elif isinstance(event, RunFinished):
            self._running.clear()
            self._console.print()
            self._console.print(Text.from_ansi(summary_heading(event, self._style)))
            self._console.print(_closing_table(event), soft_wrap=False)
            return
        for line in lines_of(event, self._style, verbose=self._verbose):
            self._console.print(Text.from_ansi(line))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self._rows(options.max_width, max(1, console.height - 2))

    def _rows(self, width: int, height: int) -> Iterator[Text]:
        running = list(self._running.values())
        shown = running if len(running) <= height else running[: height - 1]
        for task in shown:
            yield task.row(width)
        if len(shown) < len(running):
            yield Text(f"  … and {len(running) - len(shown)} more running", style="bright_black")


def _without_style(line: str) -> str:
    return Text.from_ansi(shown(line)).plain


def _closing_table(event: RunFinished) -> Table:
    """What there is to say at the end; a value that is too wide goes on below."""
    table = Table(show_header=False, border_style="bright_black")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("Tasks", task_counts(event.tasks))
    table.add_row("Resources", resource_counts(event.resources))
    if event.outputs:
        table.add_section()
        table.add_row("Outputs", _outputs(event.outputs))
    return table


def _outputs(outputs: Mapping[str, Output]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for key, output in outputs.items():
        table.add_row(Text(printable(key)), Text(output_text(output)))
    return table


class _RunningTask:
    def __init__(self, name: str, attempt: int) -> None:
        self._name = printable(name)
        self._attempt = attempt
        self._started = time.monotonic()
        self._spinner = Spinner("dots", style="yellow")
        self.last_line = ""

    def row(self, width: int) -> Text:
        """One line of at most `width` columns."""
        now = time.monotonic()
        frame = self._spinner.render(now)
        row = Text(no_wrap=True, overflow="ellipsis")
        row.append_text(frame if isinstance(frame, Text) else Text("*"))
        row.append(f" {shortened(self._name, max(_SHORTEST_NAME, width // 2))}")
        row.append(f"  {duration(now - self._started)}", style="bright_black")
        if self._attempt > 1:
            row.append(f"  try {self._attempt}", style="yellow")
        if self.last_line:
            row.append(f"  {self.last_line}", style="bright_black")
        row.truncate(width, overflow="ellipsis")
        return row
