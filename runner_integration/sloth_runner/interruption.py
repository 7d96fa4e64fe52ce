"""Ctrl-C and signals like it while a run goes on: they end it, and do not disturb its ending.

Python runs signal handlers on the main thread only, so on other threads nothing is done here.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sloth_state.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from sloth_state.store import Store


@contextmanager
def sigterm_raises() -> Iterator[None]:
    """Make SIGTERM raise Interrupted, if so far it would just end the process."""
    if not _on_main_thread() or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _raise_interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _raise_interrupted(number: int, frame: FrameType | None) -> None:
    raise Interrupted("SIGTERM")


@contextmanager
def signals_held_back() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and SIGHUP wait until the block is over, then do what they do.

    A handler that the block itself installs stays.
    """
    if not _on_main_thread():
        yield
        return
    arrived: list[signal.Signals] = []

    def hold(number: int, frame: FrameType | None) -> None:
        arrived.append(signal.Signals(number))

    handlers = {
        number: handler
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if callable(handler := signal.getsignal(number))
    }
    for number in handlers:
        signal.signal(number, hold)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            if signal.getsignal(number) is hold:
                signal.signal(number, handler)
        for number in arrived:
            handlers[number](number, None)


def _on_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def interrupt_elsewhere(store: Store, run_id: str) -> None:
    """Finalise a run on another thread than the main one, which may be stuck."""
    with store.reopen() as own:
        own.interrupt_run(run_id, "interrupted twice, so it ended at once")
        for lock in own.locks():
            if lock.holder.run_id == run_id:
                own.release_lock(lock)
