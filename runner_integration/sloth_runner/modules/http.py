"""What `http` does: requests that the script makes, over one client for each run."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from sloth_runner.blocking import on_thread
from sloth_runner.errors import WorkflowError
from sloth_runner.host import wire
from sloth_runner.modules.placing import place, temporary_file
from sloth_runner.modules.text import decode_json
from sloth_runner.providers.http import check_port, reason

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    import httpx

    from sloth_runner.session import Session

LARGEST_BODY = 64 * 2**20
"""Bytes of an answer that Lua gets; a larger one is refused."""
FIRST_PAUSE = 0.5
"""Seconds before the first retry; each pause is twice the one before."""
LONGEST_PAUSE = 30.0
SILENCE = 30.0
"""Seconds without a byte after which a download is given up."""
_NO_PROXY = ("all://localhost", "all://127.0.0.1", "all://[::1]")


class Requests:
    """The operations of `http`, for one script."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._client = Client()

    async def send(self, method: str, url: str, encoded: str, body: bytes | None) -> Any:
        """Status, reason, body, headers (JSON) and decoded JSON (JSON) of the answer; or None and
        why there was none.

        `encoded` has `headers`, `timeout` in seconds for each try, and `retries`.
        """
        options = json.loads(encoded)
        headers = _request_headers(options["headers"], body)
        result: Any = None
        for attempt in range(int(options["retries"]) + 1):
            if attempt > 0:
                await asyncio.sleep(min(FIRST_PAUSE * 2 ** (attempt - 1), LONGEST_PAUSE))
            client = await self._client.get()
            result = await _try(client, method, url, headers, body, options["timeout"])
            if result[0] is not None and result[0] < 500:
                break
        return result

    async def download(self, url: str, target: str, encoded: str) -> Any:
        """Save what is at a URL as `file_ops.copy` does; None and a message if that fails."""
        target = self._session.path(target)
        return await _download(await self._client.get(), url, target, json.loads(encoded))


class Client:
    """The client of one run, made when it is first needed, and closed with the event loop."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._holder: AsyncIterator[httpx.AsyncClient]
        self._client: httpx.AsyncClient

    async def get(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            # The event loop ends the generators that were begun on it before it closes.
            self._holder, self._loop = _open_client(), loop
            self._client = await anext(self._holder)
        return self._client


async def _open_client() -> AsyncIterator[httpx.AsyncClient]:
    from http.cookiejar import CookieJar, DefaultCookiePolicy

    import httpx

    client = httpx.AsyncClient(
        timeout=None,  # one for the whole exchange is set around it
        follow_redirects=True,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),  # tasks share nothing
        event_hooks={"request": [check_port]},
        mounts=dict.fromkeys(_NO_PROXY),  # this machine itself is asked without a proxy
    )
    try:
        yield client
    finally:
        await client.aclose()


# -- requests ------------------------------------------------------------------------------


async def _try(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    headers: list[tuple[bytes, bytes]],
    body: bytes | None,
    timeout: float,
) -> Any:
    import httpx

    try:
        async with (
            asyncio.timeout(timeout),
            client.stream(method, url, headers=headers, content=body) as answer,
        ):
            content = await _read(answer)
    except TimeoutError:
        return None, f"{url}: it did not answer within {timeout:g} s"
    except (httpx.RequestError, httpx.InvalidURL, ValueError) as error:
        return None, _problem(url, error)
    if content is None:
        limit = f"{LARGEST_BODY // 2**20} MiB"
        return None, f"{url}: the answer is larger than {limit}; file_ops.fetch saves it to a file"
    status = f"{answer.status_code} {answer.reason_phrase}".rstrip()
    headers_found = wire.dump(_response_headers(answer))
    return answer.status_code, status, content, headers_found, _decoded(answer, content)


async def _read(answer: httpx.Response) -> bytes | None:
    content = bytearray()
    async for piece in answer.aiter_bytes():
        content += piece
        if len(content) > LARGEST_BODY:
            return None
    return bytes(content)


def _problem(url: str, error: Exception) -> str:
    """Why there is no answer. Raises WorkflowError if the request itself makes no sense."""
    import httpx

    if isinstance(error, httpx.RequestError):
        return f"{url}: {reason(error)}"
    raise WorkflowError(f"the request of {url} cannot be made: {error}") from None


def _request_headers(given: Mapping[str, str], body: bytes | None) -> list[tuple[bytes, bytes]]:
    headers = [(name.encode(), value.encode()) for name, value in given.items()]
    if body is not None and not any(name.lower() == "content-type" for name in given):
        headers.append((b"Content-Type", _content_type(body)))
    return headers


def _content_type(body: bytes) -> bytes:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return b"text/plain"
    return b"application/json"


def _response_headers(answer: httpx.Response) -> dict[str, str | list[str]]:
    """Names as "Content-Type"; one that came several times has a list."""
    found: dict[str, list[str]] = {}
    for name, value in answer.headers.multi_items():
        found.setdefault(name.title(), []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _decoded(answer: httpx.Response, content: bytes) -> bytes | None:
    """What the body says, if it is JSON by its type and by its text and Lua can hold it."""
    if "json" not in answer.headers.get("content-type", "").lower():
        return None
    value = decode_json(content.decode("utf-8", "surrogateescape"))
    return None if isinstance(value, tuple) else wire.dump(value)


# -- downloads -----------------------------------------------------------------------------


async def _download(
    client: httpx.AsyncClient, url: str, target: str, options: Mapping[str, Any]
) -> Any:
    import httpx

    try:
        with temporary_file(target) as file:
            async with client.stream("GET", url, timeout=SILENCE) as answer:
                if not answer.is_success:
                    return None, f"{url}: {answer.status_code} {answer.reason_phrase}".rstrip()
                async for piece in answer.aiter_bytes():
                    file.write(piece)
            file.seek(0)
            return await on_thread(place, file, target, options)
    except WorkflowError as error:
        return None, error.message
    except OSError as error:  # the disk is full
        return None, f"{target}: {error.strerror}"
    except (httpx.RequestError, httpx.InvalidURL, ValueError) as error:
        return None, _problem(url, error)
