"""Commands that only look leave a store of an older schema to the release that made it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

from sloth_state.open import open_store
from sloth_state.sqlite.opening import OLDER
from sloth_state.sqlite.schema import MIGRATIONS

Sloth = Callable[..., Any]

DATA = Path(__file__).parents[1] / "state/data"
EARLIER = [each.number for each in MIGRATIONS[:-1]]
NEWEST = MIGRATIONS[-1].number
LOOKING = [
    ("list",),
    ("show", "deploy"),
    ("versions", "deploy"),
    ("resources", "deploy"),
    ("outputs", "deploy"),
    ("diff", "deploy", "1", "2"),
    ("search", "motd"),
    ("stats",),
    ("tags", "list"),
    ("tags", "list", "deploy@1"),
    ("locks",),
    ("verify",),
]
WORKFLOW = """
local make = task("make"):command(function()
  resource.directory{ name = "folder", path = "folder" }
end)
workflow.define("deploy"):tasks({ make })
"""


HALF_DONE = (
    "Note: killed runs of site left 1 operation half-done; settle that with: "
    "sloth-runner state workflow recover site\n"
)
"""What `verify` says of stores that have a journal, which came with schema 2."""


@pytest.fixture(params=EARLIER)
def older(request: pytest.FixtureRequest, store_path: Path) -> Path:
    """The store that commands use, as an earlier release left it."""
    return Path(shutil.copy(DATA / f"schema-{request.param}.db", store_path))


def schema_of(path: Path) -> int:
    database = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return int(database.pragma("user_version"))
    finally:
        database.close()


@pytest.mark.parametrize("command", LOOKING, ids=" ".join)
def test_it_is_read_as_it_is(command: tuple[str, ...], older: Path, sloth: Sloth) -> None:
    before = older.read_bytes()
    words = ("state", "workflow", *command, "-o", "json")
    notes = HALF_DONE if command == ("verify",) and schema_of(older) >= 2 else ""

    code, out, err = sloth(*words)

    assert (code, err) == (0, f"Note: {OLDER}; reading only\n{notes}")
    assert older.read_bytes() == before
    open_store(str(older)).close()
    assert schema_of(older) == NEWEST
    if command != ("stats",):  # which counts bytes
        assert sloth(*words) == (0, out, notes)


def test_a_plan_for_it_changes_nothing(
    older: Path, sloth: Sloth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deploy.sloth").write_text(WORKFLOW)
    before = older.read_bytes()

    code, out, _ = sloth("plan", "deploy.sloth")

    assert code == 0
    assert "+ directory/folder" in out
    assert older.read_bytes() == before


def test_completing_a_name_changes_nothing(
    older: Path, sloth: Sloth, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = older.read_bytes()
    monkeypatch.setenv("_SLOTH_RUNNER_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "sloth-runner state workflow show dep")
    monkeypatch.setenv("COMP_CWORD", "4")

    assert "deploy" in sloth().out
    assert older.read_bytes() == before


def test_a_backup_of_it_can_be_used_by_the_release_that_made_it(
    older: Path, sloth: Sloth, tmp_path: Path
) -> None:
    before = older.read_bytes()
    earlier = schema_of(older)
    copy = tmp_path / "backup.db"

    code, _, _ = sloth("state", "workflow", "backup", str(copy))

    assert code == 0
    assert older.read_bytes() == before
    assert schema_of(copy) == earlier
    with open_store(str(copy)) as store:
        assert store.verify() == []
        assert [run.version for run in store.runs(name="deploy")] == [3, 2, 1]


@pytest.mark.parametrize(
    "command",
    [("tags", "add", "deploy@1", "good"), ("outputs", "deploy@1", "--show-sensitive")],
    ids=" ".join,
)
def test_what_writes_upgrades_it(command: tuple[str, ...], older: Path, sloth: Sloth) -> None:
    code, _, err = sloth("state", "workflow", *command)

    assert (code, err) == (0, "")
    with open_store(str(older), upgrade=False) as store:
        assert (store.read_only, store.verify()) == (None, [])
