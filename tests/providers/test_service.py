"""`resource.service` through a stand-in for systemctl that records its calls."""

from __future__ import annotations

import os
from typing import Any

import pytest

SYSTEMCTL = """#!/bin/bash
# Units are folders; their files say what systemctl shows of them.
units="$(dirname "$0")/units" verb=$1
[ "$verb" = show ] || echo "$*" >> "$units/calls"
name="${!#}" unit="$units/${!#}"
case $verb in
  show)
    load=not-found; [ -d "$unit" ] && load=loaded
    echo "LoadState=$load"
    echo "ActiveState=$(cat "$unit/active" 2>/dev/null || echo inactive)"
    echo "UnitFileState=$(cat "$unit/file" 2>/dev/null)"
    echo "NeedDaemonReload=$(cat "$unit/stale" 2>/dev/null || echo no)";;
  daemon-reload) rm -f "$units"/*/stale;;
  start|restart)
    [ -e "$unit/broken" ] && { echo "Job for $name failed." >&2; exit 1; }
    echo active > "$unit/active";;
  stop) echo inactive > "$unit/active";;
  enable) echo enabled > "$unit/file";;
  disable) echo disabled > "$unit/file";;
esac
"""


class Systemd:
    """The stand-in's units."""

    def __init__(self, workflow: Any) -> None:
        self.folder = workflow.folder / "bin"
        self.units = self.folder / "units"
        self.units.mkdir(parents=True)
        program = self.folder / "systemctl"
        program.write_text(SYSTEMCTL)
        program.chmod(0o755)
        environment = workflow.sloth.environment
        environment["PATH"] = f"{self.folder}{os.pathsep}{environment['PATH']}"

    def unit(self, name: str, *, active: str = "inactive", file: str = "disabled") -> None:
        (self.units / name).mkdir()
        self.set(name, active=active, file=file)

    def set(self, name: str, **facts: str) -> None:
        for fact, value in facts.items():
            (self.units / name / fact).write_text(f"{value}\n")

    def calls(self) -> list[str]:
        """The calls since this was asked last, but for those that only look."""
        path = self.units / "calls"
        if not path.exists():
            return []
        lines = path.read_text().splitlines()
        path.unlink()
        return lines


@pytest.fixture
def systemd(workflow: Any) -> Systemd:
    return Systemd(workflow)


def declare(workflow: Any, *services: str) -> None:
    workflow.declares(*(f"service{{ {each} }}" for each in services))


def test_a_service_is_started_and_enabled_once(workflow: Any, systemd: Systemd) -> None:
    systemd.unit("web.service")
    declare(workflow, 'name = "web", service = "web.service", running = true, enabled = true')
    assert workflow.run() == "0 created, 1 updated, 0 deleted, 0 unchanged"
    assert systemd.calls() == ["enable web.service", "start web.service"]
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 1 unchanged"
    assert systemd.calls() == []
    systemd.set("web.service", active="failed")
    assert workflow.drift() == {"service/web": "drifted"}
    assert workflow.run() == "0 created, 1 updated, 0 deleted, 0 unchanged"
    assert systemd.calls() == ["start web.service"]
    assert workflow.attributes("web") == {
        "service": "web.service",
        "running": True,
        "enabled": True,
    }


def test_only_what_is_declared_is_touched(workflow: Any, systemd: Systemd) -> None:
    systemd.unit("web", active="active", file="enabled")
    declare(workflow, 'name = "web", running = false')
    assert workflow.run() == "0 created, 1 updated, 0 deleted, 0 unchanged"
    assert systemd.calls() == ["stop web"]
    declare(workflow, 'name = "web", enabled = false')
    assert workflow.run() == "0 created, 1 updated, 0 deleted, 0 unchanged"
    assert systemd.calls() == ["disable web"]


def test_the_service_becomes_again_what_it_was_before(workflow: Any, systemd: Systemd) -> None:
    systemd.unit("web", active="active", file="disabled")
    declare(workflow, 'name = "web", running = true, enabled = true')
    workflow.run()
    declare(workflow, 'name = "web", running = false, enabled = true')
    workflow.run()
    assert systemd.calls() == ["enable web", "stop web"]
    declare(workflow)
    assert workflow.run("--prune") == "0 created, 0 updated, 1 deleted, 0 unchanged"
    assert systemd.calls() == ["disable web", "start web"]


def test_a_changed_cause_restarts_and_the_first_one_does_not(
    workflow: Any, systemd: Systemd
) -> None:
    systemd.unit("web", active="active", file="static")
    declare(workflow, 'name = "web", running = true, restart_on = { values.a, "b" }')
    assert workflow.run("--set", "a=1") == "0 created, 0 updated, 0 deleted, 0 unchanged, 1 read"
    assert workflow.run("--set", "a=1") == "0 created, 0 updated, 0 deleted, 1 unchanged"
    assert systemd.calls() == []
    assert workflow.run("--set", "a=2") == "0 created, 1 updated, 0 deleted, 0 unchanged"
    assert workflow.run("--set", "a=2") == "0 created, 0 updated, 0 deleted, 1 unchanged"
    assert systemd.calls() == ["restart web"]
    systemd.set("web", active="inactive")
    assert workflow.run("--set", "a=3") == "0 created, 1 updated, 0 deleted, 0 unchanged"
    assert systemd.calls() == ["start web"], "what starts anew needs no restart"


def test_a_rollback_restarts_with_what_the_version_had(workflow: Any, systemd: Systemd) -> None:
    systemd.unit("web", active="active")
    declare(workflow, 'name = "web", running = true, restart_on = values.a')
    workflow.run("--set", "a=1")
    workflow.run("--set", "a=2")
    assert systemd.calls() == ["restart web"]
    workflow.rolls_back(1)
    assert systemd.calls() == ["restart web"]
    assert workflow.attributes("web")["restart_on"] == 1
    workflow.rolls_back(1)
    assert systemd.calls() == []


def test_a_unit_file_that_changed_is_loaded_first(workflow: Any, systemd: Systemd) -> None:
    systemd.unit("web", active="active")
    declare(workflow, 'name = "web", running = true, restart_on = values.a')
    workflow.run("--set", "a=1")
    systemd.set("web", stale="yes")
    workflow.run("--set", "a=2")
    assert systemd.calls() == ["daemon-reload", "restart web"]


def test_a_service_that_does_not_start_is_an_error_in_systemds_words(
    workflow: Any, systemd: Systemd
) -> None:
    systemd.unit("web")
    systemd.set("web", broken="")
    declare(workflow, 'name = "web", running = true, enabled = true')
    error = workflow.fails()
    assert "w.sloth:2: service/web: update: systemctl start failed: Job for web failed." in error
    assert systemd.calls() == ["enable web", "start web"]
    (systemd.units / "web/broken").unlink()
    assert workflow.run() == "0 created, 1 updated, 0 deleted, 0 unchanged"
    assert systemd.calls() == ["start web"]


def test_a_unit_that_is_not_there_is_an_error(workflow: Any, systemd: Systemd) -> None:
    declare(workflow, 'name = "web", running = true')
    assert "service/web: create: systemd has no unit web" in workflow.fails()
    assert systemd.calls() == []


def test_a_unit_that_cannot_be_enabled_is_an_error(workflow: Any, systemd: Systemd) -> None:
    systemd.unit("web", file="static")
    declare(workflow, 'name = "web", enabled = true')
    assert "web is static, so it can be neither enabled nor disabled" in workflow.fails()


def test_import_takes_a_service_in_as_it_is(workflow: Any, systemd: Systemd) -> None:
    systemd.unit("old.service", file="enabled")
    imported = 'resource.import("service", "old", "old.service")'
    workflow.sloth.write("w.sloth", f'task("t"):command(function() {imported} end)')
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 0 unchanged, 1 read"
    assert systemd.calls() == []
    assert workflow.attributes("old") == {
        "service": "old.service",
        "running": False,
        "enabled": True,
    }


def test_a_machine_without_systemd_is_told_apart(workflow: Any, systemd: Systemd) -> None:
    declare(workflow, 'name = "web", running = true')
    (systemd.folder / "systemctl").write_text(
        "#!/bin/sh\necho 'System has not been booted with systemd.' >&2\nexit 1\n"
    )
    assert (
        "systemd does not answer, so nothing is known of its units: "
        "System has not been booted with systemd." in workflow.fails()
    )
    (systemd.folder / "systemctl").unlink()
    workflow.sloth.environment["PATH"] = str(systemd.folder)
    assert "service/web: read: the command systemctl is not installed" in (workflow.fails())


REFUSED = (
    ("service = 'web'", "say at least one of running, enabled and restart_on"),
    ("service = '-a', running = true", "'-a' is no name of a unit"),
    ("running = 'yes'", 'running must be a boolean, not the string "yes"'),
)


def test_what_makes_no_sense_is_refused_at_its_line(workflow: Any) -> None:
    for fields, message in REFUSED:
        declare(workflow, f"name = 's', {fields}")
        assert f"w.sloth:2: resource.service: {message}" in workflow.fails()
