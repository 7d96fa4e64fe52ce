"""What a Lua module consists of: its Lua source and the Python operations behind it."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, NamedTuple

_NONE: Mapping[str, Any] = {}


class LuaModule(NamedTuple):
    """A module that scripts see as a global and through `require`.

    The Lua source gets the host (`lua/sloth_lua/host.lua`) as `...`, checks arguments and returns
    the module's value; it sets no globals.
    """

    name: str
    source: bytes
    operations: Mapping[str, Callable[..., Any]] = _NONE
    """Called by `host.call`. They get str, numbers, booleans and None, and return those, bytes, a
    tuple of them (several results), or a dict or list (a table)."""
    waiting: Mapping[str, Callable[..., Awaitable[Any]]] = _NONE
    """Called by `host.wait`, in the same way; other tasks run meanwhile."""
    effects: Mapping[str, Any] = _NONE
    """Operations that change something, with the result they have when a file is only looked at.

    That of one in `operations` may be a function, which gets its arguments and changes nothing."""
    raw: Mapping[str, frozenset[int]] = _NONE
    """Positions of arguments that stay bytes, by operation."""
    here_only: Collection[str] = ()
    """Operations that work on the machine that runs the workflow, on its files for instance. A task
    that is delegated to another one cannot use them. "*" means all."""
    silent: Collection[str] = ()
    """Operations that change nothing and tell nobody anything, or see to `ActiveRun.keep_end`
    themselves."""

    def is_here_only(self, operation: str) -> bool:
        """Whether an operation of it works on the machine that runs the workflow."""
        return operation in self.here_only or "*" in self.here_only
