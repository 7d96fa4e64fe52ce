"""Many versions of many resources: what one costs to write, in time and space, and to read."""

from __future__ import annotations

import json
import statistics
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple

import apsw
from measure import Figure, seconds

from sloth_runner import Execution
from sloth_state import ResourceDraft, Store, open_store

RESOURCES = 10_000
CHANGED = RESOURCES // 100
VERSIONS = 100


class History(NamedTuple):
    """A store with all the versions, and what each after the first took."""

    database: Path
    times: list[float]
    """Seconds."""
    size: float
    """Bytes of one version."""


@cache
def history(folder: Path) -> History:
    """Made once for all who measure something with it. Leave it as it is."""
    database = folder / "versions.db"
    with open_store(str(database)) as store:
        _write(store, range(RESOURCES), 0)
        before = _size(database)
        times = [
            seconds(lambda version=version: _write(store, _changed(version), version))  # type: ignore[misc]
            for version in range(1, VERSIONS)
        ]
        return History(database, times, (_size(database) - before) / (VERSIONS - 1))


def figures(folder: Path) -> list[Figure]:
    """Disk and time of a version, and reading the first and the last one."""
    database, times, size = history(folder)
    plain = _plain_rows(folder / "plain.db")
    read_plain = statistics.median(seconds(plain) for _ in range(7))
    with open_store(str(database)) as store:
        last = _read_seconds(store, VERSIONS)
        first = _read_seconds(store, 1)
    early, late = statistics.median(times[:20]), statistics.median(times[-20:])
    return [
        Figure("disk of a version, 10,000 resources, 1 % changed", size / 1024, "KB", 100),
        Figure("time to write a version", statistics.median(times) * 1000, "ms", 10),
        Figure("write the last 20 versions / the first 20", late / early, "x"),
        Figure("read the last version / 10,000 plain rows with JSON", last / read_plain, "x", 2),
        Figure("read the first version / 10,000 plain rows with JSON", first / read_plain, "x", 2),
    ]


def _attributes(number: int, version: int) -> dict[str, object]:
    return {
        "image": f"registry.example.org/team/service-{number % 50}:{version}",
        "ports": ["80:80", "443:443"],
        "replicas": 3,
        "memory": "512m",
        "restart": "always",
        "labels": {"team": "web", "tier": "front", "index": number},
    }


def _changed(version: int) -> range:
    start = version * CHANGED % RESOURCES
    return range(start, start + CHANGED)


def _write(store: Store, numbers: range, version: int) -> None:
    drafts = [
        ResourceDraft("docker_container", f"web-{number}", _attributes(number, version), "running")  # type: ignore[arg-type]
        for number in numbers
    ]
    with Execution(store, "deploy", lock_timeout=timedelta(0)) as run:
        run.record_all(drafts)


def _read_seconds(store: Store, version: int) -> float:
    def read() -> None:
        resources = store.resources("deploy", version=version)
        # Attributes are decoded when somebody looks into them; the plain rows' are, too.
        assert len([each for each in resources if each.attributes["replicas"]]) == RESOURCES

    return statistics.median(seconds(read) for _ in range(7))


def _plain_rows(database: Path):  # type: ignore[no-untyped-def]
    connection = apsw.Connection(str(database))
    connection.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, name TEXT, attributes TEXT)")
    with connection:
        connection.executemany(
            "INSERT INTO rows (name, attributes) VALUES (?, ?)",
            [(f"web-{n}", json.dumps(_attributes(n, 1))) for n in range(RESOURCES)],
        )

    def read() -> None:
        rows = connection.execute("SELECT id, name, attributes FROM rows").fetchall()
        assert len([(id, name, json.loads(text)) for id, name, text in rows]) == RESOURCES

    return read


def _size(database: Path) -> int:
    connection = apsw.Connection(str(database))
    connection.pragma("wal_checkpoint(TRUNCATE)")
    connection.close()
    return database.stat().st_size
