"""What a run of a workflow must make of the world and of its state."""

from __future__ import annotations

from collections.abc import Sequence

from state_model import State
from world_model import (
    NEW_MODES,
    Declaration,
    Identity,
    Kill,
    Killed,
    Node,
    Record,
    Refused,
    folders_above,
)


class RunningModel(State):
    """A workflow that runs scripts."""

    def run(self, declared: Sequence[Declaration], *, prune: bool, kill: Kill | None = None) -> str:
        """Run a workflow that publishes its version's number; "success", "failed" or "killed"."""
        self._kill, self._operations, self._left = kill, 0, set()
        outputs = {"number": len(self.versions) + 1}
        self._settle()
        status = "success"
        try:
            done: set[Identity] = set()
            for each in declared:
                self._declare(each, done, prune=prune)
            self._leave(done, prune=prune)
        except Refused:
            status = "failed"
        except Killed:
            status = "killed"
        self._kill = None
        self._end_version(outputs, status)
        return status

    def _declare(self, said: Declaration, done: set[Identity], *, prune: bool) -> None:
        identity = said.type, said.name
        try:
            actual = self.world.look(said.type, said.path)
        except Refused:
            if not prune:
                raise
            self._make_way(said, done)
            actual = self.world.look(said.type, said.path)
        done.add(identity)
        record = self.records.get(identity)
        if record is not None and self._must_stay_until_the_end(record, said):
            self._set_aside(record)
            record = None
        record = record or self._renamed(said, done)
        any_mode = said.mode is None and actual is None
        if record is not None and record.path != said.path:
            wanted = _wanted(said, None, actual)
            self._remove(record)
            record = self._renamed(said, done)
            actual = self.world.look(said.type, said.path)
        else:
            wanted = _wanted(said, record, actual)
            any_mode = any_mode and record is None
            if actual == wanted:
                if record is None or not _says_that(record, said, wanted):
                    self._record(said, wanted, record, actual)
                return
        self._put(said, wanted, record, actual, any_mode=any_mode)

    def _set_aside(self, record: Record) -> None:
        name = f"{record.name} at {self._root}/{record.path}"
        if (record.type, name) in self.records:
            self._forget(record)
        else:
            self._rename(record, name)
        self._left.add((record.type, name))

    def _make_way(self, said: Declaration, done: set[Identity]) -> None:
        """What of another kind is recorded at a place goes if it is declared no more, with what is
        in it."""
        going = [each for each in self.records.values() if each.identity not in done]
        at = [each for each in going if each.path == said.path and each.type != said.type]
        inside = [each for each in going if said.path in folders_above(each.path)]
        for each in self._in_order([*at, *inside])[::-1] if at else ():
            self._remove(each)

    def _must_stay_until_the_end(self, record: Record, said: Declaration) -> bool:
        if record.path in (said.path, *folders_above(said.path)):
            return False
        return any(record.path in folders_above(other.path) for other in self.records.values())

    def _leave(self, done: set[Identity], *, prune: bool) -> None:
        """What is declared no more goes, unless what stays needs it or has its place."""
        left = [each for each in self.records.values() if each.identity not in done]
        going = [each for each in left if prune or each.identity in self._left]
        staying = [each for each in self.records.values() if each not in going]
        places = {each.path for each in staying if each.identity in done}
        forgotten = [each for each in going if each.path in places]
        needed = self._needed(going, forgotten, staying)
        places.update(each.path for each in needed)
        forgotten = [each for each in going if each.path in places and each not in needed]
        for record in self._in_order(left)[::-1]:
            if record in going and record not in needed:
                if record in forgotten:
                    self._forget(record)
                else:
                    self._remove(record)

    def _needed(
        self, going: Sequence[Record], forgotten: Sequence[Record], staying: Sequence[Record]
    ) -> list[Record]:
        """What those that stay depend on, and the folders that they are in."""
        needed: list[Record] = []
        queue = list(staying)
        while queue:
            by = queue.pop()
            for each in going:
                is_in = each not in forgotten and each.path in folders_above(by.path)
                is_in = is_in and each.type != "file"
                if each not in needed and (is_in or by.depends_on == f"{each.type}/{each.name}"):
                    needed.append(each)
                    queue.append(each)
        return needed

    def _renamed(self, said: Declaration, done: set[Identity]) -> Record | None:
        """The record of the same thing by a name that is not declared itself."""
        others = [
            other
            for other in self.records.values()
            if (other.type, other.path) == (said.type, said.path) and other.identity not in done
        ]
        if not others:
            return None
        newest = max(others, key=lambda each: each.updated)
        return self.records[self._rename(newest, said.name)]


def _says_that(record: Record, said: Declaration, node: Node) -> bool:
    """Whether a record says all this already."""
    is_same = record.said is not None and record.said == said._replace(name="")
    return is_same and record.node == node and not record.is_failed


def _wanted(said: Declaration, record: Record | None, actual: Node | None) -> Node:
    """What is said, else what was recorded, else what is there, else as new things are."""
    mode = said.mode
    for known in (record and record.node, actual):
        if mode is None and known is not None:
            mode = known.mode
    return Node(said.type, mode or NEW_MODES[said.type], said.content)
