"""Rows of versions: opening one, counting what it changed, closing it with its hash."""

from collections.abc import Mapping
from typing import NamedTuple

from sloth_state.model import Action, Changes, RunStatus, TaskStatus, Version
from sloth_state.sqlite import files
from sloth_state.sqlite.checksums import version_hash
from sloth_state.sqlite.connection import Connection, Row
from sloth_state.sqlite.run_rows import RunRow, update_run
from sloth_state.sqlite.tables import OUTPUTS, TASKS, VERSIONS
from sloth_state.sqlite.timestamps import from_microseconds

SELECT_VERSIONS = f"""
    SELECT {VERSIONS.selected("v")}, s.hash, i.hash
    FROM state_versions v
    LEFT JOIN contents s ON s.content_key = v.source_key
    LEFT JOIN contents i ON i.content_key = v.values_key
"""


class VersionRow(NamedTuple):
    """A row of state_versions, with the hashes of its contents. Counts and hash: once final."""

    run_key: int
    created_at: int
    created_by: str
    description: str
    parent: int | None
    source_key: int | None
    values_key: int | None
    created: int | None
    updated: int | None
    deleted: int | None
    read: int | None
    unchanged: int | None
    hash: str | None
    checksum: int
    source_hash: str | None
    values_hash: str | None

    @property
    def columns(self) -> Row:
        """Those that the checksum covers."""
        return self[1:-3]


def checked_version(db: Connection, row: Row) -> VersionRow:
    """The row of SELECT_VERSIONS by its columns' names. Raises StoreDamaged."""
    VERSIONS.checked(db, row[:-2])
    return VersionRow(*row)


def version_of(db: Connection, run: RunRow) -> VersionRow:
    row = db.first(f"{SELECT_VERSIONS} WHERE v.run_key = ?", (run.run_key,))
    if row is None:
        raise files.damaged(db.path, f"is damaged: run {run.id} has no version")
    return checked_version(db, row)


def update_version(db: Connection, row: VersionRow) -> None:
    """Write a changed row back."""
    VERSIONS.update(db, row.run_key, *row.columns)


def tally(db: Connection, run: RunRow, parent: int | None) -> tuple[Changes, int]:
    """What the newest version of a workflow changed, and how many resources it leaves."""
    rows = db.select(
        "SELECT action, created_in = valid_from, count(*) FROM workflow_resources "
        "WHERE workflow_key = ? AND valid_from = ? GROUP BY 1, 2",
        (run.workflow_key, run.version),
    )
    born = sum(number for _, is_new, number in rows if is_new)
    deleted = sum(number for action, _, number in rows if action == Action.DELETE)
    changes = Changes(
        *(sum(number for said, _, number in rows if said == action) for action in Action)
    )
    before = _parents_resource_count(db, run.workflow_key, parent)
    return changes, before + born - deleted


def _parents_resource_count(db: Connection, workflow_key: int, parent: int | None) -> int:
    row = db.first(
        "SELECT resource_count FROM workflow_states WHERE workflow_key = ? AND version = ?",
        (workflow_key, parent),
    )
    return 0 if row is None else row[0]


def close_run(
    db: Connection,
    run: RunRow,
    status: RunStatus,
    now: int,
    *,
    error: str | None = None,
    unchanged: int = 0,
) -> None:
    """Make a run final, and its version with it: counts, then the hash over all of it.

    Tasks that still run end with it.
    """
    _end_tasks(db, run.run_key, now)
    version = version_of(db, run)
    changes, resource_count = tally(db, run, version.parent)
    run = run._replace(
        status=status.value,
        # The clock may have been set back meanwhile; no run ends before it began.
        completed_at=max(now, run.started_at),
        error_msg=None if error is None else error.encode(errors="backslashreplace").decode(),
        locked_by=None,
        resource_count=resource_count,
    )
    changes = changes._replace(unchanged=changes.unchanged + unchanged)
    version = version._replace(**changes._asdict())
    parent_hash = _hash_of_parent(db, run.workflow_key, version.parent)
    outputs = output_checksums(db, run.run_key)
    changed = _changed_checksums(db, run)
    modules = module_hashes(db, run.run_key)
    hash = hash_of(run, version, parent_hash, changed, outputs, modules)
    update_run(db, run)
    update_version(db, version._replace(hash=hash))


def _end_tasks(db: Connection, run_key: int, now: int) -> None:
    rows = TASKS.select(db, "run_key = ? AND status = ?", run_key, TaskStatus.RUNNING.value)
    for key, _, name, _, attempts, started_at, _, output, _, *rest in rows:
        error = "interrupted: the run ended before it"
        failed = TaskStatus.FAILED.value
        TASKS.update(
            db, key, run_key, name, failed, attempts, started_at, now, output, error, *rest
        )


def hash_of(
    run: RunRow,
    version: VersionRow,
    parent_hash: str | None,
    resource_checksums: list[int],
    output_checksums: list[int],
    modules: Mapping[str, str],
) -> str:
    """The hash that a final version must have. `modules`: see `module_hashes`."""
    facts: dict[str, str | int | None] = {
        "workflow": run.name,
        "version": run.version,
        "run": run.id,
        "status": run.status,
        "started_at": run.started_at,
        "completed_at": run.completed_at,
        "metadata": run.metadata,
        "error": run.error_msg,
        "resource_count": run.resource_count,
        "created_at": version.created_at,
        "created_by": version.created_by,
        "description": version.description,
        "source": version.source_hash,
        "values": version.values_hash,
        "created": version.created,
        "updated": version.updated,
        "deleted": version.deleted,
        "read": version.read,
        "unchanged": version.unchanged,
    }
    # Versions of schema 1 had none, and their hashes must stay.
    facts |= {f"module {name}": hash for name, hash in modules.items()}
    return version_hash(parent_hash, facts, resource_checksums, output_checksums)


def module_hashes(db: Connection, run_key: int) -> dict[str, str]:
    """The SHA-256 of each further file that a version was made from, by name."""
    rows = db.select(
        "SELECT name, hash FROM version_modules JOIN contents USING (content_key) "
        "WHERE run_key = ? ORDER BY name",
        (run_key,),
    )
    return dict(rows)


def output_checksums(db: Connection, run_key: int) -> list[int]:
    """The checksums of outputs, as the hash of their version covers them."""
    rows = db.select(
        "SELECT coalesce(hashed_run_key, run_key), key, value, sensitive FROM workflow_outputs "
        "LEFT JOIN imported_versions USING (run_key) WHERE run_key = ?",
        (run_key,),
    )
    return [OUTPUTS.checksum(row) for row in rows]


def hashed_workflow_keys(db: Connection) -> dict[tuple[int, int], int]:
    """The key that the workflow of an imported version had where its hash was made.

    By the workflow's key here and the version's number; see schema 2.
    """
    rows = db.select(
        "SELECT workflow_key, version, hashed_workflow_key "
        "FROM imported_versions JOIN workflow_states USING (run_key)"
    )
    return {(workflow_key, version): hashed for workflow_key, version, hashed in rows}


def _hash_of_parent(db: Connection, workflow_key: int, parent: int | None) -> str | None:
    row = db.first(
        "SELECT v.hash FROM state_versions v JOIN workflow_states r USING (run_key) "
        "WHERE r.workflow_key = ? AND r.version = ?",
        (workflow_key, parent),
    )
    return None if row is None else row[0]


def _changed_checksums(db: Connection, run: RunRow) -> list[int]:
    """Of the rows that the newest version opened, and of those that it closed by that."""
    rows = db.select(
        "SELECT o.checksum, c.checksum FROM workflow_resources o "
        "LEFT JOIN workflow_resource_history c "
        "ON c.resource_key = o.resource_key AND c.valid_to = o.valid_from "
        "WHERE o.workflow_key = ? AND o.valid_from = ?",
        (run.workflow_key, run.version),
    )
    return [checksum for row in rows for checksum in row if checksum is not None]


def model_version(db: Connection, run: RunRow, row: VersionRow) -> Version:
    """A version of the model; counted now if it is running."""
    if row.hash is None:
        changes, resource_count = tally(db, run, row.parent)
    else:
        assert run.resource_count is not None
        resource_count = run.resource_count
        changes = Changes(
            row.created or 0, row.updated or 0, row.deleted or 0, row.read or 0, row.unchanged or 0
        )
    return Version(
        workflow=run.name,
        version=run.version,
        created_at=from_microseconds(row.created_at),
        created_by=row.created_by,
        description=row.description,
        status=RunStatus(run.status),
        run_id=run.id,
        parent=row.parent,
        changes=changes,
        resource_count=resource_count,
        source_hash=row.source_hash,
        values_hash=row.values_hash,
        hash=row.hash,
    )
