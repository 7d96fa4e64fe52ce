"""Which process this is, and whether the one that took a lock is still there.

Start time and boot id keep a pid that was given out again from being taken for the old process.
Where the system has no /proc they are unknown, and only the pid is looked at.
"""

from __future__ import annotations

import os

from sloth_state.model import Holder

_START_TIME = 19
"""Index of `starttime` (field 22 of /proc/PID/stat) among the fields after the command's name."""


def current_holder(run_id: str | None = None) -> Holder:
    """This process, as the holder of a lock."""
    pid = os.getpid()
    _, started = _state_and_start(pid) or ("", 0)
    return Holder(current_user(), _host(), pid, started, _boot_id(), run_id)


def current_user() -> str:
    """The name of the user this process runs as, or the uid where the system has no name for it."""
    import pwd

    uid = os.getuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return os.environ.get("USER") or str(uid)


def is_dead(holder: Holder) -> bool:
    """Whether the holder's process is known to be gone; a zombie is.

    False for another host and for another container of this one, where nothing can be known.
    There the lease decides.
    """
    if holder.host != _host():
        return False
    boot, _, namespace = holder.boot_id.partition("/")
    boot_here, _, namespace_here = _boot_id().partition("/")
    if boot and boot_here and boot != boot_here:
        return True
    if namespace != namespace_here:
        return False
    return not _exists(holder.pid) or _is_zombie_or_another(holder)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it belongs to another user
        return True
    return True


def _is_zombie_or_another(holder: Holder) -> bool:
    found = _state_and_start(holder.pid)
    if found is None:  # no /proc, or one that hides the processes of others
        return False
    state, started = found
    return state in "ZX" or holder.process_started not in (0, started)


def _state_and_start(pid: int) -> tuple[str, int] | None:
    """State letter and start time of a process, None where they cannot be read."""
    stat = _read(f"/proc/{pid}/stat")
    # The command's name stands in parentheses and may itself hold spaces and parentheses.
    fields = stat[stat.rfind(")") + 1 :].split()
    return (fields[0], int(fields[_START_TIME])) if len(fields) > _START_TIME else None


def _host() -> str:
    return os.uname().nodename


def _boot_id() -> str:
    """The boot id and the pid namespace, "9c51…/pid:[4026531836]"; empty without /proc.

    Containers that share the host's name and kernel have pids of their own, which must not be
    looked up here.
    """
    boot = _read("/proc/sys/kernel/random/boot_id").strip()
    try:
        return f"{boot}/{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return boot


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
