"""Drives a script's coroutines: resumes them, and waits on the event loop for what they ask for."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from sloth_runner.events import TaskOutput
from sloth_runner.host import wire
from sloth_runner.host.limits import Limits
from sloth_runner.host.replies import Done, Failed, Waiting
from sloth_runner.host.runtime import LuaHost
from sloth_state.errors import SlothError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from sloth_runner.host.module import LuaModule
    from sloth_runner.host.replies import Progress, Reply
    from sloth_runner.script import Script
    from sloth_runner.session import Session, TaskContext
    from sloth_runner.workflow import Call


_RUN_TASK = "task.run"
"""The operation that waits for a task, and not for the world."""


class _Running:
    """A call that goes on: a coroutine of its own, and the goroutines that it has started."""

    def __init__(self, context: TaskContext) -> None:
        self.context = context
        self.task = asyncio.current_task()
        self.reply: asyncio.Future[Reply] | None = None
        """What its coroutine comes to next; None while it waits for the event loop."""
        self.failure: BaseException | None = None
        """What a goroutine of it has raised."""
        self.is_cancelled = False
        """For that failure, not from outside."""
        self.goroutines: dict[int, asyncio.Task[None]] = {}
        """Those that wait for the event loop."""
        self.ending: set[asyncio.Task[None]] = set()
        """What those waited for that were ended, until it is over."""

    @property
    def is_parked(self) -> bool:
        """Whether it waits for other coroutines."""
        return self.reply is not None and not self.reply.done()

    def end(self, goroutine: int) -> None:
        """Let what a goroutine waits for come to its end."""
        waiting = self.goroutines.pop(goroutine)
        self.ending.add(waiting)
        waiting.add_done_callback(self.ending.discard)
        waiting.cancel()


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
        session.is_stopped = lambda: self.limits.fatal is not None
        self.busy_tasks: Callable[[], int] = lambda: 0
        """How many tasks are under way, whether or not they are in Lua just now."""
        self.relieve: Callable[[], bool] = lambda: False
        """Starts another task, which may wake those that wait; whether there is one to start."""
        is_inert = (lambda: session.is_inert) if session.inspecting else None
        self.host = LuaHost(script, modules, self.limits, is_inert=is_inert)
        self.host.switched_to = lambda owner: self._enter(self._owners[owner].context)
        self.host.forgotten = self._forget
        self.host.needs_this_machine = session.needs_this_machine
        self.host.masked = session.secrets.masked
        self.host.before_others_know = session.write_kept_end
        self._calls: dict[int, _Running] = {}
        self._owners: dict[int, _Running] = {}
        """The calls, and the file's top level, whose goroutines outlive it."""
        self._has_more = False
        self._wait_for_tasks: set[int] = set()
        """Coroutines that wait for a task that they run."""
        self._waiting: dict[str, Callable[..., Awaitable[Any]]] = {}
        self._effects: dict[str, Any] = {}
        self._here_only: set[str] = set()
        for module in modules:
            self._waiting.update(module.waiting)
            self._effects.update(module.effects)
            self._here_only.update(filter(module.is_here_only, module.waiting))

    async def load(self) -> None:
        """Run the file once, at its top level. Its goroutines go on until `end_leftovers`."""
        thread = self.host.load()
        await self._run(thread, self.session.top_level)

    async def call(
        self,
        kind: str,
        call: Call,
        context: TaskContext,
        facts: dict[str, Any],
    ) -> dict[str, Any]:
        """Call a function of the script; `kind` says how (`calls.lua`). Its result as a dict.

        What it leaves running ends with it.
        """
        is_elsewhere = context.host is not None
        thread = self.host.start(kind, call.function, facts, context.name, is_elsewhere)
        try:
            result = await self._run(thread, context)
        finally:
            await self._end_goroutines(self._owners.pop(thread))
        found: dict[str, Any] = json.loads(result) if result else {}
        return found

    async def end_leftovers(self) -> None:
        """End the goroutines of the file's top level."""
        for owner in list(self._owners.values()):
            await self._end_goroutines(owner)

    def check_for_deadlock(self) -> None:
        """Fail all calls if every one waits for another, and nothing is left to wake any."""
        if self._has_more or any(map(self._waits_for_world, self._owners.values())):
            return
        parked = sum(call.is_parked for call in self._calls.values())
        stuck = parked + sum(thread in self._wait_for_tasks for thread in self._calls)
        is_stuck = parked and stuck == len(self._calls) and stuck >= self._under_way()
        if is_stuck and not self.relieve():
            self._route(self.host.break_deadlock())

    def _waits_for_world(self, owner: _Running) -> bool:
        """Whether a goroutine does."""
        return not self._wait_for_tasks.issuperset(owner.goroutines)

    def _under_way(self) -> int:
        """Tasks that have begun, whether or not one of their calls goes on."""
        return self.busy_tasks() + len(self._wait_for_tasks)

    # -- a call ----------------------------------------------------------------------------

    async def _run(self, thread: int, context: TaskContext) -> str | None:
        running = self._calls[thread] = self._owners[thread] = _Running(context)
        assert running.task is not None
        cancelled_before = running.task.cancelling()
        answer: wire.Answer = ()
        try:
            while True:
                reply = await self._resume(thread, running, answer)
                if running.failure is not None:
                    raise running.failure
                if isinstance(reply, Done):
                    return reply.result
                assert isinstance(reply, Waiting)
                running.reply = None
                answer = await self._wait(thread, reply, context)
        except asyncio.CancelledError:
            self.host.drop(thread)
            if not running.is_cancelled or running.task.uncancel() > cancelled_before:
                raise
            assert running.failure is not None
            raise running.failure from None
        except BaseException:
            self.host.drop(thread)
            raise
        finally:
            del self._calls[thread]

    async def _resume(self, thread: int, running: _Running, answer: wire.Answer) -> Reply:
        running.reply = asyncio.get_running_loop().create_future()
        self._enter(running.context)
        self._route(self.host.resume(thread, answer))
        if not running.reply.done():
            self.check_for_deadlock()
        reply = await running.reply
        if isinstance(reply, Failed):
            raise reply.error
        return reply

    async def _wait(self, thread: int, request: Waiting, context: TaskContext) -> wire.Answer:
        self.session.current = context
        try:
            if request.operation == _RUN_TASK:
                self._wait_for_tasks.add(thread)
            if request.operation in self._here_only:
                self.session.needs_this_machine(request.operation)
            if request.operation in self._effects and self.host.is_inert:
                self.host.left_undone(request.operation, request.arguments)
                return wire.answer(self._effects[request.operation])
            return wire.answer(await self._waiting[request.operation](*request.arguments))
        except SlothError as error:
            return self.host.answer_to(error)
        finally:
            self._wait_for_tasks.discard(thread)

    def _enter(self, context: TaskContext) -> None:
        """From now on Lua runs on behalf of this task and on its time."""
        limit = self.session.limit_of(context)
        self.session.current = context
        self.limits.enter(limit.error if limit else None, limit.deadline if limit else None)

    # -- what Lua tells --------------------------------------------------------------------

    def _route(self, progress: Progress) -> None:
        """Hand on what coroutines came to, until none can go on or others must have a turn."""
        while progress.thread is not None:
            self._deliver(progress)
            if not progress.has_more:
                return
            progress = self.host.go_on()
        if progress.has_more and not self._has_more:
            self._has_more = True
            asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        self._has_more = False
        try:
            self._route(self.host.go_on())
            self.check_for_deadlock()
        except BaseException as error:
            for call in list(self._calls.values()):
                self._fail(call, error)

    def _deliver(self, progress: Progress) -> None:
        assert progress.thread is not None
        assert progress.owner is not None
        assert progress.reply is not None
        owner = self._owners[progress.owner]
        if progress.thread == progress.owner:
            if owner.is_parked:
                assert owner.reply is not None
                owner.reply.set_result(progress.reply)
        elif isinstance(progress.reply, Waiting):
            work = self._serve(progress.thread, owner, progress.reply)
            owner.goroutines[progress.thread] = asyncio.get_running_loop().create_task(work)
        elif isinstance(progress.reply, Failed):
            self._fail(owner, progress.reply.error)

    # -- goroutines ------------------------------------------------------------------------

    async def _serve(self, thread: int, owner: _Running, request: Waiting) -> None:
        """Wait for what a goroutine asked for, and let it go on."""
        try:
            answer = await self._wait(thread, request, owner.context)
            del owner.goroutines[thread]
            self._enter(owner.context)
            self._route(self.host.resume(thread, answer))
            self.check_for_deadlock()
        except Exception as error:
            self._fail(owner, error)

    def _fail(self, owner: _Running, error: BaseException) -> None:
        """End a call for what one of its goroutines raised."""
        if owner not in self._calls.values():
            text = f"a goroutine of the file's top level failed: {error}"
            self.session.emit(TaskOutput(None, "warn", text))
        elif owner.failure is None:
            owner.failure = error
            if owner.is_parked:
                assert owner.reply is not None
                owner.reply.set_result(Failed(error))
            elif owner.reply is None:
                assert owner.task is not None
                owner.is_cancelled = True
                owner.task.cancel()

    def _forget(self, thread: int) -> None:
        for owner in self._owners.values():
            if thread in owner.goroutines:
                owner.end(thread)

    async def _end_goroutines(self, owner: _Running) -> None:
        for thread in list(owner.goroutines):
            owner.end(thread)
        if owner.ending:
            await asyncio.gather(*owner.ending, return_exceptions=True)
