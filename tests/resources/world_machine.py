"""A world in a folder that other people change: the real one, and its model with it."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from rollback_model import Model
from world_model import Node, parent_of
from world_scripts import CONTENTS, EVERYWHERE, FILE_MODES, FOLDERS

MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None
"""Where worlds and their states are if there is such a place: syncing them takes no time there."""
BEFORE = ("d", "d/a", "a", "b", "e")
"""Paths where there may be something before the workflow comes, folders first."""
INSTEAD = (
    None,
    None,
    Node("directory", 0o755),
    Node("symlink", None, b"nowhere"),
    Node("file", 0o640, b"theirs"),
)


class ChangingWorld(RuleBasedStateMachine):
    """Works in a folder of its own; the world is the folder `world` in it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.mkdtemp(prefix="sloth-world-", dir=MEMORY)
        self.model = Model(f"{self.folder}/world")
        os.chdir(self.folder)
        os.mkdir("world")
        self.touched: dict[str, int] = {}
        """By path, after which version somebody else changed it last."""

    def teardown(self) -> None:
        os.chdir("/")
        shutil.rmtree(self.folder)

    @initialize(modes=st.dictionaries(st.sampled_from(BEFORE), FILE_MODES, max_size=4))
    def there_is_something_before(self, modes: dict[str, int | None]) -> None:
        for path in BEFORE:
            if path in modes and self.model.world.is_folder(parent_of(path)):
                kind = "directory" if path in FOLDERS else "file"
                mode = (modes[path] or 0o640) | 0o100
                self._make(path, Node(kind, mode, b"before" if kind == "file" else b""))

    @rule(path=st.sampled_from(EVERYWHERE), content=CONTENTS)
    def somebody_writes(self, path: str, content: bytes) -> None:
        node = self.model.world.nodes.get(path, Node("file", 0o644))
        if node.kind == "file" and self.model.world.is_folder(parent_of(path)):
            self._make(path, node._replace(content=content))

    @rule(data=st.data(), bits=st.sampled_from([0o600, 0o711, 0o777]))
    def somebody_changes_a_mode(self, data: st.DataObject, bits: int) -> None:
        nodes = self.model.world.nodes
        paths = sorted(path for path, node in nodes.items() if node.kind != "symlink")
        if paths:
            path = data.draw(st.sampled_from(paths))
            Path("world", path).chmod(bits)
            nodes[path] = nodes[path]._replace(mode=bits)
            self._touch(path)

    @rule(data=st.data(), instead=st.sampled_from(INSTEAD))
    def somebody_replaces(self, data: st.DataObject, instead: Node | None) -> None:
        paths = sorted(self.model.world.nodes.keys() - {"p"})
        if paths:
            path = data.draw(st.sampled_from(paths))
            self._remove(path)
            if instead is not None:
                self._make(path, instead)

    def _make(self, path: str, node: Node) -> None:
        real = Path("world", path)
        if node.kind == "symlink":
            real.symlink_to(node.content.decode())
        elif node.kind == "directory":
            real.mkdir()
        else:
            real.write_bytes(node.content)
        if node.mode is not None:
            real.chmod(node.mode)
        self.model.world.nodes[path] = node
        self._touch(path)

    def _remove(self, path: str) -> None:
        real = Path("world", path)
        if self.model.world.is_folder(path):
            shutil.rmtree(real)
        else:
            real.unlink()
        self.model.world.erase(path)
        self._touch(path)

    def _touch(self, path: str) -> None:
        for each in EVERYWHERE:
            if each == path or each.startswith(f"{path}/"):
                self.touched[each] = len(self.model.versions)

    @invariant()
    def the_world_is_as_the_model_says(self) -> None:
        assert real_world() == self.model.world.nodes


def real_world() -> dict[str, Node]:
    """All that is in the world's folder."""
    nodes = {}
    for folder, folders, files in os.walk("world"):
        for name in (*folders, *files):
            path = os.path.join(folder, name)
            nodes[os.path.relpath(path, "world")] = _node(path)
    return nodes


def _node(path: str) -> Node:
    facts = os.lstat(path)
    mode = stat.S_IMODE(facts.st_mode)
    if stat.S_ISLNK(facts.st_mode):
        return Node("symlink", None, os.readlink(path).encode())
    if stat.S_ISDIR(facts.st_mode):
        return Node("directory", mode)
    return Node("file", mode, Path(path).read_bytes())
