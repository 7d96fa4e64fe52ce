"""The modules `exec`, `sleep` and `goroutine`: what takes time while other tasks go on."""

from __future__ import annotations

import asyncio
import json
import time
from functools import cache
from typing import TYPE_CHECKING, Any

import sloth_lua
from sloth_runner.host.module import LuaModule

if TYPE_CHECKING:
    from sloth_runner.command import Command
    from sloth_runner.keyed_commands import KeyedCommands
    from sloth_runner.session import Session


def sleep_module(_session: Session) -> LuaModule:
    """`sleep`: seconds, while other tasks go on."""
    return LuaModule(
        "sleep",
        sloth_lua.source("sleep"),
        waiting={"sleep": asyncio.sleep},
        effects={"sleep": None},
    )


def goroutine_module(_session: Session) -> LuaModule:
    """`goroutine`: all in Lua but the time."""
    return LuaModule(
        "goroutine",
        sloth_lua.on_first_use("goroutine"),
        {"goroutine.now": lambda: time.time() * 1000},
    )


def exec_module(session: Session) -> LuaModule:
    """`exec`: commands of the shell."""

    @cache
    def keyed() -> KeyedCommands:
        from sloth_runner.keyed_commands import KeyedCommands  # few scripts need it

        return KeyedCommands()

    async def run(text: str, encoded: str, stdin: bytes | None) -> tuple[bytes, bytes, str]:
        from sloth_runner.subprocesses import run_command

        options = json.loads(encoded)
        command, key = _command(session, text, options, stdin), options.get("key")
        if key is None:
            result = await run_command(command)
        else:
            active, task = session.active_run("exec.run with a key"), session.current.name
            if command.host is not None:
                key = f"{key}@{command.host}"  # what is done there is done nowhere else
            rerun = options.get("rerun", False)
            result = await keyed().run(active, task, key, command, rerun=rerun)
        problem = (result.problem or "").replace("\n", " ")
        return result.stdout, result.stderr, f"{result.exit_code} {result.duration:.6f} {problem}"

    return LuaModule(
        "exec",
        sloth_lua.source("exec"),
        waiting={"exec.run": run},
        effects={"exec.run": (session.known_after_run or "", b"", "0 0 ")},
        raw={"exec.run": frozenset({2})},
    )


def _command(session: Session, text: str, options: dict[str, Any], stdin: bytes | None) -> Command:
    from sloth_runner.command import Command

    context = session.current
    return Command(
        text,
        workdir=context.folder(options.get("workdir")),
        environment={name: _text(value) for name, value in (options.get("env") or {}).items()},
        stdin=stdin,
        user=options.get("user") or context.user,
        timeout=options.get("timeout"),
        on_lines=session.child_output(),
        secrets=session.secrets,
        host=context.host,
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
