"""A workflow that has everything, runs of it that are killed, and what must be true then."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from told import LOG, Facts, kept_facts

from sloth_state.open import open_store
from sloth_state.store import Store

KILLED = 137
SOURCE = """
local version = tostring(values.version)

local fetch = task("fetch"):command(function()
  state.resource { type = "server", name = "web", attributes = { version = version } }
  state.resource { type = "server", name = "db-" .. version, attributes = { version = version } }
  state.set("phase", "fetched " .. version)
  exec.run("echo fetch >> commands", { key = "fetch" })
  exec.run("echo tune >> commands", { key = "tune", rerun = true })
  return true, "fetched", { lines = 3 }
end)

local build = task("build"):depends_on("fetch"):command(function(_, _, deps)
  local lines = step("compile", function()
    fs.append("steps", "compile\\n")
    return deps.fetch.lines * 2
  end)
  local name = step("push", function()
    fs.append("steps", "push\\n")
    return "image-" .. lines
  end)
  state.set_output("image", name)
  state.set("phase", "built " .. version)
  resource.directory { name = "folder-" .. version, path = "world/folder-" .. version }
  resource.file { name = "new-" .. version, path = "world/folder-" .. version .. "/new", content = name }
end)

local place = task("place"):depends_on("fetch"):command(function()
  resource.file { name = "changed", path = "world/changed", content = "version " .. version }
  resource.file { name = "kept", path = "world/kept", content = "always the same" }
end):on_success(function() state.set_output("placed", version) end)

workflow.define("w"):tasks({ fetch, build, place }):on_complete(function(ok)
  state.set_metadata("complete", tostring(ok))
end)
"""


class Scenario(NamedTuple):
    """A run that is killed."""

    version: int
    """Which version it makes."""

    @property
    def arguments(self) -> list[str]:
        return ["run", "w.sloth", "--set", f"version={self.version}", "--prune"]


FIRST, SECOND = Scenario(1), Scenario(2)
"""Of the first the store is made too; the second creates, updates, keeps and prunes."""


class Folder:
    """Where runs are made and killed: the workflow, its world, and the store."""

    def __init__(self, path: Path, child: subprocess.Popen[str]) -> None:
        self.path = path
        self._child = child

    def run(self, *arguments: str, **options: Any) -> tuple[int, str]:
        """Exit code and output of a command; the options are those of the child's `Command`."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        command = [
            str(self.path),
            arguments,
            *{"boundary": 0, "seconds": 0, "bug": None, **options}.values(),
        ]
        print(json.dumps(command), file=self._child.stdin, flush=True)
        code, said = json.loads(self._child.stdout.readline())
        return code, said

    def ok(self, *arguments: str) -> None:
        code, said = self.run(*arguments)
        assert code == 0, said

    def store(self) -> Store:
        return open_store(f"sqlite:///{self.path}/state.db")

    @property
    def has_store(self) -> bool:
        return (self.path / "state.db").exists()

    def save(self, name: str) -> None:
        """Keep a copy of the folder as it is, for `restore`."""
        shutil.rmtree(self._saved(name), ignore_errors=True)
        shutil.copytree(self.path, self._saved(name))

    def restore(self, name: str) -> None:
        shutil.rmtree(self.path)
        shutil.copytree(self._saved(name), self.path)

    def _saved(self, name: str) -> Path:
        return self.path.with_name(f"{self.path.name}-{name}")

    def boundaries(self) -> list[str]:
        """Those that the last command came past."""
        return (self.path / "boundaries").read_text().splitlines()

    def world(self) -> dict[str, tuple[int, bytes | None]]:
        """Mode and content, by absolute path, of what the workflow declares; a directory has no
        content."""
        return {
            str(path): (path.stat().st_mode, path.read_bytes() if path.is_file() else None)
            for path in (self.path / "world").rglob("*")
        }

    def lines(self, name: str) -> Counter[str]:
        """What commands ("commands") and steps ("steps") have done, and how often."""
        file = self.path / name
        return Counter(file.read_text().split()) if file.exists() else Counter()

    def names(self) -> set[str]:
        """All files there are, but for the notes of the tests."""
        notes = {LOG, "boundaries", "said"}
        return {path.name for path in self.path.rglob("*")} - notes


class Prepared:
    """A folder before the scenario's run, and what such a run makes of it if nobody kills it."""

    def __init__(self, folder: Folder, scenario: Scenario) -> None:
        self.folder = folder
        self.scenario = scenario
        (folder.path / "world").mkdir(parents=True)
        (folder.path / "w.sloth").write_text(SOURCE)
        if scenario is SECOND:
            folder.ok(*FIRST.arguments)
            (folder.path / LOG).unlink()
        self.before = folder.world()
        self.done_before = folder.lines("commands"), folder.lines("steps")
        folder.save("before")
        folder.ok(*scenario.arguments)
        self.boundaries = folder.boundaries()
        self.after, self.names, self.state = folder.world(), folder.names(), final_state(folder)

    def anew(self) -> Folder:
        """The folder as it was before."""
        self.folder.restore("before")
        return self.folder

    def seconds(self) -> float:
        """How long the run takes if nothing else keeps the machine busy."""
        return min(self._time() for _ in range(3))

    def _time(self) -> float:
        folder, start = self.anew(), time.monotonic()
        folder.ok(*self.scenario.arguments)
        return time.monotonic() - start


@contextmanager
def failpoint_child() -> Iterator[subprocess.Popen[str]]:
    """The process that forks those that are killed."""
    child = Path(__file__).with_name("failpoint_child.py")
    with subprocess.Popen(
        [sys.executable, str(child)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process


def final_state(folder: Folder) -> Facts:
    """What the newest version has, whatever its number is."""
    with folder.store() as store:
        newest = store.runs(limit=1)[0]
        facts = kept_facts(store)
        return {
            "status": newest.status,
            "complete": newest.metadata["complete"],
            "outputs": {key: each.value for key, each in store.outputs(newest.id).items()},
            "phase": store.kv_get("phase"),
            **{name: value for name, value in facts.items() if name.startswith("resource ")},
        }
