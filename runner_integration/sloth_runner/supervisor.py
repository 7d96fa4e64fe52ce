"""Runs work on the event loop so that signals can stop it, whatever Lua is doing."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any, TypeVar

from sloth_state.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from sloth_runner.host.limits import Limits
    from sloth_runner.stopping import StopSignals

Result = TypeVar("Result")


class Supervisor:
    """The event loop of one script. Belongs to the main thread, where signals arrive."""

    def __init__(self, loop: asyncio.Runner, signals: StopSignals, limits: Limits) -> None:
        self._loop = loop
        self._signals = signals
        self._limits = limits
        self._main: asyncio.Task[Any] | None = None
        self._is_stop_due = False
        """Whether nothing that ran was cancelled yet for what has stopped Lua."""

    def run(
        self, work: Coroutine[Any, Any, Result], last_words: Callable[[], None] | None = None
    ) -> Result:
        """Run a coroutine to its end; what it returns.

        A first signal cancels it and stops Lua; then Interrupted is raised. A second one ends the
        process at once, after `last_words`, which is called on another thread.
        """

        def on_stop(by: str) -> None:
            self.stop(Interrupted(by))

        with self._signals.watched(on_stop, lambda _by: _end_at_once(last_words)):
            try:
                return self._loop.run(self._supervised(work))
            except asyncio.CancelledError:
                if self._limits.fatal is None:
                    raise
                raise self._limits.fatal from None

    def stop(self, error: BaseException) -> None:
        """Stop Lua and what waits, for this reason. May be called from any thread."""
        self._limits.fail(error)
        self._is_stop_due = True
        self._loop.get_loop().call_soon_threadsafe(self._cancel)

    async def _supervised(self, work: Coroutine[Any, Any, Result]) -> Result:
        self._main = asyncio.current_task()
        self._cancel()  # a signal may have come before there was anything to cancel
        try:
            return await work
        finally:
            self._main = None

    def _cancel(self) -> None:
        if self._is_stop_due and self._main is not None:
            self._is_stop_due = False
            self._main.cancel()


def _end_at_once(last_words: Callable[[], None] | None) -> None:
    from sloth_runner.subprocesses import groups

    groups.kill_all()
    try:
        if last_words is not None:
            last_words()
    finally:
        if os.isatty(1):
            os.write(1, b"\x1b[?25h\n")  # a live view hides the cursor, and is in its last line
        os.write(2, b"Error: interrupted twice, so the run ended at once\n")
        os._exit(130)
