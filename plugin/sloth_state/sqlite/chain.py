"""Checking versions against the rows they were made of, by making their hashes anew."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from sloth_state.model import Action, Problem, RunStatus
from sloth_state.sqlite.checksums import closed_row_checksum, row_checksum
from sloth_state.sqlite.connection import Connection
from sloth_state.sqlite.intervals import State
from sloth_state.sqlite.resource_rows import SELECT_CURRENT, SELECT_PAST
from sloth_state.sqlite.run_rows import SELECT_RUNS, RunRow
from sloth_state.sqlite.version_rows import VersionRow, hash_of, output_checksums, version_of


class Replay:
    """What each version did to resources, found out from all their states, past and current."""

    def __init__(self, db: Connection) -> None:
        self.checksums: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        self.actions: defaultdict[tuple[int, int], Counter[str]] = defaultdict(Counter)
        self.growth: Counter[tuple[int, int]] = Counter()
        for select in (SELECT_CURRENT, SELECT_PAST):
            for row in db.stream(select):
                self._add(State(*row[1:12]), valid_to=row[13])

    def _add(self, state: State, valid_to: int | None) -> None:
        opened = state.workflow_key, state.valid_from
        is_live = state.action != Action.DELETE
        checksum = row_checksum(*state)
        self.checksums[opened].append(checksum)
        self.actions[opened][state.action] += 1
        self.growth[opened] += is_live
        if valid_to is not None:
            closed = state.workflow_key, valid_to
            self.checksums[closed].append(closed_row_checksum(checksum, valid_to))
            self.growth[closed] -= is_live


def check_versions(db: Connection) -> Iterator[Problem]:
    """Walk the versions of each workflow from the first on."""
    replay = Replay(db)
    known = set()
    parent: tuple[RunRow, VersionRow] | None = None
    for row in db.select(f"{SELECT_RUNS} ORDER BY r.workflow_key, r.version"):
        run = RunRow(*row)
        if parent is not None and parent[0].workflow_key != run.workflow_key:
            parent = None
        version = version_of(db, run)
        known.add((run.workflow_key, run.version))
        for what in _wrong(db, replay, run, version, parent):
            yield Problem(f"{run.name} version {run.version}", what)
        parent = run, version
    for workflow_key, number in sorted(replay.checksums.keys() - known):
        yield Problem(f"workflow {workflow_key}", f"has resources of version {number} but no such version")


def _wrong(
    db: Connection,
    replay: Replay,
    run: RunRow,
    version: VersionRow,
    parent: tuple[RunRow, VersionRow] | None,
) -> Iterator[str]:
    """What is wrong with one version, `parent` being the one before it."""
    ...
