"""The modules that come with the runner."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sloth_runner.host.module import LuaModule
    from sloth_runner.session import Session


def built_in_modules(session: Session) -> list[LuaModule]:
    """All of them, for one script."""
    from sloth_runner.modules import commands, files, library, resource, state, step, text
    from sloth_runner.providers import providers_module

    makers = (
        library.library_module,
        text.log_module,
        text.json_module,
        text.values_module,
        text.crypto_module,
        commands.exec_module,
        commands.sleep_module,
        files.fs_module,
        state.state_module,
        step.step_module,
        resource.resource_module,
        providers_module,
    )
    return [make(session) for make in makers]
