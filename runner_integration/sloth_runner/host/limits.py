"""When running Lua must stop: interrupted, out of time or memory, or the store is lost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from sloth_runner.errors import MemoryExceeded

if TYPE_CHECKING:
    from sloth_runner.errors import TaskTimeout

Stopped = TypeVar("Stopped", bound=BaseException)

DEFAULT_MEMORY_LIMIT = 2 * 2**30
"""Bytes that a script's values may take; LuaJIT's own limit can hang the process."""


class Limits:
    """Answers the hook that Lua runs every 10,000 instructions: go on, or stop and why.

    `fail` may be called from another thread; all else belongs to the thread that runs Lua.
    """

    def __init__(self, memory_limit: int = DEFAULT_MEMORY_LIMIT) -> None:
        self.memory_limit = memory_limit
        """Bytes."""
        self.fatal: BaseException | None = None
        """What ended all Lua, if anything did; the first reason counts."""
        self._deadline: float | None = None
        self._timeout: TaskTimeout | None = None
        self._reason: BaseException | None = None

    def enter(self, timeout: TaskTimeout | None, deadline: float | None) -> None:
        """Start to run a coroutine that has until `deadline` (`time.monotonic`), else `timeout`."""
        self._timeout, self._deadline, self._reason = timeout, deadline, None

    def fail(self, error: BaseException) -> None:
        """Stop all Lua for good: interrupted, the store is lost, or the runner has a bug."""
        self.fatal = self.fatal or error

    def raise_fatal(self) -> None:
        """Raise what ended all Lua, if anything did."""
        if self.fatal is not None:
            raise self.fatal

    def pardon(self, kind: type[Stopped]) -> Stopped | None:
        """Let Lua run again if it was ended by an error of this kind; that error."""
        if not isinstance(self.fatal, kind):
            return None
        stopped, self.fatal = self.fatal, None
        return stopped

    @property
    def reason(self) -> BaseException | None:
        """Why the coroutine that ran last was stopped."""
        return self.fatal or self._reason

    def tick(self, kilobytes: float) -> bool:
        """Whether Lua, which holds so much memory, must stop now."""
        if self._reason is None:
            if self._deadline is not None and time.monotonic() > self._deadline:
                self._reason = self._timeout
            elif kilobytes * 1024 > self.memory_limit:
                self._reason = MemoryExceeded(self.memory_limit)
        return self.reason is not None

    def stopping(self) -> bool:
        """Whether a stop is on its way outwards through the script's own error handling."""
        return self.reason is not None
