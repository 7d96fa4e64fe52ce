"""Learns of the end of commands without a thread for each of them, also on Python 3.11."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


if sys.version_info < (3, 12):  # later ones have no such watchers, or do so themselves

    class _ChildWatcher(asyncio.AbstractChildWatcher):
        """Waits for children by file descriptors, in whichever event loop has started them.

        Python 3.11's own watcher of this kind knows one event loop only, and so fails in threads.
        """

        def add_child_handler(
            self, pid: int, callback: Callable[..., object], *args: object
        ) -> None:
            loop = asyncio.get_running_loop()
            descriptor = os.pidfd_open(pid)
            loop.add_reader(descriptor, _on_end, loop, descriptor, pid, callback, args)

        def remove_child_handler(self, pid: int) -> bool:
            return False  # as with threads: nobody can stop it

        def attach_loop(self, loop: asyncio.AbstractEventLoop | None) -> None:
            """There is nothing to attach."""

        def close(self) -> None:
            """There is nothing to close."""

        def is_active(self) -> bool:
            return True

        def __enter__(self) -> _ChildWatcher:
            return self

        def __exit__(
            self,
            kind: type[BaseException] | None,
            error: BaseException | None,
            traceback: TracebackType | None,
        ) -> None:
            pass


def _on_end(
    loop: asyncio.AbstractEventLoop,
    descriptor: int,
    pid: int,
    callback: Callable[..., object],
    args: tuple[object, ...],
) -> None:
    loop.remove_reader(descriptor)
    os.close(descriptor)
    _, status = os.waitpid(pid, 0)
    callback(pid, os.waitstatus_to_exitcode(status), *args)


@cache
def watch_without_threads() -> None:
    """Let asyncio do so, where Linux can: since 5.3."""
    if sys.version_info < (3, 12) and hasattr(os, "pidfd_open"):
        with suppress(OSError):
            os.close(os.pidfd_open(os.getpid()))
            asyncio.set_child_watcher(_ChildWatcher())
