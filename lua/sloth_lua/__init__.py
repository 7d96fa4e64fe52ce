"""The Lua sources of the runner, as data. Nothing here runs Lua."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent


def source(name: str) -> bytes:
    """The Lua library file of this name ("log", "state"), as shipped."""
    return (_FOLDER / f"{name}.lua").read_bytes()


def names() -> list[str]:
    """All library files, sorted."""
    return sorted(path.stem for path in _FOLDER.glob("*.lua"))
