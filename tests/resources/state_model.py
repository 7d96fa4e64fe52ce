"""The state of a workflow beside the world it manages, and each single change of both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from world_model import (
    Declaration,
    Identity,
    Kill,
    Killed,
    Node,
    Operation,
    Record,
    Refused,
    Version,
    World,
    folders_above,
)


class State:
    """Records and versions, what killed runs began, and the world."""

    def __init__(self, root: str) -> None:
        """`root`: the world's folder, for a name has it in it."""
        self.world = World()
        self._root = root
        self.records: dict[Identity, Record] = {}
        self.versions: list[Version] = []
        self.unfinished: list[Operation] = []
        self._graves: dict[Identity, tuple[int, int]] = {}
        """Version that deleted it, and its age then."""
        self._clock = 0
        self._kill: Kill | None = None
        self._operations = 0
        self._left: set[Identity] = set()
        """Folders that moved in this run left these, because things were in them."""

    def drift(self) -> dict[str, str]:
        """What a check must find of each resource, by type/name."""
        return {f"{each.type}/{each.name}": self._state_of(each) for each in self.records.values()}

    def _rename(self, record: Record, name: str) -> Identity:
        del self.records[record.identity]
        age = self._age((record.type, name), record.age)
        self._bury(record)
        renamed = record._replace(name=name, age=age, updated=self._now())
        self.records[renamed.identity] = renamed
        self._rename_dependency(f"{record.type}/{record.name}", f"{record.type}/{name}")
        return renamed.identity

    def _rename_dependency(self, old: str, new: str) -> None:
        for identity, record in self.records.items():
            if record.depends_on == old:
                self.records[identity] = record._replace(depends_on=new, updated=self._now())

    def _put(
        self,
        said: Declaration,
        wanted: Node,
        record: Record | None,
        actual: Node | None,
        *,
        any_mode: bool = False,
    ) -> None:
        """One change of the world, and its record."""
        after = self._as_recorded(said, wanted, record, actual)
        verb = "create" if actual is None else "update"
        begun = Operation(verb, after, self._now(), any_mode, before=actual)
        self._change(begun, lambda: self.world.put(said.path, wanted))
        self._record(said, wanted, after, actual)
        self._die_at(2)

    def _record(
        self, said: Declaration, node: Node, record: Record | None, actual: Node | None
    ) -> None:
        identity = said.type, said.name
        known = self.records.get(identity)
        age = known.age if known else self._age(identity)
        after = self._as_recorded(said, node, record, actual)
        self.records[identity] = after._replace(age=age, updated=self._now())

    def _as_recorded(
        self, said: Declaration, node: Node, record: Record | None, actual: Node | None
    ) -> Record:
        origin = actual if record is None else record.origin
        parents = () if record is None else record.parents
        if actual is None and said.type == "directory":
            made = {each for other in self.records.values() for each in other.parents}
            made.update(parents, self.world.missing_above(said.path))
            parents = tuple(each for each in folders_above(said.path) if each in made)
        return Record(
            said.type,
            said.name,
            said.path,
            node,
            origin,
            parents,
            said.depends_on,
            said=said._replace(name=""),
        )

    def _remove(self, record: Record) -> None:
        """Undo all that was done to a thing, unless somebody else has removed it."""
        if self.world.look(record.type, record.path) is None:
            self._forget(record)
            return
        self._change(Operation("delete", record, self._now()), lambda: self.world.undo(record))
        self._forget(record)
        self._die_at(2)

    def _change(self, operation: Operation, effect: Callable[[], None]) -> None:
        """Begin a change, make it, and end it, also if it is refused."""
        self._operations += 1
        self.unfinished.append(operation)
        self._die_at(0)
        try:
            effect()
            self._die_at(1)
        except Refused:
            self.unfinished.remove(operation)
            raise
        self.unfinished.remove(operation)

    def _die_at(self, stage: int) -> None:
        if self._kill == (self._operations, stage):
            raise Killed

    def _settle(self) -> None:
        """Look at what a killed run began; what cannot be read stays unsettled, and so does what it
        was to make where something else is now."""
        for operation in list(self.unfinished):
            record = operation.record
            try:
                actual = self.world.look(record.type, record.path)
            except Refused:
                continue
            dealt_with = self._is_dealt_with(operation)
            is_theirs = actual is not None and not operation.asked_for(actual)
            is_whole = operation.verb == "create" and record.type != "directory"
            if is_whole and is_theirs and not dealt_with:
                continue
            self.unfinished.remove(operation)
            known = self.records.get(record.identity)
            if operation.verb == "delete":
                if actual is None and known is not None:
                    self._forget(known)
            elif is_theirs and actual == operation.before:
                continue
            elif actual is not None and not (operation.verb == "create" and dealt_with):
                age = known.age if known else self._age(record.identity)
                self.records[record.identity] = record._replace(
                    node=actual, is_failed=is_theirs, age=age, updated=self._now()
                )

    def _is_dealt_with(self, operation: Operation) -> bool:
        """Whether a later run has recorded the thing."""
        wanted = operation.record
        return any(
            (each.type, each.path) == (wanted.type, wanted.path) and each.updated > operation.began
            for each in self.records.values()
        )

    def _state_of(self, record: Record) -> str:
        try:
            actual = self.world.look(record.type, record.path)
        except Refused:
            return "unknown"
        if actual is None:
            return "missing"
        return "in-sync" if actual == record.node else "drifted"

    def _forget(self, record: Record) -> None:
        known = self.records.pop(record.identity, None)
        if known is not None:
            self._bury(known)

    def _bury(self, record: Record) -> None:
        """What only this version made leaves no trace."""
        if self.versions and record.identity in self.versions[-1].records:
            self._graves[record.identity] = len(self.versions), record.age

    def _age(self, identity: Identity, age: int | None = None) -> int:
        """The age of a new record, which may be said; what this version itself deleted is as old
        as it was."""
        buried_in, old = self._graves.get(identity, (-1, 0))
        if buried_in == len(self.versions):
            return old
        now = self._now()
        return age if age is not None and buried_in == -1 else now

    def _now(self) -> int:
        self._clock += 1
        return self._clock

    def _end_version(self, outputs: Mapping[str, int], status: str) -> None:
        half_done = frozenset(each.record.path for each in self.unfinished)
        records, nodes = dict(self.records), dict(self.world.nodes)
        self.versions.append(Version(records, outputs, status, nodes, half_done))

    def _in_order(self, records: Iterable[Record]) -> list[Record]:
        """Each after what it depends on and the folders it is in, else by age."""
        left = sorted(records, key=lambda each: (each.age, *each.identity))
        ordered: list[Record] = []
        while left:
            names = {f"{each.type}/{each.name}" for each in left}
            paths = {each.path for each in left}
            free = [
                each
                for each in left
                if each.depends_on not in names and paths.isdisjoint(folders_above(each.path))
            ]
            ordered.append((free or left)[0])
            left.remove(ordered[-1])
        return ordered
