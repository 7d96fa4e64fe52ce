"""Requests of providers over HTTP, one connection each."""

from __future__ import annotations

import json
import ssl
from typing import TYPE_CHECKING

from sloth_runner.errors import WorkflowError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from sloth_runner.session import Session


async def request(_session: Session, encoded: str) -> tuple[int, bytes] | tuple[None, str]:
    """Send a request: the status and the body of the answer, or None and why there was none.

    `encoded` is a JSON object: `method`, `url`, `timeout` in seconds for the whole exchange, and
    perhaps `headers`, and `body` (text) or `json`. Redirects are not followed. A proxy that the
    environment names is used, but not for this machine itself. Raises WorkflowError if the
    request itself makes no sense.
    """
    import asyncio

    import httpx

    given = json.loads(encoded)
    timeout: float = given["timeout"]
    try:
        async with asyncio.timeout(timeout), _client(given["url"]) as client:
            answer = await client.request(
                given["method"],
                given["url"],
                headers=given.get("headers"),
                content=given.get("body"),
                json=given.get("json"),
            )
    except TimeoutError:
        return None, f"it did not answer within {timeout:g} s"
    except httpx.TransportError as error:
        return None, reason(error)
    except (httpx.InvalidURL, ValueError) as error:
        raise WorkflowError(f"the request of {given['url']} cannot be made: {error}") from None
    return answer.status_code, answer.content


def _client(url: str) -> httpx.AsyncClient:
    import httpx

    parsed = httpx.URL(url)
    return httpx.AsyncClient(
        timeout=None,  # one for the whole exchange is set around it
        event_hooks={"request": [check_port]},
        trust_env=not _is_loopback(parsed.host),
        verify=parsed.scheme == "https",  # reading all certificates takes 20 ms
    )


def _is_loopback(host: str) -> bool:
    return host in {"localhost", "::1"} or host.startswith("127.")


async def check_port(request: httpx.Request) -> None:
    """For a client's `event_hooks`, so that redirects pass it too: the system has no word for it.

    Raises httpx.UnsupportedProtocol.
    """
    import httpx

    if request.url.port is not None and request.url.port > 65535:
        raise httpx.UnsupportedProtocol(f"the port {request.url.port} is more than 65535")


def reason(error: Exception) -> str:
    """Why a request got no answer, in one clause; the library's own words if nothing is better."""
    import socket

    for cause in _causes(error):
        match cause:
            case ssl.SSLCertVerificationError():
                return f"its certificate is not trusted: {cause.verify_message}"
            case ssl.SSLError():
                return f"TLS failed: {cause.reason or cause}"
            case socket.gaierror():
                return f"its host name cannot be resolved: {cause.strerror}"
            case ConnectionRefusedError():
                return "the connection is refused"
            case OSError() if cause.strerror:
                return cause.strerror
    return str(error) or type(error).__name__


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what led to it, the innermost first."""
    if error is None:
        return
    yield from _causes(error.__cause__ or error.__context__)
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _causes(each)
    yield error
