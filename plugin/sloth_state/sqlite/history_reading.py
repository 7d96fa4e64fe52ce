"""All that a store has of one workflow, as a stream of records."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

from sloth_state.sqlite import files
from sloth_state.sqlite.checksums import is_content_of
from sloth_state.sqlite.history_shapes import ANCHOR, AUDIT, DETECTION, OF_RUNS, RUN, STATE, VERSION
from sloth_state.sqlite.resource_rows import (
    COLUMNS,
    SELECT_CURRENT,
    SELECT_PAST,
    VALID_TO,
    check_resource,
)
from sloth_state.sqlite.run_rows import SELECT_RUNS, checked_run
from sloth_state.sqlite.version_rows import hashed_workflow_keys, module_hashes, version_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sloth_state.sqlite.connection import Connection, Row
    from sloth_state.sqlite.run_rows import RunRow

_CONTENTS = """
    SELECT c.content_key, c.hash, c.content, EXISTS (
        SELECT 1 FROM kept_contents k
        WHERE k.workflow_key = ?1 AND k.content_key = c.content_key
    )
    FROM contents c WHERE c.content_key IN (
        SELECT content_key FROM kept_contents WHERE workflow_key = ?1
        UNION SELECT source_key FROM state_versions JOIN workflow_states USING (run_key)
        WHERE workflow_key = ?1
        UNION SELECT values_key FROM state_versions JOIN workflow_states USING (run_key)
        WHERE workflow_key = ?1
        UNION SELECT content_key FROM version_modules JOIN workflow_states USING (run_key)
        WHERE workflow_key = ?1
    )
    ORDER BY c.hash
"""
_DETECTIONS = f"""
    SELECT {DETECTION.table.selected("t")}, r.type, r.name
    FROM drift_detections t JOIN workflow_resources r USING (resource_key)
    WHERE r.workflow_key = ? ORDER BY t.detection_key
"""


def history_records(
    db: Connection, workflow_key: int, workflow: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each record with the name of its section, in the order in which they can be loaded.

    Call it in a snapshot. Raises StoreDamaged for rows that are not what was written.
    """
    for row in db.stream(_CONTENTS, (workflow_key,)):
        yield "contents", _content(db, row)
    hashed_keys = hashed_workflow_keys(db)
    for row in db.stream(
        f"{SELECT_RUNS} WHERE r.workflow_key = ? ORDER BY version", (workflow_key,)
    ):
        run = checked_run(db, row)
        hashed_as = hashed_keys.get((workflow_key, run.version), workflow_key)
        yield "versions", _version(db, run, hashed_as)
    current = f"{SELECT_CURRENT} WHERE r.workflow_key = ? ORDER BY r.resource_key"
    for row in db.stream(current, (workflow_key,)):
        yield "resources", _resource(db, row)
    for row in db.stream(_DETECTIONS, (workflow_key,)):
        yield "detections", _detection(db, row)
    # Exports are written there too, and would make no two of them equal.
    audited = "workflow = ? AND action <> 'export' ORDER BY entry_key"
    for record in AUDIT.records(db, audited, workflow):
        yield "audit_trail", record


def _content(db: Connection, row: Row) -> dict[str, Any]:
    key, hash, content, is_kept = row
    if not is_content_of(hash, content):
        raise files.damaged(db.path, f"is damaged: row {key} of contents is not what was written")
    return {"sha256": hash, "base64": b64encode(content).decode(), "kept": bool(is_kept)}


def _version(db: Connection, run: RunRow, hashed_workflow_key: int) -> dict[str, Any]:
    version = version_of(db, run)
    imported = db.first(
        "SELECT hashed_run_key FROM imported_versions WHERE run_key = ?", (run.run_key,)
    )
    hashed_run_key = imported[0] if imported else run.run_key
    return {
        "run": RUN.record(run.columns),
        "version": VERSION.record(version.columns),
        "source": version.source_hash,
        "values": version.values_hash,
        "modules": module_hashes(db, run.run_key),
        "anchor": next(ANCHOR.records(db, "run_key = ?", run.run_key), None),
        "hashed_with": {"workflow_key": hashed_workflow_key, "run_key": hashed_run_key},
        **{
            name: list(shape.records(db, f"run_key = ? ORDER BY {shape.table.key}", run.run_key))
            for name, shape in OF_RUNS.items()
        },
    }


def _resource(db: Connection, current: Row) -> dict[str, Any]:
    """A resource with all its states, the oldest first. Each but the last has its `valid_to`."""
    past = db.select(f"{SELECT_PAST} WHERE h.resource_key = ? ORDER BY h.valid_to", (current[0],))
    states = []
    for row in (*past, current):
        check_resource(db, row)
        states.append({**STATE.record(row[COLUMNS]), "valid_to": row[VALID_TO]})
    return {"id": current[2], "type": current[3], "name": current[4], "states": states}


def _detection(db: Connection, row: Row) -> dict[str, Any]:
    own, (type, name) = row[:-2], row[-2:]
    _, *columns = DETECTION.table.checked(db, own)
    return {"type": type, "name": name, **DETECTION.record(columns)}
