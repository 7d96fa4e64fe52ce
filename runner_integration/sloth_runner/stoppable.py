"""Python code on the main thread that a timeout or an interruption can stop, as they stop Lua."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

from sloth_runner.errors import WorkflowError

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")

_LOOK_EVERY = 0.1
"""Seconds."""


class _Stopped(BaseException):
    """Raised inside the code, which may catch any Exception."""


def stoppable(work: Callable[[], Result], must_stop: Callable[[], bool]) -> Result:
    """Call a function; what it returns or raises. Raises WorkflowError once `must_stop` says so.

    That is asked on another thread, and a single call inside C is not stopped.
    """
    over, lock, caller = threading.Event(), threading.Lock(), threading.get_ident()

    def watch() -> None:
        while not over.wait(_LOOK_EVERY):
            if must_stop():
                with lock:
                    if not over.is_set():
                        _raise_in(caller)
                return

    def watched() -> Result:
        threading.Thread(target=watch, name="stoppable", daemon=True).start()
        try:
            return work()
        finally:
            with lock:  # after this nothing is raised from outside
                over.set()

    try:
        return watched()
    except _Stopped:
        raise WorkflowError("it was stopped before its end") from None


def _raise_in(thread: int) -> None:
    import ctypes  # rare

    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(_Stopped))
