"""The Lua sources of the runner, as data. Nothing here runs Lua."""

from __future__ import annotations

import os

_FOLDER = os.path.dirname(__file__)  # pathlib would cost 3 ms of every run's start


def source(name: str) -> bytes:
    """The Lua library file of this name ("log", "state"), as shipped."""
    with open(os.path.join(_FOLDER, f"{name}.lua"), "rb") as file:
        return file.read()


def on_first_use(name: str) -> bytes:
    """Lua for a module whose own source is read and compiled when a script uses it."""
    return f'return (...).on_first_use("{name}")'.encode()


def providers() -> list[str]:
    """The types of resources that have a provider here, sorted."""
    return _names_in(os.path.join(_FOLDER, "providers"))


def starter() -> bytes:
    """The workflow file that `init` writes, with @NAME@ for its name."""
    with open(os.path.join(_FOLDER, "starter.sloth"), "rb") as file:
        return file.read()


def definitions_folder() -> str:
    """Where the descriptions of globals and modules are that editors read."""
    return os.path.join(_FOLDER, "definitions")


def names() -> list[str]:
    """All library files, sorted."""
    return _names_in(_FOLDER)


def _names_in(folder: str) -> list[str]:
    found = (os.path.splitext(name) for name in os.listdir(folder))
    return sorted(stem for stem, suffix in found if suffix == ".lua")
