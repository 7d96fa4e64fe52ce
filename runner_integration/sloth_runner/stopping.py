"""Ctrl-C, SIGTERM and SIGHUP while Lua runs on the main thread.

Python runs a signal's handler between two of its own instructions, so a long call inside Lua would
hold it back. Hence a thread that is told of signals through a pipe (`signal.set_wakeup_fd`).
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sloth_state.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

# SIGHUP comes when a terminal closes, SIGTERM from whoever ends services.
_NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM", signal.SIGHUP: "SIGHUP"}


class StopSignals:
    """Handles SIGINT, SIGTERM and SIGHUP while entered; only the main thread may enter.

    Outside of `watched` a signal raises Interrupted at once. Within it, the first one calls
    `on_stop` and the second one `on_second`, both on a thread of their own.
    """

    def __init__(self) -> None:
        self._watched = False
        self._previous: dict[int, object] = {}

    def __enter__(self) -> StopSignals:
        for number in _NAMES:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup ignores SIGHUP
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if not self._watched:
            raise Interrupted(_NAMES[signal.Signals(number)])

    @contextmanager
    def watched(
        self, on_stop: Callable[[str], None], on_second: Callable[[str], None]
    ) -> Iterator[None]:
        """Within this, signals are told to a thread instead of being raised."""
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        thread = threading.Thread(
            target=_watch, args=(reader, on_stop, on_second), name="stop-signals", daemon=True
        )
        previous = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        self._watched = True
        thread.start()
        try:
            yield
        finally:
            self._watched = False
            signal.set_wakeup_fd(previous)
            os.close(writer)
            thread.join()
            os.close(reader)


def _watch(reader: int, on_stop: Callable[[str], None], on_second: Callable[[str], None]) -> None:
    seen = 0
    while numbers := os.read(reader, 64):
        for number in numbers:
            if number in _NAMES:
                seen += 1
                (on_stop if seen == 1 else on_second)(_NAMES[signal.Signals(number)])
