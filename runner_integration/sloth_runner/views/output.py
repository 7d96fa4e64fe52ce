"""A run matters more than being watched."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from sloth_runner.events import ignored_by
from sloth_state.cli.failures import discard, write_words

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
            discard(sys.stderr if self._on_stderr else sys.stdout)
            if not self._on_stderr and not isinstance(error, BrokenPipeError):
                write_words(f"Note: the output cannot be written: {error.strerror}\n")
