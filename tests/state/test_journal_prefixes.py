"""A crash after any commit leaves a sound store: what its journal says is what it has recorded.

Runs write to a store whose log is kept whole. Each commit in that log ends a prefix, which is what
a crash at that moment would have left.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from journal_bugs import BUGS
from journal_prefixes import Captured, Pending, Things, after, captured, check_prefix

from sloth_runner.cli.root import root
from sloth_state.cli import run_cli
from sloth_state.model import RunStatus
from sloth_state.open import open_store

CHILD = Path(__file__).parents[1] / "resources" / "killing_child.py"
KILLED = 9
SCRIPT = """
local function path(r) return "world/" .. r.id end
local function write(r)
  if r.size == 0 then error("no room") end
  fs.write(path(r), json.encode({{ id = r.id, size = r.size }}))
end
resource.define("thing", {{
  natural_key = "id",
  read = function(r)
    local text = fs.read(path(r))
    return text and assert(json.decode(text))
  end,
  create = write,
  update = write,
  delete = function(r) assert(fs.rm(path(r))) end,
}})
workflow.define("w"):tasks({{ task("t"):command(function()
{}
end) }})
"""
"""A thing is a file; one of size 0 cannot be made."""


class Declared(NamedTuple):
    """A thing of a script."""

    name: str
    id: str
    size: int

    def __str__(self) -> str:
        return f'resource.thing{{ name = "{self.name}", id = "{self.id}", size = {self.size} }}'


class Run(NamedTuple):
    """A run that prunes, and is killed at an operation's stage: begun, done, or recorded, too."""

    declared: Sequence[Declared]
    killed_at: tuple[int, int] = (0, 0)


class Folder:
    """Where the script, the store and the things are."""

    def __init__(self, path: Path, child: subprocess.Popen[str]) -> None:
        self.path = path
        self.database = path / "state.db"
        self.world = path / "world"
        self.world.mkdir()
        self.codes: list[int] = []
        """Of the runs."""
        self._child = child
        open_store(str(self.database)).close()

    def run(self, run: Run) -> None:
        """In a process of its own, which is gone then."""
        self._write(run)
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        command = [str(self.path), self.command, *run.killed_at]
        self._child.stdin.write(json.dumps(command) + "\n")
        self._child.stdin.flush()
        self.codes.append(int(self._child.stdout.readline()))

    def run_here(self, run: Run) -> None:
        """In this process, which may have a bug."""
        self._write(run)
        self.codes.append(run_cli(root, self.command))

    @property
    def command(self) -> list[str]:
        return ["run", f"{self.path}/w.sloth", "--prune"]

    def _write(self, run: Run) -> None:
        lines = "\n".join(map(str, run.declared))
        (self.path / "w.sloth").write_text(SCRIPT.format(lines))

    def set_world(self, things: Things) -> None:
        for file in self.world.iterdir():
            file.unlink()
        for each in things.values():
            (self.world / each["id"]).write_text(json.dumps(each))

    def check_recovery(self, left: Captured, things: Things, pending: Pending | None) -> None:
        """Whether or not what is pending was done, the next command finds it out."""
        for was_done in (False, True) if pending else (False,):
            world, expected = dict(things), dict(things)
            if pending is not None:
                after(expected, pending.operation, was_done=was_done)
                if was_done:
                    after(world, pending.operation, was_done=True)
            left.leave(self.database)
            self.set_world(world)
            assert run_cli(root, ["state", "workflow", "recover", "w"]) == 0
            assert check_prefix(self.database, "w") == (expected, [])
            with open_store(str(self.database)) as store:
                assert store.runs(status=RunStatus.RUNNING) == []
                assert store.locks() == []


NewFolder = Callable[[str], Folder]
"""Makes one with a name, to which commands go from then on."""


@pytest.fixture
def new_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NewFolder]:
    with subprocess.Popen(
        [sys.executable, str(CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:

        def make(name: str) -> Folder:
            path = tmp_path / name
            path.mkdir()
            monkeypatch.chdir(path)
            monkeypatch.setenv("SLOTH_RUNNER_STATE", f"{path}/state.db")
            return Folder(path, child)

        yield make


def captured_runs(folder: Folder, runs: Sequence[Run], run: Callable[[Run], None]) -> Captured:
    """The log of these runs, one after the other."""

    def write() -> None:
        for each in runs:
            run(each)

    return captured(folder.database, write)


def check(folder: Folder, log: Captured, *, recovery: bool) -> list[Pending]:
    """Check every prefix; what was pending in any, in that order."""
    seen: dict[tuple[str, int], Pending] = {}
    for left in log.prefixes():
        left.leave(folder.database)
        things, pending = check_prefix(folder.database, "w")
        seen |= {(each.run_id, each.operation.number): each for each in pending}
        if recovery and pending:
            folder.check_recovery(left, things, pending[0])
    return list(seen.values())


def check_begun(folder: Folder, log: Captured, pending: Sequence[Pending]) -> None:
    """Every operation was pending once: begun before it was ended."""
    log.leave(folder.database)
    with open_store(str(folder.database)) as store:
        assert [(each.run_id, each.operation.number) for each in pending] == [
            (run.id, each.number)
            for run in reversed(store.runs())
            for each in store.operations(run.id)
        ]


A1, A2 = Declared("a", "a", 1), Declared("a", "a", 2)
B1, C0, C1 = Declared("b", "b", 1), Declared("c", "c", 0), Declared("c", "c", 1)
MOVED = Declared("a", "d", 2)
RUNS = (Run([A1, B1]), Run([A2, C1]), Run([MOVED, C0]), Run([C1, B1], (2, 1)), Run([B1, A1]))
"""Things are created, updated, deleted and replaced; one fails; one run is killed."""


def test_after_every_commit_the_journal_says_what_is_recorded(new_folder: NewFolder) -> None:
    folder = new_folder("w")
    log = captured_runs(folder, RUNS, folder.run)
    assert folder.codes == [0, 0, 1, KILLED, 0]
    pending = check(folder, log, recovery=True)
    check_begun(folder, log, pending)
    done = [f"{each.operation.verb} {each.operation.name}" for each in pending]
    assert done == [
        *("create a", "create b"),
        *("update a", "create c", "delete b"),
        *("delete a", "create a", "update c"),
        *("create b", "delete a"),
        *("create a", "delete c"),
    ]


# No thing gets another one's id, for then records change their names, which is no operation.
IDS = {"a": ("a", "d"), "b": ("b", "e"), "c": ("c", "f")}
declared = st.sampled_from("abc").flatmap(
    lambda name: st.builds(
        Declared, st.just(name), st.sampled_from(IDS[name]), st.sampled_from((0, 1, 2))
    )
)
lists = st.lists(declared, max_size=3, unique_by=lambda each: each.name)
kills = st.tuples(st.sampled_from((0, 0, 1, 2)), st.integers(0, 2))
many_runs = st.lists(st.builds(Run, lists, kills), min_size=1, max_size=4)


def check_random_runs(new_folder: NewFolder, examples: int, **options: Any) -> None:
    """The same of random runs, of which some are killed."""
    numbers = count(1)

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        **options,
    )
    @given(many_runs)
    def check_runs(runs: list[Run]) -> None:
        folder = new_folder(str(next(numbers)))
        log = captured_runs(folder, runs, folder.run)
        assert {*folder.codes} <= {0, 1, KILLED}
        check_begun(folder, log, check(folder, log, recovery=True))

    check_runs()


def test_it_is_so_after_random_runs(new_folder: NewFolder) -> None:
    check_random_runs(new_folder, 8, derandomize=True, phases=[Phase.generate])


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_it_is_so_after_many_random_runs(new_folder: NewFolder) -> None:
    check_random_runs(new_folder, 60)


@pytest.mark.parametrize("bug", BUGS)
def test_the_check_finds(bug: str, new_folder: NewFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [Run([A1, B1]), Run([A2, C1]), Run([C1])]
    folder = new_folder("w")
    with monkeypatch.context() as patched:
        BUGS[bug](patched)
        log = captured_runs(folder, runs, folder.run_here)
    with pytest.raises(AssertionError):
        check_begun(folder, log, check(folder, log, recovery=False))


def test_it_finds_nothing_in_these_runs_without_a_bug(new_folder: NewFolder) -> None:
    folder = new_folder("w")
    log = captured_runs(folder, [Run([A1, B1]), Run([A2, C1]), Run([C1])], folder.run_here)
    assert folder.codes == [0, 0, 0]
    check_begun(folder, log, check(folder, log, recovery=False))
