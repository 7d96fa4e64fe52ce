"""Adding the records of a history to a store, as far as they are not there yet."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Any

from sloth_state.errors import HistoryRefused
from sloth_state.sqlite.anchors import anchors
from sloth_state.sqlite.chain import Replay, link_of, recounted, write_link
from sloth_state.sqlite.checksums import closed_row_checksum, content_hash
from sloth_state.sqlite.contents import add_module, keep_content, keep_for_workflow
from sloth_state.sqlite.history_shapes import ANCHOR, AUDIT, DETECTION, OF_RUNS, RUN, STATE, VERSION
from sloth_state.sqlite.resource_states import INSERT_PAST
from sloth_state.sqlite.run_rows import SELECT_RUNS, checked_run, unused_run_id
from sloth_state.sqlite.tables import IMPORTED_VERSIONS
from sloth_state.values import check_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from sloth_state.model import NewHistory
    from sloth_state.sqlite.chain import Link
    from sloth_state.sqlite.connection import Connection
    from sloth_state.sqlite.tables import Value


class HistoryWriter:
    """Takes a history's records in their order, inside a transaction of the caller's.

    Of versions up to `known`, which the store has, only what was added to them later is taken.
    """

    def __init__(
        self,
        db: Connection,
        new: NewHistory,
        workflow_key: int,
        known: int,
        new_id: Callable[[], str],
    ) -> None:
        self._db = db
        self._new = new
        self._workflow_key = workflow_key
        self._known = known
        self._new_id = new_id
        self._contents: dict[str | None, int | None] = {None: None}
        self._run_keys = _keys_by(db, "version, run_key FROM workflow_states", workflow_key)
        identity = "type || ' ' || name, resource_key FROM workflow_resources"
        self._resource_keys = _keys_by(db, identity, workflow_key)
        self._taken = set() if new.keeps_identity else _ids_of_resources(db)
        self._detections = set(db.select(_DETECTIONS_OF, (workflow_key,)))
        self._audited = set(db.select(_AUDITED, (new.name,)))
        self._write = {
            "contents": self._content,
            "versions": self._version,
            "resources": self._resource,
            "detections": self._detection,
            "audit_trail": self._audit,
        }

    def write(self) -> None:
        """Write all that is new."""
        for section, record in self._new.history.records():
            self._write[section](record)
        if not self._new.keeps_identity:
            _make_hashes(self._db, self._workflow_key)

    def _content(self, record: dict[str, Any]) -> None:
        content = b64decode(record["base64"], validate=True)
        if content_hash(content) != record["sha256"]:
            raise HistoryRefused(f"the content of {record['sha256']} is another in the file")
        key = self._contents[record["sha256"]] = keep_content(self._db, content)
        if record["kept"]:
            keep_for_workflow(self._db, self._workflow_key, key)

    def _version(self, record: dict[str, Any]) -> None:
        number = record["run"]["version"]
        if number > self._known:
            run_key = self._run_keys[number] = self._new_version(record)
            for name, shape in OF_RUNS.items():
                rows = [shape.row(each, run_key=run_key) for each in record[name]]
                shape.table.insert_many(self._db, rows)
        elif number in self._run_keys:
            self._add_to_known(self._run_keys[number], record)

    def _add_to_known(self, run_key: int, record: dict[str, Any]) -> None:
        # A later run ends the operations of an interrupted one. All else stays as it was.
        for name in ("operations", "tags"):
            shape = OF_RUNS[name]
            for each in record[name]:
                shape.table.save(self._db, *shape.row(each, run_key=run_key))

    def _new_version(self, record: dict[str, Any]) -> int:
        run = RUN.row(
            self._identified(record["run"]), workflow_key=self._workflow_key, locked_by=None
        )
        run_key = RUN.table.insert(self._db, *run)
        source, values = self._contents[record["source"]], self._contents[record["values"]]
        version = VERSION.row(record["version"], source_key=source, values_key=values)
        VERSION.table.insert(self._db, *version, key=run_key)
        for name, hash in record["modules"].items():
            add_module(self._db, run_key, name, self._contents[hash])
        if record["anchor"] is not None:
            ANCHOR.table.insert(self._db, *ANCHOR.row(record["anchor"]), key=run_key)
        if self._new.keeps_identity:
            hashed = record["hashed_with"]
            keys = hashed["workflow_key"], hashed["run_key"]
            IMPORTED_VERSIONS.insert(self._db, *keys, key=run_key)
        return run_key

    def _identified(self, run: dict[str, Any]) -> dict[str, Any]:
        """The run with an id that no other run has."""
        owner = self._db.first(
            "SELECT w.name FROM workflow_states JOIN workflows w USING (workflow_key) WHERE id = ?",
            (run["id"],),
        )
        if self._new.keeps_identity:
            if owner is not None:
                raise HistoryRefused(
                    f"run {run['id']} of {self._new.name} is here already, as one of {owner[0]}",
                    hint="Import it as another workflow with: --as NEWNAME",
                )
            return run
        is_free = run["id"] is not None and owner is None
        metadata = run["metadata"]
        if self._new.history.is_hashed:
            origin = f"{self._new.history.workflow}@{run['version']} (run {run['id']})"
            metadata = {**metadata, "imported_from": origin}
        id = run["id"] if is_free else unused_run_id(self._db, self._new_id)
        return {**run, "id": id, "metadata": metadata}

    def _resource(self, record: dict[str, Any]) -> None:
        *past, current = record["states"]
        if current["valid_from"] <= self._known:
            return  # it is here as it is there, or was pruned here
        type = check_name(record["type"], "the resource's type")
        name = check_name(record["name"], "the resource's name")
        facts: dict[str, Value] = {
            "workflow_key": self._workflow_key,
            "id": self._resource_id(record["id"]),
            "type": type,
            "name": name,
        }
        row = STATE.row(current, **facts)
        key = self._resource_keys.get(f"{type} {name}")
        if key is None:
            key = self._resource_keys[f"{type} {name}"] = STATE.table.insert(self._db, *row)
        else:
            STATE.table.update(self._db, key, *row)
        self._db.write_many(
            INSERT_PAST,
            [
                self._past(key, STATE.row(state, **facts), state["valid_to"])
                for state in past
                if state["valid_to"] > self._known
            ],
        )

    def _resource_id(self, id: str | None) -> str:
        if id is None or id in self._taken:
            return self._new_id()
        return id

    def _past(self, key: int, row: list[Any], valid_to: int) -> tuple[Any, ...]:
        workflow_key, _, _, _, valid_from, *rest = row
        checksum = closed_row_checksum(STATE.table.checksum(row), valid_to)
        return (workflow_key, key, valid_from, valid_to, *rest, checksum)

    def _detection(self, record: dict[str, Any]) -> None:
        key = self._resource_keys.get(f"{record['type']} {record['name']}")
        row = DETECTION.row(record, resource_key=key)
        if key is not None and tuple(row[:3]) not in self._detections:
            DETECTION.table.insert(self._db, *row)

    def _audit(self, record: dict[str, Any]) -> None:
        row = AUDIT.row(record, workflow=self._new.name)
        if tuple(row) not in self._audited:
            AUDIT.table.insert(self._db, *row)


_DETECTIONS_OF = """
    SELECT resource_key, version, detected_at
    FROM drift_detections JOIN workflow_resources USING (resource_key) WHERE workflow_key = ?
"""
_AUDITED = "SELECT at, actor, action, workflow, detail FROM audit_trail WHERE workflow = ?"


def _keys_by(db: Connection, columns: str, workflow_key: int) -> dict[Any, int]:
    return dict(db.select(f"SELECT {columns} WHERE workflow_key = ?", (workflow_key,)))


def _ids_of_resources(db: Connection) -> set[str]:
    return {id for (id,) in db.select("SELECT id FROM workflow_resources")}


def _make_hashes(db: Connection, workflow_key: int) -> None:
    """Count what each version changed, and make its hash; for versions that have no valid one."""
    replay, known = Replay(db, workflow_key), anchors(db)
    before: Link | None = None
    rows = db.select(f"{SELECT_RUNS} WHERE r.workflow_key = ? ORDER BY r.version", (workflow_key,))
    for row in rows:
        run = checked_run(db, row)
        anchor = known.get(run.run_key)
        if anchor is not None:
            replay.add_pruned(run, anchor)
        before = recounted(db, replay, link_of(db, replay, run, before, anchor))
        write_link(db, before)
