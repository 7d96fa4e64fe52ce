"""The application deployment example as its README tells it, with a real web server."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """One that is free; a server that is left there is stopped."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
    yield number
    for left in tmp_path.rglob("server.pid"):
        with suppress(ProcessLookupError):
            os.kill(int(left.read_text()), signal.SIGTERM)


def test_a_release_is_deployed_healed_replaced_rolled_back_and_removed(
    story: Any, port: int
) -> None:
    shop = story("application-deployment", {"8099": str(port)})

    shop.chapter("Deploy")
    assert _served(port) == "<h1>Shop 1.0.0</h1>\n"
    assert _releases(shop) == {"1.0.0": ["health.txt", "index.html"]}

    shop.chapter("The next release")
    assert _served(port) == "<h1>Shop 1.1.0</h1>\n"
    both = {"1.0.0": ["health.txt", "index.html"], "1.1.0": ["health.txt", "index.html"]}
    assert _releases(shop) == both

    shop.chapter("Drift")
    with pytest.raises(OSError, match="refused"):
        _served(port)

    shop.chapter("Heal")
    assert _served(port) == "<h1>Shop 1.1.0</h1>\n"

    shop.chapter("A bad release")
    assert _served(port) == "<h1>Shop 1.1.0</h1>\n"
    assert os.readlink(shop.folder / "current") == "releases/1.1.0"
    assert _releases(shop) == both

    shop.chapter("Roll back")
    assert _served(port) == "<h1>Shop 1.0.0</h1>\n"
    assert os.readlink(shop.folder / "current") == "releases/1.0.0"
    assert _releases(shop) == {"1.0.0": ["health.txt", "index.html"]}

    shop.chapter("Remove it")
    with pytest.raises(OSError, match="refused"):
        _served(port)
    shop.assert_over()


def _served(port: int) -> str:
    with urlopen(f"http://127.0.0.1:{port}/") as answer:
        text: str = answer.read().decode()
    return text


def _releases(shop: Any) -> dict[str, list[str]]:
    folders = (shop.folder / "releases").iterdir()
    return {folder.name: sorted(path.name for path in folder.iterdir()) for folder in folders}
