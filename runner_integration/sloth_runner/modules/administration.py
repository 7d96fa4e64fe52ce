"""The modules `stack pkg systemd user git cron docker stow`. Most of their operations are those of
the providers, which they call from Lua."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sloth_lua
from sloth_runner.errors import WorkflowError
from sloth_runner.host.module import LuaModule
from sloth_state.values import check_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from sloth_runner.session import Session

_WITHOUT_OPERATIONS = ("pkg", "systemd", "user", "git", "cron", "docker")


def stack_module(session: Session) -> LuaModule:
    """`stack`, on top of `state`."""

    def choose(name: str) -> None:
        chosen = session.run.name if session.run else session.state_name
        if chosen not in (None, name):
            raise WorkflowError(f"stack: the state has the name {chosen!r} already, not {name!r}")
        session.state_name = check_name(name, "the name of the state")

    operations: dict[str, Callable[..., Any]] = {
        "stack.choose": choose,
        "stack.name": lambda: session.run.name if session.run else session.state_name,
        "stack.run_id": lambda: session.active_run("stack").id,
    }
    return LuaModule("stack", sloth_lua.source("stack"), operations)


def system_modules(_session: Session) -> list[LuaModule]:
    """Those that change the system with what providers have."""
    return [LuaModule(name, sloth_lua.on_first_use(name)) for name in _WITHOUT_OPERATIONS]


def stow_module(session: Session) -> LuaModule:
    """`stow`; what it does is imported when it is called."""

    def later(name: str) -> Callable[..., Any]:
        async def call(*arguments: Any) -> Any:
            from sloth_runner.modules import symlink_farm

            return await getattr(symlink_farm, name)(session, *arguments)

        return call

    return LuaModule(
        "stow",
        sloth_lua.on_first_use("stow"),
        waiting={f"stow.{name}": later(name) for name in ("look", "carry_out", "packages")},
        here_only="*",
    )
