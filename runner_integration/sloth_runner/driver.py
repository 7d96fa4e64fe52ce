"""Drives a script's coroutines: resumes them, and waits on the event loop for what they ask for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sloth_runner.host import wire
from sloth_runner.host.limits import Limits
from sloth_runner.host.runtime import Done, LuaHost
from sloth_runner.time_limit import tighter
from sloth_state.errors import SlothError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from sloth_runner.host.module import LuaModule
    from sloth_runner.host.runtime import Waiting
    from sloth_runner.script import Script
    from sloth_runner.session import Session, TaskContext
    from sloth_runner.workflow import Call


class Driver:
    """One script's Lua and the event loop's side of it.

    All its methods raise ScriptError for what the script raised, and the reason why Lua was
    stopped otherwise (`Limits`).
    """

    def __init__(
        self,
        script: Script,
        session: Session,
        modules: Sequence[LuaModule],
        limits: Limits | None = None,
    ) -> None:
        """`limits`: shared with another script, so that what stops one stops both."""
        self.limits = limits or Limits()
        self.session = session
        is_inert = (lambda: session.is_inert) if session.inspecting else None
        self.host = LuaHost(script, modules, self.limits, is_inert=is_inert)
        self._waiting: dict[str, Callable[..., Awaitable[Any]]] = {}
        self._effects: dict[str, Any] = {}
        for module in modules:
            self._waiting.update(module.waiting)
            self._effects.update(module.effects)

    async def load(self) -> None:
        """Run the file once, at its top level."""
        await self._run(self.host.load(), self.session.top_level)

    async def call(
        self,
        kind: str,
        call: Call,
        context: TaskContext,
        facts: dict[str, Any],
    ) -> dict[str, Any]:
        """Call a function of the script; `kind` says how (`calls.lua`). Its result as a dict."""
        thread = self.host.start(kind, call.function, facts)
        result = await self._run(thread, context)
        found: dict[str, Any] = json.loads(result or "{}")
        return found

    async def _run(self, thread: int, context: TaskContext) -> str | None:
        limit = tighter(context.limit, self.session.limit)
        answer: wire.Answer = ()
        try:
            while True:
                self.session.current = context
                self.limits.enter(limit.error if limit else None, limit.deadline if limit else None)
                reply = self.host.resume(thread, answer)
                if isinstance(reply, Done):
                    return reply.result
                self.session.current = context
                answer = await self._wait(reply)
        except BaseException:
            self.host.drop(thread)
            raise

    async def _wait(self, request: Waiting) -> wire.Answer:
        if request.operation in self._effects and self.host.is_inert:
            self.host.left_undone(request.operation, request.arguments)
            return wire.answer(self._effects[request.operation])
        try:
            return wire.answer(await self._waiting[request.operation](*request.arguments))
        except SlothError as error:
            return self.host.answer_to(error)
