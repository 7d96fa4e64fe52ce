"""Proof that the records of a history are what was exported: its chain of hashes made anew."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from sloth_state.errors import HistoryRefused
from sloth_state.sqlite.checksums import closed_row_checksum
from sloth_state.sqlite.history_shapes import OF_RUNS, RUN, STATE, VERSION
from sloth_state.sqlite.run_rows import RunRow
from sloth_state.sqlite.version_rows import VersionRow, hash_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sloth_state.model import HistoryRecord


class _Link(NamedTuple):
    """A version of the history, and what its hash covers beside the resources."""

    run: RunRow
    version: VersionRow
    outputs: list[int]
    modules: dict[str, str]
    anchor: dict[str, Any] | None
    """Stands in for the version before, if that was pruned."""


class ChainCheck:
    """Takes a history's records and, at the end, says whether its hashes hold."""

    def __init__(self, workflow: str) -> None:
        self._workflow = workflow
        self._links: dict[int, _Link] = {}
        self._checksums: defaultdict[int, list[int]] = defaultdict(list)

    def run(self, records: Iterator[HistoryRecord]) -> dict[int, str]:
        """Look at all records. The hash of each version, by its number.

        Raises HistoryRefused if they do not fit each other. Not covered by hashes are tasks,
        steps, events, operations, tags, detections and the audit trail.
        """
        for section, record in records:
            if section == "versions":
                self._add_version(record)
            elif section == "resources":
                self._add_resource(record)
        if not self._links:
            raise HistoryRefused(f"the history of {self._workflow} has no versions")
        self._check()
        return {number: str(link.version.hash) for number, link in self._links.items()}

    def _add_version(self, record: dict[str, Any]) -> None:
        keys = record["hashed_with"]
        run_key = keys["run_key"]
        facts = RUN.row(record["run"], workflow_key=keys["workflow_key"], locked_by=None)
        run = RunRow._make([run_key, *facts, 0, self._workflow])
        columns = VERSION.row(record["version"], source_key=None, values_key=None)
        hashes = record["source"], record["values"]
        version = VersionRow._make([run_key, *columns, 0, *hashes])
        shape = OF_RUNS["outputs"]
        outputs = [
            shape.table.checksum(shape.row(each, run_key=run_key)) for each in record["outputs"]
        ]
        self._links[run.version] = _Link(run, version, outputs, record["modules"], record["anchor"])

    def _add_resource(self, record: dict[str, Any]) -> None:
        starts = [*(state["valid_from"] for state in record["states"][1:]), None]
        for state, following in zip(record["states"], starts, strict=True):
            start, end = state["valid_from"], state["valid_to"]
            if not self._follows(end, following):
                raise self._broken(f"states of {record['type']}/{record['name']} are missing")
            row = STATE.row(
                state, workflow_key=None, id=record["id"], type=record["type"], name=record["name"]
            )
            if start in self._links:  # it may have been pruned
                self._checksums[start].append(self._checksum(row, start))
            if end in self._links:
                self._checksums[end].append(closed_row_checksum(self._checksum(row, end), end))

    def _checksum(self, row: list[Any], version: int) -> int:
        """The checksum of a state's row as the hash of a version covers it."""
        return STATE.table.checksum([self._links[version].run.workflow_key, *row[1:]])

    def _follows(self, end: int | None, following: int | None) -> bool:
        """Whether a state may end there if the next begins there: only what was pruned is not
        there in between."""
        if end is None or following is None:
            return end is following
        return end <= following and not any(
            number in self._links for number in range(end, following)
        )

    def _check(self) -> None:
        parent: int | None = None
        parent_hash: str | None = None
        for number in sorted(self._links):
            run, version, outputs, modules, anchor = self._links[number]
            checksums = self._checksums[number]
            if anchor is not None:
                parent, parent_hash = number - 1, anchor["parent_hash"]
                checksums += anchor["closed"]
            hash = hash_of(run, version, parent_hash, checksums, outputs, modules)
            if version.parent != parent or version.hash != hash:
                raise self._broken(f"version {number} does not have the hash of its content")
            parent, parent_hash = number, hash

    def _broken(self, what: str) -> HistoryRefused:
        return HistoryRefused(
            f"the history of {self._workflow} is broken: {what}",
            hint="Export it again where it comes from.",
        )
