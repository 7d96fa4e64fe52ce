"""What Lua tells when it has been run: what one of its coroutines came to."""

from typing import Any, NamedTuple, TypeAlias


class Waiting(NamedTuple):
    """The coroutine asks for an operation that takes time."""

    operation: str
    arguments: tuple[Any, ...]


class Done(NamedTuple):
    """The coroutine is over; `result` is what its function returned, as JSON text."""

    result: str | None


class Failed(NamedTuple):
    """The coroutine is over, because something was raised in it or it was stopped."""

    error: BaseException


Reply: TypeAlias = Waiting | Done | Failed


class Progress(NamedTuple):
    """What one coroutine came to; those that only wait for each other are not told of."""

    thread: int | None
    """None: nothing is to be told."""
    owner: int | None
    """The call whose goroutine it is, or the thread itself."""
    reply: Reply | None
    has_more: bool
    """Whether other coroutines can go on at once."""
