"""The infrastructure example as its README tells it. It makes a real user and a real group."""

from __future__ import annotations

import grp
import os
import pwd
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

CONFIGURATION = "machine/etc/greeter/greeter.conf"


@pytest.fixture
def account() -> Iterator[str]:
    """A name for the user and the group that nobody else has at this time."""
    name = f"sloth-greeter-{os.getpid()}"
    yield name
    if name in _users():
        subprocess.run(["userdel", name], check=True)
    if name in _groups():
        subprocess.run(["groupdel", name], check=True)


def test_a_server_is_deployed_healed_changed_rolled_back_and_removed(
    story: Any, account: str
) -> None:
    server = story("infrastructure", {"sloth-greeter": account})

    server.chapter("Deploy")
    user = pwd.getpwnam(account)
    assert (user.pw_gecos, user.pw_shell) == ("Runs the greeter", "/usr/sbin/nologin")
    assert grp.getgrgid(user.pw_gid).gr_name == account
    assert server.mode("machine/etc/greeter") == f"0750 root {account}"
    assert server.mode(CONFIGURATION) == f"0640 root {account}"
    assert server.mode("machine/var/lib/greeter") == f"0700 {account} {account}"
    deployed = server.files()
    assert "port = 8080\n" in deployed[CONFIGURATION]
    assert f"User={account}\n" in deployed["machine/etc/systemd/system/greeter.service"]
    assert _unit(server) == {"active": "active\n", "enabled": "enabled\n"}

    server.chapter("Drift")  # which changes nothing of what somebody did
    assert "port = 9090\n" in server.files()[CONFIGURATION]
    assert server.mode(CONFIGURATION) == f"0666 root {account}"
    assert _unit(server) == {"active": "inactive\n", "enabled": "enabled\n"}

    server.chapter("Heal")
    assert server.files()[CONFIGURATION] == deployed[CONFIGURATION]
    assert server.mode(CONFIGURATION) == f"0640 root {account}"
    assert _unit(server) == {"active": "active\n", "enabled": "enabled\n"}
    assert "machine/run/log" not in server.files()

    server.chapter("A bad change")
    assert "port = 80\n" in server.files()[CONFIGURATION]
    assert server.files()["machine/run/log"] == "restarted greeter.service\n"

    server.chapter("Roll back")
    assert server.files()[CONFIGURATION] == deployed[CONFIGURATION]
    assert server.files()["machine/run/log"] == "restarted greeter.service\n" * 2

    server.chapter("Remove it")
    assert account not in _users()
    assert account not in _groups()
    server.assert_over()


def _unit(server: Any) -> dict[str, str]:
    """What the stand-in for systemctl remembers of the unit."""
    folder = "machine/run/greeter.service/"
    files = server.files().items()
    return {path.removeprefix(folder): text for path, text in files if path.startswith(folder)}


def _users() -> set[str]:
    return {user.pw_name for user in pwd.getpwall()}


def _groups() -> set[str]:
    return {group.gr_name for group in grp.getgrall()}
