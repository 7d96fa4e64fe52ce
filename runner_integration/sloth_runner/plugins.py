"""The plugins of one process: the built-in one, and those that other packages install."""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import pluggy

from sloth_runner import hookspecs, modules
from sloth_runner.events import (
    AfterRollback,
    DriftDetected,
    EventDispatched,
    ResourceChanged,
    RunFinished,
    RunStarted,
    TaskFinished,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from sloth_runner.events import BeforeRollback, Event
    from sloth_runner.host.module import LuaModule
    from sloth_runner.session import Session

ENTRY_POINT_GROUP = "sloth_runner"

_HOOK_OF = {
    RunStarted: "sloth_run_started",
    TaskFinished: "sloth_task_finished",
    EventDispatched: "sloth_event_dispatched",
    ResourceChanged: "sloth_resource_changed",
    DriftDetected: "sloth_drift_detected",
    AfterRollback: "sloth_after_rollback",
    RunFinished: "sloth_run_finished",
}


class Plugins:
    """Calls the hooks of all plugins, one by one, and reports those that fail."""

    def __init__(self, report: Callable[[str], None]) -> None:
        """`report` is told in one sentence of a plugin that failed."""
        self._report = report
        self._manager = pluggy.PluginManager("sloth_runner")
        self._manager.add_hookspecs(hookspecs)
        self._manager.register(modules, "built-in")
        if others_are_installed():
            self._load_others()
        # Most events have no listener, and there may be thousands of them a second.
        self._heard = {
            event: name
            for event, name in _HOOK_OF.items()
            if getattr(self._manager.hook, name).get_hookimpls()
        }

    def _load_others(self) -> None:
        import importlib.metadata

        for entry_point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
            try:
                self._manager.register(entry_point.load(), entry_point.name)
            except Exception as error:  # somebody else's code
                self._report(f"the plugin {entry_point.name} cannot be loaded: {error}")
        try:
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            self._report(f"a plugin is out of date or misspelt: {error}")

    def lua_modules(self, session: Session) -> list[LuaModule]:
        """The modules of all plugins; a later one of the same name does not replace the first."""
        from sloth_runner.host.module import LuaModule

        modules: dict[str, LuaModule] = {}
        for module in self._listed("sloth_lua_modules", session=session):
            if not isinstance(module, LuaModule):
                self._report(f"a plugin has the module {module!r}, which is no LuaModule")
            elif not module.name.isidentifier():
                self._report(f"a plugin has a module {module.name!r}, which is no name in Lua")
            else:
                modules.setdefault(module.name, module)
        return list(modules.values())

    def providers(self, session: Session) -> list[Any]:
        """The providers of all plugins; see `resources.python_providers.Provider`."""
        found = []
        for provider in self._listed("sloth_providers", session=session):
            hooks = [getattr(provider, verb, None) for verb in ("read", "create")]
            if isinstance(getattr(provider, "type", None), str) and all(map(callable, hooks)):
                found.append(provider)
            else:
                self._report(f"a plugin has the provider {provider!r}, which is none")
        return found

    def cli_commands(self) -> list[Any]:
        """The commands of all plugins."""
        return list(self._listed("sloth_cli_commands"))

    def _listed(self, hook: str, **arguments: Any) -> Iterator[Any]:
        for found in self._results(hook, **arguments):
            if isinstance(found, list):
                yield from found
            else:
                self._report(f"a plugin answered {hook} with {found!r} instead of a list")

    def listen_to(self, kind: type[Event]) -> bool:
        """Whether any plugin listens to a kind of events."""
        return kind in self._heard

    def tell(self, at: datetime, event: Event) -> None:
        """Pass an event on to those who listen to its kind."""
        if name := self._heard.get(type(event)):
            for _ in self._results(name, at=at, event=event):
                pass

    def refusals(self, at: datetime, event: BeforeRollback) -> list[str]:
        """Why plugins refuse a rollback; empty if none does."""
        answers = self._results("sloth_before_rollback", at=at, event=event)
        return [answer for answer in answers if isinstance(answer, str) and answer]

    def _results(self, hook: str, **arguments: Any) -> Iterator[Any]:
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            wanted = [arguments[name] for name in implementation.argnames]
            try:
                yield implementation.function(*wanted)
            except Exception as error:  # somebody else's code
                self._report(f"the plugin {implementation.plugin_name} failed in {hook}: {error!r}")


@cache
def others_are_installed() -> bool:
    """Whether any installed package names our entry-point group.

    importlib.metadata would tell as well, but importing it costs a third of a run's start-up.
    """
    header = f"[{ENTRY_POINT_GROUP}]".encode()
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        for name in names:
            if name.endswith((".dist-info", ".egg-info")):
                path = os.path.join(folder, name, "entry_points.txt")
                if _contains(path, header):
                    return True
    return False


def _contains(path: str, text: bytes) -> bool:
    try:
        with open(path, "rb") as file:
            return text in file.read()
    except OSError:
        return False
