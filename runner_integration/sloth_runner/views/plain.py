"""Lines, one after the other: for pipes, logs and CI."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sloth_runner.events import (
    AfterRollback,
    ResourceChanged,
    RunFinished,
    TaskFinished,
    TaskOutput,
    TaskStarted,
)
from sloth_runner.views.text import lines_of
from sloth_state.model import TaskStatus

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sloth_runner.events import Event
    from sloth_runner.views.text import Style


_NOT_VITAL = (ResourceChanged, TaskOutput, TaskStarted)


class PlainView:
    """Prints what happens as it happens."""

    def __init__(self, style: Style, *, verbose: bool = False, quiet: bool = False) -> None:
        """`quiet`: only failed tasks and the summary."""
        self._style = style
        self._verbose = verbose
        self._quiet = quiet
        self.ignores: Collection[type[Event]] = _NOT_VITAL if quiet else ()
        """See `sloth_runner.events.ignored_by`."""

    def __call__(self, _at: datetime, event: Event) -> None:
        if self._quiet and not _is_vital(event):
            return
        for line in lines_of(event, self._style, verbose=self._verbose):
            click.echo(line)


def _is_vital(event: Event) -> bool:
    failed = isinstance(event, TaskFinished) and event.status is TaskStatus.FAILED
    return failed or isinstance(event, RunFinished | AfterRollback)
