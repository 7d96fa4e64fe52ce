"""The module `user` on the real /etc/passwd, with users that exist for nothing else."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

USER = f"slothm{os.getpid()}"
GROUP = f"slothn{os.getpid()}"


@pytest.fixture(autouse=True)
def accounts() -> Iterator[None]:
    yield
    subprocess.run(["userdel", USER], capture_output=True, check=False)
    for group in (GROUP, USER):
        subprocess.run(["groupdel", group], capture_output=True, check=False)
    shutil.rmtree(f"/home/{USER}", ignore_errors=True)


def done(changed: bool, message: str) -> list[Any]:
    return [True, {"changed": changed, "message": message}]


def test_a_user_is_made_changed_and_removed(told: Any) -> None:
    results = told(
        f'user.group_create("{GROUP}")',
        f'user.group_create{{ group = "{GROUP}" }}',
        f'user.create("{USER}", {{ shell = "/bin/sh", comment = "A B", groups = "{GROUP}" }})',
        f'user.create{{ username = "{USER}", shell = "/bin/sh", groups = {{ "{GROUP}" }} }}',
        f'user.modify("{USER}", {{ shell = "/bin/bash" }})',
        f'user.exists("{USER}")',
        f'user.get_info{{ name = "{USER}" }}',
    )
    assert results[:5] == [
        done(True, f"group {GROUP} was created"),
        done(False, f"group {GROUP} is as wanted already"),
        done(True, f"user {USER} was created"),
        done(False, f"user {USER} is as wanted already"),
        done(True, f"user {USER} was changed"),
    ]
    entry = pwd.getpwnam(USER)
    assert results[5:] == [
        [True],
        [
            {
                "user": USER,
                "uid": entry.pw_uid,
                "group": USER,
                "groups": [GROUP],
                "home": f"/home/{USER}",
                "shell": "/bin/bash",
                "comment": "A B",
            }
        ],
    ]
    assert told(
        f'user.delete("{USER}", {{ remove_home = true }})',
        f'user.delete("{USER}")',
        f'user.group_delete("{GROUP}")',
        f'user.group_delete("{GROUP}")',
        f'user.exists("{USER}")',
        f'user.group_exists("{GROUP}")',
    ) == [
        done(True, f"user {USER} was removed"),
        done(False, f"there is no user {USER}"),
        done(True, f"group {GROUP} was removed"),
        done(False, f"there is no group {GROUP}"),
        [False],
        [False],
    ]
    assert not os.path.exists(f"/home/{USER}")


def test_membership_passwords_and_locks(told: Any) -> None:
    told(f'user.create("{USER}", {{ system = true }})', f'user.group_create("{GROUP}")')
    assert told(
        f'user.add_to_group("{USER}", "{GROUP}")',
        f'user.add_to_group{{ username = "{USER}", group = "{GROUP}" }}',
        f'user.group_get_info("{GROUP}").members',
        f'user.remove_from_group("{USER}", "{GROUP}")',
        f'user.remove_from_group("{USER}", "{GROUP}")',
        f'user.set_password("{USER}", "correct horse")',
        f'user.lock("{USER}")',
    ) == [
        done(True, f"user {USER} is in the group {GROUP}"),
        done(False, f"user {USER} is in the group {GROUP} already"),
        [[USER]],
        done(True, f"user {USER} is not in the group {GROUP}"),
        done(False, f"user {USER} is not in the group {GROUP} already"),
        done(True, f"user {USER} has a new password"),
        done(True, f"user {USER} is locked"),
    ]
    assert shadow().startswith("!$")
    told(f'user.unlock{{ name = "{USER}" }}')
    assert shadow().startswith("$")
    assert grp.getgrnam(GROUP).gr_mem == []


def shadow() -> str:
    """The user's password as the system keeps it."""
    listing = subprocess.run(["getent", "shadow", USER], capture_output=True, text=True, check=True)
    return listing.stdout.split(":")[1]


def test_questions_about_what_is_there_or_not(told: Any) -> None:
    current, root, missing, group, exists = told(
        "user.get_current().uid",
        "user.is_root()",
        f'user.get_info("{USER}")',
        f'user.group_get_info("{GROUP}")',
        'user.exists("root")',
    )
    assert (current, root, exists) == ([0], [True], [True])
    assert missing == [None, f"there is no user {USER}"]
    assert group == [None, f"there is no group {GROUP}"]


def test_nobody_has_a_name_that_cannot_be_one(told: Any) -> None:
    name = r'"a\0b"'
    assert told(f"user.exists({name})", f"user.group_exists({name})") == [[False], [False]]
    assert told(f"user.get_info({name})")[0][0] is None


def test_what_cannot_be_done_is_a_result(told: Any) -> None:
    assert told(
        f'user.modify("{USER}", {{ shell = "/bin/sh" }})',
        f'user.add_to_group("{USER}", "root")',
        f'user.add_to_group("root", "{GROUP}")',
        f'user.create("{USER}", {{ uid = 0 }})',
        f'user.set_password("{USER}", "secret")',
    ) == [
        [False, f"there is no user {USER}"],
        [False, f"there is no user {USER}"],
        [False, f"there is no group {GROUP}"],
        [False, "useradd failed: exit code 4: useradd: UID 0 is not unique"],
        [False, f"there is no user {USER}"],
    ]


def test_a_plan_makes_nobody(told: Any) -> None:
    calls = (
        f'user.create("{USER}")',
        f'user.group_create("{GROUP}")',
        f'user.delete("{USER}")',
        f'user.set_password("{USER}", "secret")',
        f'user.add_to_group("{USER}", "{GROUP}")',
        f'user.modify("{USER}", {{ shell = "/bin/sh" }})',
    )
    assert told.planned(*calls) == [
        ["user.create", USER],
        ["user.group_create", GROUP],
        ["user.set_password", USER],
        ["user.add_to_group", USER],
        ["user.modify", USER],
        ["fs.write", "told"],
    ]


WRONG = {
    "user.create()": "user.create: name must be a string, not nothing",
    'user.create("A B")': "user.create: 'A B' is no name of a user",
    'user.create("a", { home = "x" })': "user.create: home must be an absolute path",
    'user.create("a", { password = "x" })': "user.create: it has no field 'password'; there is comment, group, groups, home, name, shell, system, uid",
    'user.set_password("a:b", "c")': "user.set_password: name and password must be one line each",
    'user.add_to_group("a")': "user.add_to_group: group must be a string, not nothing",
    'user.group_create("a", { gid = -1 })': "user.group_create: gid must be a whole number from 0 on",
}


def test_wrong_arguments_are_errors(told: Any) -> None:
    assert dict(zip(WRONG, told(*WRONG), strict=True)) == WRONG
