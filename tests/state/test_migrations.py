"""A store of an older schema is upgraded as a whole, once, or stays as it was."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import pytest

from sloth_state.open import open_store
from sloth_state.sqlite.schema import MIGRATIONS, Migration, migrate

DATA = Path(__file__).parent / "data"
NEWEST = MIGRATIONS[-1].number
EARLIER = [each.number for each in MIGRATIONS[:-1]]
CHILD = Path(__file__).with_name("migrating_child.py")
PROCESSES = 8


class Content(NamedTuple):
    """All there is in a file."""

    schema: int
    shape: list[Any]
    """The statements that made it."""
    rows: dict[str, list[dict[str, Any]]]
    """Of each table, by column."""

    def is_kept_in(self, other: Content) -> bool:
        """Whether the other has each of these rows with the same values, and no further ones.

        The list of migrations is what a migration itself writes to.
        """
        return {name: _with_columns(rows, other.rows[name]) for name, rows in self._data()} == dict(
            self._data()
        )

    def _data(self) -> list[tuple[str, list[dict[str, Any]]]]:
        return [(name, rows) for name, rows in self.rows.items() if name != "schema_migrations"]


def _with_columns(rows: list[dict[str, Any]], others: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The other rows with only the columns that these have."""
    columns = rows[0].keys() if rows else {}
    return [{name: row[name] for name in columns} for row in others]


def content_of(path: Path) -> Content:
    """Read as a release reads it that knows nothing of this one; its last close folds in the log."""
    database = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        assert database.pragma("integrity_check") == "ok"
        assert list(database.execute("PRAGMA foreign_key_check")) == []
        return Content(
            database.pragma("user_version"),
            sorted(database.execute("SELECT type, name, sql FROM sqlite_schema")),
            {
                name: _rows(database, name)
                for (name,) in database.execute(
                    "SELECT name FROM sqlite_schema WHERE type = 'table'"
                )
            },
        )
    finally:
        database.close()


def _rows(database: apsw.Connection, table: str) -> list[dict[str, Any]]:
    columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    rows = database.execute(f"SELECT * FROM {table} ORDER BY {', '.join(columns)}").fetchall()
    return [dict(zip(columns, row, strict=True)) for row in rows]


class Stored:
    """The stored file of an earlier schema, and processes that open copies of it."""

    def __init__(self, number: int, folder: Path, child: subprocess.Popen[str]) -> None:
        self.path = folder / "state.db"
        self._file = DATA / f"schema-{number}.db"
        self._child = child
        self.before = content_of(self.anew())
        self.shapes = {each: self._shape(each) for each in range(number, NEWEST + 1)}
        """What the file is made of in its schema and in each that follows."""

    def anew(self) -> Path:
        """The file as it was stored."""
        for path in self.path.parent.glob("state.db*"):
            path.unlink()
        return Path(shutil.copyfile(self._file, self.path))

    def _shape(self, number: int) -> list[Any]:
        database = apsw.Connection(str(self.anew()))
        migrate(database, MIGRATIONS[:number])
        database.close()
        return content_of(self.path).shape

    def open(
        self, *, processes: int = 1, fault: str | None = None, at: int = 0, bug: str | None = None
    ) -> list[dict[str, Any] | None]:
        """What became of each process, see `migrating_child.Order`."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        order = [str(self.anew()), processes, fault, at, bug]
        print(json.dumps(order), file=self._child.stdin, flush=True)
        found: list[dict[str, Any] | None] = json.loads(self._child.stdout.readline())
        return found

    def sweep(self, fault: str, bug: str | None = None) -> Iterator[dict[str, Any] | None]:
        """What becomes of a process at whose first step the fault is, at whose second, and so on."""
        for at in range(1, 1000):
            (answer,) = self.open(fault=fault, at=at, bug=bug)
            if answer is not None and not answer["has_failed"]:
                assert at > 10, "hardly anything was done"
                return
            yield answer

    def problem(self) -> str | None:
        """What is wrong with the file after a migration that was stopped, or None.

        It has all it had, in the old schema or in one that follows, and can be used in each.
        """
        now = content_of(self.path)
        if not self.before.is_kept_in(now) or now.shape != self.shapes[now.schema]:
            return f"schema {now.schema} is not all of what was there or of what follows"
        with open_store(str(self.path)) as store:
            if store.read_only or (problems := store.verify()):
                return f"cannot be migrated then: {store.read_only or problems}"
        after = content_of(self.path)
        if after.schema != NEWEST or not self.before.is_kept_in(after):
            return "is not migrated then"
        return None


@pytest.fixture(scope="module")
def child() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, str(CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process


@pytest.fixture(params=EARLIER)
def stored(request: pytest.FixtureRequest, tmp_path: Path, child: subprocess.Popen[str]) -> Stored:
    return Stored(request.param, tmp_path, child)


# -- upgraded as a whole -------------------------------------------------------------------


@pytest.mark.parametrize("number", [each.number for each in MIGRATIONS])
def test_every_row_of_a_released_schema_is_kept_as_it_was(number: int, tmp_path: Path) -> None:
    path = Path(shutil.copy(DATA / f"schema-{number}.db", tmp_path / "state.db"))
    before = content_of(path)
    assert before.schema == number
    assert sum(map(len, before.rows.values())) >= 20
    open_store(str(path)).close()
    after = content_of(path)
    assert after.schema == NEWEST
    assert before.is_kept_in(after)
    recorded = [(row["number"], row["name"]) for row in after.rows["schema_migrations"]]
    assert recorded == [(each.number, each.name) for each in MIGRATIONS]


def test_a_row_that_a_migration_changes_loses_or_adds_is_seen(tmp_path: Path) -> None:
    path = Path(shutil.copy(DATA / "schema-1.db", tmp_path / "state.db"))
    before = content_of(path)
    bugs = (
        "UPDATE workflow_outputs SET value = '1'",
        "DELETE FROM run_tags",
        "INSERT INTO audit_trail (at, actor, action, workflow, detail, checksum) "
        "SELECT at, actor, action, workflow, detail, checksum FROM audit_trail",
    )
    for bug in bugs:
        shutil.copy(DATA / "schema-1.db", path)
        database = apsw.Connection(str(path))
        migrate(database, [*MIGRATIONS, Migration(NEWEST + 1, "loses something", bug)])
        database.close()
        assert not before.is_kept_in(content_of(path)), bug


def test_a_migration_is_applied_once_and_recorded(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    open_store(str(path)).close()
    following = Migration(NEWEST + 1, "a note", "CREATE TABLE notes (text TEXT) STRICT;")
    database = apsw.Connection(str(path))
    for _ in range(2):
        migrate(database, [*MIGRATIONS, following])
    database.close()
    after = content_of(path)
    assert after.schema == NEWEST + 1
    assert [row["number"] for row in after.rows["schema_migrations"]] == [
        *EARLIER,
        NEWEST,
        NEWEST + 1,
    ]


def test_of_two_migrations_the_first_stays_if_the_second_fails(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    shutil.copy(DATA / "schema-1.db", path)
    broken = "CREATE TABLE notes (text TEXT) STRICT; CREATE TABLE notes (text TEXT) STRICT;"
    database = apsw.Connection(str(path))
    with pytest.raises(apsw.SQLError):
        migrate(database, [*MIGRATIONS, Migration(NEWEST + 1, "broken", broken)])
    database.close()
    stopped = content_of(path)
    shutil.copy(DATA / "schema-1.db", path)
    open_store(str(path)).close()
    migrated = content_of(path)
    assert (stopped.schema, stopped.shape) == (NEWEST, migrated.shape)


# -- or as it was --------------------------------------------------------------------------


def test_a_migration_that_is_killed_at_any_step_leaves_the_old_schema_or_the_new_one(
    stored: Stored,
) -> None:
    schemas = []
    for answer in stored.sweep("kill"):
        assert answer is None
        schemas.append(content_of(stored.path).schema)
        assert stored.problem() is None
    # What is committed and then killed is there.
    assert schemas == sorted(schemas)
    assert set(schemas) == set(stored.shapes)


def test_a_migration_that_is_not_one_transaction_is_found_out(stored: Stored) -> None:
    sweep = stored.sweep("kill", bug="not_one_transaction")
    problem = next(problem for _ in sweep if (problem := stored.problem()))
    not_all = "is not all of what was there or of what follows"
    assert problem == f"schema {stored.before.schema} {not_all}"


def test_a_disk_that_is_full_at_any_step_of_a_migration_leaves_a_store_that_can_be_read(
    stored: Stored,
) -> None:
    reasons = set()
    for answer in stored.sweep("full"):
        assert answer is not None
        assert (answer["error"], answer["runs"]) == (None, 3)
        reasons.add(answer["read_only"])
        if answer["read_only"]:
            assert content_of(stored.path).schema < NEWEST
        assert stored.problem() is None
    assert reasons == {"the disk is full"}


def test_an_error_at_any_statement_of_a_migration_leaves_the_schema_before(stored: Stored) -> None:
    statements = MIGRATIONS[stored.before.schema].statements.count(";\n")
    schemas = []
    for answer in stored.sweep("error"):
        assert answer is not None
        assert answer["error"] == "MemoryError: planted"
        schemas.append(content_of(stored.path).schema)
        assert stored.problem() is None
    assert schemas == sorted(schemas)
    assert schemas.count(stored.before.schema) > statements


def test_what_is_left_takes_the_statements_of_the_release_that_wrote_it(stored: Stored) -> None:
    stored.open(fault="kill", at=10)
    database = apsw.Connection(str(stored.path))
    database.execute("BEGIN IMMEDIATE")
    database.execute(
        "INSERT INTO workflow_states (id, workflow_key, version, status, started_at, metadata, "
        "checksum) SELECT 'abc', workflow_key, 4, 'running', 1, '{}', 1 FROM workflows "
        "WHERE name = 'deploy'"
    )
    database.execute("COMMIT")
    current = database.execute(
        "SELECT w.name, r.type, r.name, r.action, r.attributes FROM workflow_resources r "
        "JOIN workflows w USING (workflow_key) WHERE w.name = 'deploy' ORDER BY 3"
    ).fetchall()
    database.close()
    assert current == [
        ("deploy", "file", "app.conf", "update", '{"mode":"0600","path":"/etc/app.conf"}'),
        ("deploy", "file", "motd", "delete", '{"path":"/etc/motd"}'),
    ]


# -- by one of many ------------------------------------------------------------------------


def race(stored: Stored, bug: str | None = None) -> list[str]:
    """What goes wrong when many processes open the store at once; nothing, if all is well."""
    answers = stored.open(processes=PROCESSES, bug=bug)
    wrong = [answer["error"] if answer else "killed" for answer in answers]
    wrong = [each for each in wrong if each]
    applied = [number for answer in answers if answer for number in answer["applied"]]
    if applied != [each.number for each in MIGRATIONS[stored.before.schema :]]:
        wrong.append(f"these migrations were applied: {applied}")
    with open_store(str(stored.path)) as store:
        wrong += map(str, store.verify())
        names = {f"workflow-{number}" for number in range(PROCESSES)}
        if missing := names - set(store.workflow_names()):
            wrong.append(f"without a run: {missing}")
    return wrong


def test_of_many_processes_at_once_one_migrates_and_all_then_work(stored: Stored) -> None:
    for _ in range(5):
        assert race(stored) == []


@pytest.mark.parametrize("bug", ["no_turns", "looks_before_its_turn"])
def test_processes_that_migrate_at_the_same_time_are_found_out(stored: Stored, bug: str) -> None:
    assert any(race(stored, bug) for _ in range(5))
