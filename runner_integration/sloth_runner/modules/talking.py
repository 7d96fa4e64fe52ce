"""The modules `event` and `secrets`: what a script tells to others, and what nobody is told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import sloth_lua
from sloth_runner.events import EventDispatched
from sloth_runner.host.module import LuaModule

if TYPE_CHECKING:
    from sloth_runner.session import Session


def event_module(session: Session) -> LuaModule:
    """`event`: events that are kept with the run and told to views and plugins."""

    def dispatch(type: str, encoded: str) -> None:
        run, task = session.active_run("event.dispatch"), session.current.name
        kept = run.dispatch(type, json.loads(encoded), task=task)
        session.emit(EventDispatched(task, kept.type, kept.data))

    return LuaModule(
        "event",
        sloth_lua.source("event"),
        {"event.dispatch": dispatch},
        effects={"event.dispatch": None},
    )


def secrets_module(session: Session) -> LuaModule:
    """`secrets`, by name."""
    values = dict(session.secrets.values)
    return LuaModule(
        "secrets",
        sloth_lua.source("secrets"),
        {"secrets": lambda: values},
    )
