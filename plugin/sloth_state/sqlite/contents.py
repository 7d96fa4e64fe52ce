"""Workflow files, values and contents of files, kept once per SHA-256."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_state.sqlite.checksums import content_hash

if TYPE_CHECKING:
    from sloth_state.sqlite.connection import Connection


def keep_content(db: Connection, content: bytes | None) -> int | None:
    """The key of the content's row, which is written if it is new. Part of a transaction."""
    if content is None:
        return None
    hash = content_hash(content)
    sql = "INSERT INTO contents (hash, content) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING"
    db.write(sql, (hash, content))
    if db.changes():
        return db.last_key()
    row = db.first("SELECT content_key FROM contents WHERE hash = ?", (hash,))
    assert row is not None
    return int(row[0])


def keep_for_workflow(db: Connection, workflow_key: int, content_key: int | None) -> None:
    """Let a content stay as long as the workflow's records. Part of a transaction."""
    db.write(
        "INSERT OR IGNORE INTO kept_contents (workflow_key, content_key) VALUES (?, ?)",
        (workflow_key, content_key),
    )


def add_module(db: Connection, run_key: int, name: str, content_key: int | None) -> None:
    """Note a further file that a version was made from. Part of a transaction."""
    db.write(
        "INSERT INTO version_modules (run_key, name, content_key) VALUES (?, ?, ?)",
        (run_key, name, content_key),
    )


def remove_unused_contents(db: Connection) -> None:
    """Remove what no version refers to any more. Part of a transaction."""
    db.write(
        "DELETE FROM contents WHERE NOT EXISTS "
        "(SELECT 1 FROM state_versions WHERE source_key = content_key) AND NOT EXISTS "
        "(SELECT 1 FROM state_versions WHERE values_key = content_key) AND NOT EXISTS "
        "(SELECT 1 FROM kept_contents k WHERE k.content_key = contents.content_key) AND NOT EXISTS "
        "(SELECT 1 FROM version_modules m WHERE m.content_key = contents.content_key)"
    )
