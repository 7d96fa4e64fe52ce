"""The only module that touches lupa.

Python holds one Lua object, the dispatcher made on the main state, and passes plain values.
Coroutines, functions and tables stay inside Lua and are known here by number, because lupa
crashes the process when Python outlives a coroutine that an object came from (upstream issue 84).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from lupa import luajit21

import sloth_lua
from sloth_runner.host import wire
from sloth_runner.host.replies import Done, Failed, Progress, Waiting
from sloth_state.errors import LockLost, SlothError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sloth_runner.errors import ScriptError
    from sloth_runner.host.limits import Limits
    from sloth_runner.host.module import LuaModule
    from sloth_runner.host.replies import Reply
    from sloth_runner.script import Script


class Dispatcher(Protocol):
    """The Lua function that does all: `dispatch("resume", 3, …)`."""

    def __call__(self, command: bytes, *arguments: wire.Plain) -> Any: ...


class LuaHost:
    """One Lua state with the runner's library in it. Belongs to the thread that made it.

    A coroutine fails with ScriptError for what the script raised, else with the reason why `limits`
    stopped it.
    """

    def __init__(
        self,
        script: Script,
        modules: Sequence[LuaModule],
        limits: Limits,
        *,
        is_inert: Callable[[], bool] | None = None,
    ) -> None:
        """`is_inert`: whether operations with effects (`LuaModule.effects`) are not performed now.

        None: they always are.
        """
        self._is_inert = is_inert
        self.left_undone: Callable[[str, Sequence[object]], None] = lambda _name, _arguments: None
        """Told of each such operation that the script called all the same."""
        self.needs_this_machine: Callable[[str], None] = lambda _name: None
        """Raises if the task at hand cannot use an operation of `LuaModule.here_only`."""
        self.switched_to: Callable[[int], None] = lambda _owner: None
        """Told whose coroutine runs, before it asks for an operation."""
        self.forgotten: Callable[[int], None] = lambda _thread: None
        """Told of a goroutine that the script needs no more."""
        self.masked: Callable[[bytes], bytes] = lambda text: text
        """A text without secrets; asked before one is cut, because half a secret is not known."""
        self.before_others_know: Callable[[], None] = lambda: None
        """Called before an operation that is not silent, and before Python goes on by itself."""
        self._script = script
        self._limits = limits
        self._operations = self._own_operations()
        self._silent = self._operations.keys() - {b"switch"}
        self._raw_positions: dict[str, frozenset[int]] = {}
        for module in modules:
            operations = dict(module.operations)
            if is_inert is not None:
                operations |= {
                    name: self._if_not_inert(name, operations[name], result)
                    for name, result in module.effects.items()
                    if name in operations
                }
            for name, operation in operations.items():
                raw = module.raw.get(name, frozenset())
                allowed = self._if_here(name, operation) if module.is_here_only(name) else operation
                self._operations[name.encode()] = wire.takes_text(allowed, raw)
            self._raw_positions.update(module.raw)
            self._silent |= {name.encode() for name in module.silent}
        self._dispatch = self._boot({module.name: module.source for module in modules})

    def _if_not_inert(
        self, name: str, operation: Callable[..., object], result: object
    ) -> Callable[..., object]:
        def call(*arguments: object) -> object:
            if not self.is_inert:
                return operation(*arguments)
            answer = result(*arguments) if callable(result) else result
            self.left_undone(name, arguments)
            return answer

        return call

    def _if_here(self, name: str, operation: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object) -> object:
            self.needs_this_machine(name)
            return operation(*arguments)

        return call

    @property
    def is_inert(self) -> bool:
        """Whether operations with effects are not performed at this moment."""
        return self._is_inert is not None and self._is_inert()

    def _own_operations(self) -> dict[bytes, Callable[..., wire.Answer]]:
        limits = self._limits
        return {
            b"memory_limit": lambda: (wire.VALUES, limits.memory_limit / 1024),
            b"tick": lambda kilobytes: (wire.VALUES, limits.tick(kilobytes)),
            b"stopping": lambda: (wire.VALUES, limits.stopping()),
            b"is_utf8": lambda data: (wire.VALUES, _is_utf8(data)),
            b"is_looking": lambda: (wire.VALUES, self._is_inert is not None),
            b"is_inert": lambda: (wire.VALUES, self.is_inert),
            b"switch": lambda owner: (wire.VALUES, self.switched_to(owner)),
            b"masked": lambda text: (wire.VALUES, self.masked(text)),
            b"forget": lambda thread: (wire.VALUES, self.forgotten(thread)),
            b"left_undone": wire.takes_text(
                lambda name, *arguments: self.left_undone(name, arguments), frozenset()
            ),
        }

    def _boot(self, sources: dict[str, bytes]) -> Dispatcher:
        runtime = luajit21.LuaRuntime(
            encoding=None,
            register_eval=False,
            register_builtins=False,
            unpack_returned_tuples=True,
            attribute_filter=_deny,
        )

        def library_source(name: bytes) -> bytes:
            return sloth_lua.source(name.decode())

        def module_source(name: bytes) -> bytes:
            return sources[name.decode()]

        boot = runtime.compile(sloth_lua.source("boot"), name=b"=sloth_lua/boot.lua")
        names = " ".join(name for name, source in sources.items() if source).encode()
        dispatch: Dispatcher = boot(self._answer, library_source, module_source, names)
        return dispatch

    def _ask(self, command: bytes, *arguments: wire.Plain) -> tuple[Any, ...]:
        """What a command gives that is on no task's time. Raises as `resume`."""
        self._limits.enter(None, None)
        return self._call(command, *arguments)

    def _call(self, command: bytes, *arguments: wire.Plain) -> tuple[Any, ...]:
        try:
            succeeded, *results = self._dispatch(command, *arguments)
        except luajit21.LuaError:  # stopped in the dispatcher itself
            if self._limits.reason is None:
                raise
            raise self._limits.reason from None
        finally:
            self._let_others_know()
        if succeeded:
            return tuple(results)
        if self._limits.reason is not None:
            raise self._limits.reason
        raise self._script_error(results[0])

    def _let_others_know(self) -> None:
        try:
            self.before_others_know()
        except SlothError as error:
            self._limits.fail(error)
            raise

    def _answer(self, operation: bytes, *arguments: Any) -> wire.Answer:
        """Run an operation for Lua. Never raises: an exception must not pass through Lua."""
        try:
            if operation not in self._silent:
                self.before_others_know()
            return self._operations[operation](*arguments)
        except SlothError as error:
            return self.answer_to(error)
        except BaseException as error:  # a bug, or KeyboardInterrupt; raised again from `resume`
            self._limits.fail(error)
            return (wire.STOPPED,)

    def answer_to(self, error: SlothError) -> wire.Answer:
        """How Lua is told of an error: raised there, or everything stopped if the store is lost."""
        if isinstance(error, (StoreError, LockLost)):
            self._limits.fail(error)
            return (wire.STOPPED,)
        hint = f" ({error.hint})" if error.hint else ""
        return (wire.FAILED, f"{error.message}{hint}".encode(errors="backslashreplace"))

    # -- coroutines ------------------------------------------------------------------------

    def load(self) -> int:
        """Compile the script; returns the coroutine that runs it. Raises ScriptSyntaxError."""
        thread, *problem = self._ask(b"load", self._script.lua, b"@" + self._script.name.encode())
        if thread is not None:
            return int(thread)
        from sloth_runner.host.script_errors import syntax_error

        raise syntax_error(self._script, problem[0])

    def start(
        self,
        kind: str,
        function: int,
        context: dict[str, Any],
        task: str | None = None,
        is_elsewhere: bool = False,
    ) -> int:
        """Make a coroutine that calls a function of the script as a command, condition or hook.

        `is_elsewhere`: the commands of its task run on another machine.
        """
        name = None if task is None else task.encode()
        about = (kind.encode(), function, wire.dump(context), name, is_elsewhere)
        thread: int = self._ask(b"start", *about)[0]
        return thread

    def resume(self, thread: int, answer: wire.Answer = ()) -> Progress:
        """Run a coroutine with the answer to what it waited for, and others that this wakes."""
        return self._advance(b"resume", thread, *answer)

    def go_on(self) -> Progress:
        """Run coroutines that can go on, when the progress said that there are more."""
        return self._advance(b"go_on")

    def break_deadlock(self) -> Progress:
        """Raise an error in every call that waits, because nobody is left to wake any of them."""
        return self._advance(b"deadlock")

    def drop(self, thread: int) -> None:
        """Forget a coroutine that will not be resumed again, and its goroutines."""
        self._ask(b"drop", thread)

    def _advance(self, command: bytes, *arguments: wire.Plain) -> Progress:
        kind, more, *rest = self._call(command, *arguments)
        if kind == b"idle":
            return Progress(None, None, None, more)
        thread, owner, *content = rest
        return Progress(thread, owner, self._reply(kind, content), more)

    def _reply(self, kind: bytes, content: list[Any]) -> Reply:
        if kind == b"wait":
            operation = wire.text(content[0])
            raw = self._raw_positions.get(operation, frozenset())
            return Waiting(operation, tuple(wire.convert(tuple(content[1:]), raw)))
        if kind == b"done":
            return Done(wire.text(content[0]) if content and content[0] is not None else None)
        if kind == b"stopped" and self._limits.reason is not None:
            return Failed(self._limits.reason)
        return Failed(self._script_error(*(item or b"" for item in content)))

    def _script_error(
        self, message: bytes, raised_at: bytes = b"", trace: bytes = b""
    ) -> ScriptError:
        from sloth_runner.host.script_errors import script_error  # most scripts raise none

        return script_error(self._script, self.masked(message), raised_at, trace)

    # -- what the script defined -----------------------------------------------------------

    def describe(self) -> dict[str, Any]:
        """The tasks and workflows that the script defined, as the library collected them."""
        description: dict[str, Any] = json.loads(self._ask(b"describe")[0])
        return description

    def outputs(self) -> dict[str, Any]:
        """The global table `outputs` of the script. Raises ScriptError if it is not JSON."""
        encoded = self._ask(b"outputs")[0]
        found: dict[str, Any] = json.loads(encoded) if encoded else {}
        return found


def _deny(_object: object, _name: object, _setting: bool) -> object:
    raise AttributeError("Lua has no access to Python objects")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
