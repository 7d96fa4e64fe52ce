"""Whatever a workflow and other people do to a world, it and the state are as the model says.

Random sequences of runs, kills, rollbacks and of what other people do. The model says exactly what
comes of each, also where the workflow must refuse: it has no "perhaps".
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

sys.path.insert(0, str(Path(__file__).parent))

from world_machine import ChangingWorld, real_world
from world_model import Declaration, Kill
from world_scripts import EVERYWHERE, declarations, script

import sloth_lua
from sloth_runner.cli.root import root
from sloth_state.cli import run_cli
from sloth_state.open import open_store

EXIT_CODES = {"success": 0, "rolled_back": 0, "failed": 1, "refused": 1, "killed": 9}


class ManagedWorld(ChangingWorld):
    """A workflow manages the world, and the model does the same."""

    killer: subprocess.Popen[str]

    def __init__(self) -> None:
        super().__init__()
        os.environ["SLOTH_RUNNER_STATE"] = f"{self.folder}/state.db"
        self.scripts: dict[int, Sequence[Declaration]] = {}
        """What was declared, by version, of runs that succeeded."""

    # -- commands ----------------------------------------------------------------------------

    def command(self, *arguments: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = run_cli(root, arguments)
        return code, out.getvalue(), err.getvalue()

    def does(self, status: str, *arguments: str) -> None:
        """A command that must end as the model says."""
        result = self.command(*arguments)
        assert result[0] == EXIT_CODES[status], (status, result)

    def dies(self, status: str, kill: Kill, *arguments: str) -> None:
        """The same of a command in a process that may be killed."""
        assert self.killer.stdin is not None
        assert self.killer.stdout is not None
        self.killer.stdin.write(json.dumps([self.folder, arguments, *kill]) + "\n")
        self.killer.stdin.flush()
        code = int(self.killer.stdout.readline())
        assert code == EXIT_CODES[status], status

    def asks(self, *arguments: str) -> Any:
        """What a command of `state workflow` prints as JSON."""
        code, out, err = self.command("state", "workflow", *arguments, "-o", "json")
        assert code == 0, err
        return json.loads(out)

    # -- what the workflow does ----------------------------------------------------------------

    @rule(data=st.data(), prune=st.booleans())
    def run(self, data: st.DataObject, prune: bool) -> None:
        self.runs(data.draw(declarations(self.model)), prune=prune)

    @rule(data=st.data(), prune=st.booleans(), operation=st.integers(1, 6), stage=st.integers(0, 2))
    def killed_run(self, data: st.DataObject, prune: bool, operation: int, stage: int) -> None:
        declared = data.draw(declarations(self.model))
        self.runs(declared, prune=prune, kill=Kill(operation, stage))

    @rule(data=st.data(), prune=st.booleans())
    def plan_only(self, data: st.DataObject, prune: bool) -> None:
        Path("w.sloth").write_text(script(data.draw(declarations(self.model))))
        self.command("plan", "w.sloth", *_options(prune))
        if self.model.versions:
            assert len(self.asks("versions", "w")) == len(self.model.versions)

    def runs(
        self, declared: Sequence[Declaration], *, prune: bool, kill: Kill | None = None
    ) -> None:
        Path("w.sloth").write_text(script(declared))
        gone = self._gone_or_twice()
        is_settled = not self.model.unfinished
        status = self.model.run(declared, prune=prune, kill=kill)
        run = ("run", f"{self.folder}/w.sloth", *_options(prune))
        if kill is None:
            planned = self._plan(prune)
            self.does(status, *run)
            if status == "success" and is_settled:
                done = {
                    (verb, name)
                    for verb, name in self._operations(planned)
                    if verb != "delete" or name not in gone
                }
                assert _planned_operations(planned, gone) == done
        else:
            self.dies(status, kill, *run)
        if status == "success":
            self.scripts[len(self.model.versions)] = declared
            self._nothing_is_left_to_do(len(declared), prune)

    def _gone_or_twice(self) -> set[str]:
        """Resources that need no deleting, at least not once another one has been deleted."""
        paths = [record.path for record in self.model.records.values()]
        twice = {
            record.identity
            for record in self.model.records.values()
            if paths.count(record.path) > 1
        }
        gone = {name for name, state in self.model.drift().items() if state == "missing"}
        return gone | {"/".join(identity) for identity in twice}

    def _nothing_is_left_to_do(self, number: int, prune: bool) -> None:
        nothing = dict.fromkeys(("create", "update", "replace", "delete"), 0)
        assert self._plan(prune)["summary"] == {**nothing, "noop": number}

    def _plan(self, prune: bool) -> Any:
        _, out, _ = self.command("plan", "w.sloth", *_options(prune), "-o", "json")
        return json.loads(out)

    def _operations(self, planned: Any) -> set[tuple[str, str]]:
        """What the newest run did to the world."""
        with open_store(f"sqlite:///{self.folder}/state.db") as store:
            found = store.operations(store.runs(limit=1)[0].id)
        replaced = {
            f"{each['type']}/{each['name']}"
            for each in planned["changes"]
            if each["action"] == "replace"
        }
        done = {(each.verb, f"{each.type}/{each.name}") for each in found}
        return {
            # What is replaced by a thing that is there already is an update of that.
            ("create" if verb == "update" and name in replaced else verb, name)
            for verb, name in done
        }

    @precondition(lambda self: len(self.model.versions) > 1)
    @rule(data=st.data())
    def rollback(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(1, len(self.model.versions) - 1), label="version")
        status = self.model.roll_back(number)
        self.does(status, "state", "workflow", "rollback", "w", str(number), "--force")
        self._drop_version_that_changed_nothing()
        if status == "rolled_back":
            self._is_as_it_was_after(number)
            if number in self.scripts:
                self._its_script_finds_nothing_to_do(self.scripts[number])
        self.the_state_is_as_the_model_says()

    @precondition(lambda self: len(self.model.versions) > 1)
    @rule(data=st.data(), operation=st.integers(1, 6), stage=st.integers(0, 2))
    def killed_rollback(self, data: st.DataObject, operation: int, stage: int) -> None:
        number = data.draw(st.integers(1, len(self.model.versions) - 1), label="version")
        kill = Kill(operation, stage)
        status = self.model.roll_back(number, kill)
        self.dies(status, kill, "state", "workflow", "rollback", "w", str(number), "--force")
        self._drop_version_that_changed_nothing()

    @precondition(lambda self: self.model.versions and self.model.versions[-1].going_to)
    @rule()
    def resumed_rollback(self) -> None:
        number = self.model.versions[-1].going_to
        assert number is not None
        status = self.model.roll_back(number)
        self.does(status, "state", "workflow", "rollback", "w", "--resume", "--force")
        self._drop_version_that_changed_nothing()

    def _is_as_it_was_after(self, number: int) -> None:
        """What the version managed is, and what it did not if nobody else has touched it since."""
        then, world = self.model.versions[number - 1], real_world()
        managed = {record.path: record.node for record in then.records.values()}
        paths = [record.path for record in then.records.values()]
        disputed = {path for path in managed if paths.count(path) > 1}  # by two names of a thing
        for path in set(EVERYWHERE) - then.half_done - disputed:
            in_sync = path in managed and then.nodes.get(path) == managed[path]
            untouched = path not in managed and self.touched.get(path, 0) < number
            if in_sync or untouched:
                assert world.get(path) == then.nodes.get(path), path

    def _its_script_finds_nothing_to_do(self, declared: Sequence[Declaration]) -> None:
        """Run it again: it does not even have to note anything."""
        self.scripts[len(self.model.versions)] = declared
        Path("w.sloth").write_text(script(declared))
        assert self.model.run(declared, prune=False) == "success"
        code, out, err = self.command("run", f"{self.folder}/w.sloth")
        assert code == 0, err
        unchanged = f"0 created, 0 updated, 0 deleted, {len(declared)} unchanged"
        assert f"  Resources  {unchanged}\n" in out, out

    @precondition(lambda self: self.model.versions and not self.model.versions[-1].going_to)
    @rule()
    def reconcile(self) -> None:
        status = self.model.reconcile()
        self.does(status, "state", "workflow", "reconcile", "w", "--force")
        self._drop_version_that_changed_nothing()

    def _drop_version_that_changed_nothing(self) -> None:
        """Where nothing must be done, no version is made."""
        made = self.asks("versions", "w")[0]["version"]
        if made == len(self.model.versions) - 1:
            assert self.model.versions.pop().records == self.model.versions[-1].records
            assert self.model.versions[-1].going_to is None, "a rollback is not finished"

    @precondition(lambda self: self.model.versions)
    @rule()
    def the_state_is_as_the_model_says(self) -> None:
        found = {f"{e['resource_type']}/{e['resource_name']}": e["state"] for e in self._drift()}
        assert found == self.model.drift()
        shown = self.asks("show", "w")
        assert shown["version"] == len(self.model.versions)
        assert shown["outputs"] == self.model.versions[-1].outputs
        assert self.asks("verify")["ok"] is True

    def _drift(self) -> list[dict[str, Any]]:
        code, out, err = self.command("state", "workflow", "drift", "w", "-o", "json")
        unknown = "unknown" in self.model.drift().values()
        assert code == (1 if unknown else 0), err
        found: list[dict[str, Any]] = json.loads(out)
        return found


def _planned_operations(planned: Any, gone: Container[str]) -> set[tuple[str, str]]:
    """What a plan comes to, where some things are gone and so need not be deleted."""
    operations = set()
    for each in planned["changes"]:
        name, verb = f"{each['type']}/{each['name']}", each["action"]
        is_gone = name.partition(" at ")[0] in gone  # as it is called if it was left at its place
        if verb in ("delete", "replace") and not is_gone and not each["record_only"]:
            operations.add(("delete", name))
        if verb in ("create", "update", "replace"):
            operations.add(("create" if verb == "replace" else verb, name))
    return operations


def _options(prune: bool) -> list[str]:
    return ["--prune"] if prune else []


@contextmanager
def killer() -> Iterator[subprocess.Popen[str]]:
    """The process that runs what is killed; it has no threads that a fork would lose."""
    child = Path(__file__).with_name("killing_child.py")
    with subprocess.Popen(
        [sys.executable, str(child)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process


@pytest.fixture(autouse=True)
def _outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each world has a folder and a store of its own, and this process is in it."""
    monkeypatch.setenv("SLOTH_RUNNER_STATE", "")
    monkeypatch.chdir("/")
    with killer() as process:
        monkeypatch.setattr(ManagedWorld, "killer", process, raising=False)
        yield


def check(number: int, examples: int, steps: int, **options: Any) -> None:
    """Try so many random sequences of so many actions, the same for each number."""
    run_state_machine_as_test(
        seed(number)(type("ManagedWorld", (ManagedWorld,), {})),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
            **options,
        ),
    )


def test_a_world_is_always_as_it_was_declared_recorded_and_rolled_back() -> None:
    check(0, examples=10, steps=12)


def test_what_a_killed_run_made_is_pruned_by_the_next() -> None:
    world = ManagedWorld()
    world.runs([Declaration("file", "x", "a")], prune=True, kill=Kill(1, stage=1))
    assert "a" in real_world()
    world.runs([], prune=True)
    assert real_world() == world.model.world.nodes == {}
    world.teardown()


def test_the_check_finds_a_provider_that_forgets_to_put_a_mode_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    right, shipped = b"old.content_sha256, old.mode,", sloth_lua.source
    assert right in shipped("providers/file")
    wrong = right.replace(b"old.mode", b"nil")
    monkeypatch.setattr(sloth_lua, "source", lambda name: shipped(name).replace(right, wrong))
    with pytest.raises(AssertionError):
        check(7, examples=30, steps=12, phases=[Phase.generate])


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", range(1, 7))
def test_it_is_so_for_many_more_worlds(number: int) -> None:
    check(number, examples=50, steps=30)
