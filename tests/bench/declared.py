"""10,000 declared files against plain Python that writes, or stats and hashes, the same files.

Both sides are whole processes, start-up included, and give the same guarantees: a file appears
under its name as a whole, and it and its folder are on the disk before the next one is begun.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from measure import Figure, seconds

FILES = 10_000
FEW = 100
TRIES = 5
FIRST_RUNS = 3
SCRIPT = """
task("files"):command(function()
  for number = 1, %(count)d do
    resource.file{
      name = "file-" .. number, path = "%(folder)s/file-" .. number,
      content = "content of file " .. number .. "\\n" .. (number == 1 and (values.first or "") or ""),
    }
  end
end)
"""
WRITE = """
import os, sys, tempfile
folder, count = sys.argv[1], int(sys.argv[2])
for number in range(1, count + 1):
    handle, temporary = tempfile.mkstemp(dir=folder)
    with os.fdopen(handle, "wb") as file:
        file.write(f"content of file {number}\\n".encode())
        file.flush()
        os.fchmod(file.fileno(), 0o644)
        os.fsync(file.fileno())
    os.replace(temporary, f"{folder}/file-{number}")
    directory = os.open(folder, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)
"""
HASH = """
import hashlib, os, sys
folder, count = sys.argv[1], int(sys.argv[2])
for number in range(1, count + 1):
    path = f"{folder}/file-{number}"
    os.lstat(path)
    with open(path, "rb") as file:
        hashlib.sha256(file.read()).hexdigest()
"""


def figures(folder: Path) -> list[Figure]:
    """First run, a run without changes, drift, the first line of a plan, rollback of one."""
    first = statistics.median(_first_run(folder, number) for number in range(FIRST_RUNS))
    sloth = Sloth(folder, f"many-{FIRST_RUNS - 1}", FILES)
    hash = [sys.executable, "-c", HASH, str(sloth.files), str(FILES)]
    unchanged = _ratio(lambda: sloth.seconds("run", sloth.script, "-q"), hash)
    drift = _ratio(lambda: sloth.seconds("state", "workflow", "drift", sloth.name), hash)
    return [
        Figure("first run of 10,000 files / writing them with fsync", first, "x", 3),
        Figure("run without changes / lstat and hash", unchanged, "x", 3),
        Figure("drift / lstat and hash", drift, "x", 3),
        Figure("first line of a plan of 10,000 files", sloth.first_line_of_plan(), "s", 1),
        Figure(
            "rollback --target, of 10,000 / of 100",
            sloth.rollback_seconds() / Sloth(folder, "few", FEW).prepared().rollback_seconds(),
            "x",
            1.5,
        ),
    ]


def _first_run(folder: Path, number: int) -> float:
    """The ratio of a first run, of which there is only one in a folder and a store."""
    plain = folder / f"plain-{number}"
    plain.mkdir()
    sloth = Sloth(folder, f"many-{number}", FILES)
    ours = sloth.seconds("run", sloth.script, "-q")
    return ours / _seconds([sys.executable, "-c", WRITE, str(plain), str(FILES)])


class Sloth:
    """A workflow of many files with a store of its own."""

    def __init__(self, folder: Path, name: str, count: int) -> None:
        self.name = name
        self.files = folder / f"files-{name}"
        self.files.mkdir(exist_ok=True)
        self.script = str(folder / f"{name}.sloth")
        Path(self.script).write_text(SCRIPT % {"count": count, "folder": self.files})
        self._environment = {**os.environ, "SLOTH_RUNNER_STATE": str(folder / f"{name}.db")}
        self._sloth = str(Path(sys.executable).parent / "sloth-runner")

    def seconds(self, *arguments: str) -> float:
        """How long one command takes."""
        return seconds(lambda: self._run(*arguments))

    def prepared(self) -> Sloth:
        """The same after its first run."""
        self._run("run", self.script, "-q")
        return self

    def first_line_of_plan(self) -> float:
        """Seconds until `plan` has printed something, median of several."""
        return statistics.median(self._first_line() for _ in range(TRIES))

    def rollback_seconds(self) -> float:
        """Seconds of a rollback of the one file that a run has changed, median of several."""
        taken = []
        for number in range(TRIES):
            self._run("run", self.script, "-q", "--set", f"first=changed {number}")
            version = ("state", "workflow", "rollback", self.name, "--force")
            taken.append(self.seconds(*version, "--target", "file/file-1"))
        return statistics.median(taken)

    def _first_line(self) -> float:
        started = time.perf_counter()
        with subprocess.Popen(
            [self._sloth, "plan", self.script], stdout=subprocess.PIPE, env=self._environment
        ) as plan:
            assert plan.stdout is not None
            assert plan.stdout.readline()
            taken = time.perf_counter() - started
            plan.communicate()
        return taken

    def _run(self, *arguments: str) -> None:
        subprocess.run(
            [self._sloth, *arguments],
            check=True,
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def _ratio(ours, theirs: list[str]) -> float:  # type: ignore[no-untyped-def]
    """Median of several, taken in turn, after one warm-up."""
    ratios = [ours() / _seconds(theirs) for _ in range(TRIES + 1)]
    return statistics.median(ratios[1:])


def _seconds(command: list[str]) -> float:
    return seconds(lambda: subprocess.run(command, check=True))
