"""A world of files, folders and links, and what a state says of it, as plain values.

Knows nothing of the product's code. Paths are relative to the world's folder; what is at a path is
a `Node`. What cannot be done is refused: where something of another kind is in the way, where a
folder is missing, and where one that must go is not empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

NEW_MODES = {"file": 0o644, "directory": 0o755, "symlink": None}
Identity = tuple[str, str]


class Node(NamedTuple):
    """A thing of the world: a file, a directory or a symlink."""

    kind: str
    mode: int | None = None
    """None for a link, which has none of its own."""
    content: bytes = b""
    """Of a file its bytes, of a link where it points to."""


class Declaration(NamedTuple):
    """What a script says of one resource."""

    type: str
    name: str
    path: str
    content: bytes = b""
    mode: int | None = None
    depends_on: str | None = None


class Record(NamedTuple):
    """What the state says of one resource."""

    type: str
    name: str
    path: str
    node: Node
    origin: Node | None
    """What was there before the workflow had anything to do with it; None: nothing."""
    parents: tuple[str, ...] = ()
    """Folders that were made only to hold it."""
    depends_on: str | None = None
    is_failed: bool = False
    age: int = 0
    """When it was made, in no unit: the older, the less."""
    updated: int = 0
    """When it was last written, in the same unit."""
    said: Declaration | None = None
    """What it was declared as, without a name."""

    @property
    def identity(self) -> Identity:
        return self.type, self.name


class Operation(NamedTuple):
    """A change that a killed run began."""

    verb: str
    record: Record
    began: int
    any_mode: bool = False
    """It was not said which mode the thing shall have."""
    before: Node | None = None
    """What was there when an update or a creation began."""

    def asked_for(self, node: Node) -> bool:
        """Whether a thing is as it was to be made."""
        wanted = self.record.node
        return node == (wanted._replace(mode=node.mode) if self.any_mode else wanted)


class Kill(NamedTuple):
    """Where a run is killed."""

    operation: int
    """Which one of the run, from 1."""
    stage: int
    """0: it was begun. 1: it was done, too. 2: that was recorded, too."""


class Version(NamedTuple):
    """What is known of a version later on."""

    records: Mapping[Identity, Record]
    outputs: Mapping[str, int]
    status: str
    nodes: Mapping[str, Node]
    half_done: frozenset[str]
    """Where changes were begun of which the state does not know how they ended."""
    going_to: int | None = None
    """The version that a rollback which did not get there went to."""


class Refused(Exception):
    """The world is such that the workflow must not go on."""


class Killed(Exception):
    """The run is no more."""


def parent_of(path: str) -> str:
    """The folder that a path is in; "" is the world's own."""
    return path.rpartition("/")[0]


def folders_above(path: str) -> list[str]:
    """The folders that a path is in, the innermost first."""
    folder = parent_of(path)
    return [] if folder == "" else [folder, *folders_above(folder)]


class World:
    """Nodes by path."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}

    def is_folder(self, path: str) -> bool:
        return path == "" or (path in self.nodes and self.nodes[path].kind == "directory")

    def within(self, path: str) -> list[str]:
        return [each for each in self.nodes if each.startswith(f"{path}/")]

    def look(self, kind: str, path: str) -> Node | None:
        """What is there. Raises Refused for a thing of another kind."""
        node = self.nodes.get(path)
        if node is not None and node.kind != kind:
            raise Refused(path)
        return node

    def erase(self, path: str) -> None:
        """A thing and all in it go."""
        for each in (path, *self.within(path)):
            self.nodes.pop(each, None)

    def put(self, path: str, node: Node) -> None:
        """A thing becomes so; a folder with those above it. Raises Refused if it cannot be."""
        if node.kind == "directory":
            self._make_folders_above(path)
        if not self.is_folder(parent_of(path)):
            raise Refused(path)
        self.nodes[path] = node

    def _make_folders_above(self, path: str) -> None:
        folder = parent_of(path)
        if folder != "" and folder not in self.nodes:
            self._make_folders_above(folder)
            if not self.is_folder(parent_of(folder)):
                raise Refused(path)
            self.nodes[folder] = Node("directory", NEW_MODES["directory"])

    def missing_above(self, path: str) -> list[str]:
        missing = []
        folder = parent_of(path)
        while folder not in self.nodes and folder != "":
            missing.append(folder)
            folder = parent_of(folder)
        return missing

    def undo(self, record: Record) -> None:
        """What was there before comes back. Raises Refused for a folder that is not empty."""
        if record.origin is not None:
            self.nodes[record.path] = record.origin
            return
        if record.type == "directory" and self.within(record.path):
            raise Refused(record.path)
        del self.nodes[record.path]
        for folder in record.parents:
            if self.is_folder(folder) and not self.within(folder):
                del self.nodes[folder]
