"""Dropping old versions so that those which stay can still be shown whole and be checked."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from sloth_state.errors import UsageError
from sloth_state.sqlite.anchors import Anchor, anchors, save_anchor
from sloth_state.sqlite.checksums import closed_row_checksum
from sloth_state.sqlite.contents import remove_unused_contents
from sloth_state.sqlite.intervals import is_live
from sloth_state.sqlite.resource_rows import SELECT_PAST, VALID_TO
from sloth_state.sqlite.resource_states import state_of
from sloth_state.sqlite.tables import RESOURCES
from sloth_state.sqlite.version_rows import hashed_workflow_keys
from sloth_state.sqlite.versions import no_such_version

if TYPE_CHECKING:
    from sloth_state.sqlite.connection import Connection

_CONTENT_HASH = re.compile(r"[0-9a-f]{64}")


class _Version(NamedTuple):
    """A version as others refer to it."""

    version: int
    run_key: int
    hash: str
    resource_count: int


class _PastState(NamedTuple):
    """A state of a resource that no version shows any more."""

    key: int
    valid_to: int
    checksum: int
    """As the hash of the version that ended it covers it."""
    is_live: bool


def drop_versions(db: Connection, name: str, workflow_key: int, versions: set[int]) -> None:
    """Delete versions of a workflow with all that only they have. Part of a transaction.

    Raises ReferenceNotFound, and UsageError if the newest is among them.
    """
    known = _versions(db, workflow_key)
    if missing := versions - known.keys():
        raise no_such_version(name, min(missing))
    if max(known) in versions:
        raise UsageError(f"version {max(versions)} of {name} is the newest, and stays")
    unseen = _unseen_states(db, workflow_key, sorted(known.keys() - versions))
    _keep_anchors(db, known, versions, unseen)
    db.write_many(
        "DELETE FROM workflow_resource_history WHERE history_key = ?",
        [(state.key,) for state in unseen],
    )
    db.write_many(
        "DELETE FROM drift_detections WHERE version = ? AND resource_key IN "
        "(SELECT resource_key FROM workflow_resources WHERE workflow_key = ?)",
        [(version, workflow_key) for version in versions],
    )
    # Outputs, tasks, operations and whatever else belongs to a run goes with it.
    db.write_many(
        "DELETE FROM workflow_states WHERE run_key = ?",
        [(known[version].run_key,) for version in versions],
    )
    _remove_forgotten_resources(db, workflow_key)
    _remove_unnamed_contents(db, workflow_key)
    remove_unused_contents(db)


def _versions(db: Connection, workflow_key: int) -> dict[int, _Version]:
    rows = db.select(
        "SELECT version, run_key, hash, r.resource_count FROM workflow_states r "
        "JOIN state_versions USING (run_key) WHERE workflow_key = ?",
        (workflow_key,),
    )
    return {row[0]: _Version(*row) for row in rows}


def _unseen_states(db: Connection, workflow_key: int, kept: list[int]) -> list[_PastState]:
    """The past states of resources that none of the versions has."""
    hashed_as = hashed_workflow_keys(db)
    unseen = []
    for row in db.stream(f"{SELECT_PAST} WHERE h.workflow_key = ?", (workflow_key,)):
        state, valid_to = state_of(row), row[VALID_TO]
        following = bisect_left(kept, state.valid_from)
        if following == len(kept) or kept[following] >= valid_to:
            hashed_key = hashed_as.get((workflow_key, valid_to), workflow_key)
            checksum = RESOURCES.checksum(state._replace(workflow_key=hashed_key))
            closed = closed_row_checksum(checksum, valid_to)
            unseen.append(_PastState(row[0], valid_to, closed, is_live(state)))
    return unseen


def _keep_anchors(
    db: Connection, known: dict[int, _Version], dropped: set[int], unseen: list[_PastState]
) -> None:
    """Write what versions that stay need of those right before them, and of their resources."""
    written = anchors(db)
    needed: dict[int, Anchor] = {}
    for number in known.keys() - dropped:
        if number - 1 in dropped:
            parent = known[number - 1]
            needed[number] = Anchor(parent.hash, parent.resource_count, [])
        elif known[number].run_key in written:
            needed[number] = written[known[number].run_key]
    for state in unseen:
        if state.valid_to in needed:
            anchor = needed[state.valid_to]
            anchor.closed.append(state.checksum)
            needed[state.valid_to] = anchor._replace(closed_live=anchor.closed_live + state.is_live)
    for number, anchor in needed.items():
        save_anchor(db, known[number].run_key, anchor)


def _remove_forgotten_resources(db: Connection, workflow_key: int) -> None:
    """Delete resources that were deleted before the versions which are left."""
    db.write(
        "DELETE FROM workflow_resources AS r WHERE workflow_key = ? AND action = 'delete' "
        "AND NOT EXISTS (SELECT 1 FROM workflow_resource_history h "
        "WHERE h.resource_key = r.resource_key) AND NOT EXISTS (SELECT 1 FROM workflow_states s "
        "WHERE s.workflow_key = r.workflow_key AND s.version = r.valid_from)",
        (workflow_key,),
    )


def _remove_unnamed_contents(db: Connection, workflow_key: int) -> None:
    """Let go of contents that no resource of the workflow names any more."""
    kept = db.select(
        "SELECT content_key, hash FROM kept_contents JOIN contents USING (content_key) "
        "WHERE workflow_key = ?",
        (workflow_key,),
    )
    named = _named_hashes(db, workflow_key) if kept else set()
    db.write_many(
        "DELETE FROM kept_contents WHERE workflow_key = ? AND content_key = ?",
        [(workflow_key, key) for key, hash in kept if hash not in named],
    )


def _named_hashes(db: Connection, workflow_key: int) -> set[str]:
    """Everything in the records of a workflow's resources that looks like a content's hash."""
    named: set[str] = set()
    for texts in db.stream(
        "SELECT attributes, declaration, NULL FROM workflow_resources WHERE workflow_key = ?1 "
        "UNION ALL SELECT attributes, declaration, NULL FROM workflow_resource_history "
        "WHERE workflow_key = ?1 UNION ALL SELECT wanted, declaration, before "
        "FROM operations JOIN workflow_states USING (run_key) WHERE workflow_key = ?1",
        (workflow_key,),
    ):
        for text in texts:
            named.update(_CONTENT_HASH.findall(text or ""))
    return named
