"""What a workflow must make of the world and of its state. Knows nothing of the product's code.

The same declarations, and the same people who change things behind the workflow's back, must lead
the product to the same nodes, records, versions and refusals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from world_model import (
    NEW_MODES,
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


class Model:
    """A workflow, its state, and the world."""

    def __init__(self) -> None:
        self.world = World()
        self.records: dict[Identity, Record] = {}
        self.versions: list[Version] = []
        self.unfinished: list[Operation] = []
        self._graves: dict[Identity, tuple[int, int]] = {}
        """Version that deleted it, and its age then."""
        self._clock = 0
        self._kill: Kill | None = None
        self._operations = 0

    # -- what a user does --------------------------------------------------------------------

    def run(self, declared: Sequence[Declaration], *, prune: bool, kill: Kill | None = None) -> str:
        """Run a workflow that publishes its version's number; "success", "failed" or "killed"."""
        self._kill, self._operations = kill, 0
        outputs = {"number": len(self.versions) + 1}
        self._settle()
        status = "success"
        try:
            done: set[Identity] = set()
            for each in declared:
                self._declare(each, done)
            if prune:
                left = [each for each in self.records.values() if each.identity not in done]
                for record in self._in_order(left)[::-1]:
                    self._remove(record)
        except Refused:
            status = "failed"
        except Killed:
            status = "killed"
        self._kill = None
        self._end_version(outputs, status)
        return status

    def roll_back(self, number: int, kill: Kill | None = None) -> str:
        """Go back to a version; "rolled_back", "failed", "killed", or "refused" if nothing was
        done."""
        target = self.versions[number - 1]
        self.recover()
        self._kill, self._operations = kill, 0
        status = self._restore(target, "rolled_back")
        self._kill = None
        if status in ("failed", "killed"):
            self.versions[-1] = self.versions[-1]._replace(going_to=number)
        return status

    def reconcile(self) -> str:
        """Put back what drifted from the newest version, likewise; "success" if that went well."""
        self.recover()
        return self._restore(self.versions[-1], "success")

    def recover(self) -> None:
        """Find out what was left half-done, as a version of its own, which counts as failed."""
        if self.unfinished:
            newest = self.versions[-1]
            self._settle()
            self._end_version(newest.outputs, "failed")
            self.versions[-1] = self.versions[-1]._replace(going_to=newest.going_to)

    def drift(self) -> dict[str, str]:
        """What a check must find of each resource, by type/name."""
        return {f"{each.type}/{each.name}": self._state_of(each) for each in self.records.values()}

    # -- a run -------------------------------------------------------------------------------

    def _declare(self, said: Declaration, done: set[Identity]) -> None:
        identity = said.type, said.name
        actual = self.world.look(said.type, said.path)
        done.add(identity)
        record = self.records.get(identity) or self._renamed(said, done)
        if record is not None and record.path != said.path:
            wanted = _wanted(said, None, actual)
            self._remove(record)
            record = self._renamed(said, done)
            actual = self.world.look(said.type, said.path)
        else:
            wanted = _wanted(said, record, actual)
            if actual == wanted:
                self._record(said, wanted, record, actual)
                return
        self._put(said, wanted, record, actual)

    def _renamed(self, said: Declaration, done: set[Identity]) -> Record | None:
        """The record of the same thing by a name that is not declared itself."""
        for other in list(self.records.values()):
            if (other.type, other.path) == (said.type, said.path) and other.identity not in done:
                del self.records[other.identity]
                age = self._age((said.type, said.name), other.age)
                self._bury(other)
                renamed = other._replace(name=said.name, age=age)
                self.records[renamed.identity] = renamed
                self._rename_dependency(f"{other.type}/{other.name}", f"{said.type}/{said.name}")
                return renamed
        return None

    def _rename_dependency(self, old: str, new: str) -> None:
        for identity, record in self.records.items():
            if record.depends_on == old:
                self.records[identity] = record._replace(depends_on=new)

    def _put(
        self, said: Declaration, wanted: Node, record: Record | None, actual: Node | None
    ) -> None:
        """One change of the world, and its record."""
        after = self._as_recorded(said, wanted, record, actual)
        begun = Operation("create" if actual is None else "update", after)
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
        self.records[identity] = after._replace(age=age)

    def _as_recorded(
        self, said: Declaration, node: Node, record: Record | None, actual: Node | None
    ) -> Record:
        origin = actual if record is None else record.origin
        parents = () if record is None else record.parents
        if actual is None and said.type == "directory":
            made = {each for other in self.records.values() for each in other.parents}
            made.update(parents, self.world.missing_above(said.path))
            parents = tuple(each for each in folders_above(said.path) if each in made)
        return Record(said.type, said.name, said.path, node, origin, parents, said.depends_on)

    def _remove(self, record: Record) -> None:
        """Undo all that was done to a thing, unless somebody else has removed it."""
        if self.world.look(record.type, record.path) is None:
            self._forget(record)
            return
        self._change(Operation("delete", record), lambda: self.world.undo(record))
        self._forget(record)
        self._die_at(2)

    # -- kills, and what they leave ------------------------------------------------------------

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
        """Look at what a killed run began; what cannot be read stays unsettled."""
        for operation in list(self.unfinished):
            record = operation.record
            try:
                actual = self.world.look(record.type, record.path)
            except Refused:
                continue
            self.unfinished.remove(operation)
            known = self.records.get(record.identity)
            if operation.verb == "delete":
                if actual is None and known is not None:
                    self._forget(known)
            elif actual is not None:
                age = known.age if known else self._age(record.identity)
                self.records[record.identity] = record._replace(
                    node=actual, is_failed=actual != record.node, age=age
                )

    # -- going back ----------------------------------------------------------------------------

    def _restore(self, target: Version, status: str) -> str:
        today = {(each.type, each.path): each for each in self.records.values()}
        wanted = {(each.type, each.path): each for each in target.records.values()}
        leaving = [
            each
            for each in self._in_order(self.records.values())[::-1]
            if each.identity not in target.records
            or target.records[each.identity].path != each.path
        ]
        going = [
            each
            for each in leaving
            if (each.type, each.path) not in wanted
            and self._state_of(each) in ("in-sync", "drifted")
        ]
        in_the_way = {each.path for each in going}
        for each in (*leaving, *target.records.values()):
            if self._state_of(each) == "unknown" and each.path not in in_the_way:
                return "refused"
        back = [(each, self._state_of(each)) for each in self._in_order(target.records.values())]
        try:
            for each in going:
                self._remove(each)
            for each, state in back:
                self._bring_back(each, state, today.get((each.type, each.path)))
            for each in leaving:
                if each.identity not in target.records and each.identity in self.records:
                    self._forget(each)
        except (Refused, Killed) as error:
            status = "failed" if isinstance(error, Refused) else "killed"
            self._end_version({}, status)
            return status
        self._end_version(target.outputs, status)
        return status

    def _bring_back(self, record: Record, state: str, today: Record | None) -> None:
        said = Declaration(record.type, record.name, record.path, depends_on=record.depends_on)
        if state == "in-sync":
            known = self.records.get(record.identity)
            if known is None or known[:4] != record[:4] or known.is_failed != record.is_failed:
                self._record(said, record.node, today, record.node)
                self.records[record.identity] = self.records[record.identity]._replace(
                    is_failed=record.is_failed
                )
            return
        remembered = record if today is None and state != "drifted" else today
        self._put(said, record.node, remembered, self.world.look(record.type, record.path))

    # -- small things --------------------------------------------------------------------------

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
        self._graves[record.identity] = len(self.versions), record.age

    def _age(self, identity: Identity, age: int | None = None) -> int:
        """The age of a new record, which may be said; what this version itself deleted is as old
        as it was."""
        buried_in, old = self._graves.get(identity, (-1, 0))
        if buried_in == len(self.versions):
            return old
        self._clock += 1
        return age if age is not None and buried_in == -1 else self._clock

    def _end_version(self, outputs: Mapping[str, int], status: str) -> None:
        half_done = frozenset(each.record.path for each in self.unfinished)
        records, nodes = dict(self.records), dict(self.world.nodes)
        self.versions.append(Version(records, outputs, status, nodes, half_done))

    def _in_order(self, records: Iterable[Record]) -> list[Record]:
        """Each after what it depends on, else by age."""
        left = sorted(records, key=lambda each: (each.age, *each.identity))
        ordered: list[Record] = []
        while left:
            names = {f"{each.type}/{each.name}" for each in left}
            free = [each for each in left if each.depends_on not in names]
            ordered.append((free or left)[0])
            left.remove(ordered[-1])
        return ordered


def _wanted(said: Declaration, record: Record | None, actual: Node | None) -> Node:
    """What is said, else what was recorded, else what is there, else as new things are."""
    mode = said.mode
    for known in (record and record.node, actual):
        if mode is None and known is not None:
            mode = known.mode
    return Node(said.type, mode or NEW_MODES[said.type], said.content)
