"""Bounds on how long a script's code may take."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Protocol

from sloth_runner.errors import TaskTimeout

if TYPE_CHECKING:
    from types import TracebackType


class Limited(Protocol):
    """What can be under a limit: a task, or the workflow as a whole."""

    limit: TimeLimit | None


class TimeLimit:
    """Ends what is inside its `async with` after some seconds, and raises TaskTimeout.

    Waiting ends by itself. For Lua that is busy, which holds up the event loop, the hook in Lua
    looks at `deadline` (`host.limits`). Without seconds there is no limit.
    """

    def __init__(self, limited: Limited, what: str, seconds: float | None) -> None:
        self.error = TaskTimeout(what, seconds or 0.0)
        self.deadline = float("inf")
        self._limited = limited
        self._seconds = seconds
        self._clock = asyncio.timeout(seconds)

    @property
    def is_over(self) -> bool:
        """Whether the time has passed."""
        return time.monotonic() >= self.deadline

    async def __aenter__(self) -> None:
        await self._clock.__aenter__()
        if self._seconds is not None:
            self.deadline = time.monotonic() + self._seconds
            self._limited.limit = self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._limited.limit is self:
            self._limited.limit = None
        try:
            await self._clock.__aexit__(kind, error, traceback)
        except TimeoutError:
            raise self.error from None
        if kind is None and self.is_over:  # it held the event loop up until now
            raise self.error


def tighter(first: TimeLimit | None, second: TimeLimit | None) -> TimeLimit | None:
    """The limit that is over sooner."""
    if first is None or second is None:
        return first or second
    return first if first.deadline <= second.deadline else second
