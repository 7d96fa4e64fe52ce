"""A workflow file as it lies on disk, before any Lua runs."""

from __future__ import annotations

import errno
import os
from typing import NamedTuple

from sloth_runner.errors import ScriptNotFound, ScriptUnreadable
from sloth_state.values import MAX_BYTES

# Lua shortens longer chunk names to "...", which would spoil every message.
LONGEST_CHUNK_NAME = 55
"""Bytes."""
_LONGEST_EXCERPT = 300
"""Characters of a line that are shown. Lua does not tell at which of them an error is."""
_IN_NO_TEXT = bytes([*range(0x07), *range(0x0E, 0x1A), *range(0x1C, 0x20)])
"""Bytes that no text has. Others that are no UTF-8 may stand in a string of Lua."""


class Script(NamedTuple):
    """The text of a workflow file and what it is called in messages."""

    path: str
    """As given by the user."""
    name: str
    """How Lua's messages name the file: the path, or its last part if that is too long."""
    source: bytes

    @property
    def folder(self) -> str:
        """The folder that holds the file, absolute."""
        return os.path.dirname(os.path.abspath(self.path))

    @property
    def stem(self) -> str:
        """The file's name without its last suffix."""
        return os.path.splitext(os.path.basename(self.path))[0]

    @property
    def lua(self) -> bytes:
        """The source as Lua takes it: no byte order mark, a `#!` line as a comment."""
        text = self.source.removeprefix(b"\xef\xbb\xbf")
        return b"--" + text if text.startswith(b"#") else text

    def excerpt(self, where: str | None) -> str | None:
        """The line that "deploy.sloth:12" means, of this file or of a module; None if unknown."""
        name, _, line = (where or "").rpartition(":")
        if not line.isdigit():
            return None
        lines = (self.source if name == self.name else _content(name)).splitlines()
        number = int(line)
        if not 1 <= number <= len(lines):
            return None
        text = lines[number - 1].decode(errors="replace")
        cut = "…" if len(text) > _LONGEST_EXCERPT else ""
        return f"{number:>5} | {text[:_LONGEST_EXCERPT]}{cut}"


def read_script(path: str) -> Script:
    """Read a workflow file. Raises ScriptNotFound or ScriptUnreadable; does not check its Lua."""
    try:
        with open(path, "rb") as file:
            source = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ScriptNotFound(path, nearest_files(path)) from None
    except IsADirectoryError:
        raise ScriptUnreadable(path, "is a folder", hint=_name_a_file_in(path)) from None
    except OSError as error:
        hint = "Run it as a user who may read it." if error.errno == errno.EACCES else None
        raise ScriptUnreadable(path, f"cannot be read: {error.strerror}", hint=hint) from None
    if len(source) > MAX_BYTES:
        raise ScriptUnreadable(path, f"has more than {MAX_BYTES:,} bytes")
    if source.translate(None, _IN_NO_TEXT) != source or source.startswith(b"\x1b"):
        raise ScriptUnreadable(
            path, "is a binary file, not Lua text", hint="Workflow files are Lua source."
        )
    return Script(path, chunk_name(path), source)


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except (OSError, ValueError):
        return b""


def chunk_name(path: str) -> str:
    """How Lua names a file: as text, in which bytes that are no UTF-8 are U+FFFD."""
    name = os.fsencode(path).decode(errors="replace")
    if len(name.encode()) > LONGEST_CHUNK_NAME:
        name = os.fsencode(os.path.basename(path)).decode(errors="replace")
    while len(name.encode()) > LONGEST_CHUNK_NAME:
        name = name[1:]
    return name


def _workflow_files(folder: str) -> list[str]:
    try:
        return sorted(
            name for name in os.listdir(folder or ".") if name.endswith((".sloth", ".lua"))
        )
    except OSError:
        return []


def nearest_files(path: str) -> list[str]:
    """Workflow files in the same folder whose names look most like this one's, best first."""
    import difflib

    folder, name = os.path.split(path)
    found = difflib.get_close_matches(name, _workflow_files(folder), n=3)
    return [os.path.join(folder, match) for match in found]


def _name_a_file_in(folder: str) -> str:
    found = [os.path.join(folder, name) for name in _workflow_files(folder)]
    return f"Name a file in it: {', '.join(found[:3])}" if found else "Name a .sloth file."
