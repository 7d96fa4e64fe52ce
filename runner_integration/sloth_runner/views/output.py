"""A run matters more than being watched."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

import click

from sloth_runner.events import ignored_by

if TYPE_CHECKING:
    from datetime import datetime

    from sloth_runner.events import Event, Listener


class AsLongAsItIsRead:
    """A view that falls silent, and lets the run go on, when its output cannot be written.

    A reader that goes away (`| head`) is no news; anything else is told once on stderr, unless
    that is where the view writes.
    """

    def __init__(self, view: Listener, *, on_stderr: bool = False) -> None:
        self._view: Listener | None = view
        self._on_stderr = on_stderr
        self.ignores = ignored_by(view)

    def __call__(self, at: datetime, event: Event) -> None:
        if self._view is None:
            return
        try:
            self._view(at, event)
        except OSError as error:
            self._view = None
            _discard_the_rest(sys.stderr if self._on_stderr else sys.stdout)
            if not self._on_stderr and not isinstance(error, BrokenPipeError):
                click.echo(f"Note: the output cannot be written: {error.strerror}", err=True)


def _discard_the_rest(stream: TextIO) -> None:
    """What is buffered would fail again when the process ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
