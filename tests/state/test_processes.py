"""A holder is dead only if that can be known."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sloth_state import processes
from sloth_state.model import Holder
from sloth_state.processes import current_holder, current_user, is_dead


def _start(code: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def _holder_of(process: subprocess.Popen[str]) -> Holder:
    """What the process says of itself on its first line of output."""
    assert process.stdout is not None
    pid, started = process.stdout.readline().split()
    return current_holder()._replace(pid=int(pid), process_started=int(started))


_TELL = """
from sloth_state.processes import current_holder
holder = current_holder()
print(holder.pid, holder.process_started, flush=True)
"""


def test_this_process_is_alive() -> None:
    holder = current_holder("3f2a9c01d4e5")

    assert holder.pid == os.getpid()
    assert holder.process_started > 0
    assert holder.run_id == "3f2a9c01d4e5"
    assert not is_dead(holder)


def test_a_process_is_alive_until_it_is_killed() -> None:
    with _start(_TELL + "input()") as process:
        holder = _holder_of(process)
        alive = not is_dead(holder)
        process.kill()
        process.wait()

    assert alive
    assert is_dead(holder)


def test_a_zombie_is_dead() -> None:
    with _start(_TELL) as process:
        holder = _holder_of(process)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # ended, but not reaped

        assert is_dead(holder)


def test_a_later_process_with_the_same_pid_is_another_one() -> None:
    holder = current_holder()

    assert is_dead(holder._replace(process_started=holder.process_started - 1))


def test_a_start_time_that_was_unknown_leaves_only_the_pid() -> None:
    assert not is_dead(current_holder()._replace(process_started=0))


def test_a_process_of_an_earlier_boot_is_dead() -> None:
    holder = current_holder()

    assert is_dead(
        holder._replace(boot_id="another-boot" + holder.boot_id[holder.boot_id.find("/") :])
    )


@pytest.fixture
def gone() -> Holder:
    """A process that has ended."""
    with _start(_TELL) as process:
        return _holder_of(process)


def test_nothing_is_known_of_another_host(gone: Holder) -> None:
    assert is_dead(gone)
    assert not is_dead(gone._replace(host=gone.host + "-2"))
    assert not is_dead(gone._replace(host=gone.host + "-2", boot_id="another-boot"))


def test_nothing_is_known_of_another_container_with_the_name_of_this_host(gone: Holder) -> None:
    boot = gone.boot_id.partition("/")[0]

    assert not is_dead(gone._replace(boot_id=f"{boot}/pid:[1]"))


def test_a_command_name_with_spaces_and_parentheses_does_not_shift_the_start_time() -> None:
    rename = "open('/proc/self/comm', 'w').write('a) S 1 (b')\n"
    with _start(_TELL + rename + _TELL + "input()") as process:
        before, after = _holder_of(process), _holder_of(process)
        alive = not is_dead(before)
        process.kill()

    assert before == after
    assert alive


def test_without_proc_only_the_pid_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, gone: Holder
) -> None:
    def no_link(path: str) -> str:
        raise FileNotFoundError(path)

    monkeypatch.setattr(processes, "_read", lambda path: "")
    monkeypatch.setattr(os, "readlink", no_link)
    here = current_holder()

    assert (here.process_started, here.boot_id) == (0, "")
    assert not is_dead(here)
    assert is_dead(here._replace(pid=gone.pid))


def test_the_user_is_the_one_of_the_process_not_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import pwd

    monkeypatch.setenv("USER", "somebody-else")

    assert current_user() == pwd.getpwuid(os.getuid()).pw_name


def test_a_user_without_a_name_is_taken_from_the_environment_or_by_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 3_999_999)
    monkeypatch.setenv("USER", "builder")
    named = current_user()
    monkeypatch.delenv("USER")

    assert (named, current_user()) == ("builder", "3999999")


def test_it_loads_nothing_that_is_slow_to_load() -> None:
    code = (
        "import datetime, enum, sys, sloth_state.model; before = set(sys.modules)\n"
        "import sloth_state.processes\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert loaded.stdout == "sloth_state.model.locks sloth_state.processes\n"
