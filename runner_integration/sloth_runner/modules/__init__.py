"""The modules that come with the runner: its own plugin, which comes in as everybody's does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_runner.hookspecs import hookimpl

if TYPE_CHECKING:
    from sloth_runner.host.module import LuaModule
    from sloth_runner.session import Session


@hookimpl
def sloth_lua_modules(session: Session) -> list[LuaModule]:
    """All of them, for one script."""
    from sloth_runner.modules import (
        administration,
        commands,
        data,
        files,
        library,
        on_demand,
        resource,
        state,
        step,
        talking,
        text,
        times,
    )
    from sloth_runner.providers import providers_module

    makers = (
        library.library_module,
        on_demand.standard_module,
        text.log_module,
        text.json_module,
        text.values_module,
        text.crypto_module,
        text.strings_module,
        data.yaml_module,
        data.toml_module,
        data.data_module,
        times.time_module,
        text.template_module,
        commands.exec_module,
        commands.sleep_module,
        commands.goroutine_module,
        files.fs_module,
        on_demand.file_ops_module,
        on_demand.http_module,
        on_demand.net_module,
        on_demand.facts_module,
        state.state_module,
        step.step_module,
        administration.stack_module,
        administration.stow_module,
        talking.event_module,
        talking.secrets_module,
        resource.resource_module,
        providers_module,
    )
    return [*(make(session) for make in makers), *administration.system_modules(session)]
