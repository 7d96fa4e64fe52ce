"""Mending rows: checksums, text, contents, and rows whose owner is gone.

What is accepted as it is now, and what is taken away, is noted one by one. What cannot be mended
stays as it is, for `verify` to find.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from sloth_state.errors import StoreDamaged
from sloth_state.model import Problem
from sloth_state.sqlite.checksums import closed_row_checksum, is_content_of
from sloth_state.sqlite.resource_rows import HISTORY, SELECT_PAST, is_sound
from sloth_state.sqlite.tables import RESOURCES, TABLES, VERSIONS, WORKFLOWS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sloth_state.sqlite.connection import Connection, Row
    from sloth_state.sqlite.tables import Table

_JSON = frozenset(
    {
        *("metadata", "attributes", "declaration", "value", "output", "before", "wanted"),
        *("expected", "actual", "result", "closed"),
    }
)
PAST_COLUMNS = [each for each in RESOURCES.columns if each not in ("id", "type", "name")]
"""What the history of a resource has of its columns."""
_NAMES = ("id", "type", "name", "key", "task", "tag")
_ACCEPTED = "was not what was written; accepted as it is now"


class Mending:
    """What was mended so far."""

    def __init__(self, db: Connection) -> None:
        self.db = db
        self.mended: list[Problem] = []
        self.all_rows_make_sense = True

    def note(self, place: str, what: str) -> None:
        self.mended.append(Problem(place, what))


def mend_rows(mending: Mending) -> None:
    """Give rows that were changed the checksum of what is in them now, if that makes sense."""
    for table in TABLES:
        selected = f"SELECT {table.selected('t')} FROM {table.name} t"
        for key in _broken_keys(mending.db, table.name, table.key, selected, partial(_fits, table)):
            _accept(mending, table, key)
    past = SELECT_PAST
    for key in _broken_keys(mending.db, HISTORY, "history_key", past, is_sound):
        _accept_past(mending, key)


def _fits(table: Table, row: Row) -> bool:
    return bool(table.checksum(row[1:-1]) == row[-1])


def _broken_keys(
    db: Connection, table: str, key_column: str, selected: str, is_sound: Callable[[Row], bool]
) -> list[int]:
    try:
        return [row[0] for row in db.stream(selected) if not is_sound(row)]
    except StoreDamaged:  # text that is no text; which row it is in, only asking one by one tells
        keys = db.select(f"SELECT {key_column} FROM {table}")
        one = f"{selected} WHERE {key_column} = ?"
        return [key for (key,) in keys if not _is_readable(db, one, key, is_sound)]


def _is_readable(db: Connection, one: str, key: int, is_sound: Callable[[Row], bool]) -> bool:
    try:
        row = db.first(one, (key,))
    except StoreDamaged:
        return False
    return row is None or is_sound(row)


def _values(
    db: Connection, table: str, key_column: str, key: int, columns: Sequence[str]
) -> dict[str, Any]:
    """What is in a row; a question mark (U+FFFD) for what is no UTF-8."""
    raw = ", ".join(
        f"CASE typeof({column}) WHEN 'text' THEN CAST({column} AS BLOB) ELSE {column} END"
        for column in columns
    )
    row = db.first(f"SELECT {raw} FROM {table} WHERE {key_column} = ?", (key,))
    assert row is not None, "a key that was just read"
    texts = [each.decode(errors="replace") if isinstance(each, bytes) else each for each in row]
    return dict(zip(columns, texts, strict=True))


def _accept(mending: Mending, table: Table, key: int) -> None:
    values = _values(mending.db, table.name, table.key, key, table.columns)
    if _makes_sense(values):
        table.update(mending.db, key, *values.values())
        mending.note(f"{table.name} row {key}", _ACCEPTED + _named(values))
    else:
        mending.all_rows_make_sense = False


def _accept_past(mending: Mending, key: int) -> None:
    db = mending.db
    columns = ("resource_key", "valid_to", *PAST_COLUMNS)
    past = _values(db, HISTORY, "history_key", key, columns)
    if not _makes_sense(past):
        mending.all_rows_make_sense = False
        return
    named = db.first(
        "SELECT id, type, name FROM workflow_resources WHERE resource_key = ?",
        (past["resource_key"],),
    )
    assert named is not None, "SELECT_PAST joins it"
    state = past | dict(zip(("id", "type", "name"), named, strict=True))
    checksum = RESOURCES.checksum([state[column] for column in RESOURCES.columns])
    assigned = ", ".join(f"{column} = ?" for column in columns)
    db.write(
        f"UPDATE {HISTORY} SET {assigned}, checksum = ? WHERE history_key = ?",
        (*past.values(), closed_row_checksum(checksum, past["valid_to"]), key),
    )
    mending.note(f"{HISTORY} row {key}", _ACCEPTED + _named(state))


def _makes_sense(values: Mapping[str, Any]) -> bool:
    return all(
        value is None or column not in _JSON or _is_json(str(value))
        for column, value in values.items()
    )


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _named(values: Mapping[str, Any]) -> str:
    """What a row is about, as far as its columns say."""
    names = [str(values[name]) for name in _NAMES if isinstance(values.get(name), str)]
    return f": {' '.join(names)}" if names else ""


def drop_changed_contents(mending: Mending) -> None:
    """Take away contents that are not those of their hash: as code they may do anything."""
    db = mending.db
    for key, hash, content in db.select("SELECT content_key, hash, content FROM contents"):
        if not is_content_of(hash, content):
            _forget_content(mending, key)
            db.write("DELETE FROM contents WHERE content_key = ?", (key,))
            mending.note(f"contents row {key}", f"was changed and is no longer {hash}; dropped")


def forget_missing_contents(mending: Mending) -> None:
    """Let no version refer to a workflow file or values that are gone."""
    for column in ("source_key", "values_key"):
        for (key,) in mending.db.select(
            f"SELECT DISTINCT {column} FROM state_versions WHERE {column} IS NOT NULL "
            f"AND {column} NOT IN (SELECT content_key FROM contents)"
        ):
            _forget_content(mending, key)


def _forget_content(mending: Mending, content_key: int) -> None:
    db = mending.db
    for table in ("version_modules", "kept_contents"):
        db.write(f"DELETE FROM {table} WHERE content_key = ?", (content_key,))
    for what, column in (("workflow file", "source_key"), ("values", "values_key")):
        for (run_key,) in db.select(
            f"SELECT run_key FROM state_versions WHERE {column} = ?", (content_key,)
        ):
            values = _values(db, VERSIONS.name, VERSIONS.key, run_key, VERSIONS.columns)
            VERSIONS.update(db, run_key, *(values | {column: None}).values())
            mending.note(f"state_versions row {run_key}", f"has lost its {what}")


def name_lost_workflows(mending: Mending) -> None:
    """Give runs and resources whose workflow's row is gone a workflow again."""
    for (key,) in mending.db.select(
        "SELECT workflow_key FROM workflow_states "
        "UNION SELECT workflow_key FROM workflow_resources "
        "EXCEPT SELECT workflow_key FROM workflows"
    ):
        name = f"recovered-{key}"
        WORKFLOWS.insert(mending.db, name, key=key)
        mending.note(f"workflows row {key}", f"its name is lost; it is called {name} now")


def remove_orphans(mending: Mending) -> None:
    """Remove rows of which nobody knows what they belonged to."""
    removed: dict[str, int] = {}
    while violations := mending.db.select("PRAGMA foreign_key_check"):
        for table, key, parent, _ in violations:
            removed[table] = removed.get(table, 0) + _remove_orphan(mending.db, table, key, parent)
    for table, number in removed.items():
        rows = "1 row" if number == 1 else f"{number} rows"
        mending.note(table, f"{rows} removed: what they belonged to is gone")


def _remove_orphan(db: Connection, table: str, key: int | None, parent: str) -> int:
    if key is not None:
        db.write(f"DELETE FROM {table} WHERE rowid = ?", (key,))
        return db.changes()
    columns = {"workflow_states": "run_key", "workflows": "workflow_key"}
    column = columns.get(parent, "content_key")
    db.write(f"DELETE FROM {table} WHERE {column} NOT IN (SELECT {column} FROM {parent})")
    return db.changes()
