"""Operations that the Lua library itself needs, whatever modules scripts see."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from sloth_runner.errors import WorkflowError
from sloth_runner.host import wire
from sloth_runner.host.module import LuaModule
from sloth_state.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Callable

    from sloth_runner.session import Session


def library_module(session: Session) -> LuaModule:
    """The operations, without a module that scripts could name."""
    # A script that is reached through a link has its modules beside the link or the real file.
    real = os.path.dirname(os.path.realpath(session.script.path))
    folders = dict.fromkeys((session.script.folder, real))

    def read_module(name: str) -> tuple[str | None, bytes | None]:
        """The path of a Lua file beside the script, and what is in it; kept with the version."""
        path = find_module(name)
        if name in session.modules:
            return path or f"{name}.lua", _as_lua(session.modules[name])
        if path is None:
            return None, None
        try:
            with open(path, "rb") as file:
                source = session.modules[name] = file.read()
        except OSError as error:
            raise WorkflowError(f"{path} cannot be read: {error.strerror}") from None
        return path, _as_lua(source)

    def find_module(name: str) -> str | None:
        parts = name.split(".")
        for folder in folders:
            path = os.path.join(folder, *parts)
            for candidate in (f"{path}.lua", os.path.join(path, "init.lua")):
                if os.path.isfile(candidate):
                    return min(candidate, os.path.relpath(candidate), key=len)
        return None

    async def run_task(spec: str) -> tuple[bool, str, str]:
        """Run a task at once: whether it succeeded, its message, its output as JSON."""
        if session.run_task is None:
            return True, "", "{}"
        outcome = await session.run_task(json.loads(spec))
        message = str(outcome.error) if outcome.error else outcome.message or ""
        return outcome.error is None, message, wire.dump(outcome.output or {}).decode()

    operations: dict[str, Callable[..., Any]] = {
        "nearest": nearest,
        "duration": duration,
        "read_module": read_module,
        "needs_this_machine": session.needs_this_machine,
    }
    return LuaModule("library", b"", operations, waiting={"task.run": run_task})


def _as_lua(source: bytes) -> bytes:
    """A first line that begins with # is none of Lua's."""
    return b"--" + source if source.startswith(b"#") else source


def nearest(name: str, known: str) -> str | None:
    """The name in a JSON list that is most like this one; None if none is."""
    import difflib

    matches = difflib.get_close_matches(name, json.loads(known), n=1)
    return matches[0] if matches else None


def duration(value: str | float) -> float | tuple[None, str]:
    """Seconds of a duration, or None and what is wrong with it."""
    from sloth_runner.durations import parse_duration

    try:
        return parse_duration(value)
    except InvalidValue as error:
        return None, f"{error.message}. {error.hint}"
