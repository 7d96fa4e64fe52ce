"""`resource.group` on the real /etc/group."""

from __future__ import annotations

import grp
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUP = f"slothgr{os.getpid()}"
GID = 100_000 + 2 * os.getpid()


def command(*arguments: str) -> None:
    subprocess.run(arguments, check=True, capture_output=True)


@pytest.fixture(autouse=True)
def no_group_is_left() -> Iterator[None]:
    yield
    subprocess.run(["groupdel", GROUP], capture_output=True, check=False)


def declare(workflow: Any, *groups: str) -> None:
    workflow.declares(*(f"group{{ {each} }}" for each in groups))


def entry() -> tuple[int, list[str]]:
    found = grp.getgrnam(GROUP)
    return found.gr_gid, sorted(found.gr_mem)


def exists() -> bool:
    return any(each.gr_name == GROUP for each in grp.getgrall())


def test_a_group_is_made_kept_as_declared_and_removed(workflow: Any) -> None:
    declare(workflow, f'name = "{GROUP}", gid = {GID}, members = {{ "games", "daemon" }}')
    assert workflow.run() == "1 created, 0 updated, 0 deleted, 0 unchanged"
    assert entry() == (GID, ["daemon", "games"])
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 1 unchanged"
    command("gpasswd", "--members", "mail", GROUP)
    command("groupmod", "--gid", str(GID + 1), GROUP)
    assert workflow.drift() == {f"group/{GROUP}": "drifted"}
    assert workflow.run() == "0 created, 1 updated, 0 deleted, 0 unchanged"
    assert entry() == (GID, ["daemon", "games"])
    declare(workflow)
    assert workflow.run("--prune") == "0 created, 0 updated, 1 deleted, 0 unchanged"
    assert not exists()


def test_members_that_are_not_declared_are_left_alone(workflow: Any) -> None:
    declare(workflow, f'name = "g", group = "{GROUP}", system = true')
    assert workflow.run() == "1 created, 0 updated, 0 deleted, 0 unchanged"
    assert entry()[0] < 1000
    command("gpasswd", "--add", "games", GROUP)
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 1 unchanged"
    assert entry()[1] == ["games"]
    declare(workflow, f'name = "g", group = "{GROUP}", system = true, members = {{}}')
    assert workflow.run() == "0 created, 1 updated, 0 deleted, 0 unchanged"
    assert entry()[1] == []


def test_a_group_that_was_there_before_becomes_what_it_was(workflow: Any) -> None:
    command("groupadd", "--gid", str(GID), GROUP)
    command("gpasswd", "--add", "games", GROUP)
    declare(workflow, f'name = "{GROUP}", members = {{ "daemon" }}')
    assert workflow.run() == "0 created, 1 updated, 0 deleted, 0 unchanged"
    assert entry() == (GID, ["daemon"])
    declare(workflow)
    assert workflow.run("--prune") == "0 created, 0 updated, 1 deleted, 0 unchanged"
    assert entry() == (GID, ["games"])


def test_a_rollback_makes_the_group_again_with_its_number(workflow: Any) -> None:
    declare(workflow, f'name = "{GROUP}", members = {{ "games" }}')
    workflow.run()
    made = entry()
    declare(workflow)
    workflow.run("--prune")
    workflow.rolls_back(1)
    assert entry() == made
    assert workflow.drift() == {f"group/{GROUP}": "in-sync"}


def test_what_groupadd_refuses_is_told_in_its_words(workflow: Any) -> None:
    declare(workflow, f'name = "{GROUP}", gid = 0')
    error = workflow.fails()
    assert f"w.sloth:2: group/{GROUP}: create: groupadd failed: exit code 4" in error
    assert "GID '0' already exists" in error


def test_import_takes_a_group_in_as_it_is_and_does_not_own_it(workflow: Any) -> None:
    command("groupadd", GROUP)
    before = entry()
    imported = f'resource.import("group", "old", "{GROUP}")'
    workflow.sloth.write("w.sloth", f'task("t"):command(function() {imported} end)')
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 0 unchanged, 1 read"
    declare(workflow)
    assert workflow.run("--prune") == "0 created, 0 updated, 1 deleted, 0 unchanged"
    assert entry() == before


REFUSED = (
    ("group = 'Bad Name'", "'Bad Name' is no name of a group"),
    ("gid = -1", "gid must be a whole number from 0 on"),
    ("members = { {} }", "members' items must be a string, not a table"),
)


def test_what_makes_no_sense_is_refused_at_its_line(workflow: Any) -> None:
    for fields, message in REFUSED:
        declare(workflow, f"name = 'g', {fields}")
        assert f"w.sloth:2: resource.group: {message}" in workflow.fails()
