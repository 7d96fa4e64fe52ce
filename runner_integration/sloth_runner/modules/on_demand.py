"""Modules of which what they do is imported when it is called."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

import sloth_lua
from sloth_runner.host.module import LuaModule

if TYPE_CHECKING:
    from collections.abc import Callable

    from sloth_runner.modules.file_operations import FileOperations
    from sloth_runner.modules.http import Requests
    from sloth_runner.modules.processes import Pipes
    from sloth_runner.session import Session

_METHODS = ("get", "post", "put", "patch", "delete", "head", "options")
_OF_PIPES = ("watch", "watched", "read", "write", "close")
_CHANGES = ("copy", "template", "unarchive", "lineinfile", "blockinfile", "replace")


def standard_module(session: Session) -> LuaModule:
    """The operations behind the additions to Lua's own `os` and `io`."""

    @cache
    def pipes() -> Pipes:
        from sloth_runner.modules.processes import Pipes

        return Pipes(session)

    async def os_execute(text: str) -> int:
        from sloth_runner.modules.processes import execute

        return await execute(session, text)

    async def of_pipes(name: str, *arguments: Any) -> Any:
        return await getattr(pipes(), name)(*arguments)

    return LuaModule(
        "standard",
        b"",
        waiting={
            "os.execute": os_execute,
            "io.popen": partial(of_pipes, "open"),
            **{f"io.popen.{name}": partial(of_pipes, name) for name in _OF_PIPES},
        },
        effects={"os.execute": 0, "io.popen": (0, session.known_after_run or "")},
        raw={"io.popen.write": frozenset({1})},
    )


def http_module(session: Session) -> LuaModule:
    """`http`: an operation for each method, so that a plan lists "would run http.post URL"."""

    @cache
    def requests() -> Requests:
        from sloth_runner.modules.http import Requests

        return Requests(session)

    async def send(method: str, *arguments: Any) -> Any:
        return await requests().send(method, *arguments)

    async def download(*arguments: Any) -> Any:
        return await requests().download(*arguments)

    by_method = {f"http.{method}": partial(send, method.upper()) for method in _METHODS}
    no_answer = (200, "200 OK", session.known_after_run or "", "{}", "{}")
    return LuaModule(
        "http",
        sloth_lua.on_first_use("http"),
        waiting={**by_method, "file_ops.fetch": download},
        effects={**dict.fromkeys(by_method, no_answer), "file_ops.fetch": {"changed": True}},
        raw=dict.fromkeys(by_method, frozenset({2})),
        here_only={"file_ops.fetch"},
    )


def net_module(session: Session) -> LuaModule:
    """`net`; an address is a text as "host:port", so that a plan shows both."""

    def later(name: str) -> Callable[..., Any]:
        async def call(*arguments: Any) -> Any:
            from sloth_runner.modules import network

            return await getattr(network, name)(*arguments)

        return call

    unknown = session.known_after_run
    return LuaModule(
        "net",
        sloth_lua.on_first_use("net"),
        waiting={f"net.{name}": later(name) for name in ("tcp", "wait_for_port", "dns")},
        effects={
            "net.tcp": True,
            "net.wait_for_port": True,
            "net.dns": [] if unknown is None else [unknown],
        },
    )


def facts_module(_session: Session) -> LuaModule:
    """`facts`: one operation, with the name of the fact."""

    def read(name: str) -> Any:
        from sloth_runner.modules import facts

        return facts.read(name)

    return LuaModule("facts", sloth_lua.source("facts"), {"facts.read": read}, here_only="*")


def file_ops_module(session: Session) -> LuaModule:
    """`file_ops`, with paths relative to the folder of the task at hand."""

    @cache
    def operations() -> FileOperations:
        from sloth_runner.modules.file_operations import FileOperations

        return FileOperations(session)

    def later(name: str) -> Callable[..., Any]:
        async def call(*arguments: Any) -> Any:
            return await getattr(operations(), name)(*arguments)

        return call

    return LuaModule(
        "file_ops",
        sloth_lua.on_first_use("file_ops"),
        waiting={f"file_ops.{name}": later(name) for name in (*_CHANGES, "stat")},
        effects={f"file_ops.{name}": {"changed": True} for name in _CHANGES},
        raw={"file_ops.copy": frozenset({2})},
        here_only="*",
    )
