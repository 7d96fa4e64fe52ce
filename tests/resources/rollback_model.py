"""What a workflow must make of the world and of its state. Knows nothing of the product's code.

The same declarations, and the same people who change things behind the workflow's back, must lead
the product to the same nodes, records, versions and refusals.
"""

from __future__ import annotations

from workflow_model import RunningModel
from world_model import Kill, Killed, Record, Refused, Version


class Model(RunningModel):
    """A workflow that also goes back: to a version, or from what drifted."""

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
        newest, before = self.versions[-1], list(self.unfinished)
        self._settle()
        if self.unfinished != before:
            self._end_version(newest.outputs, "failed")
            self.versions[-1] = self.versions[-1]._replace(going_to=newest.going_to)

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
        assert record.said is not None
        said = record.said._replace(name=record.name, depends_on=record.depends_on)
        if state == "in-sync":
            known = self.records.get(record.identity)
            if known is None or _recorded(known) != _recorded(record):
                self._record(said, record.node, today, record.node)
                self.records[record.identity] = self.records[record.identity]._replace(
                    is_failed=record.is_failed
                )
            return
        remembered = record if today is None and state != "drifted" else today
        self._put(said, record.node, remembered, self.world.look(record.type, record.path))


def _recorded(record: Record) -> tuple[object, ...]:
    """What of a record a version brings back."""
    return (*record[:4], record.depends_on, record.is_failed, record.said)
