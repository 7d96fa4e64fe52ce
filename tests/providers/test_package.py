"""`resource.package` with the system's own apt and dpkg, and a repository in a folder."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import tempfile
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGE = f"sloth-test-{os.getpid()}"
ALONE = f"{tempfile.gettempdir()}/sloth-test-dpkg.lock"
"""Held while a test changes the system's packages: dpkg does not wait for another one."""


def dpkg(*arguments: str) -> str:
    return subprocess.run(
        ["dpkg", *arguments], check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL
    ).stdout


def installed() -> str | None:
    """The version that is installed."""
    asked = ["dpkg-query", "--show", "--showformat=${db:Status-Status} ${Version}", PACKAGE]
    said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    return said.removeprefix("installed ") if said.startswith("installed") else None


class Repository:
    """What apt knows: the packages in a folder, and nothing else."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        for part in ("tree/DEBIAN", "lists/partial", "cache/archives/partial", "none"):
            (folder / part).mkdir(parents=True)
        (folder / "sources.list").write_text(f"deb [trusted=yes] copy:{folder} ./\n")
        (folder / "apt.conf").write_text(
            f'Dir::Etc::sourcelist "{folder}/sources.list"; Dir::Etc::sourceparts "{folder}/none";\n'
            f'Dir::State::lists "{folder}/lists"; Dir::Cache "{folder}/cache";\n'
            'APT::Sandbox::User "root";\n'
        )
        (folder / "Packages").touch()
        environment["APT_CONFIG"] = str(folder / "apt.conf")

    def add(self, version: str, postinst: str | None = None) -> str:
        """A package of this version; the path of its file."""
        control = (
            f"Package: {PACKAGE}\nVersion: {version}\nArchitecture: all\n"
            "Maintainer: nobody <nobody@example.org>\nDescription: made by a test\n"
        )
        (self.folder / "tree/DEBIAN/control").write_text(control)
        if postinst:
            script = self.folder / "tree/DEBIAN/postinst"
            script.write_text(f"#!/bin/sh\n{postinst}\n")
            script.chmod(0o755)
        file = self.folder / f"{PACKAGE}_{version}.deb"
        subprocess.run(
            ["dpkg-deb", "-Znone", "--build", self.folder / "tree", file],
            check=True,
            capture_output=True,
        )
        content = file.read_bytes()
        with (self.folder / "Packages").open("a") as packages:
            packages.write(
                f"{control}Filename: ./{file.name}\nSize: {len(content)}\n"
                f"SHA256: {hashlib.sha256(content).hexdigest()}\n\n"
            )
        return str(file)


@pytest.fixture
def repository(sloth: Any, tmp_path: Path) -> Iterator[Repository]:
    with open(ALONE, "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield Repository(tmp_path / "repository", sloth.environment)
        subprocess.run(["dpkg", "--purge", PACKAGE], check=True, capture_output=True)
        assert installed() is None


def declare(workflow: Any, *packages: str) -> None:
    workflow.declares(*(f"package{{ {each} }}" for each in packages))


def test_a_package_is_installed_once_and_removed_with_the_workflow(
    workflow: Any, repository: Repository
) -> None:
    repository.add("1.0")
    declare(workflow, f'name = "{PACKAGE}"')
    assert (
        workflow.run() == "1 created, 0 updated, 0 deleted, 0 unchanged"
    )  # apt's lists were never fetched, so they are now
    assert installed() == "1.0"
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 1 unchanged"
    dpkg("--remove", PACKAGE)
    assert workflow.run() == "1 created, 0 updated, 0 deleted, 0 unchanged"
    assert installed() == "1.0"
    declare(workflow)
    assert workflow.run("--prune") == "0 created, 0 updated, 1 deleted, 0 unchanged"
    assert installed() is None


def test_a_declared_version_goes_up_and_down(workflow: Any, repository: Repository) -> None:
    repository.add("1.0")
    repository.add("2.0")
    declare(workflow, f'name = "p", package = "{PACKAGE}", version = "1.0"')
    assert workflow.run() == "1 created, 0 updated, 0 deleted, 0 unchanged"
    assert installed() == "1.0"
    declare(workflow, f'name = "p", package = "{PACKAGE}", version = "2.0"')
    assert workflow.run() == "0 created, 1 updated, 0 deleted, 0 unchanged"
    assert installed() == "2.0"
    declare(workflow, f'name = "p", package = "{PACKAGE}", version = "1.0"')
    assert workflow.run() == "0 created, 1 updated, 0 deleted, 0 unchanged"
    assert installed() == "1.0"
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 1 unchanged"


def test_an_upgrade_from_outside_is_left_alone_without_a_declared_version(
    workflow: Any, repository: Repository
) -> None:
    dpkg("--install", repository.add("1.0"))
    declare(workflow, f'name = "{PACKAGE}"')
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 0 unchanged, 1 read"
    dpkg("--install", repository.add("2.0"))
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 1 unchanged"
    declare(workflow)
    assert workflow.run("--prune") == "0 created, 0 updated, 1 deleted, 0 unchanged"
    assert installed() == "2.0", "it was there before the workflow"


def test_what_was_removed_comes_back_with_the_version_it_had(
    workflow: Any, repository: Repository
) -> None:
    dpkg("--install", repository.add("1.0"))
    repository.add("2.0")
    declare(workflow, f'name = "{PACKAGE}", state = "absent"')
    assert workflow.run() == "0 created, 1 updated, 0 deleted, 0 unchanged"
    assert installed() is None
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 1 unchanged"
    declare(workflow)
    assert workflow.run("--prune") == "0 created, 0 updated, 1 deleted, 0 unchanged"
    assert installed() == "1.0"


def test_a_package_that_apt_does_not_know_is_a_clear_error(
    workflow: Any, repository: Repository
) -> None:
    repository.add("1.0")
    declare(workflow, f'name = "p", package = "{PACKAGE}", version = "9"')
    result = workflow.sloth("run", "w.sloth")
    assert result.returncode == 1
    assert (
        f"w.sloth:2: package/p: create: apt-get cannot install {PACKAGE}=9: Version '9' for"
        in result.stderr
    )
    declare(workflow, f'name = "{PACKAGE}x"')
    result = workflow.sloth("run", "w.sloth")
    assert f"cannot install {PACKAGE}x: Unable to locate package {PACKAGE}x" in result.stderr


def test_what_a_killed_dpkg_left_half_done_is_finished_first(
    workflow: Any, repository: Repository
) -> None:
    murder = workflow.folder / "murder"
    murder.touch()
    repository.add("1.0", f"test ! -e {murder} || kill -9 $PPID")
    declare(workflow, f'name = "{PACKAGE}"')
    assert f"apt-get cannot install {PACKAGE}: Sub-process /usr/bin/dpkg" in workflow.fails()
    assert installed() is None
    murder.unlink()
    assert workflow.run() == "1 created, 0 updated, 0 deleted, 0 unchanged"
    assert installed() == "1.0"


def test_a_system_without_dpkg_is_told_apart(workflow: Any) -> None:
    (workflow.folder / "bin").mkdir()
    workflow.sloth.environment["PATH"] = str(workflow.folder / "bin")
    declare(workflow, 'name = "hello"')
    result = workflow.sloth("run", "w.sloth")
    assert result.returncode == 1
    assert (
        "package/hello: read: only systems with apt and dpkg are supported, "
        "and dpkg-query is not installed here" in result.stderr
    )


REFUSED = (
    ("state = 'latest'", "state must be 'present' or 'absent', not 'latest'"),
    ("state = 'absent', version = '1'", "a package that shall be absent has no version"),
    ("package = '-x'", "'-x' is no name of a package"),
    ("package = 'Hello World'", "'Hello World' is no name of a package"),
)


def test_what_makes_no_sense_is_refused_at_its_line(workflow: Any) -> None:
    said = workflow.refusals("package", *(fields for fields, _ in REFUSED))
    for each, (fields, message) in zip(said, REFUSED, strict=True):
        assert each.endswith(f"resource.package: {message}"), (fields, each)
