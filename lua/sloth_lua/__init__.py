"""The Lua sources of the runner, as data. Nothing here runs Lua."""

from __future__ import annotations

import os

_FOLDER = os.path.dirname(__file__)  # pathlib would cost 3 ms of every run's start


def source(name: str) -> bytes:
    """The Lua library file of this name ("log", "state"), as shipped."""
    with open(os.path.join(_FOLDER, f"{name}.lua"), "rb") as file:
        return file.read()


def names() -> list[str]:
    """All library files, sorted."""
    found = (os.path.splitext(name) for name in os.listdir(_FOLDER))
    return sorted(stem for stem, suffix in found if suffix == ".lua")
