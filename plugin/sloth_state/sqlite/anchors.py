"""What versions still need of those before them that were pruned."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sloth_state.sqlite.tables import ANCHORS
from sloth_state.values import from_json, to_json

if TYPE_CHECKING:
    from sloth_state.sqlite.connection import Connection


class Anchor(NamedTuple):
    """Stands in for the version before one, so that hash and counts of this can be checked."""

    parent_hash: str
    parent_resource_count: int
    closed: list[int]
    """Checksums of the states of resources that the version ended and that are gone."""
    closed_live: int = 0
    """How many of those were no deletions."""


def anchors(db: Connection) -> dict[int, Anchor]:
    """All anchors, by the key of the run whose version each is for. Raises StoreDamaged."""
    return {
        run_key: Anchor(parent_hash, count, from_json(closed), closed_live)
        for run_key, parent_hash, count, closed, closed_live in ANCHORS.select(db)
    }


def save_anchor(db: Connection, run_key: int, anchor: Anchor) -> None:
    """Write the anchor of a version, in place of the one it had. Part of a transaction."""
    db.write("DELETE FROM version_anchors WHERE run_key = ?", (run_key,))
    parent_hash, count, closed, closed_live = anchor
    ANCHORS.insert(db, parent_hash, count, to_json(sorted(closed)), closed_live, key=run_key)
