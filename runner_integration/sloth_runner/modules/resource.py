"""The module `resource`: what a script declares, and the providers that make it so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import sloth_lua
from sloth_runner.errors import WorkflowError
from sloth_runner.host.module import LuaModule

if TYPE_CHECKING:
    from collections.abc import Callable

    from sloth_runner.session import Session

_SILENT = {"resource.decide", "resource.begin", "resource.finish"}
_SILENT |= {"content.hold", "content.hold_file"}


def resource_module(session: Session) -> LuaModule:
    """`resource`: all that `lua/sloth_lua/resource.lua` and `resources.lua` ask for."""
    types = Types(session)
    session.knows_type = types.knows

    def of(part: str, name: str) -> Callable[..., Any]:
        """An operation of a part of the session, which is not there before it is needed."""

        def call(*arguments: Any) -> Any:
            return getattr(getattr(session, part), name)(*arguments)

        return call

    def reading(is_on: bool) -> None:
        session.current.reading = is_on

    deciding = ("provider", "decide", "planned", "adopt", "take_over", "in_the_way")
    operations = {f"resource.{name}": of("declarations", name) for name in deciding}
    doing = ("begin", "finish", "fail", "forget")
    operations |= {f"resource.{name}": of("journal", name) for name in doing}
    operations |= {f"content.{name}": of("contents", name) for name in ("hold", "hold_file", "get")}
    operations |= {
        "resource.define": types.define,
        "resource.hide_sensitive": _hide_sensitive,
        "resource.reading": reading,
        "resource.origin": types.origin,
        "resource.types": types.provided,
        "resource.python_provider": of("python_providers", "describe"),
        "world.next": of("reading_queue", "next"),
    }
    return LuaModule(
        "resource",
        sloth_lua.source("resource"),
        operations,
        waiting={"resource.python": of("python_providers", "call")},
        raw={
            "content.hold": frozenset({0}),
            "resource.decide": frozenset({6}),
        },
        silent=_SILENT,
    )


def _hide_sensitive(text: str, attributes: str, sensitive: str) -> str:
    from sloth_state.sensitive import without_sensitive

    return without_sensitive(text, json.loads(attributes), json.loads(sensitive))


class Types:
    """Types of resources that have a provider: in the file itself, built in, or of a plugin."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._defined: set[str] = set()

    def define(self, type: str) -> None:
        """The file has a provider of its own. Raises WorkflowError inside a task."""
        if self._session.current is not self._session.top_level:
            raise WorkflowError(
                "resource.define: types must be defined at the top level of the file, because "
                "drift and rollback load it without running its tasks"
            )
        self._defined.add(type)

    def origin(self, type: str) -> str | None:
        """What a provider that the file lacks is written in: "lua", "python", or None for none."""
        if type in sloth_lua.providers():
            return "lua"
        return "python" if type in self._session.python_providers.types() else None

    def knows(self, type: str) -> bool:
        """Whether there is a provider."""
        return type in self._defined or self.origin(type) is not None

    def provided(self) -> list[str]:
        """Those that need no definition."""
        return [*sloth_lua.providers(), *self._session.python_providers.types()]
