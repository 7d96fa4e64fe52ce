"""The view at a terminal: finished tasks scroll past, running ones stay below with a spinner."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from sloth_runner.events import RunFinished, TaskFinished, TaskOutput, TaskStarted
from sloth_runner.views.text import lines_of
from sloth_state.cli.text import duration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from rich.console import ConsoleOptions, RenderResult

    from sloth_runner.events import Event
    from sloth_runner.views.text import Style

_REFRESHES_PER_SECOND = 10


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
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def __call__(self, _at: datetime, event: Event) -> None:
        if isinstance(event, TaskStarted):
            self._running[event.task] = _RunningTask(event.task, event.attempt)
        elif isinstance(event, TaskFinished):
            self._running.pop(event.task, None)
        elif isinstance(event, TaskOutput) and event.task in self._running and event.text:
            self._running[event.task].last_line = event.text.splitlines()[-1]
        elif isinstance(event, RunFinished):
            self._running.clear()
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


class _RunningTask:
    def __init__(self, name: str, attempt: int) -> None:
        self._name = name
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
        row.append(f" {self._name}")
        row.append(f"  {duration(now - self._started)}", style="bright_black")
        if self._attempt > 1:
            row.append(f"  try {self._attempt}", style="yellow")
        if self.last_line:
            row.append(f"  {self.last_line}", style="bright_black")
        row.truncate(width, overflow="ellipsis")
        return row
