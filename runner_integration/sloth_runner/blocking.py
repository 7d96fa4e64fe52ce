"""Work that no event loop can wait for, on threads."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")


async def on_thread(
    work: Callable[..., Result], *arguments: Any, on_cancel: Callable[[], None] = lambda: None
) -> Result:
    """Call a function on a thread, while the event loop goes on; what it returns or raises.

    A thread cannot be stopped. When this is cancelled, it calls `on_cancel`, which may hasten the
    function's end, and waits for that before the cancellation goes on: the next try, or whoever has
    the lock next, must not work beside it.
    """
    running = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        on_cancel()
        await asyncio.wait([running])
        raise
    finally:
        if running.done() and not running.cancelled():
            running.exception()  # seen, or asyncio would complain of it
