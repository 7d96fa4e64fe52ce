"""Checking versions against the rows they were made of, by making their hashes anew."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from sloth_state.model import Action, Problem, RunStatus
from sloth_state.sqlite.anchors import anchors
from sloth_state.sqlite.checksums import closed_row_checksum
from sloth_state.sqlite.resource_rows import SELECT_CURRENT, SELECT_PAST, VALID_TO
from sloth_state.sqlite.resource_states import state_of
from sloth_state.sqlite.run_rows import SELECT_RUNS, checked_run, update_run
from sloth_state.sqlite.tables import RESOURCES
from sloth_state.sqlite.version_rows import (
    hash_of,
    hashed_workflow_keys,
    module_hashes,
    output_checksums,
    update_version,
    version_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sloth_state.sqlite.anchors import Anchor
    from sloth_state.sqlite.connection import Connection
    from sloth_state.sqlite.intervals import State
    from sloth_state.sqlite.run_rows import RunRow
    from sloth_state.sqlite.version_rows import VersionRow


class Replay:
    """What each version did to resources, found out from all their states, past and current.

    Of one workflow, or of all. The checksums are those that the hashes of versions cover.
    """

    def __init__(self, db: Connection, workflow_key: int | None = None) -> None:
        self._hashed_as = hashed_workflow_keys(db)
        self.checksums: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        self.actions: defaultdict[tuple[int, int], Counter[str]] = defaultdict(Counter)
        self.growth: Counter[tuple[int, int]] = Counter()
        for select in (SELECT_CURRENT, SELECT_PAST):
            one = f"{select} WHERE (?1 IS NULL OR r.workflow_key = ?1)"
            for row in db.stream(one, (workflow_key,)):
                self._add(state_of(row), row[VALID_TO])

    def add_pruned(self, run: RunRow, anchor: Anchor) -> None:
        """Count what a version ended and that is gone."""
        key = run.workflow_key, run.version
        self.checksums[key] += anchor.closed
        self.growth[key] -= anchor.closed_live

    def _add(self, state: State, valid_to: int | None) -> None:
        opened = state.workflow_key, state.valid_from
        is_live = state.action != Action.DELETE
        checksum = RESOURCES.checksum(state)
        self.checksums[opened].append(self._hashed(state, checksum, state.valid_from))
        self.actions[opened][state.action] += 1
        self.growth[opened] += is_live
        if valid_to is not None:
            closed = state.workflow_key, valid_to
            hashed = self._hashed(state, checksum, valid_to)
            self.checksums[closed].append(closed_row_checksum(hashed, valid_to))
            self.growth[closed] -= is_live

    def _hashed(self, state: State, checksum: int, version: int) -> int:
        """The checksum of a state's row, where the version was made if that was another store."""
        workflow_key = self._hashed_as.get((state.workflow_key, version))
        if workflow_key is None:
            return checksum
        return RESOURCES.checksum(state._replace(workflow_key=workflow_key))


class Link(NamedTuple):
    """A version with what it and its successor need to know about what was before."""

    run: RunRow
    version: VersionRow
    resource_count: int
    parent: int | None
    """The version before it; None for the first."""
    parent_hash: str | None


def check_versions(db: Connection) -> Iterator[Problem]:
    """Walk the versions of each workflow from the first on."""
    replay = Replay(db)
    known_anchors = anchors(db)
    unclaimed = set(replay.checksums)
    before: Link | None = None
    for row in db.select(f"{SELECT_RUNS} ORDER BY r.workflow_key, r.version"):
        run = checked_run(db, row)
        if before is not None and before.run.workflow_key != run.workflow_key:
            before = None
        anchor = known_anchors.get(run.run_key)
        if anchor is not None:
            replay.add_pruned(run, anchor)
            unclaimed -= _pruned(unclaimed, before, run)
        link = link_of(db, replay, run, before, anchor)
        for what in wrong_with(db, replay, link, None if anchor else before):
            yield Problem(f"{run.name} version {run.version}", what)
        unclaimed.discard((run.workflow_key, run.version))
        before = link
    for workflow_key, number in sorted(unclaimed):
        place = f"workflows row {workflow_key}"
        yield Problem(place, f"has resources of version {number}, which does not exist")


def _pruned(
    versions: set[tuple[int, int]], before: Link | None, run: RunRow
) -> set[tuple[int, int]]:
    """Those of the versions that were between two that are there."""
    first = before.run.version if before else 0
    return {
        each for each in versions if each[0] == run.workflow_key and first < each[1] < run.version
    }


def link_of(
    db: Connection, replay: Replay, run: RunRow, before: Link | None, anchor: Anchor | None
) -> Link:
    """A version, as it should be seen after the one before it, or after what stands in for that."""
    growth = replay.growth[run.workflow_key, run.version]
    version = version_of(db, run)
    if anchor is not None:
        count = anchor.parent_resource_count + growth
        return Link(run, version, count, run.version - 1, anchor.parent_hash)
    if before is None:
        return Link(run, version, growth, None, None)
    count = before.resource_count + growth
    return Link(run, version, count, before.run.version, before.version.hash)


def wrong_with(db: Connection, replay: Replay, link: Link, parent: Link | None) -> Iterator[str]:
    """What is wrong with one version."""
    run, version, *_ = link
    if version.parent != link.parent:
        yield f"says that it was made from version {version.parent}"
    if parent is not None and parent.version.hash is None:
        yield f"follows version {parent.run.version}, which has not ended"
    is_final = run.status != RunStatus.RUNNING
    if {run.completed_at is None, run.resource_count is None, version.hash is None} != {
        not is_final
    }:
        yield f"is {run.status}, but its end is not recorded as that says"
    elif is_final:
        yield from _wrong_when_final(db, replay, link)


def _wrong_when_final(db: Connection, replay: Replay, link: Link) -> Iterator[str]:
    run, version, count, *_ = link
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
    if _hash(db, replay, link) != version.hash:
        yield "does not have the hash of its content: it was changed after it had ended"


def _hash(db: Connection, replay: Replay, link: Link) -> str:
    run, version, _, _, parent_hash = link
    changed = replay.checksums[run.workflow_key, run.version]
    outputs = output_checksums(db, run.run_key)
    modules = module_hashes(db, run.run_key)
    return hash_of(run, version, parent_hash, changed, outputs, modules)


def recounted(db: Connection, replay: Replay, link: Link) -> Link:
    """The same version with the counts, the parent and the hash that it should have."""
    actions = replay.actions[link.run.workflow_key, link.run.version]
    version = link.version._replace(
        parent=link.parent,
        created=actions[Action.CREATE],
        updated=actions[Action.UPDATE],
        deleted=actions[Action.DELETE],
        read=actions[Action.READ],
        unchanged=link.version.unchanged or 0,
    )
    run = link.run._replace(resource_count=link.resource_count)
    link = link._replace(run=run, version=version)
    return link._replace(version=version._replace(hash=_hash(db, replay, link)))


def write_link(db: Connection, link: Link) -> None:
    """Write a version that was recounted back to its rows. Part of a transaction."""
    update_run(db, link.run)
    update_version(db, link.version)
