"""What `facts` tells: what this machine is. Read when it is asked for; Linux tells all of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FAMILIES = ("debian", "rhel", "suse", "arch", "alpine", "gentoo")
_GET_INTERFACE_ADDRESS = 0x8915  # SIOCGIFADDR of linux/sockios.h
_IS_UP = 0x1  # IFF_UP of linux/if.h


def read(name: str) -> Any:
    """A fact, or None and why it is not known."""
    try:
        return _FACTS[name]()
    except OSError as error:
        return None, f"facts.{name}: {error.filename or 'the system'}: {error.strerror}"


# -- the system ----------------------------------------------------------------------------


def _os() -> dict[str, Any]:
    import platform

    release = platform.freedesktop_os_release()
    likes = [release["ID"], *release.get("ID_LIKE", "").split()]
    return {
        "name": platform.system().lower(),
        "id": release["ID"],
        "family": next((each for each in likes if each in _FAMILIES), likes[-1]),
        "version": release.get("VERSION_ID", ""),
        "codename": release.get("VERSION_CODENAME", ""),
        "description": release["PRETTY_NAME"],
    }


def _kernel() -> dict[str, str]:
    system = os.uname()
    return {
        "name": system.sysname,
        "version": system.release,
        "build": system.version,
        "architecture": system.machine,
    }


def _platform() -> dict[str, str]:
    system, kernel = _os(), _kernel()
    return {
        "os": system["id"],
        "family": system["family"],
        "version": system["version"],
        "architecture": kernel["architecture"],
        "kernel": kernel["name"],
        "kernel_version": kernel["version"],
    }


def _hostname() -> str:
    return os.uname().nodename


def _user() -> dict[str, Any]:
    """Whom this process acts as."""
    import pwd

    number = os.geteuid()
    try:
        entry = pwd.getpwuid(number)
    except KeyError:
        home = os.path.expanduser("~")
        return {"name": str(number), "uid": number, "gid": os.getegid(), "home": home, "shell": ""}
    return {
        "name": entry.pw_name,
        "uid": number,
        "gid": os.getegid(),
        "home": entry.pw_dir,
        "shell": entry.pw_shell,
    }


# -- what it has ---------------------------------------------------------------------------


def _cpu() -> dict[str, Any]:
    models = [value for name, value in _pairs("/proc/cpuinfo") if name in ("model name", "Model")]
    return {
        "model": models[0] if models else "",
        "count": os.cpu_count() or 1,
        "usable": len(os.sched_getaffinity(0)),
        "architecture": os.uname().machine,
    }


def _memory() -> dict[str, Any]:
    """Bytes, and `used_percent`."""
    found = {name: int(value.split()[0]) * 1024 for name, value in _pairs("/proc/meminfo")}
    total, available = found["MemTotal"], found["MemAvailable"]
    return {
        "total": total,
        "available": available,
        "used": total - available,
        "used_percent": _percent(total - available, total),
        "free": found["MemFree"],
        "cached": found["Cached"],
        "buffers": found["Buffers"],
        "swap_total": found["SwapTotal"],
        "swap_free": found["SwapFree"],
    }


def _disks() -> list[dict[str, Any]]:
    """The file systems on disks, each at the shortest path that it is mounted at."""
    return [_disk(*each) for each in _mounts()]


def _disk(device: str, mountpoint: str, kind: str) -> dict[str, Any]:
    import shutil

    total, used, free = shutil.disk_usage(mountpoint)
    return {
        "device": device,
        "mountpoint": mountpoint,
        "fstype": kind,
        "total": total,
        "used": used,
        "free": free,
        "used_percent": _percent(used, used + free),
    }


def _mounts() -> list[tuple[str, str, str]]:
    """Device, path and kind; of a network nothing, because a server that is gone would block."""
    on_disks = {line.strip() for line in _lines("/proc/filesystems") if line.startswith("\t")}
    on_disks |= {"zfs"}
    found: dict[str, tuple[str, str, str]] = {}
    for line in _lines("/proc/self/mounts"):
        device, path, kind = (_unescaped(each) for each in line.split(" ")[:3])
        if path != "/" and (kind not in on_disks or not os.path.isdir(path)):
            continue
        if device not in found or len(path) < len(found[device][1]):
            found[device] = device, path, kind
    return sorted(found.values(), key=lambda each: each[1])


def _network() -> list[dict[str, Any]]:
    """The network interfaces, with the first IPv4 address and all IPv6 addresses of each."""
    import socket

    names = sorted(name for _, name in socket.if_nameindex())
    return [_interface(name) for name in names]


def _interface(name: str) -> dict[str, Any]:
    folder = f"/sys/class/net/{name}"
    return {
        "name": name,
        "mac": _text(f"{folder}/address"),
        "mtu": int(_text(f"{folder}/mtu")),
        "is_up": bool(int(_text(f"{folder}/flags"), 16) & _IS_UP),
        "addresses": [*_ipv4_of(name), *_ipv6_of(name)],
    }


def _ipv4_of(name: str) -> Iterator[str]:
    import fcntl
    import socket
    import struct

    request = struct.pack("256s", name.encode()[:15])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try:
            answer = fcntl.ioctl(any_socket, _GET_INTERFACE_ADDRESS, request)
        except OSError:  # it has none
            return
    yield socket.inet_ntoa(answer[20:24])


def _ipv6_of(name: str) -> Iterator[str]:
    import ipaddress

    if not os.path.exists("/proc/net/if_inet6"):  # it is switched off
        return
    for line in _lines("/proc/net/if_inet6"):
        digits, *_, interface = line.split()
        if interface == name:
            yield str(ipaddress.IPv6Address(int(digits, 16)))


# -- reading -------------------------------------------------------------------------------


def _text(path: str) -> str:
    with open(path, errors="surrogateescape") as file:
        return file.read().strip()


def _lines(path: str) -> list[str]:
    with open(path, errors="surrogateescape") as file:
        return file.read().splitlines()


def _pairs(path: str) -> Iterator[tuple[str, str]]:
    """Lines as "name : value"."""
    for line in _lines(path):
        name, colon, value = line.partition(":")
        if colon:
            yield name.strip(), value.strip()


def _unescaped(text: str) -> str:
    """A path without the octal escapes of blanks that the kernel writes."""
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0.0


_FACTS: dict[str, Callable[[], Any]] = {
    "os": _os,
    "platform": _platform,
    "kernel": _kernel,
    "hostname": _hostname,
    "user": _user,
    "cpu": _cpu,
    "memory": _memory,
    "disks": _disks,
    "network": _network,
}
