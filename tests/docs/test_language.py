"""The page of the language and the editors' definitions say what scripts find; examples run."""

from __future__ import annotations

import asyncio
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import threading
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from lupa import luajit21

import sloth_lua
from sloth_runner.driver import Driver
from sloth_runner.errors import WorkflowFailed
from sloth_runner.events import TaskOutput
from sloth_runner.modules import sloth_lua_modules
from sloth_runner.runner import RunRequest, run_file
from sloth_runner.script import read_script
from sloth_runner.session import Session
from sloth_runner.values import merged_values
from sloth_state.open import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
LANGUAGE = runpy.run_path(str(ROOT / "scripts/language"))
SECTIONS: list[str] = LANGUAGE["section_names"]()
EXAMPLES = {
    (section, name): code
    for section in SECTIONS
    for name, code in LANGUAGE["examples"](section).items()
}


def functions(section: str) -> list[Any]:
    found: list[Any] = LANGUAGE["read"](section).functions
    return found


def test_definitions_and_page_are_up_to_date() -> None:
    result = subprocess.run(
        [sys.executable, str(ROOT / "scripts/language"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")


def definition(section: str) -> str:
    return (Path(sloth_lua.definitions_folder()) / f"{section}.lua").read_text()


@pytest.mark.parametrize("section", SECTIONS)
def test_a_definition_file_is_lua(section: str) -> None:
    compiled = luajit21.LuaRuntime().compile(definition(section))
    assert compiled is not None


@pytest.mark.parametrize("section", SECTIONS)
def test_every_function_says_what_it_does_and_what_each_parameter_is(section: str) -> None:
    assert [each.name for each in functions(section) if not each.text] == []
    for each in functions(section):
        described = [line.split()[1] for line in each.annotations if line.startswith("---@param")]
        assert described == list(each.parameters), each.name


LUAS_TYPES = {"any", "boolean", "false", "file", "fun", "function", "integer", "nil", "number"}
LUAS_TYPES |= {"string", "table", "true"}


def test_every_type_is_described() -> None:
    text = "\n".join(definition(section) for section in SECTIONS)
    known = LUAS_TYPES | {*re.findall(r"^---@(?:class|alias) (\w+)", text, re.M)}
    used = set()
    for annotation in re.findall(r"^---@(?:param [\w.]+|field \w+|return) (.*)$", text, re.M):
        type, _ = LANGUAGE["split_type"](annotation)
        used.update(re.findall(r"[a-zA-Z_]\w*", re.sub(r'\w+\??:|\bself\b|"[^"]*"', "", type)))
    assert sorted(used - known) == []


# -- definitions and what scripts find -------------------------------------------------------------

OBJECTS = {
    "task": "task('t')",
    "workflow": "workflow.define('w')",
    "channel": "goroutine.channel()",
    "context": "goroutine.context()",
    "wait_group": "goroutine.wait_group()",
    "mutex": "goroutine.mutex()",
    "rwmutex": "goroutine.rwmutex()",
    "semaphore": "goroutine.semaphore(1)",
    "atomic_int": "goroutine.atomic_int()",
    "once": "goroutine.once()",
    "cond": "goroutine.cond()",
    "pipe": "io.popen('true')",
}
"""How a script gets an object of each class."""

LOOK = """
local function parameters(f, first)
  local names, index = {}, first
  while parameter_of(f, index) do
    names[#names + 1] = parameter_of(f, index)
    index = index + 1
  end
  local about = debug.getinfo(f, "uS")
  if about.isvararg and about.what ~= "C" then names[#names + 1] = "..." end
  return about.what == "C" and "C" or table.concat(names, ", ")
end

local found = { globals = {}, functions = {}, callable = {} }
local function note(name, f, first)
  if type(f) == "function" then found.functions[name] = parameters(f, first or 1) end
end

for name, value in pairs(_G) do
  found.globals[#found.globals + 1] = tostring(name)
  note(name, value)
  if type(value) == "table" and value ~= _G and name ~= "parameter_of" then
    for key, field in pairs(value) do note(name .. "." .. tostring(key), field) end
    local meta = getmetatable(value)
    if meta and meta.__call then found.callable[#found.callable + 1] = name end
  end
end
for name in DEFINED:gmatch("%S+") do
  local owner, key = name:match("^(%w+_?%w*)%.([%w_]+)$")
  if owner then note(name, _G[owner][key]) end
end
for class, object in pairs(OBJECTS) do
  local meta = getmetatable(object)
  for key, f in pairs(meta.methods or meta.__index) do
    if not key:find("^__") then note(class .. ":" .. key, f, 2) end
  end
  if meta.methods then note(class .. ":build", object.build, 2) end
end
print(json.encode(found))
"""


class Curious(luajit21.LuaRuntime):
    """Lets a script ask for the names of parameters, which is not in its world otherwise."""

    def __init__(self, **options: Any) -> None:
        self.execute("parameter_of = debug.getlocal")


class Found(NamedTuple):
    """What a script finds: names of globals, parameters by function, tables that can be called."""

    globals: set[str]
    functions: dict[str, str]
    callable: set[str]


def defined() -> dict[str, str]:
    """The parameters of each function in the definition files."""
    text = "\n".join(definition(section) for section in SECTIONS)
    return dict(re.findall(r"^function ([\w.:]+)\((.*)\) end$", text, re.M))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    path = tmp_path_factory.mktemp("look") / "look.sloth"
    objects = ", ".join(f"{name} = {made}" for name, made in OBJECTS.items())
    heads = f'local DEFINED = "{" ".join(defined())}"\nlocal OBJECTS = {{ {objects} }}\n'
    path.write_text(heads + LOOK)
    lines: list[str] = []
    script = read_script(str(path))
    session = Session(script, emit=lambda event: lines.append(event.text))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(luajit21, "LuaRuntime", Curious)
        asyncio.run(Driver(script, session, sloth_lua_modules(session)).load())
    seen = json.loads(lines[-1])
    return Found(set(seen["globals"]), seen["functions"], set(seen["callable"]))


def of_plain_lua() -> set[str]:
    """The globals of plain LuaJIT, and the functions of its tables."""
    names = luajit21.LuaRuntime().execute("""
        local names = ""
        for name, value in pairs(_G) do
          names = names .. " " .. name
          for key in pairs(type(value) == "table" and value or {}) do
            names = names .. " " .. name .. "." .. tostring(key)
          end
        end
        return names
    """)
    return set(names.split())


def test_every_function_that_a_script_finds_is_defined(found: Found) -> None:
    plain = of_plain_lua() | {"parameter_of"} | LANGUAGE["INTERNAL"]
    others = LANGUAGE["OTHER_NAMES"].values()
    undefined = {
        name
        for name in found.functions.keys() - defined().keys() - plain
        if name.split(".")[0] not in {*others, "_G", "package"}
    }
    assert sorted(undefined) == []


def test_every_function_that_is_defined_is_there_with_the_same_parameters(found: Found) -> None:
    differing = {
        name: (parameters, found.functions.get(name))
        for name, parameters in defined().items()
        if found.functions.get(name) not in {parameters, "C"}
    }
    assert differing == {}


def test_every_global_is_defined(found: Found) -> None:
    text = "\n".join(definition(section) for section in SECTIONS)
    tables = set(re.findall(r"^(\w+) = ", text, re.M))
    functions = {name for name in defined() if not re.search("[.:]", name)}
    assert sorted(tables | functions - {"print", "require"}) == sorted(
        found.globals - of_plain_lua() - {"parameter_of"}
    )
    assert {"print", "require"} <= functions


def test_tables_that_can_be_called_are_defined_as_such(found: Found) -> None:
    text = {section: definition(section) for section in SECTIONS}
    overloaded = {
        name
        for content in text.values()
        for name in re.findall(r"^---@overload fun.*\n(?:---@.*\n)*(\w+) = ", content, re.M)
    }
    others = {"Values"}
    assert overloaded | others == found.callable


TABLES = """
local function names(t)
  local found = json.list()
  for name in pairs(t) do found[#found + 1] = name end
  return found
end
local t = task("t"):command(function(this, params)
  local workdir = names(getmetatable(this.workdir).__index)
  print(json.encode({ this = names(this), params = names(params), this_workdir = workdir }))
  return false
end)
workflow.define("w"):tasks({ t }):on_complete(function(_, results)
  print(json.encode({ task_result = names(getmetatable(results.t).__index) }))
end)
"""


def test_what_functions_are_called_with_is_described(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    Path("tables.sloth").write_text(TABLES)
    printed, _ = run("tables.sloth", None)
    found = {name: set(fields) for line in printed for name, fields in json.loads(line).items()}
    described = {
        block[0].split()[1]: {line.split()[1] for line in block[1:]}
        for block in LANGUAGE["read"]("task").classes
    }
    assert described == found


# -- examples --------------------------------------------------------------------------------------

WHOLE_FILE = re.compile(r"(?<![.\w:])(task|workflow)\b ?[(\"{.]")
"""An example that defines tasks is a whole file, any other one is the body of a task's function."""

STAND_INS_FOLDER = Path(__file__).parent / "stand_ins"
STAND_INS = {
    "cron": "crontab",
    "docker": "docker_container",
    "pkg": "pkg",
    "systemd": "systemd",
    "user": "accounts",
}
"""Folders of commands that stand for the real ones in a section's examples."""

WEB_SERVER = "-- with a web server at port 8080 that says what it is asked\n"


class Saying(BaseHTTPRequestHandler):
    """Answers each request with JSON that says what it was; there is nothing at /missing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        asked = json.dumps({"method": self.command, "path": self.path, "body": body}).encode()
        self.send_response(404 if self.path == "/missing" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(asked)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(asked)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def web_server() -> Iterator[int]:
    """The port of a server on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Saying) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("section", SECTIONS)
def test_every_function_has_an_example_and_every_example_a_function(section: str) -> None:
    shown = [name for of, name in EXAMPLES if of == section]
    assert sorted(shown) == sorted(each.name for each in functions(section))


@pytest.mark.parametrize(("section", "name"), EXAMPLES, ids=lambda part: part)
def test_an_example_does_what_it_says(
    section: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, web_server: int
) -> None:
    code = EXAMPLES[section, name]
    if WEB_SERVER in code:
        code = code.replace("8080", str(web_server))
    if section in STAND_INS:
        shutil.copytree(STAND_INS_FOLDER / STAND_INS[section], tmp_path / "bin")
        monkeypatch.setenv("PATH", f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}")
    source = code if WHOLE_FILE.search(code) else in_a_task(code)
    (tmp_path / "example.sloth").write_text(source)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    for variable, value in re.findall(r"^-- with ([A-Z_]+)=(\S+)$", code, re.M):
        monkeypatch.setenv(variable, value)
    settings = re.findall(r"^-- with --set (\S+)$", code, re.M)
    printed, failure = run("../example.sloth", values=merged_values([], settings))
    assert printed == re.findall(r"--> ?(.*)$", code, re.M)
    assert failure == "".join(re.findall(r"^-- the run fails: (.*)$", code, re.M))


def in_a_task(code: str) -> str:
    return f'task("example"):command(function(this, params, deps)\n{code}\nend)\n'


def run(path: str, values: Any) -> tuple[list[str], str]:
    """What a file prints, and why its run failed."""
    lines: list[str] = []

    def listen(_: datetime, event: Any) -> None:
        if isinstance(event, TaskOutput) and event.level not in {"stdout", "stderr"}:
            lines.extend(event.text.splitlines() or [""])

    with open_store("sqlite:///../state.db") as store:
        try:
            run_file(store, RunRequest(path, values=values), [listen])
        except WorkflowFailed as error:
            return lines, str(error)
    return lines, ""
