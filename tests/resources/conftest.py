"""A small world of things, each a file in the folder `world`, and a provider of them in Lua."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sloth_runner.cli.root import root
from sloth_state.cli import run_cli
from sloth_state.open import open_store
from sloth_state.store import Store

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1
THING = """
local function path(r) return "world/" .. r.id end
local function note(verb, r) fs.append("calls", verb .. " " .. r.name .. "\\n") end
local function write(verb, r)
  note(verb, r)
  if r.breaks == "before" then error("no room") end
  local attributes = {}
  for key, value in pairs(r) do attributes[key] = value end
  fs.write(path(r), json.encode(attributes))
  if r.breaks == "after" then error("no room") end
end
resource.define("thing", {
  natural_key = "id",
  read = function(r)
    local text = fs.read(path(r))
    local found = text and assert(json.decode(text))
    if found then found.unreadable, found.breaks = nil, nil end
    return found
  end,
  create = function(r) write("create", r) end,
  update = function(r) write("update", r) end,
  delete = function(r)
    note("delete", r)
    if r.clings then error("it clings to this world") end
    assert(fs.rm(path(r)))
  end,
})
"""
"""Every attribute of a thing is in its file; `unreadable` and `breaks` are written, but not read."""


class Result(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str


class Things:
    """Runs the command line in a folder, in this process, and looks at the world there."""

    def __init__(self, folder: Path, captured: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._captured = captured
        (folder / "world").mkdir()

    # -- commands --------------------------------------------------------------------------

    def __call__(self, *arguments: str) -> Result:
        self._captured.readouterr()
        code = run_cli(root, arguments)
        return Result(code, *self._captured.readouterr())

    def ok(self, *arguments: str) -> str:
        """What a command prints that must succeed."""
        result = self(*arguments)
        assert result.code == 0, result
        return result.out

    def workflow(self, *arguments: str) -> Result:
        return self("state", "workflow", *arguments)

    def json(self, *arguments: str) -> Any:
        """What a command of `state workflow` prints as JSON."""
        result = self.workflow(*arguments, "-o", "json")
        assert result.err == ""
        return json.loads(result.out)

    def process(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """A command as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "sloth_runner", *arguments],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def with_a_read_only_store(self, *arguments: str) -> Result:
        """A command that may not write to the store; root may, unless it gives that up."""
        (self.folder / "state.db").chmod(0o444)
        command = [sys.executable, "-m", "sloth_runner", *arguments]
        source = (
            "import ctypes, os, sys\n"
            f"ctypes.CDLL(None).prctl({PR_CAPBSET_DROP}, {CAP_DAC_OVERRIDE})\n"
            f"os.execv(sys.executable, {command!r})"
        )
        ran = subprocess.run(
            [sys.executable, "-c", source], capture_output=True, text=True, check=False
        )
        return Result(ran.returncode, ran.stdout, ran.stderr)

    def at_a_terminal(self, answer: str, *arguments: str) -> tuple[int, str]:
        """A command whose question is answered; its exit code and all that the terminal shows."""
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "sloth_runner", *arguments]
        child = subprocess.Popen(
            command, cwd=self.folder, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        os.write(ours, answer.encode())
        shown = bytearray()
        with suppress(OSError):  # EIO: the other side is closed
            while piece := os.read(ours, 65536):
                shown += piece
        os.close(ours)
        return child.wait(), re.sub(r"\x1b\[[0-9;]*m", "", shown.decode())

    # -- scripts ---------------------------------------------------------------------------

    def write(self, source: str, name: str = "w.sloth") -> None:
        (self.folder / name).write_text(source)

    def script(self, *declarations: str, before: str = "", config: str = "") -> None:
        """A workflow `w` whose task `t` makes these declarations."""
        self.write(self.source(*declarations, before=before, config=config))

    @staticmethod
    def source(*declarations: str, before: str = "", config: str = "") -> str:
        body = "\n".join(declarations)
        return (
            f'{THING}{before}\nlocal t = task("t"):command(function()\n{body}\nend)\n'
            f'workflow.define("w"):tasks({{ t }}){config}\n'
        )

    def declares(self, *declarations: str, before: str = "") -> str:
        """Run a script with these declarations, which must succeed; how the resources fared."""
        self.script(*declarations, before=before)
        return self.counts(self("run", "w.sloth"))

    @staticmethod
    def counts(result: Result) -> str:
        """ "1 created, 0 updated, 0 deleted, 0 unchanged" of a run that succeeded."""
        assert result.code == 0, result
        (line,) = (each for each in result.out.splitlines() if each.startswith("  Resources  "))
        return line.removeprefix("  Resources  ")

    # -- what there is ---------------------------------------------------------------------

    @property
    def world(self) -> dict[str, Any]:
        """The things there are, by id."""
        files = sorted((self.folder / "world").iterdir())
        return {file.name: json.loads(file.read_text()) for file in files}

    def set(self, id: str, **attributes: Any) -> None:
        """Change a thing behind the workflow's back."""
        (self.folder / "world" / id).write_text(json.dumps({"id": id, **attributes}))

    def remove(self, id: str) -> None:
        (self.folder / "world" / id).unlink()

    def calls(self) -> list[str]:
        """The hooks that were called since this was asked last: "create a", …"""
        file = self.folder / "calls"
        calls = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return calls

    @property
    def recorded(self) -> dict[str, Any]:
        """Attributes of all recorded things, by type/name."""
        with self.store() as store:
            return {
                f"{each.type}/{each.name}": dict(each.attributes)
                for each in store.resources("w")
                if each.action.value != "delete"
            }

    def store(self) -> Store:
        return open_store(f"sqlite:///{self.folder}/state.db")

    def versions(self) -> list[tuple[int, str, str]]:
        """Number, status and description, newest first."""
        return [
            (each["version"], each["status"], each["description"])
            for each in self.json("versions", "w")
        ]


@pytest.fixture
def things(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Things:
    for name in ("NO_COLOR", "SLOTH_RUNNER_STATE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SLOTH_RUNNER_STATE", f"sqlite:///{tmp_path}/state.db")
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.chdir(tmp_path)
    return Things(tmp_path, capfd)
