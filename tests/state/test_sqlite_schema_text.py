"""A schema that is not what was written is found when the store is opened, and can be repaired."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from sloth_state.errors import StoreDamaged
from sloth_state.model import Problem
from sloth_state.open import open_store
from sloth_state.sqlite import schema, schema_text
from sloth_state.sqlite.repair import Repairer

CHANGES = [
    ("resource_count", "resource_coung"),  # columns that no query finds
    ("REFERENCES workflows", "REFERENCES workflowr"),
    ("CREATE TABLE workflow_states", "CREATE TABLF workflow_states"),  # no SQL
    ("CASCADE", "cASCADE"),  # what says the same all the same
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "state.db"
    with open_store(str(path)) as store:
        store.kv_set("key", "value")
    return path


def change(path: Path, text: str, other: str) -> None:
    """Change the text of the schema as a disk might."""
    database = apsw.Connection(str(path))
    database.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 0)
    database.pragma("writable_schema", True)
    database.execute(
        "UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE name = 'workflow_states'",
        (text, other),
    )
    assert database.changes() == 1
    database.close()


def test_the_checksum_is_that_of_the_newest_schema() -> None:
    database = apsw.Connection(":memory:")
    schema.create(database)
    assert schema_text.checksum(database) == schema_text.CHECKSUM
    database.close()


@pytest.mark.parametrize(("text", "other"), CHANGES)
def test_a_changed_schema_is_damage(path: Path, text: str, other: str) -> None:
    change(path, text, other)
    with pytest.raises(StoreDamaged) as error:
        open_store(str(path))
    assert error.value.message.startswith(f"the state store {path} is damaged: ")
    assert "\n" not in error.value.message


@pytest.mark.parametrize(("text", "other"), CHANGES)
def test_a_changed_schema_is_repaired(path: Path, text: str, other: str) -> None:
    change(path, text, other)
    repairer = Repairer(str(path), actor="ada", is_dead=lambda _: False, new_id=lambda: "0" * 12)
    repair = repairer.repair()
    assert repair.mended == (
        Problem("schema", "was not what was written; the one of this release is"),
    )
    assert (repair.lost, repair.left) == ({}, ())
    with open_store(str(path)) as store:
        assert store.kv_get("key") == (True, "value")
        assert store.verify() == []


def test_statistics_that_sqlite_keeps_are_no_damage(path: Path) -> None:
    database = apsw.Connection(str(path))
    database.execute("ANALYZE")
    database.close()
    with open_store(str(path)) as store:
        assert store.verify() == []


def test_a_migration_undone_by_a_full_disk_says_so_and_no_more(tmp_path: Path) -> None:
    database = apsw.Connection(str(tmp_path / "small.db"))
    database.pragma("max_page_count", 10)
    with pytest.raises(apsw.FullError):
        schema.create(database)
    assert not database.in_transaction
    assert database.execute("SELECT count(*) FROM sqlite_schema").fetchall() == [(0,)]
    database.close()
