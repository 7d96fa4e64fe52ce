"""Recording resources one by one from Lua, each durable, against the same SQL in bare apsw."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import apsw
from measure import Figure, seconds

from sloth_runner import RunRequest, run_file
from sloth_runner.events import Event, TaskFinished
from sloth_state import open_store

ROWS = 2000
SCRIPT = """
task("record"):command(function()
  for i = 1, %d do
    state.resource { type = "docker_container", name = "web-" .. i, status = "running", attributes = {
      image = "nginx:1.25", ports = { "80:80", "443:443" }, replicas = 3, memory = "512m", restart = "always",
      network = "front", user = "www-data", env = { TZ = "UTC" }, privileged = false, index = i,
    } }
  end
end)
"""


def figures(folder: Path) -> list[Figure]:
    """The ratio, and the rate from Lua."""
    script = folder / "record.sloth"
    script.write_text(SCRIPT % ROWS)
    database = folder / "record.db"
    empty = folder / "empty.db"
    with open_store(str(database)):
        pass
    shutil.copy(database, empty)
    with traced() as statements:
        _run(script, database)
    transactions = _transactions(statements)
    ratios = []
    for attempt in range(5):
        ours = _run(script, _copy(empty, folder / f"ours-{attempt}.db"))
        theirs = _replay(_copy(empty, folder / f"bare-{attempt}.db"), transactions)
        ratios.append((ours / theirs, ours))
    ratio, ours = sorted(ratios)[2]
    return [
        Figure("state.resource from Lua / the same SQL in bare apsw", ratio, "x", 1.3),
        Figure("state.resource from Lua, durable each", ROWS / ours, "/s"),
    ]


def _copy(source: Path, target: Path) -> Path:
    shutil.copy(source, target)
    return target


def _run(script: Path, database: Path) -> float:
    """Seconds of the task that records."""
    times: list[float] = []

    def listen(_at: datetime, event: Event) -> None:
        if isinstance(event, TaskFinished):
            times.append(event.duration_seconds)

    with open_store(str(database)) as store:
        run_file(store, RunRequest(str(script)), [listen])
    return times[0]


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


def _transactions(statements: list[tuple[str, Any]]) -> list[list[tuple[str, Any]]]:
    transactions: list[list[tuple[str, Any]]] = []
    for sql, bindings in statements:
        if sql == "BEGIN IMMEDIATE":
            transactions.append([])
        if transactions and not sql.startswith("PRAGMA"):
            transactions[-1].append((sql, bindings))
    return transactions


def _replay(database: Path, transactions: list[list[tuple[str, Any]]]) -> float:
    """Seconds of the transactions that insert a resource; the others are only done."""
    connection = apsw.Connection(str(database))
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")

    def replay(transaction: list[tuple[str, Any]]) -> None:
        for sql, bindings in transaction:
            connection.execute(sql, bindings).fetchall()

    taken = 0.0
    for transaction in transactions:
        if any(sql.startswith("INSERT INTO workflow_resources") for sql, _ in transaction):
            taken += seconds(lambda transaction=transaction: replay(transaction))  # type: ignore[misc]
        else:
            replay(transaction)
    connection.close()
    return taken
