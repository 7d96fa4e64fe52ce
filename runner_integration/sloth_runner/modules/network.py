"""What `net` asks: whether something listens, and which addresses a name has."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from sloth_runner.providers.http import reason

_FAMILIES = {"A": socket.AF_INET, "AAAA": socket.AF_INET6, "any": socket.AF_UNSPEC}


LAST_TRY = 0.1
"""Seconds that the try at the end of a wait has at least."""


async def tcp(address: str, timeout: float) -> bool | tuple[bool, str]:
    """Whether something accepts connections at "host:port"; False and why not. Seconds."""
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(timeout):
            await _connect(host, int(port))
    except TimeoutError:
        return False, f"{address}: it did not answer within {timeout:g} s"
    except (OSError, UnicodeError) as error:  # UnicodeError: a name that cannot be one
        return False, f"{address}: {reason(error)}"
    return True


async def _connect(host: str, port: int) -> None:
    """Connect to the first address of a host that accepts it. Raises the last one's OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failure: OSError | None = None
    for family, kind, protocol, _name, address in found:
        try:
            with socket.socket(family, kind, protocol) as connection:
                connection.setblocking(False)
                await loop.sock_connect(connection, address)
                return
        except TimeoutError:  # of the system, before ours
            raise
        except OSError as error:
            failure = error
    assert failure is not None
    raise failure


async def wait_for_port(
    address: str, timeout: float, interval: float, wanted: str
) -> bool | tuple[bool, str]:
    """Ask again and again until something listens ("open"), or nothing does ("closed")."""
    loop = asyncio.get_running_loop()
    end = loop.time() + timeout
    while True:
        left = max(end - loop.time(), LAST_TRY)
        result = await tcp(address, min(left, max(interval, 1.0)))
        if (result is True) == (wanted == "open"):
            return True
        if loop.time() >= end:
            last = "it still accepts connections" if result is True else _why(address, result)
            return False, f"{address} was not {wanted} within {timeout:g} s: {last}"
        await asyncio.sleep(max(0, min(interval, end - loop.time())))


def _why(address: str, result: Any) -> str:
    return str(result[1]).removeprefix(f"{address}: ")


async def dns(host: str, kind: str) -> list[str] | tuple[None, str]:
    """The addresses of a name, each once, in the resolver's order; None and why there are none."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, None, family=_FAMILIES[kind], type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return None, f"{host}: {reason(error)}"
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
