"""A small workflow, runs of it in which the system refuses a write, and what must be true then."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from sloth_state.open import open_store
from sloth_state.store import Store

CALLS = ("pwrite64", "fdatasync", "fsync", "write", "ftruncate")
SOURCE = """
local version = values.version

task("t"):command(function()
  for n = 1, 2 do
    state.resource { type = "r", name = "n" .. n, attributes = { version = version } }
    fs.append("told", "resource n" .. n .. "\\n")
  end
  state.set_output("url", version)
  fs.append("told", "output url\\n")
  resource.file { name = "conf", path = "world/conf", content = tostring(version) }
  fs.append("told", "file conf\\n")
  for n = 1, 7 do
    state.set("k" .. n, version)
    fs.append("told", "key k" .. n .. "\\n")
  end
end)
"""
FACTS = [
    "resource n1",
    "resource n2",
    "output url",
    "file conf",
    *(f"key k{n}" for n in range(1, 8)),
]
"""What a run tells that it has kept, in this order; the value of each is the version."""


class Fault(NamedTuple):
    """What the system refuses to do."""

    call: str
    number: int
    """Which of the calls, of those to files in the folder."""
    error: str
    goes_on: bool = False
    """Whether all later ones are refused too."""

    @property
    def option(self) -> str:
        return f"{self.call}:error={self.error}:when={self.number}{'+' if self.goes_on else ''}"


class Folder:
    """Where runs are made: the workflow, its world, and the store."""

    def __init__(self, path: Path, child: subprocess.Popen[str]) -> None:
        self.path = path
        self._child = child

    def run(
        self, version: int, strace: list[str] | None = None, bug: str | None = None
    ) -> tuple[int, str]:
        """Exit code and output of a run."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        arguments = ["run", "w.sloth", "--set", f"version={version}"]
        command = [str(self.path), arguments, strace, bug]
        print(json.dumps(command), file=self._child.stdin, flush=True)
        code, said = json.loads(self._child.stdout.readline())
        return code, said

    def store(self) -> Store:
        return open_store(f"sqlite:///{self.path}/state.db")

    def trace(self) -> list[str]:
        """What strace saw, a line a call."""
        return _whole_calls((self.path / "trace").read_text().splitlines())

    def told(self) -> list[str]:
        file = self.path / "told"
        return file.read_text().splitlines() if file.exists() else []

    def conf(self) -> str | None:
        """The content of the declared file; None if it is not there."""
        file = self.path / "world/conf"
        return file.read_text() if file.exists() else None

    def names(self) -> set[str]:
        """All files there are, but for the notes of the tests."""
        return {path.name for path in self.path.rglob("*")} - {"told", "trace", "said"}


class Prepared:
    """A folder before the run of a version, and what such a run does if nothing is refused."""

    def __init__(self, folder: Folder, version: int) -> None:
        self.folder = folder
        self.version = version
        self.world = folder.path / "world"
        self.world.mkdir(parents=True)
        (folder.path / "w.sloth").write_text(SOURCE)
        for earlier in range(1, version):
            self._succeed(earlier)
        (folder.path / "told").unlink(missing_ok=True)
        self._copy = folder.path.with_name(folder.path.name + "-before")
        shutil.copytree(folder.path, self._copy)
        self.before = folder.conf()
        self._succeed(version, strace=["-e", f"trace={','.join(CALLS)}"])
        self.undisturbed = folder.trace()
        paths = {path for path in map(_path, self.undisturbed) if path}
        self.paths = sorted(paths | {str(self.world / "conf")})
        self.names = folder.names()

    def _succeed(self, version: int, strace: list[str] | None = None) -> None:
        code, said = self.folder.run(version, strace)
        assert code == 0, said

    def anew(self) -> Folder:
        """The folder as it was before."""
        shutil.rmtree(self.folder.path)
        shutil.copytree(self._copy, self.folder.path)
        return self.folder

    def calls(self, call: str) -> int:
        """How often a run makes this call for a file in the folder."""
        return Counter(_call(line) for line in self.undisturbed if _path(line) in self.paths)[call]

    def run(self, fault: Fault, bug: str | None = None) -> tuple[int, str]:
        """The run with the fault, in the folder as it was before."""
        strace = ["-e", f"trace={fault.call}", "-e", f"inject={fault.option}"]
        for path in self.paths:
            strace += ["-P", path]
        code, said = self.anew().run(self.version, strace, bug)
        assert self.refused(), f"nothing was refused: {said}"
        return code, said

    def refused(self) -> list[str]:
        """The files for which something was refused."""
        return [_path(line) for line in self.folder.trace() if line.endswith("(INJECTED)")]


def _whole_calls(lines: list[str]) -> list[str]:
    """The lines, with the two parts of a call that another thread came between joined again."""
    whole: list[str] = []
    begun: dict[str, str] = {}
    for line in lines:
        thread = line.split()[0]
        if line.endswith("<unfinished ...>"):
            begun[thread] = line.removesuffix("<unfinished ...>")
        elif " resumed>" in line and thread in begun:
            whole.append(begun.pop(thread) + line.split(" resumed>", 1)[1])
        else:
            whole.append(line)
    return whole


def _call(line: str) -> str:
    return line.partition("(")[0].split()[-1]


def _path(line: str) -> str:
    """The file that a call is for, if it is in the folder of a test."""
    found = re.search(r"^\d+ +\w+\(\d+<([^>]*sloth-crash-[^>]*)>", line)
    return found[1] if found and not found[1].endswith("/said") else ""


@contextmanager
def traced_child() -> Iterator[subprocess.Popen[str]]:
    """The process that forks those in which something is refused."""
    child = Path(__file__).with_name("traced_child.py")
    with subprocess.Popen(
        [sys.executable, str(child)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process


# -- what a refused write may leave --------------------------------------------------------


def check(prepared: Prepared, fault: Fault, bug: str | None = None) -> int:
    """Make the run with the fault and look at all that must be true then; the run's exit code."""
    code, said = prepared.run(fault, bug)
    try:
        check_what_is_said(prepared, code, said)
        check_what_is_kept(prepared)
        check_what_comes_after(prepared)
    except AssertionError as error:
        error.add_note(f"refused: {fault.option}; exit code {code}; said:\n{said}")
        raise
    return code


def check_what_is_said(prepared: Prepared, code: int, said: str) -> None:
    """Success, or one sentence and a hint, with the exit code of what was refused."""
    is_world = any(Path(path).is_relative_to(prepared.world) for path in prepared.refused())
    assert "Traceback" not in said
    assert code in {0, 1 if is_world else 6}
    sentences = re.findall("^Error: .*", said, re.M)
    # What comes through a script has its hint in brackets.
    hints = re.findall(r"^Hint: .+|^Error: .* \(.+\)$", said, re.M)
    assert len(sentences) == len(hints) == (code != 0), "not one sentence and one hint"


def check_what_is_kept(prepared: Prepared) -> None:
    """The store is sound and has what the run told; the file is the one before or the new one."""
    folder, told = prepared.folder, set(prepared.folder.told())
    assert folder.conf() in (prepared.before, str(prepared.version)), "half a file"
    if not (folder.path / "state.db").exists():
        assert told == set(), "there is no store"
        return
    with folder.store() as store:
        assert store.verify() == []
        assert told <= kept(folder, store, prepared.version), "lost what was told"


def check_what_comes_after(prepared: Prepared) -> None:
    """The next run does all of it, and leaves what it would have left without the fault."""
    folder = prepared.folder
    code, said = folder.run(prepared.version)
    assert code == 0, said
    assert folder.names() == prepared.names, "something is left behind"
    with folder.store() as store:
        assert store.verify() == []
        assert store.locks() == []
        assert kept(folder, store, prepared.version) == set(FACTS)


def kept(folder: Folder, store: Store, version: int) -> set[str]:
    """The facts that are there with this version as their value."""
    values: dict[str, Any] = {"file conf": int(folder.conf() or 0)}
    for key in store.kv_keys():
        values[f"key {key}"] = store.kv_get(key)[1]
    for run in store.runs(limit=1):
        for each in store.resources(run.name):
            values[f"resource {each.name}"] = each.attributes.get("version")
        for key, output in store.outputs(run.id).items():
            values[f"output {key}"] = output.value
    return {name for name, value in values.items() if value == version} & set(FACTS)


def unsynced(trace: list[str]) -> list[str]:
    """What a run told although a write to the store before was not synced yet."""
    found, is_synced = [], True
    for line in trace:
        name = Path(_path(line)).name
        if name == "state.db-wal" and _call(line) in ("pwrite64", "fdatasync"):
            is_synced = _call(line) == "fdatasync"
        elif name == "told" and not is_synced:
            found.append(line)
    return found
