"""The module `pkg`, through stand-ins for apt and dpkg that keep what is installed in a folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

DPKG_QUERY = """#!/bin/bash
# One file a package that is installed; what is in it is the version.
installed="$(dirname "$0")/installed" package="${!#}"
case "$package" in
  *Package}*) for each in $(ls "$installed"); do echo "installed $each"; done; echo "config-files gone";;
  *) [ -e "$installed/$package" ] || { echo "dpkg-query: no packages found" >&2; exit 1; }
     echo "installed $(cat "$installed/$package")";;
esac
"""
APT_GET = """#!/bin/bash
folder="$(dirname "$0")" name="${!#}"
while [[ $1 == -* ]]; do [ "$1" = -o ] && shift; shift; done
while [ $# -gt 0 ]; do case "$1" in -*) shift;; *) verb="${verb:-$1}"; shift;; esac; done
echo "$verb $name" >> "$folder/calls"
case $verb in
  install) [ "$name" = unknown ] && { echo "E: Unable to locate package unknown" >&2; exit 100; }
    echo 1.0 > "$folder/installed/$name";;
  remove) rm "$folder/installed/$name";;
  upgrade) echo "0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.";;
  autoremove) echo "0 upgraded, 0 newly installed, 2 to remove and 0 not upgraded.";;
  clean) echo "E: not today" >&2; exit 1;;
esac
"""
APT_CACHE = """#!/bin/bash
case "$1" in search) echo "vim - an editor ($3)";; show) echo "Package: $2";; esac
"""


class Packages:
    """The stand-ins' packages."""

    def __init__(self, sloth: Any) -> None:
        self.folder: Path = sloth.folder / "bin"
        (self.folder / "installed").mkdir(parents=True)
        for name, text in (
            ("dpkg-query", DPKG_QUERY),
            ("apt-get", APT_GET),
            ("apt-cache", APT_CACHE),
        ):
            (self.folder / name).write_text(text)
            (self.folder / name).chmod(0o755)
        sloth.environment["PATH"] = f"{self.folder}{os.pathsep}{sloth.environment['PATH']}"

    def calls(self) -> list[str]:
        """The calls since this was asked last."""
        path = self.folder / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines


@pytest.fixture
def packages(told: Any) -> Packages:
    return Packages(told.sloth)


def done(changed: bool, message: str, **more: Any) -> list[Any]:
    return [True, {"changed": changed, "message": message, **more}]


def test_packages_are_installed_once_in_every_form(told: Any, packages: Packages) -> None:
    assert told(
        'pkg.install("vim")',
        'pkg.install{ packages = { "vim", "git" } }',
        'pkg.install({ "vim", "git" })',
        'pkg.install{ package = "curl" }',
        'pkg.install{ name = "curl" }',
        'pkg.remove{ packages = "vim, nano" }',
        'pkg.remove("vim")',
    ) == [
        done(True, "installed: vim", packages=["vim"]),
        done(True, "installed: git", packages=["git"]),
        done(False, "already installed: vim, git"),
        done(True, "installed: curl", packages=["curl"]),
        done(False, "already installed: curl"),
        done(True, "removed: vim", packages=["vim"]),
        done(False, "already removed: vim"),
    ]
    assert packages.calls() == ["install vim", "install git", "install curl", "remove vim"]


def test_what_apt_refuses_is_a_result_in_its_words(told: Any, packages: Packages) -> None:
    assert told('pkg.install("unknown")', "pkg.clean({})") == [
        [False, "apt-get cannot install unknown: Unable to locate package unknown"],
        [False, "apt-get cannot clean: not today"],
    ]
    assert packages.calls() == [
        "install unknown",
        "update update",
        "install unknown",
        "clean clean",
    ]


def test_lists_and_upgrades_say_what_apt_says(told: Any, packages: Packages) -> None:
    update, upgrade, autoremove = told("pkg.update({})", "pkg.upgrade()", "pkg.autoremove()")
    said = "upgraded, 0 newly installed, {} to remove and 0 not upgraded.\n"
    assert update == done(True, "the lists of packages are up to date", output="")
    assert upgrade == done(False, "packages are up to date", output="0 " + said.format(0))
    assert autoremove == done(
        True, "no package is left that nothing needs", output="0 " + said.format(2)
    )
    assert packages.calls() == ["update update", "upgrade upgrade", "autoremove autoremove"]


def test_questions_are_answered(told: Any, packages: Packages) -> None:
    told('pkg.install({ "vim", "git" })')
    assert told(
        'pkg.is_installed("vim")',
        'pkg.is_installed{ package = "nano" }',
        'pkg.version("vim")',
        'pkg.version{ package = "nano" }',
        "pkg.list()",
        "pkg.get_manager()",
        'pkg.info("vim")',
        'pkg.search{ query = "edit" }',
    ) == [
        [True, "installed: 1.0"],
        [False, "not installed"],
        ["1.0"],
        [None],
        [["git", "vim"]],
        ["apt"],
        ["Package: vim\n"],
        ["vim - an editor (edit)\n"],
    ]


def test_a_plan_installs_nothing(told: Any, packages: Packages) -> None:
    assert told.planned('pkg.install("vim")', 'pkg.remove("nano")', "pkg.update()") == [
        ["pkg.install", "vim"],
        ["pkg.update", "apt-get", "update"],
        ["fs.write", "told"],
    ]
    assert packages.calls() == []


WRONG = {
    "pkg.install()": "pkg.install: packages must be a string or a list of them, not nothing",
    "pkg.install({})": "pkg.install: packages must be a string or a list of them, not nothing",
    'pkg.install{ packages = "vim", target = "web" }': "pkg.install: it has no field 'target'; there is packages",
    "pkg.install({ true })": "pkg.install: packages's items must be a string, not true",
    "pkg.install({ 5 })": "pkg.install: '5' is no name of a package",
    'pkg.remove("-x")': "pkg.remove: '-x' is no name of a package",
    'pkg.is_installed("-x")': "pkg.is_installed: '-x' is no name of a package",
    'pkg.info("--help")': "pkg.info: '--help' is no name of a package",
    "pkg.is_installed()": "pkg.is_installed: package must be a string, not nothing",
    "pkg.version()": "pkg.version: package must be a string, not nothing",
}


def test_wrong_arguments_are_errors(told: Any, packages: Packages) -> None:
    assert dict(zip(WRONG, told(*WRONG), strict=True)) == WRONG
    assert packages.calls() == []
