"""The runner's own plugin: its modules come in through the same door as everybody's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_runner.hookspecs import hookimpl
from sloth_runner.modules import built_in_modules

if TYPE_CHECKING:
    from sloth_runner.host.module import LuaModule
    from sloth_runner.session import Session


@hookimpl
def sloth_lua_modules(session: Session) -> list[LuaModule]:
    """All that `sloth_runner.modules` has, and what the library itself needs."""
    return built_in_modules(session)
