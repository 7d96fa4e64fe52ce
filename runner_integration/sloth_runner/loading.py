"""What every use of a script begins with: its listeners, the plugins, and Lua."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sloth_runner.driver import Driver
from sloth_runner.events import TaskOutput, ignored_by
from sloth_runner.interruption import signals_held_back
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
        self._hearers: dict[type[Event], list[Listener]] = {}
        self.plugins = Plugins(lambda text: self.emit(TaskOutput(None, "warn", text)))

    def driver(self, session: Session, limits: Limits | None = None) -> Driver:
        """Lua with the modules and providers of all plugins; the file is not loaded yet."""
        session.plugin_providers = lambda: self.plugins.providers(session)
        # Lua asks Python for things while it begins. What a signal raises there would reach Lua as
        # the answer, and nobody else.
        with signals_held_back():
            return Driver(session.script, session, self.plugins.lua_modules(session), limits)

    def is_heard(self, kind: type[Event]) -> bool:
        """Whether anybody makes something of a kind of events, of which there may be thousands."""
        return self.plugins.listen_to(kind) or bool(self._hearers_of(kind))

    def _hearers_of(self, kind: type[Event]) -> list[Listener]:
        hearers = self._hearers.get(kind)
        if hearers is None:
            hearers = [each for each in self._listeners if kind not in ignored_by(each)]
            self._hearers[kind] = hearers
        return hearers

    def emit(self, event: Event) -> None:
        """Tell listeners and plugins of an event, now."""
        if not self.is_heard(type(event)):
            return
        now = datetime.now(UTC)
        for listener in self._hearers_of(type(event)):
            listener(now, event)
        self.plugins.tell(now, event)


def hint_of_left_undone(doing: str, operations: Sequence[str]) -> str | None:
    """Why a file may fail although it would run: what it does is only looked at, or planned."""
    if not operations:
        return None
    names = ", ".join(dict.fromkeys(operations))
    return f"{doing} changes nothing, so {names} did nothing. That may be why."
