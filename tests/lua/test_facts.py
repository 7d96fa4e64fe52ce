"""The module `facts`, compared with what this machine says by other ways."""

from __future__ import annotations

import getpass
import os
import platform
import shutil
import socket
from typing import Any

import pytest


def test_the_system_is_described(script: Any) -> None:
    found = script.value("{ facts.os, facts.kernel, facts.platform, { facts.hostname } }")
    release = platform.freedesktop_os_release()
    system = os.uname()
    assert found[0]["name"] == "linux"
    assert found[0]["id"] == release["ID"]
    assert found[0]["description"] == release["PRETTY_NAME"]
    assert found[0]["family"] in [release["ID"], *release.get("ID_LIKE", "").split()]
    assert found[1] == {
        "name": "Linux",
        "version": system.release,
        "build": system.version,
        "architecture": system.machine,
    }
    assert found[2] == {
        "os": release["ID"],
        "family": found[0]["family"],
        "version": release.get("VERSION_ID", ""),
        "architecture": system.machine,
        "kernel": "Linux",
        "kernel_version": system.release,
    }
    assert found[3] == [socket.gethostname()]


def test_the_user_is_whom_the_runner_acts_as(script: Any) -> None:
    found = script.value("facts.user")
    assert (found["uid"], found["gid"]) == (os.geteuid(), os.getegid())
    assert found["name"] == getpass.getuser()
    assert os.path.isdir(found["home"])


def test_what_the_machine_has_is_counted(script: Any) -> None:
    cpu, memory = script.value("{ facts.cpu, facts.memory }")
    assert cpu["count"] == os.cpu_count()
    assert 1 <= cpu["usable"] <= cpu["count"]
    assert memory["total"] == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert memory["used"] == memory["total"] - memory["available"]
    assert memory["used_percent"] == round(100 * memory["used"] / memory["total"], 1)
    assert 0 < memory["free"] <= memory["total"]


def test_disks_are_listed_once_and_the_root_is_among_them(script: Any) -> None:
    disks = script.value("facts.disks")
    devices = [each["device"] for each in disks]
    assert len(set(devices)) == len(devices)
    (root,) = [each for each in disks if each["mountpoint"] == "/"]
    assert root["total"] == shutil.disk_usage("/").total
    assert script.value("facts.get_disk{ mountpoint = '/' }.total") == root["total"]
    assert script.values("facts.get_disk{ mountpoint = '/none' }") == [
        None,
        "there is no mountpoint '/none'",
    ]


def test_interfaces_have_their_addresses(script: Any) -> None:
    interfaces = script.value("facts.network")
    assert [each["name"] for each in interfaces] == sorted(
        name for _, name in socket.if_nameindex()
    )
    loopback = script.value("facts.get_network{ interface = 'lo' }")
    assert loopback["is_up"] is True
    assert loopback["mac"] == "00:00:00:00:00:00"
    assert loopback["addresses"][0] == "127.0.0.1"
    assert script.values("facts.get_network{ interface = 'none' }") == [
        None,
        "there is no interface 'none'",
    ]


def test_facts_are_fields_and_functions(script: Any) -> None:
    source = """
        local all = facts.get_all()
        local names = {}
        for name in pairs(all) do names[#names + 1] = name end
        table.sort(names)
        print(table.concat(names, " "))
        print(facts.get("hostname") == facts.hostname, facts.get().hostname == facts.hostname)
        print(facts.get_hostname() == facts.hostname, facts.get_hostname{ agent = facts.hostname } == facts.hostname)
        print(facts.get_platform{ agent = "localhost" }.os == facts.platform.os, facts.get_kernel().name, facts.get_cpu().count == facts.cpu.count)
        print(facts.get_memory().total == facts.memory.total, #facts.get_disk() == #facts.disks, #facts.get_network() == #facts.network)
        print(require("facts") == facts)
    """
    assert script(source).lines == [
        "cpu disks hostname kernel memory network os platform user",
        "true true",
        "true true",
        "true Linux true",
        "true true true",
        "true",
    ]


def test_facts_are_read_when_a_file_is_only_looked_at_too(script: Any) -> None:
    assert script.value("facts.hostname", inspecting=True) == socket.gethostname()


def test_a_fact_that_the_system_does_not_tell_is_nil_and_a_message(
    script: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sloth_runner.modules import facts

    def unreadable(_path: str) -> list[str]:
        raise PermissionError(13, "Permission denied", "/proc/meminfo")

    monkeypatch.setattr(facts, "_lines", unreadable)
    assert script.values("facts.memory") == [None]
    message = "facts.memory: /proc/meminfo: Permission denied"
    assert script.values("facts.get_memory()") == [None, message]


WRONG = {
    "local _ = facts.memroy": "facts: there is no fact 'memroy'; did you mean 'memory'?",
    "facts.get('disk')": "facts: there is no fact 'disk'; did you mean 'disks'?",
    "facts.get({})": "facts.get: name must be a string, not a table",
    "facts.get_memory{ agent = 'web-01' }": "facts.get_memory: only facts of this machine are known, not of the agent 'web-01'",
    "facts.get_disk{ mount = '/' }": "facts.get_disk: it has no field 'mount'; did you mean 'mountpoint'?",
    "facts.get_all('x')": 'facts.get_all: its argument must be a table, not the string "x"',
}  # fmt: skip


def test_a_wrong_argument_is_an_error_at_its_line(script: Any) -> None:
    calls = [f"print(select(2, pcall(function() {call} end)))" for call in WRONG]
    lines = script("\n".join(calls)).lines
    for number, (line, message) in enumerate(zip(lines, WRONG.values(), strict=True), 1):
        assert line.startswith(f"t.sloth:{number}: {message}")
