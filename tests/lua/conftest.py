"""Scripts as the runner loads them: real Lua, the real modules, no run and no store."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from sloth_runner.driver import Driver
from sloth_runner.errors import ScriptError
from sloth_runner.events import Event, TaskOutput
from sloth_runner.modules import sloth_lua_modules
from sloth_runner.script import read_script
from sloth_runner.session import Session, TaskContext
from sloth_runner.time_limit import TimeLimit
from sloth_runner.workflow import Call

if TYPE_CHECKING:
    from pathlib import Path

    from sloth_runner.host.module import LuaModule


class LoadedScript:
    """A script whose top level has run."""

    def __init__(
        self,
        path: str,
        values: Any = None,
        inspecting: bool = False,
        more: list[LuaModule] | None = None,
    ) -> None:
        script = read_script(path)
        self.events: list[Event] = []
        self.session = Session(
            script, values=values, emit=self.events.append, inspecting=inspecting
        )
        modules = [*sloth_lua_modules(self.session), *(more or [])]
        self.driver = Driver(script, self.session, modules)
        asyncio.run(self.driver.load())

    @property
    def output(self) -> list[tuple[str, str]]:
        """Level and text of each line so far."""
        return [(each.level, each.text) for each in self.events if isinstance(each, TaskOutput)]

    @property
    def lines(self) -> list[str]:
        return [text for _, text in self.output]

    def call(
        self,
        function: int = 1,
        kind: str = "command",
        timeout: float | None = None,
        **facts: Any,
    ) -> dict[str, Any]:
        """Call a function of the script as a task's command, or as another kind of hook."""
        workdir = self.session.top_level.workdir
        context = TaskContext("t", workdir)
        known = {"task": "t", "workflow": "w", "workdir": workdir, "attempt": 1, "deps": {}}

        async def within_timeout() -> dict[str, Any]:
            async with TimeLimit(context, "the task 't'", timeout):
                return await self.driver.call(kind, Call(function), context, {**known, **facts})

        return asyncio.run(within_timeout())


class Scripts:
    """Writes scripts to a folder, which is the working folder too, and runs their top level."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(
        self, source: str | bytes, *, name: str = "t.sloth", **options: Any
    ) -> LoadedScript:
        path = self.folder / name
        path.write_bytes(source if isinstance(source, bytes) else source.encode())
        return LoadedScript(name, **options)

    def value(self, expression: str, **options: Any) -> Any:
        """What a Lua expression is, through JSON."""
        return json.loads(self(f"log.print(json.encode({expression}))", **options).lines[-1])

    def values(self, expression: str, **options: Any) -> list[Any]:
        """The same for one with several results, nil at the end included."""
        packed = f"(function(...) local t = {{}} for i = 1, select('#', ...) do local v = select(i, ...) t[i] = v == nil and json.null or v end return json.list(t) end)({expression})"
        found: list[Any] = self.value(packed, **options)
        return found

    def error(self, source: str | bytes, **options: Any) -> ScriptError:
        """The error that ends a script."""
        with pytest.raises(ScriptError) as caught:
            self(source, **options)
        return caught.value


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scripts:
    monkeypatch.chdir(tmp_path)
    return Scripts(tmp_path)


class Calls:
    """Runs Lua expressions in a task of a real run, and says what each gives."""

    def __init__(self, sloth: Any) -> None:
        self.sloth = sloth

    def __call__(
        self, *expressions: str, top: str = "", options: tuple[str, ...] = ()
    ) -> list[Any]:
        """All results of each expression, as a list; of an error its text, without its place."""
        self.write(*expressions, top=top)
        result = self.sloth("run", "w.sloth", *options)
        assert result.returncode == 0, result.stderr
        found: list[Any] = json.loads((self.sloth.folder / "told").read_text())
        return found

    def planned(self, *expressions: str) -> list[list[str]]:
        """What a plan would do for these."""
        self.write(*expressions)
        result = self.sloth("plan", "w.sloth")
        assert result.returncode == 0, result.stderr
        return [line.split()[3:] for line in result.stdout.splitlines() if line.startswith("> ")]

    def write(self, *expressions: str, top: str = "") -> None:
        attempts = "".join(f"  attempt(function() return {each} end)\n" for each in expressions)
        self.sloth.write(
            "w.sloth",
            f"{top}\nlocal told = json.list()\n"
            "local function pack(ok, ...)\n"
            "  if not ok then return (tostring((...)):gsub('^%S+:%d+: ', '')) end\n"
            "  local t = {} for i = 1, select('#', ...) do local v = select(i, ...) t[i] = v == nil and json.null or v end\n"
            "  return json.list(t)\nend\n"
            "local function attempt(f) told[#told + 1] = pack(pcall(f)) end\n"
            f'task("t"):command(function()\n{attempts}  fs.write("told", json.encode(told))\nend)\n'
            'workflow.define("w")\n',
        )


@pytest.fixture
def told(sloth: Any) -> Calls:
    return Calls(sloth)
