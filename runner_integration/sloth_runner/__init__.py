"""Runs workflows written in Lua, and keeps their state.

Names are imported when they are used: a command that only looks at state must not load Lua.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_state.lazy_names import importer

if TYPE_CHECKING:
    from sloth_runner.active_run import ActiveRun as ActiveRun
    from sloth_runner.execution import Execution as Execution
    from sloth_runner.hookspecs import hookimpl as hookimpl
    from sloth_runner.host.module import LuaModule as LuaModule
    from sloth_runner.runner import RunRequest as RunRequest
    from sloth_runner.runner import inspect_file as inspect_file
    from sloth_runner.runner import run_file as run_file

_HOMES = {
    "ActiveRun": "active_run",
    "Execution": "execution",
    "LuaModule": "host.module",
    "RunRequest": "runner",
    "hookimpl": "hookspecs",
    "inspect_file": "runner",
    "run_file": "runner",
}

__all__ = [  # noqa: PLE0604 - the names are strings
    *_HOMES
]


__getattr__ = importer(__name__, _HOMES)
