"""What every use of a script begins with: its listeners, the plugins, and Lua."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sloth_runner.driver import Driver
from sloth_runner.events import TaskOutput, ignored_by
from sloth_runner.plugins import Plugins

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sloth_runner.events import Event, Listener
    from sloth_runner.host.limits import Limits
    from sloth_runner.session import Session


class Loading:
    """Listeners and plugins of one script."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self._listeners = listeners
        self.plugins = Plugins(lambda text: self.emit(TaskOutput(None, "warn", text)))

    def driver(self, session: Session, limits: Limits | None = None) -> Driver:
        """Lua with the modules and providers of all plugins; the file is not loaded yet."""
        session.plugin_providers = lambda: self.plugins.providers(session)
        return Driver(session.script, session, self.plugins.lua_modules(session), limits)

    def is_heard(self, kind: type[Event]) -> bool:
        """Whether anybody makes something of a kind of events, of which there may be thousands."""
        return self.plugins.listen_to(kind) or any(
            kind not in ignored_by(listener) for listener in self._listeners
        )

    def emit(self, event: Event) -> None:
        """Tell listeners and plugins of an event, now."""
        now = datetime.now(UTC)
        for listener in self._listeners:
            listener(now, event)
        self.plugins.tell(now, event)
