"""Plugins of other packages, installed for real into a folder of the path: what they add, and that a
bad one is reported and left aside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HEAD = "from sloth_runner import LuaModule, hookimpl\n"

PROGRAM = """
import json, sys
from datetime import UTC, datetime
from sloth_runner.events import RunFinished, RunStarted, TaskFinished, TaskOutput
from sloth_runner.plugins import Plugins
from sloth_runner.script import Script
from sloth_runner.session import Session
from sloth_state.model import Changes, RunStatus, TaskStatus

reports = []
plugins = Plugins(reports.append)
session = Session(Script("t", "t", b""), emit=print)
modules = plugins.lua_modules(session)
commands = plugins.cli_commands()
now = datetime(2026, 1, 2, tzinfo=UTC)
for event in (
    RunStarted("abc", "w", 1, ("t",)),
    TaskOutput("t", "info", "x"),
    TaskFinished("t", TaskStatus.SUCCESS, 1, 0.5, None, None, True),
    RunFinished("abc", "w", 1, RunStatus.SUCCESS, 0.5, {}, Changes(), {}, None),
):
    plugins.tell(now, event)
print(json.dumps({"modules": [module.name for module in modules], "commands": commands, "reports": reports}))
"""
BUILT_IN = [
    "library",
    "standard",
    "log",
    "json",
    "values",
    "crypto",
    "strings",
    "yaml",
    "toml",
    "data",
    "time",
    "template",
    "exec",
    "sleep",
    "goroutine",
    "fs",
    "file_ops",
    "http",
    "net",
    "facts",
    "state",
    "step",
    "stack",
    "stow",
    "event",
    "secrets",
    "resource",
    "providers",
    "pkg",
    "systemd",
    "user",
    "git",
    "cron",
    "docker",
]


def install(folder: Path, name: str, source: str, entry_point: str | None = None) -> None:
    """A package as pip leaves it behind."""
    (folder / f"{name}.py").write_text(HEAD + source)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[sloth_runner]\n{name} = {entry_point or name}\n")


def started(folder: Path) -> dict[str, Any]:
    """What a process with these packages finds."""
    child = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert child.returncode == 0, child.stderr
    *told, found = child.stdout.splitlines()
    return {**json.loads(found), "told": told}


def test_without_other_packages_there_is_what_is_built_in(tmp_path: Path) -> None:
    assert started(tmp_path) == {"modules": BUILT_IN, "commands": [], "reports": [], "told": []}


def test_a_plugin_adds_modules_commands_and_listeners(tmp_path: Path) -> None:
    install(
        tmp_path,
        "greetings",
        """
@hookimpl
def sloth_lua_modules(session):
    return [LuaModule("greet", b"return {}"), LuaModule("log", b"return 'not this one'")]

@hookimpl
def sloth_cli_commands():
    return ["a command"]

@hookimpl
def sloth_run_started(at, event):
    print(at.isoformat(), event.workflow, event.tasks)

@hookimpl
def sloth_task_finished(event):
    print(event.task, event.status)

@hookimpl
def sloth_run_finished(event, at):
    print(event.run_id, event.status, at.year)
""",
    )
    assert started(tmp_path) == {
        "modules": [*BUILT_IN, "greet"],
        "commands": ["a command"],
        "reports": [],
        "told": ["2026-01-02T00:00:00+00:00 w ('t',)", "t success", "abc success 2026"],
    }


BAD = {
    "import error": ("import nothing_like_it", "the plugin bad cannot be loaded: No module named 'nothing_like_it'"),
    "error at import": ("1 / 0", "the plugin bad cannot be loaded: division by zero"),
    "wrong argument": (
        "@hookimpl\ndef sloth_run_started(evnt):\n    pass",
        "the plugin bad cannot be loaded: Plugin 'bad' for hook 'sloth_run_started'",
    ),
    "unknown hook": (
        "@hookimpl\ndef sloth_run_begun(event):\n    pass",
        "a plugin is out of date or misspelt: unknown hook 'sloth_run_begun' in plugin <module 'bad'",
    ),
    "failing listener": (
        "@hookimpl\ndef sloth_run_started(event):\n    raise RuntimeError('no network')",
        "the plugin bad failed in sloth_run_started: RuntimeError('no network')",
    ),
    "failing modules": (
        "@hookimpl\ndef sloth_lua_modules(session):\n    raise KeyError('x')",
        "the plugin bad failed in sloth_lua_modules: KeyError('x')",
    ),
    "no modules": (
        "@hookimpl\ndef sloth_lua_modules(session):\n    pass",
        "a plugin answered sloth_lua_modules with None instead of a list",
    ),
    "one module without a list": (
        "@hookimpl\ndef sloth_lua_modules(session):\n    return LuaModule('x', b'')",
        "a plugin answered sloth_lua_modules with LuaModule(name='x', source=b'', ",
    ),
    "something else as module": (
        "@hookimpl\ndef sloth_lua_modules(session):\n    return ['greet']",
        "a plugin has the module 'greet', which is no LuaModule",
    ),
    "no commands": (
        "@hookimpl\ndef sloth_cli_commands():\n    pass",
        "a plugin answered sloth_cli_commands with None instead of a list",
    ),
    "module that no script can name": (
        "@hookimpl\ndef sloth_lua_modules(session):\n    return [LuaModule('my-module', b'')]",
        "a plugin has a module 'my-module', which is no name in Lua",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_plugin_is_reported_and_others_go_on(tmp_path: Path, case: str) -> None:
    source, report = BAD[case]
    install(tmp_path, "bad", source)
    install(
        tmp_path,
        "good",
        "@hookimpl\ndef sloth_lua_modules(session):\n    return [LuaModule('good', b'return 1')]\n"
        "@hookimpl\ndef sloth_run_started(event):\n    print('heard')\n"
        "@hookimpl\ndef sloth_cli_commands():\n    return ['good command']",
    )
    found = started(tmp_path)
    assert (found["modules"], found["commands"], found["told"]) == (
        [*BUILT_IN, "good"],
        ["good command"],
        ["heard"],
    )
    assert len(found["reports"]) == 1
    assert found["reports"][0].startswith(report)


def test_an_entry_point_to_nothing_is_reported(tmp_path: Path) -> None:
    install(tmp_path, "bad", "", entry_point="bad.missing:plugin")
    (report,) = started(tmp_path)["reports"]
    assert report.startswith("the plugin bad cannot be loaded: ")


def test_a_script_uses_the_module_of_a_plugin_and_its_run_is_heard(
    sloth: Any, tmp_path: Path
) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    install(
        packages,
        "greetings",
        '''
SOURCE = b"""
local host = ...
local greet = {}
function greet.hello(name)
  return host.call("greet.hello", host.want("greet.hello", "name", name, "string"))
end
return greet
"""

@hookimpl
def sloth_lua_modules(session):
    return [LuaModule("greet", SOURCE, {"greet.hello": lambda name: f"Hello, {name}"})]

@hookimpl
def sloth_run_finished(event):
    with open("heard", "w") as file:
        file.write(f"{event.workflow} {event.version} {event.status}")
''',
    )
    sloth.environment["PYTHONPATH"] = str(packages)
    sloth.write("app.sloth", 'task("t"):command(function() return true, greet.hello("Ada") end)')
    result = sloth("run", "app.sloth")
    assert result.returncode == 0, result.stderr
    assert "Hello, Ada" in result.stdout
    assert (tmp_path / "heard").read_text() == "app 1 success"


@pytest.mark.parametrize("command", ["run", "plan", "validate", "list"])
def test_a_plugin_that_fails_is_told_of(sloth: Any, tmp_path: Path, command: str) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    install(packages, "bad", "@hookimpl\ndef sloth_lua_modules(session):\n    raise KeyError('x')")
    sloth.environment["PYTHONPATH"] = str(packages)
    sloth.write("app.sloth", 'task("t"):command(function() end)')
    result = sloth(command, "app.sloth")
    assert result.returncode == 0, result.stderr
    told = result.stdout if command == "run" else result.stderr
    assert told.count("the plugin bad failed in sloth_lua_modules: KeyError('x')") == 1


PROVIDER = """
from pathlib import Path

class Note:
    type = "note"
    natural_key = ("path",)

    def read(self, name, attributes):
        path = Path(attributes["path"])
        return {"text": path.read_text()} if path.exists() else None

    def create(self, name, attributes):
        if "\\n" in attributes["text"]:
            raise ValueError(f"{name} has several lines")
        Path(attributes["path"]).write_text(attributes["text"])

    def delete(self, name, attributes):
        Path(attributes["path"]).unlink()

@hookimpl
def sloth_providers(session):
    return [Note(), "no provider"]

@hookimpl
def sloth_drift_detected(event):
    with open("heard", "a") as file:
        print("drift", [(each.resource.name, each.state.value) for each in event.findings], file=file)

@hookimpl
def sloth_before_rollback(event):
    with open("heard", "a") as file:
        print("before", event.from_version, event.to_version, len(event.steps), file=file)
    return "it is Friday" if Path("friday").exists() else None

@hookimpl
def sloth_after_rollback(event):
    with open("heard", "a") as file:
        print("after", event.version, event.status, file=file)
"""


@pytest.fixture
def noted(sloth: Any, tmp_path: Path) -> Any:
    """A workflow with a note, whose provider is in Python; two versions of it."""
    packages = tmp_path / "packages"
    packages.mkdir()
    install(packages, "notes", PROVIDER)
    sloth.environment["PYTHONPATH"] = str(packages)
    sloth.write(
        "app.sloth",
        'task("t"):command(function() resource.note { name = "n", path = "n.txt", text = values.text } end)',
    )
    for text in ("one", "two"):
        result = sloth("run", "app.sloth", "--set", f"text={text}")
        assert result.returncode == 0, result.stderr
        assert "a plugin has the provider 'no provider', which is none" in result.stdout
        assert (tmp_path / "n.txt").read_text() == text
    return sloth


def test_a_provider_in_python_is_planned_and_rolled_back_like_others(
    noted: Any, tmp_path: Path
) -> None:
    plan = noted.json("plan", "app.sloth", "--set", "text=three")
    assert [(each["name"], each["action"]) for each in plan["changes"]] == [("n", "replace")]
    result = noted("state", "workflow", "rollback", "app", "1", "--force")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "n.txt").read_text() == "one"
    assert (tmp_path / "heard").read_text() == "before 2 1 1\nafter 3 rolled_back\n"


def test_what_a_provider_in_python_raises_fails_the_task_and_is_named(
    noted: Any, tmp_path: Path
) -> None:
    result = noted("run", "app.sloth", "--set", "text=a\nb")
    assert result.returncode == 1
    assert (
        "note/n: create: the provider of note failed: ValueError('n has several lines')"
        in result.stderr
    )
    assert "Traceback" not in result.stderr


def test_a_plugin_hears_of_drift_and_refuses_a_rollback(noted: Any, tmp_path: Path) -> None:
    (tmp_path / "n.txt").write_text("other")
    (tmp_path / "friday").touch()
    assert noted("state", "workflow", "drift", "app", "--exit-code").returncode == 5
    result = noted("state", "workflow", "rollback", "app", "1", "--force")
    assert (result.returncode, result.stdout) == (1, "")
    assert "Error: the rollback of app was refused: it is Friday\n" in result.stderr
    assert (tmp_path / "n.txt").read_text() == "other"
    assert (
        tmp_path / "heard"
    ).read_text() == "drift [('n', 'drifted')]\nbefore 2 1 1\nafter 3 failed\n"


def test_packages_of_others_are_not_even_looked_at(tmp_path: Path) -> None:
    """importlib.metadata is slow to import; without a plugin it is not."""
    (tmp_path / "other-1.0.dist-info").mkdir()
    (tmp_path / "other-1.0.dist-info/entry_points.txt").write_text("[console_scripts]\nx = y\n")
    (tmp_path / "not-a-folder.dist-info").write_text("")
    program = "import sys; from sloth_runner.plugins import Plugins; Plugins(print); print('importlib.metadata' in sys.modules)"
    child = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:/nonexistent"},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert child.stdout == "False\n"
