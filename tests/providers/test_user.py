"""`resource.user` on the real /etc/passwd."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

USER = f"slothu{os.getpid()}"
GROUP = f"slothg{os.getpid()}"
UID = 100_000 + 2 * os.getpid()
HOME = Path("/home", USER)


def command(*arguments: str) -> None:
    subprocess.run(arguments, check=True, capture_output=True)


@pytest.fixture(autouse=True)
def accounts() -> Iterator[None]:
    """A group to be a member of; afterwards neither it nor the user is left."""
    command("groupadd", GROUP)
    yield
    subprocess.run(["userdel", USER], capture_output=True, check=False)
    for group in (GROUP, USER):
        subprocess.run(["groupdel", group], capture_output=True, check=False)
    shutil.rmtree(HOME, ignore_errors=True)


def declare(workflow: Any, *users: str) -> None:
    workflow.declares(*(f"user{{ {each} }}" for each in users))


def entry() -> tuple[str, ...]:
    """What differs between users: comment, home, shell, first group, other groups."""
    found = pwd.getpwnam(USER)
    others = sorted(each.gr_name for each in grp.getgrall() if USER in each.gr_mem)
    first = grp.getgrgid(found.pw_gid).gr_name
    return found.pw_gecos, found.pw_dir, found.pw_shell, first, *others


def exists() -> bool:
    return any(each.pw_name == USER for each in pwd.getpwall())


def test_a_user_is_made_kept_as_declared_and_removed(workflow: Any) -> None:
    declare(
        workflow,
        f'name = "{USER}", comment = "A sloth", groups = {{ "{GROUP}" }}, shell = "/bin/sh"',
    )
    assert workflow.run() == "1 created, 0 updated, 0 deleted, 0 unchanged"
    made = entry()
    assert made == ("A sloth", str(HOME), "/bin/sh", USER, GROUP)
    assert HOME.is_dir()
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 1 unchanged"
    command("usermod", "--comment", "other", "--groups", "", "--shell", "/bin/bash", USER)
    assert workflow.run() == "0 created, 1 updated, 0 deleted, 0 unchanged"
    assert entry() == made
    declare(workflow)
    assert workflow.run("--prune") == "0 created, 0 updated, 1 deleted, 0 unchanged"
    assert not exists()
    assert not HOME.exists(), "the workflow made it and nobody put anything into it"


def test_a_home_with_something_in_it_stays(workflow: Any) -> None:
    declare(workflow, f'name = "{USER}"')
    assert workflow.run() == "1 created, 0 updated, 0 deleted, 0 unchanged"
    (HOME / ".profile").write_text("changed")
    declare(workflow)
    assert workflow.run("--prune") == "0 created, 0 updated, 1 deleted, 0 unchanged"
    assert not exists()
    assert (HOME / ".profile").read_text() == "changed"
    assert (HOME / ".bashrc").exists(), "nothing of it is removed"


def test_every_field_can_be_changed(workflow: Any, tmp_path: Path) -> None:
    declare(workflow, f'name = "u", user = "{USER}", uid = {UID}, home = "{HOME}", system = true')
    assert workflow.run() == "1 created, 0 updated, 0 deleted, 0 unchanged"
    assert pwd.getpwnam(USER).pw_uid == UID
    (HOME / "kept").touch()
    shutil.chown(HOME / "kept", USER)
    moved = tmp_path / "home"
    declare(
        workflow,
        f'name = "u", user = "{USER}", uid = {UID + 1}, home = "{moved}", group = "{GROUP}", groups = {{}}',
    )
    assert workflow.run() == "0 created, 1 updated, 0 deleted, 0 unchanged"
    assert pwd.getpwnam(USER).pw_uid == UID + 1
    assert entry() == ("", str(moved), "/bin/sh", GROUP)
    assert (moved / "kept").stat().st_uid == UID + 1, "a home that the workflow made moves along"
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 1 unchanged"
    declare(workflow)
    assert workflow.run("--prune") == "0 created, 0 updated, 1 deleted, 0 unchanged"
    assert not exists()
    assert USER not in [each.gr_name for each in grp.getgrall()], "it came with the user"


def test_a_system_user_has_no_home_of_its_own_accord(workflow: Any) -> None:
    declare(workflow, f'name = "{USER}", system = true')
    assert workflow.run() == "1 created, 0 updated, 0 deleted, 0 unchanged"
    assert pwd.getpwnam(USER).pw_uid < 1000
    assert not HOME.exists()


def test_a_user_that_was_there_before_becomes_what_it_was(workflow: Any) -> None:
    command("useradd", "--comment", "old", "--groups", GROUP, "--shell", "/bin/bash", USER)
    before = entry()
    declare(workflow, f'name = "{USER}", comment = "new", groups = {{}}, shell = "/bin/sh"')
    assert workflow.run() == "0 created, 1 updated, 0 deleted, 0 unchanged"
    assert entry() == ("new", str(HOME), "/bin/sh", USER)
    declare(workflow)
    assert workflow.run("--prune") == "0 created, 0 updated, 1 deleted, 0 unchanged"
    assert entry() == before


def test_a_rollback_makes_the_user_again_as_it_was(workflow: Any) -> None:
    declare(workflow, f'name = "{USER}", comment = "v1", groups = {{ "{GROUP}" }}')
    assert workflow.run() == "1 created, 0 updated, 0 deleted, 0 unchanged"
    made, uid = entry(), pwd.getpwnam(USER).pw_uid
    declare(workflow, f'name = "{USER}", comment = "v2", groups = {{}}')
    assert workflow.run() == "0 created, 1 updated, 0 deleted, 0 unchanged"
    command("userdel", USER)
    workflow.rolls_back(1)
    assert entry() == made
    assert pwd.getpwnam(USER).pw_uid == uid
    assert workflow.drift() == {f"user/{USER}": "in-sync"}
    command("usermod", "--comment", "outside", USER)
    assert workflow.drift() == {f"user/{USER}": "drifted"}


def test_what_useradd_refuses_is_told_in_its_words(workflow: Any) -> None:
    declare(workflow, f'name = "{USER}", groups = {{ "no-such-group" }}')
    result = workflow.sloth("run", "w.sloth")
    assert result.returncode == 1
    assert f"user/{USER}: create: useradd failed" in result.stderr
    assert "group 'no-such-group' does not exist" in result.stderr
    assert not exists()


def test_somebody_who_is_not_root_is_told_so() -> None:
    # The interpreter may be where only root can read, so that right is kept.
    nobody = ("--reuid=65534", "--inh-caps=+dac_override", "--ambient-caps=+dac_override")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "w.sloth").write_text(
            f'task("t"):command(function() resource.user{{ name = "{USER}" }} end)'
        )
        os.chown(folder, 65534, 65534)
        result = subprocess.run(
            ["setpriv", *nobody, sys.executable, "-m", "sloth_runner", "run", "w.sloth"],
            cwd=folder,
            env={**os.environ, "SLOTH_RUNNER_STATE": f"sqlite:///{folder}/state.db"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert result.returncode == 1
    assert f"user/{USER}: create: only root can change users" in result.stderr


def test_import_takes_a_user_in_as_it_is_and_does_not_own_it(workflow: Any) -> None:
    command("useradd", USER)
    before = entry()
    imported = f'resource.import("user", "old", "{USER}")'
    workflow.sloth.write("w.sloth", f'task("t"):command(function() {imported} end)')
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 0 unchanged, 1 read"
    declare(workflow)
    assert workflow.run("--prune") == "0 created, 0 updated, 1 deleted, 0 unchanged"
    assert entry() == before


REFUSED = (
    ("user = 'Bad Name'", "'Bad Name' is no name of a user"),
    ("uid = -1", "uid must be a whole number from 0 on"),
    ("uid = 1.5", "uid must be a whole number from 0 on"),
    ("home = 'relative'", "home must be an absolute path"),
    ("comment = 'a:b'", "comment must have no colon and no line break"),
    ("groups = { {} }", "groups' items must be a string, not a table"),
)


def test_what_makes_no_sense_is_refused_at_its_line(workflow: Any) -> None:
    said = workflow.refusals("user", *(fields for fields, _ in REFUSED))
    for each, (fields, message) in zip(said, REFUSED, strict=True):
        assert each.endswith(f"resource.user: {message}"), (fields, each)
