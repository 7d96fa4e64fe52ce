"""Transactions, and what SQLite is told to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sloth_state.sqlite.connection import Connection


@pytest.fixture
def db(store: Any) -> Connection:
    connection: Connection = store._db
    return connection


def _set(db: Connection, key: str) -> None:
    db.write("INSERT INTO key_values (key, value, checksum) VALUES (?, '1', 0)", (key,))


def _keys(db: Connection) -> list[str]:
    return [key for (key,) in db.select("SELECT key FROM key_values ORDER BY key")]


def _fail_after(db: Connection, *keys: str) -> None:
    """Set keys in a transaction, one each inside that, and raise in the outer one."""
    with db.transaction():
        for key in keys:
            with db.transaction():
                _set(db, key)
        raise KeyboardInterrupt


def test_a_transaction_that_raises_leaves_nothing(db: Connection) -> None:
    with pytest.raises(KeyboardInterrupt):
        _fail_after(db, "a", "b")
    assert _keys(db) == []
    with db.transaction():
        _set(db, "c")
    assert _keys(db) == ["c"]


def test_a_transaction_inside_another_is_undone_alone(db: Connection) -> None:
    with db.transaction():
        _set(db, "outer")
        with pytest.raises(KeyboardInterrupt):
            _fail_after(db, "inner")
        with db.transaction():
            _set(db, "second")
    assert _keys(db) == ["outer", "second"]


def test_nothing_is_written_outside_of_a_transaction(db: Connection) -> None:
    with pytest.raises(AssertionError, match="a write outside of a transaction"):
        _set(db, "a")
    assert _keys(db) == []


def test_a_snapshot_sees_no_later_writes(store: Any, db: Connection) -> None:
    with store.reopen() as other:
        with db.snapshot():
            assert _keys(db) == []
            other.kv_set("a", 1)
            assert _keys(db) == []
        assert _keys(db) == ["a"]


def test_sqlite_is_told_what_durability_and_references_need(db: Connection) -> None:
    settings = {
        name: db.select(f"PRAGMA {name}")[0][0]
        for name in ("journal_mode", "synchronous", "foreign_keys", "trusted_schema")
    }
    full = 2
    assert settings == {
        "journal_mode": "wal",
        "synchronous": full,
        "foreign_keys": 1,
        "trusted_schema": 0,
    }


# -- how queries are answered ------------------------------------------------------------------


def _plan(db: Connection, sql: str, bindings: Any) -> list[str]:
    return [row[3] for row in db.select(f"EXPLAIN QUERY PLAN {sql}", bindings)]


class _Recorder:
    """Writes down the statements that a store runs."""

    def __init__(self, store: Any) -> None:
        self.statements: list[tuple[str, Any]] = []
        store._db._database.exec_trace = self

    def __call__(self, _cursor: Any, sql: str, bindings: Any) -> bool:
        self.statements.append((sql, bindings))
        return True


def _plans_of(store: Any, call: Any) -> list[str]:
    """The plan of every query that a call makes."""
    recorder = _Recorder(store)
    call()
    store._db._database.exec_trace = None
    queries = [each for each in recorder.statements if each[0].lstrip().startswith("SELECT")]
    return [line for sql, bindings in queries for line in _plan(store._db, sql, bindings)]


@pytest.mark.parametrize(
    "filters",
    [{}, {"name": "deploy"}, {"status": "failed"}, {"latest": True}, {"name": "x", "latest": True}],
)
def test_listing_some_runs_of_many_walks_an_index(
    bench: Any, store: Any, filters: dict[str, Any]
) -> None:
    from sloth_state.model import RunStatus

    bench.run_recording(bench.draft("a"))
    if "status" in filters:
        filters = {"status": RunStatus(filters["status"])}
    lines = _plans_of(store, lambda: store.runs(limit=20, **filters))
    assert lines
    for line in lines:
        assert "TEMP B-TREE" not in line
        assert not line.startswith("SCAN") or "USING" in line, line


def test_no_query_of_a_run_scans_a_table(bench: Any, store: Any) -> None:
    from sloth_state.model import Action, Output

    bench.run_recording(bench.draft("a"), bench.draft("b"))

    def whole_run() -> None:
        run, lock = bench.begin()
        store.record(run.id, [bench.draft("a", 2), bench.draft("c")], lock)
        store.record(run.id, [bench.draft("b", action=Action.DELETE)], lock)
        store.set_output(run.id, Output("url", 1), lock)
        bench.finish(run, lock)
        store.resources("deploy", version=1)
        store.resource("deploy", "file", "a", version=1)
        store.versions("deploy")
        store.run_ids_starting_with("0000")

    scans = [line for line in _plans_of(store, whole_run) if line.startswith("SCAN")]
    assert scans == []
