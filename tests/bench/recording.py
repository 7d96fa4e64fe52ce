"""Recording resources one by one from Lua, each durable, against the same SQL in bare apsw."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import apsw
from measure import Figure, seconds

from sloth_runner import RunRequest, run_file
from sloth_state import open_store
from sloth_state.sqlite.connection import LOG_PAGES
from sloth_state.sqlite.opening import configure

ROWS = 2000
INSERT = "INSERT INTO workflow_resources"
SCRIPT = """
task("record"):command(function()
  for i = 1, %d do
    state.resource{ type = "docker_container", name = "web-" .. i, action = "create", status = "running",
                    attributes = { image = "nginx:1.25", ports = { "80:80" } } }
  end
end)
"""


def figures(folder: Path) -> list[Figure]:
    """The ratio, and the rate from Lua.

    Bare apsw has the store's settings. Among them is a log twice as long as SQLite's own, which
    becomes longer by more commits before it is used again, and each of those waits for the file
    system too; so it is also compared with SQLite's own log.
    """
    script = folder / "record.sloth"
    script.write_text(SCRIPT % ROWS)
    database = folder / "record.db"
    empty = folder / "empty.db"
    with open_store(str(database)):
        pass
    shutil.copy(database, empty)
    statements = transactions(_run_traced(script, database))
    same, own_log, taken = [], [], []
    for attempt in range(5):
        ours = _run(script, _copy(empty, folder / f"ours-{attempt}.db"))
        bare = replay(_copy(empty, folder / f"bare-{attempt}.db"), statements, INSERT)
        copy = _copy(empty, folder / f"own-log-{attempt}.db")
        bare_with_own_log = replay(copy, statements, INSERT, log_pages=1000)
        same.append(ours / bare)
        own_log.append(ours / bare_with_own_log)
        taken.append(ours)
    return [
        Figure("state.resource from Lua / the same SQL in bare apsw", median(same), "x", 1.3),
        Figure("the same, and bare apsw with SQLite's own log length", median(own_log), "x"),
        Figure("state.resource from Lua, durable each", ROWS / median(taken), "/s"),
    ]


def _copy(source: Path, target: Path) -> Path:
    shutil.copy(source, target)
    return target


def _run(script: Path, database: Path) -> float:
    """Seconds of the task that records, in a process of its own as a user has it."""
    command = [sys.executable, "-m", "sloth_runner", "run", str(script), "-q"]
    environment = {**os.environ, "SLOTH_RUNNER_STATE": str(database)}
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    with open_store(str(database)) as store:
        (task,) = store.tasks(store.runs(limit=1)[0].id)
    assert task.started_at is not None
    assert task.ended_at is not None
    return (task.ended_at - task.started_at).total_seconds()


def _run_traced(script: Path, database: Path) -> list[tuple[str, Any]]:
    with traced() as statements, open_store(str(database)) as store:
        run_file(store, RunRequest(str(script)))
    return statements


@contextmanager
def traced() -> Iterator[list[tuple[str, Any]]]:
    """All statements of connections that are opened inside, with their bindings."""
    statements: list[tuple[str, Any]] = []

    def trace(_cursor: Any, sql: str, bindings: Any) -> bool:
        statements.append((sql, bindings))
        return True

    def hook(connection: apsw.Connection) -> None:
        connection.exec_trace = trace

    apsw.connection_hooks.append(hook)
    try:
        yield statements
    finally:
        apsw.connection_hooks.remove(hook)


def transactions(statements: list[tuple[str, Any]]) -> list[list[tuple[str, Any]]]:
    """The statements of each transaction."""
    found: list[list[tuple[str, Any]]] = []
    for sql, bindings in statements:
        if sql == "BEGIN IMMEDIATE":
            found.append([])
        if found and not sql.startswith("PRAGMA"):
            found[-1].append((sql, bindings))
    return found


def replay(
    database: Path,
    statements: list[list[tuple[str, Any]]],
    timed: str,
    *,
    log_pages: int = LOG_PAGES,
) -> float:
    """Seconds of the transactions that have such a statement; the others are only done.

    The connection is configured as the store's own.
    """
    connection = apsw.Connection(str(database))
    connection.execute("PRAGMA journal_mode = WAL")
    configure(connection)
    connection.wal_autocheckpoint(log_pages)

    def perform(transaction: list[tuple[str, Any]]) -> None:
        for sql, bindings in transaction:
            connection.execute(sql, bindings).fetchall()

    taken = 0.0
    for transaction in statements:
        if any(sql.startswith(timed) for sql, _ in transaction):
            taken += seconds(lambda transaction=transaction: perform(transaction))  # type: ignore[misc]
        else:
            perform(transaction)
    connection.close()
    return taken
