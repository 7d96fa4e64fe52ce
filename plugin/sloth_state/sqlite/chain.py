"""Checking versions against the rows they were made of, by making their hashes anew."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from sloth_state.model import Action, Problem, RunStatus
from sloth_state.sqlite.checksums import closed_row_checksum
from sloth_state.sqlite.intervals import State
from sloth_state.sqlite.resource_rows import SELECT_CURRENT, SELECT_PAST
from sloth_state.sqlite.run_rows import SELECT_RUNS, checked_run
from sloth_state.sqlite.tables import RESOURCES
from sloth_state.sqlite.version_rows import hash_of, module_hashes, output_checksums, version_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sloth_state.sqlite.connection import Connection
    from sloth_state.sqlite.run_rows import RunRow
    from sloth_state.sqlite.version_rows import VersionRow


class Replay:
    """What each version did to resources, found out from all their states, past and current."""

    def __init__(self, db: Connection) -> None:
        self.checksums: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        self.actions: defaultdict[tuple[int, int], Counter[str]] = defaultdict(Counter)
        self.growth: Counter[tuple[int, int]] = Counter()
        for select in (SELECT_CURRENT, SELECT_PAST):
            for row in db.stream(select):
                self._add(State(*row[1:13]), valid_to=row[14])

    def _add(self, state: State, valid_to: int | None) -> None:
        opened = state.workflow_key, state.valid_from
        is_live = state.action != Action.DELETE
        checksum = RESOURCES.checksum(state)
        self.checksums[opened].append(checksum)
        self.actions[opened][state.action] += 1
        self.growth[opened] += is_live
        if valid_to is not None:
            closed = state.workflow_key, valid_to
            self.checksums[closed].append(closed_row_checksum(checksum, valid_to))
            self.growth[closed] -= is_live


class Link(NamedTuple):
    """A version with what its successor needs to know about it."""

    run: RunRow
    version: VersionRow
    resource_count: int


def check_versions(db: Connection) -> Iterator[Problem]:
    """Walk the versions of each workflow from the first on."""
    replay = Replay(db)
    unclaimed = set(replay.checksums)
    parent: Link | None = None
    for row in db.select(f"{SELECT_RUNS} ORDER BY r.workflow_key, r.version"):
        run = checked_run(db, row)
        key = run.workflow_key, run.version
        if parent is not None and parent.run.workflow_key != run.workflow_key:
            parent = None
        count = replay.growth[key] + (parent.resource_count if parent else 0)
        link = Link(run, version_of(db, run), count)
        for what in _wrong(db, replay, link, parent):
            yield Problem(f"{run.name} version {run.version}", what)
        unclaimed.discard(key)
        parent = link
    for workflow_key, number in sorted(unclaimed):
        place = f"workflows row {workflow_key}"
        yield Problem(place, f"has resources of version {number}, which does not exist")


def _wrong(db: Connection, replay: Replay, link: Link, parent: Link | None) -> Iterator[str]:
    """What is wrong with one version."""
    run, version, _ = link
    if version.parent != (parent.run.version if parent else None):
        yield f"says that it was made from version {version.parent}"
    if parent is not None and parent.version.hash is None:
        yield f"follows version {parent.run.version}, which has not ended"
    is_final = run.status != RunStatus.RUNNING
    if {run.completed_at is None, run.resource_count is None, version.hash is None} != {
        not is_final
    }:
        yield f"is {run.status}, but its end is not recorded as that says"
    elif is_final:
        yield from _wrong_when_final(db, replay, link, parent)


def _wrong_when_final(
    db: Connection, replay: Replay, link: Link, parent: Link | None
) -> Iterator[str]:
    run, version, count = link
    key = run.workflow_key, run.version
    if run.resource_count != count:
        yield f"says it has {run.resource_count} resources, and has {count}"
    for action, said in (
        (Action.CREATE, version.created),
        (Action.UPDATE, version.updated),
        (Action.DELETE, version.deleted),
        (Action.READ, version.read),
    ):
        counted = replay.actions[key][action]
        if counted != said:
            yield f"says {said} times {action}, and its resources say {counted} times"
    parent_hash = parent.version.hash if parent else None
    outputs = output_checksums(db, run.run_key)
    modules = module_hashes(db, run.run_key)
    if hash_of(run, version, parent_hash, replay.checksums[key], outputs, modules) != version.hash:
        yield "does not have the hash of its content: it was changed after it had ended"
