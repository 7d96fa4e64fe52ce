"""Providers, listeners and refusals that come in through a plugin, installed for real."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

PLUGIN = """
import json, os, time
from sloth_runner import hookimpl

class Disk:
    type = "disk"
    ignore = ("seen",)
    sensitive = ("key",)
    natural_key = ["id"]

    def read(self, name, attributes):
        if os.path.exists("broken"):
            raise OSError("no such bus")
        if os.path.exists("nonsense"):
            return [1, 2]
        try:
            with open(attributes["id"] + ".disk") as file:
                return {**json.load(file), "seen": os.getpid()}
        except FileNotFoundError:
            return None

    def create(self, name, attributes):
        self._write(attributes)
        return {"made_by": name}

    def update(self, name, attributes, before):
        assert before["id"] == attributes["id"]
        self._write(attributes)

    def delete(self, name, attributes):
        os.unlink(attributes["id"] + ".disk")

    def _write(self, attributes):
        if attributes.get("size") == 13:
            raise ValueError("unlucky")
        if attributes.get("size") == 99:
            time.sleep(1.5)
            tell("slow one is over")
        with open(attributes["id"] + ".disk", "w") as file:
            json.dump(dict(attributes), file)

class Stone:
    type = "stone"
    irreversible = "stones stay"

    def read(self, name, attributes):
        return {} if os.path.exists(name + ".stone") else None

    def create(self, name, attributes):
        open(name + ".stone", "w").close()

@hookimpl
def sloth_providers(session):
    return [Disk(), Stone(), "none"]

def tell(*words):
    with open("told", "a") as file:
        print(*words, file=file)

@hookimpl
def sloth_resource_changed(at, event):
    tell(event.resource.action, event.resource.name, event.task)

@hookimpl
def sloth_drift_detected(at, event):
    tell("drift", event.workflow, event.version, [each.resource.name for each in event.findings])

@hookimpl
def sloth_before_rollback(at, event):
    tell("before", event.from_version, event.to_version, [step.kind.value for step in event.steps])
    return "change freeze" if os.path.exists("freeze") else None

@hookimpl
def sloth_after_rollback(at, event):
    tell("after", event.version, event.status)
"""


class Plugged:
    """The command line with the plugin; things are disks here."""

    def __init__(self, things: Any) -> None:
        self.folder: Path = things.folder
        self._things = things
        packages = self.folder / "packages"
        packages.mkdir()
        (packages / "disks.py").write_text(PLUGIN)
        info = packages / "disks-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: disks\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[sloth_runner]\ndisks = disks\n")

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        process = self._things.process(*arguments)
        out, err = process.communicate()
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def declares(self, *declarations: str, options: tuple[str, ...] = ()) -> str:
        self._things.write(
            'task("t"):command(function()\n' + "\n".join(declarations) + "\nend)\n"
            'workflow.define("w"):tasks({ "t" })'
        )
        result = self("run", "w.sloth", *options)
        assert result.returncode == 0, result
        return result.stdout

    def told(self) -> list[str]:
        file = self.folder / "told"
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return lines


@pytest.fixture
def plugged(things: Any, monkeypatch: pytest.MonkeyPatch) -> Plugged:
    monkeypatch.setenv("PYTHONPATH", str(things.folder / "packages"))
    return Plugged(things)


def test_a_python_provider_does_all_that_one_in_lua_does(things: Any, plugged: Plugged) -> None:
    out = plugged.declares('resource.disk{ name = "d", id = "x", size = 1, key = "hunter2" }')
    assert "1 created" in out
    assert "| a plugin has the provider 'none', which is none" in out
    assert plugged.told() == ["create d t"]
    assert "1 unchanged" in plugged("run", "w.sloth").stdout  # `seen` differs and is ignored
    assert plugged.told() == ["noop d t"]
    attributes = dict(things.recorded["disk/d"])
    attributes.pop("seen")
    assert attributes == {"id": "x", "size": 1, "key": "hunter2", "made_by": "d"}
    plan = plugged("plan", "w.sloth", "--exit-code")
    assert plan.returncode == 0, plan
    plugged.declares('resource.disk{ name = "d", id = "x", size = 2, key = "hunter2" }')
    (plugged.folder / "x.disk").write_text('{"id": "x", "size": 3, "key": "hunter3"}')
    drift = plugged("state", "workflow", "drift", "w")
    assert drift.stdout == (
        "drifted  disk/d\n    key: (changed)\n    size: 2 → 3\n\nw@3: 1 drifted\n"
    )
    rolled_back = plugged("state", "workflow", "rollback", "w", "1", "--force")
    assert rolled_back.returncode == 0, rolled_back
    assert plugged.told()[1:] == [
        "drift w 3 ['d']",
        "before 3 1 ['update']",
        "update d None",
        "after 4 rolled_back",
    ]
    plugged.declares(options=("--prune",))
    assert not (plugged.folder / "x.disk").exists()


def test_a_provider_that_raises_fails_the_task_and_is_unknown_to_drift(plugged: Plugged) -> None:
    plugged.declares('resource.disk{ name = "d", id = "x", size = 1 }')
    (plugged.folder / "broken").touch()
    message = "the provider of disk failed: OSError('no such bus')"
    run = plugged("run", "w.sloth")
    assert run.returncode == 1
    assert run.stderr.splitlines()[0] == f"Error: task t: w.sloth:2: disk/d: read: {message}"
    drift = plugged("state", "workflow", "drift", "w")
    assert drift.returncode == 1
    assert drift.stdout == f"unknown  disk/d: {message}\n\nw@2: 1 unknown\n"
    (plugged.folder / "broken").unlink()
    (plugged.folder / "nonsense").touch()
    run = plugged("run", "w.sloth")
    assert "the provider of disk must return a map or None from read, not [1, 2]" in run.stderr


def test_a_provider_is_waited_for_when_its_task_takes_too_long(plugged: Plugged) -> None:
    """A thread cannot be stopped, and the next try or run must not work beside it."""
    source = 'task("t"):timeout("300ms"):command(function() resource.disk{ name = "d", id = "x", size = 99 } end)'
    (plugged.folder / "w.sloth").write_text(source)
    plugged.told()
    run = plugged("run", "w.sloth", "-o", "json")
    assert "took longer than its timeout of 0.3 s" in run.stderr
    (finished,) = (line for line in run.stdout.splitlines() if "task_finished" in line)
    assert json.loads(finished)["duration_seconds"] > 1.4
    assert "slow one is over" in plugged.told()


def test_a_create_that_raises_is_journaled_as_failed(things: Any, plugged: Plugged) -> None:
    plugged.declares()
    things.write(
        'task("t"):command(function() resource.disk{ name = "d", id = "x", size = 13 } end)\n'
        'workflow.define("w"):tasks({ "t" })'
    )
    run = plugged("run", "w.sloth")
    assert "disk/d: create: the provider of disk failed: ValueError('unlucky')" in run.stderr
    with things.store() as store:
        (operation,) = store.operations(store.runs(limit=1)[0].id)
        assert operation.ended_at is not None
        assert operation.error == "w.sloth:1: the provider of disk failed: ValueError('unlucky')"


def test_what_its_provider_calls_irreversible_stays(things: Any, plugged: Plugged) -> None:
    plugged.declares()
    plugged.declares('resource.stone{ name = "s" }')
    result = plugged("state", "workflow", "rollback", "w", "1", "--force")
    assert result.returncode == 0
    assert (plugged.folder / "s.stone").exists()
    dry = plugged("state", "workflow", "rollback", "w", "1", "--dry-run")
    assert "Cannot be undone, so it stays:\n  ! stone/s: stones stay\n" in dry.stdout


def test_a_plugin_can_refuse_a_rollback(plugged: Plugged) -> None:
    plugged.declares()
    plugged.declares('resource.disk{ name = "d", id = "x", size = 1 }')
    (plugged.folder / "freeze").touch()
    plugged.told()
    result = plugged("state", "workflow", "rollback", "w", "1", "--force")
    assert result.returncode == 1
    assert "change freeze" in result.stderr
    assert (plugged.folder / "x.disk").exists()
    assert plugged.told() == ["before 2 1 ['delete']", "after 3 failed"]


def test_a_type_that_is_missing_without_the_plugin_is_said(
    things: Any, plugged: Plugged, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugged.declares('resource.disk{ name = "d", id = "x", size = 1 }')
    monkeypatch.delenv("PYTHONPATH")
    code, out, _ = things.workflow("drift", "w")
    assert code == 1
    assert out.startswith("unknown  disk/d: resource: there is no type 'disk'")
