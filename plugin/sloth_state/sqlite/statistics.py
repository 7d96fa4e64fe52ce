"""How much is in a store, and how large its file is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sloth_state.model import StoreStats

if TYPE_CHECKING:
    from sloth_state.sqlite.connection import Connection


def statistics(db: Connection) -> StoreStats:
    """Counts of what there is. Call it in a snapshot."""
    page_size = _one(db, "PRAGMA page_size")
    return StoreStats(
        workflows=_one(db, "SELECT count(*) FROM workflows"),
        runs=_counts(db, "SELECT status, count(*) FROM workflow_states GROUP BY 1 ORDER BY 1"),
        resources=_counts(
            db,
            "SELECT type, count(*) FROM workflow_resources WHERE action <> 'delete' "
            "GROUP BY 1 ORDER BY 1",
        ),
        contents=_one(db, "SELECT count(*) FROM contents"),
        content_bytes=_one(db, "SELECT coalesce(sum(length(content)), 0) FROM contents"),
        file_bytes=_size(db.path),
        free_bytes=_one(db, "PRAGMA freelist_count") * page_size,
        log_bytes=_size(db.path + "-wal"),
    )


def _one(db: Connection, sql: str) -> int:
    row = db.first(sql)
    assert row is not None
    return int(row[0])


def _counts(db: Connection, sql: str) -> dict[str, int]:
    rows: list[Any] = db.select(sql)
    return dict(rows)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0
