"""Stores of older schemas become stores of this one; every released schema has its file here."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import apsw
import pytest

from sloth_state.leases import acquire
from sloth_state.model import DriftState, LockScope
from sloth_state.open import open_store, utc_now
from sloth_state.sqlite.read_only import open_for_reading
from sloth_state.sqlite.schema import MIGRATIONS
from sloth_state.sqlite.store import SqliteStore
from sloth_state.store import Store

DATA = Path(__file__).parent / "data"
NEWEST = MIGRATIONS[-1].number


def _restored(number: int, folder: Path) -> Path:
    """The stored file of a schema, as a file of that release would be."""
    return Path(shutil.copy(DATA / f"schema-{number}.db", folder / "state.db"))


def _shape(database: apsw.Connection) -> list[Any]:
    return list(database.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name"))


@pytest.mark.parametrize("number", [migration.number for migration in MIGRATIONS])
def test_a_store_of_every_released_schema_opens_with_all_it_had(
    number: int, tmp_path: Path
) -> None:
    path = _restored(number, tmp_path)
    with open_store(str(path)) as store:
        assert store.verify() == []
        assert [(run.version, run.status.value) for run in store.runs(name="deploy")] == [
            (3, "failed"),
            (2, "success"),
            (1, "success"),
        ]
        assert [
            (each.name, each.action.value, each.attributes)
            for each in store.resources("deploy", version=2)
        ] == [
            ("app.conf", "update", {"mode": "0600", "path": "/etc/app.conf"}),
            ("motd", "delete", {"path": "/etc/motd"}),
        ]
        (first, *_) = reversed(store.runs(name="deploy"))
        assert store.outputs(first.id)["url"].value == "http://example.org"
        assert store.tags(first.id) == ["stable"]
        assert [task.name for task in store.tasks(first.id)] == ["configure"]
        assert store.content(store.version("deploy", 1).source_hash or "") == b"-- deploy.sloth\n"
        assert store.kv_get("counter") == (True, 3)


def _journal(store: Store, run_id: str) -> list[Any]:
    return [
        (each.number, each.verb, each.name, each.ended_at is not None, each.error)
        for each in store.operations(run_id)
    ]


@pytest.mark.parametrize("number", [each.number for each in MIGRATIONS if each.number >= 2])
def test_a_store_with_declared_resources_has_their_journal_contents_and_drift(
    number: int, tmp_path: Path
) -> None:
    with open_store(str(_restored(number, tmp_path))) as store:
        (run,) = store.runs(name="site")
        (page,) = store.resources("site")
        assert page.declaration == {
            "depends_on": [],
            "ignore": [],
            "key": "/srv/index.html",
            "memory": {"made": True},
            "sensitive": [],
            "task": "publish",
        }
        assert store.content(str(page.attributes["content_sha256"])) == b"<h1>Hello</h1>\n"
        assert store.modules(run.id) == {"pages": b"return {}\n"}
        journal = [
            (1, "create", "index.html", True, None),
            (2, "create", "about.html", False, None),
        ]
        assert _journal(store, run.id) == journal
        unfinished = store.unfinished_operations("site")
        assert [(id, each.name, each.key) for id, each in unfinished] == [
            (run.id, "about.html", "/srv/about.html")
        ]
        (detection,) = store.detections("site")
        assert detection.state is DriftState.DRIFTED
        assert detection.actual == {**detection.expected, "mode": "0600"}


@pytest.mark.parametrize("number", [each.number for each in MIGRATIONS if each.number >= 2])
def test_a_store_with_steps_has_what_they_gave(number: int, tmp_path: Path) -> None:
    with open_store(str(_restored(number, tmp_path))) as store:
        failed = store.version("deploy", 3).run_id
        (step,) = store.steps(failed, "configure")
        assert step[:4] == ("configure", 1, "build image", "sha256:1f")


def test_a_resource_of_the_first_schema_was_only_recorded(tmp_path: Path) -> None:
    with open_store(str(_restored(1, tmp_path))) as store:
        assert {each.declaration for each in store.resources("deploy", version=2)} == {None}


@pytest.mark.parametrize("number", [migration.number for migration in MIGRATIONS])
def test_an_upgraded_store_has_the_same_schema_as_a_new_one(number: int, tmp_path: Path) -> None:
    open_store(str(_restored(number, tmp_path))).close()
    open_store(str(tmp_path / "new.db")).close()
    upgraded, new = (
        apsw.Connection(str(tmp_path / "state.db")),
        apsw.Connection(str(tmp_path / "new.db")),
    )
    assert _shape(upgraded) == _shape(new)
    assert upgraded.pragma("user_version") == NEWEST
    recorded = upgraded.execute("SELECT number, name FROM schema_migrations ORDER BY 1").fetchall()
    assert recorded == [(each.number, each.name) for each in MIGRATIONS]
    upgraded.close()
    new.close()


@pytest.mark.parametrize("number", [each.number for each in MIGRATIONS[:-1]])
def test_an_older_store_that_cannot_be_written_to_is_read_all_the_same(
    number: int, tmp_path: Path
) -> None:
    path = _restored(number, tmp_path)
    before = path.read_bytes()
    with SqliteStore(open_for_reading(str(path), "the file is read-only"), utc_now, str) as store:
        assert store.read_only == "the file is read-only"
        read = [store.resources("deploy", version=version) for version in (1, 2, 3)]
        assert store.verify() == []
    assert path.read_bytes() == before
    with open_store(str(path)) as store:
        assert [store.resources("deploy", version=version) for version in (1, 2, 3)] == read


@pytest.mark.parametrize("number", [each.number for each in MIGRATIONS if each.number >= 3])
def test_a_store_with_a_ticket_has_it_and_that_keeps_nobody_waiting(
    number: int, tmp_path: Path
) -> None:
    with open_store(str(_restored(number, tmp_path))) as store:
        (ticket,) = store.tickets()
        assert (ticket.scope, ticket.name) == (LockScope.WORKFLOW, "pruned")
        assert str(ticket.holder) == "ada@build-7 pid 4711"
        assert ticket.expires_at - ticket.came_at == timedelta(seconds=15)
        acquire(store, LockScope.WORKFLOW, "pruned")
        assert store.tickets() == []


@pytest.mark.parametrize("number", [each.number for each in MIGRATIONS if each.number >= 2])
def test_a_store_that_was_pruned_has_what_is_needed_to_check_it(
    number: int, tmp_path: Path
) -> None:
    with open_store(str(_restored(number, tmp_path))) as store:
        (version,) = store.versions("pruned")
        assert (version.version, version.parent) == (2, 1)
        (motd,) = store.resources("pruned")
        assert motd.attributes == {"number": 2}
        assert store.verify() == []
