"""The module `systemd`, through a stand-in for systemctl whose units are files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

SYSTEMCTL = """#!/bin/bash
# A unit is a file: "active enabled". Calls that change something are recorded.
units="$(dirname "$0")/units" verb=$1 unit="${!#}"
load=loaded; [ -e "$units/$unit" ] || load=not-found
read -r active enabled < <(cat "$units/$unit" 2>/dev/null || echo inactive)
case $verb in
  status) echo "$unit is $active"; [ "$active" = active ] || exit 3; exit 0;;
  show) printf '%s\\n' "LoadState=$load" "ActiveState=$active" "UnitFileState=$enabled" \\
    "NeedDaemonReload=$([ -e "$units.stale" ] && echo yes || echo no)"; exit;;
  list-units) shift; echo "$*"; exit;;
esac
echo "$*" >> "$units.calls"
case $verb in
  start|restart) [ "$unit" = broken ] && { echo "Job for broken failed." >&2; exit 1; }; active=active;;
  stop) active=inactive;;
  enable) enabled=enabled;;
  disable) enabled=disabled;;
  daemon-reload) [ -e "$units.broken" ] && { echo "System has not been booted with systemd" >&2; exit 1; }; exit 0;;
esac
echo "$active $enabled" > "$units/$unit"
"""


class Systemd:
    """The stand-in's units."""

    def __init__(self, sloth: Any) -> None:
        self.folder: Path = sloth.folder / "bin"
        (self.folder / "units").mkdir(parents=True)
        (self.folder / "units/web").write_text("inactive disabled\n")
        program = self.folder / "systemctl"
        program.write_text(SYSTEMCTL)
        program.chmod(0o755)
        sloth.environment["PATH"] = f"{self.folder}{os.pathsep}{sloth.environment['PATH']}"

    def calls(self) -> list[str]:
        """The calls since this was asked last that change something."""
        path = self.folder / "units.calls"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines


@pytest.fixture
def systemd(told: Any) -> Systemd:
    return Systemd(told.sloth)


def done(changed: bool, message: str) -> list[Any]:
    return [True, {"changed": changed, "message": message}]


def test_a_unit_is_brought_into_a_state_once(told: Any, systemd: Systemd) -> None:
    assert told(
        'systemd.start("web")',
        'systemd.start{ name = "web" }',
        'systemd.enable{ service = "web" }',
        'systemd.enable("web")',
        'systemd.stop("web")',
        'systemd.stop("web")',
        'systemd.disable("web")',
        'systemd.disable("web")',
        'systemd.restart("web")',
        'systemd.reload("web")',
        "systemd.daemon_reload()",
        '"say: " .. select(2, systemd.start("web"))',
    ) == [
        done(True, "web is started"),
        done(False, "web is started already"),
        done(True, "web is enabled"),
        done(False, "web is enabled already"),
        done(True, "web is stopped"),
        done(False, "web is stopped already"),
        done(True, "web is disabled"),
        done(False, "web is disabled already"),
        done(True, "web was restarted"),
        done(True, "web was reloaded"),
        done(True, "the files of units were read again"),
        ["say: web is started already"],
    ]
    verbs = ["start", "enable", "stop", "disable", "restart", "reload"]
    assert systemd.calls() == [*(f"{verb} -- web" for verb in verbs), "daemon-reload"]


ALREADY = (
    ("failed disabled", "stop", "is stopped already"),
    ("activating disabled", "start", "is started already"),
    ("reloading disabled", "start", "is started already"),
    ("inactive alias", "enable", "is enabled already"),
    ("inactive masked", "disable", "is disabled already"),
)


@pytest.mark.parametrize(("unit", "verb", "message"), ALREADY)
def test_what_is_so_already_is_left_alone(
    told: Any, systemd: Systemd, unit: str, verb: str, message: str
) -> None:
    (systemd.folder / "units/web").write_text(f"{unit}\n")
    assert told(f'systemd.{verb}("web")') == [done(False, f"web {message}")]
    assert systemd.calls() == []


@pytest.mark.parametrize("state", ["static", "generated", "transient", "indirect"])
def test_a_unit_that_can_be_neither_enabled_nor_disabled_says_so(
    told: Any, systemd: Systemd, state: str
) -> None:
    (systemd.folder / "units/web").write_text(f"inactive {state}\n")
    problem = f"web is {state}, so it can be neither enabled nor disabled"
    assert told(
        'systemd.enable("web")',
        'systemd.disable("web")',
        'systemd.ensure{ name = "web", enabled = true, state = "started" }',
        'systemd.start("web")',
    ) == [*[[False, problem]] * 3, done(True, "web is started")]
    assert systemd.calls() == ["start -- web"]


def test_a_unit_that_is_not_there_is_not_enabled_nor_disabled(told: Any, systemd: Systemd) -> None:
    problem = [False, "systemd has no unit none"]
    assert told('systemd.enable("none")', 'systemd.disable("none")') == [problem, problem]
    assert systemd.calls() == []


def test_ensure_does_what_is_left_to_do(told: Any, systemd: Systemd) -> None:
    assert told(
        'systemd.ensure{ name = "web", state = "started", enabled = true }',
        'systemd.ensure("web", { state = "started", enabled = true })',
        'systemd.ensure{ name = "web", running = false }',
        'systemd.ensure{ name = "broken", state = "started" }',
    ) == [
        done(True, "web is enabled, web is started"),
        done(False, "web is enabled already, web is started already"),
        done(True, "web is stopped"),
        [False, "Job for broken failed."],
    ]
    assert systemd.calls() == ["enable -- web", "start -- web", "stop -- web", "start -- broken"]


def test_questions_are_answered(told: Any, systemd: Systemd) -> None:
    assert told(
        'systemd.is_active("web")',
        'systemd.is_enabled{ name = "web" }',
        'systemd.is_enabled("none")',
        'systemd.status("web")',
        'systemd.show("web")',
        'systemd.list_services{ state = "failed", no_header = true }',
        "systemd.list_services()",
    ) == [
        [False, "inactive"],
        [False, "disabled"],
        [False, "systemd has no unit none"],
        ["web is inactive\n"],
        ["LoadState=loaded\nActiveState=inactive\nUnitFileState=disabled\nNeedDaemonReload=no\n"],
        ["--type=service --all --no-pager --state=failed --no-legend\n"],
        ["--type=service --all --no-pager\n"],
    ]
    assert systemd.calls() == []


@pytest.fixture
def unit_name() -> Any:
    """The name of a service that is there for no one else."""
    name = f"sloth-test-{os.getpid()}"
    yield name
    Path(f"/etc/systemd/system/{name}.service").unlink(missing_ok=True)


def test_a_service_is_written_once_and_removed_once(
    told: Any, systemd: Systemd, unit_name: str
) -> None:
    path = Path(f"/etc/systemd/system/{unit_name}.service")
    fields = (
        'exec_start = "/bin/web --port 80", description = "The site", after = { "network.target", "db.service" }, '
        'user = "www", restart_sec = 5, environment = { B = "2", A = "say \\"x\\"" }'
    )
    create = f'systemd.create_service("{unit_name}", {{ {fields} }})'
    first, again, named = told(
        create, create, f'systemd.create_service{{ name = "{unit_name}.service", {fields} }}'
    )
    assert (first, again) == (
        done(True, f"wrote {path}"),
        done(False, f"{path} is as wanted already"),
    )
    assert named == again
    assert path.read_text() == (
        "[Unit]\nDescription=The site\nAfter=network.target db.service\n\n"
        "[Service]\nType=simple\nExecStart=/bin/web --port 80\nUser=www\nRestart=always\nRestartSec=5\n"
        'Environment="A=say \\"x\\""\nEnvironment="B=2"\n\n'
        "[Install]\nWantedBy=multi-user.target\n"
    )
    assert systemd.calls() == ["daemon-reload"]
    (systemd.folder / "units" / unit_name).write_text("active enabled\n")
    assert told(
        f'systemd.remove_service("{unit_name}")', f'systemd.remove_service("{unit_name}")'
    ) == [
        done(True, f"removed {path}"),
        done(False, f"there is no {path}"),
    ]
    assert not path.exists()
    assert systemd.calls() == [f"stop -- {unit_name}", f"disable -- {unit_name}", "daemon-reload"]


def test_a_service_that_cannot_be_disabled_is_removed(
    told: Any, systemd: Systemd, unit_name: str
) -> None:
    path = Path(f"/etc/systemd/system/{unit_name}.service")
    path.write_text("[Service]\nExecStart=/bin/true\n")
    (systemd.folder / "units" / unit_name).write_text("active static\n")
    assert told(f'systemd.remove_service("{unit_name}")') == [done(True, f"removed {path}")]
    assert systemd.calls() == [f"stop -- {unit_name}", "daemon-reload"]


def test_a_service_that_systemd_has_not_read_is_read_the_next_time(
    told: Any, systemd: Systemd, unit_name: str
) -> None:
    path = Path(f"/etc/systemd/system/{unit_name}.service")
    create = f'systemd.create_service("{unit_name}", {{ exec_start = "/bin/true" }})'
    broken, stale = systemd.folder / "units.broken", systemd.folder / "units.stale"
    broken.touch()
    stale.touch()
    assert told(create, create) == [[False, "System has not been booted with systemd"]] * 2
    broken.unlink()
    assert told(create) == [done(True, f"wrote {path}")]
    stale.unlink()
    assert told(create) == [done(False, f"{path} is as wanted already")]


def test_a_plan_touches_no_unit(told: Any, systemd: Systemd, unit_name: str) -> None:
    assert told.planned(
        'systemd.start("web")',
        'systemd.stop("web")',
        f'systemd.create_service("{unit_name}", {{ exec_start = "/bin/true" }})',
    ) == [
        ["systemd.start", "web"],
        ["file_ops.copy", f"/etc/systemd/system/{unit_name}.service"],
        ["systemd.daemon_reload", "daemon-reload"],
        ["fs.write", "told"],
    ]
    assert systemd.calls() == []


def test_a_machine_without_systemd_says_so(told: Any) -> None:
    told.sloth.environment["PATH"] = str(told.sloth.folder)
    (told.sloth.folder / "bash").symlink_to("/bin/bash")
    missing = "the command systemctl is not installed (Install systemctl, or put it on PATH.)"
    assert told('systemd.start("web")', 'systemd.status("web")') == [
        [False, missing],
        [None, missing],
    ]


WRONG = {
    "systemd.start()": "systemd.start: name must be a string, not nothing",
    'systemd.start("-x")': "systemd.start: '-x' is no name of a unit",
    'systemd.stop("a b")': "systemd.stop: 'a b' is no name of a unit",
    'systemd.ensure{ name = "a", state = "strated" }': "systemd.ensure: there is no state 'strated'; did you mean 'started'?",
    'systemd.create_service("a", {})': "systemd.create_service: exec_start must be a string, not nothing",
    'systemd.create_service("a", { exec_start = "x\\ny" })': "systemd.create_service: exec_start must be one line",
    'systemd.create_service("a", { exec_strat = "x" })': "systemd.create_service: it has no field 'exec_strat'; did you mean 'exec_start'?",
}


def test_wrong_arguments_are_errors(told: Any, systemd: Systemd) -> None:
    assert dict(zip(WRONG, told(*WRONG), strict=True)) == WRONG
