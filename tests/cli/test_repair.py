"""`state workflow repair` says what it would do, asks, and mends what can be mended."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

from sloth_state.model import ResourceDraft, Run
from sloth_state.store import Store

Sloth = Callable[..., Any]
REPAIR = ("state", "workflow", "repair")


@pytest.fixture(autouse=True)
def recorded(store: Store, finished_run: Callable[..., Run]) -> None:
    finished_run("web", resources=[ResourceDraft("file", "a", {"mode": "0644"})])
    store.close()


def damage(path: Path, attributes: str = '{"mode":"0777"}') -> None:
    database = apsw.Connection(str(path))
    database.execute("UPDATE workflow_resources SET attributes = ?", (attributes,))
    database.close()


def backups(path: Path) -> list[str]:
    return [each.name for each in path.parent.iterdir() if ".backup-" in each.name]


def test_a_sound_store_is_left_alone(sloth: Sloth, store_path: Path) -> None:
    assert sloth(*REPAIR) == (0, "Nothing is wrong, so there is nothing to repair\n", "")
    assert backups(store_path) == []


def test_damage_is_mended_after_a_backup(sloth: Sloth, store_path: Path) -> None:
    damage(store_path)
    mended = """\
PLACE                     WHAT BECOMES OF IT
workflow_resources row 1  was not what was written; accepted as it is now: a00000000002 file a
web version 1             the hash of this version was made anew, from what is there now

"""

    assert sloth(*REPAIR, "--dry-run") == (0, f"{mended}2 problems can be mended\n", "")
    assert backups(store_path) == []
    assert sloth("state", "workflow", "verify").code == 6
    code, out, err = sloth(*REPAIR, "--force")

    (backup,) = backups(store_path)
    where = store_path.with_name(backup)
    assert (code, err) == (0, "")
    assert out == f"{mended}2 problems mended\nThe file as it was: {where}\n"
    assert sloth("state", "workflow", "verify").code == 0
    assert sloth("state", "workflow", "verify", "--state", str(where)).code == 6


def test_where_no_copy_can_be_made_it_says_so(sloth: Sloth, store_path: Path) -> None:
    damage(store_path)
    in_the_way = store_path.with_name(f"{store_path.name}.repairing")
    in_the_way.write_text("a file of somebody else's")

    code, out, err = sloth(*REPAIR, "--force")

    assert (code, out) == (6, "")
    assert err.startswith(
        f"Error: the state store {store_path} cannot be written to: "
        f"the copy in {in_the_way}: File exists\nHint: "
    )
    assert in_the_way.exists()


def test_it_asks_and_where_nobody_can_answer_it_refuses(sloth: Sloth, store_path: Path) -> None:
    damage(store_path)

    code, out, err = sloth(*REPAIR)

    assert (code, out) == (2, "")
    assert err.startswith("Error: repairing the store needs a confirmation")
    assert backups(store_path) == []


def test_what_cannot_be_mended_is_listed_with_exit_code_6(sloth: Sloth, store_path: Path) -> None:
    damage(store_path, '{"mode')

    code, out, err = sloth(*REPAIR, "--force")
    json_code, json_out, _ = sloth(*REPAIR, "--force", "-o", "json")

    assert (code, json_code, err) == (6, 6, "")
    assert (
        out
        == """\
PLACE                     CANNOT BE MENDED
workflow_resources row 1  is not what was written

0 problems can be mended
1 problem left; a backup from before may have it right
"""
    )
    assert json.loads(json_out) == {
        "mended": [],
        "lost": {},
        "left": [{"place": "workflow_resources row 1", "what": "is not what was written"}],
        "backup": None,
    }
    assert backups(store_path) == []


def test_rows_that_are_lost_are_counted(sloth: Sloth, store_path: Path) -> None:
    database = apsw.Connection(str(store_path))
    sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'workflow_resources'"
    ((page,),) = database.execute(sql).fetchall()
    database.pragma("wal_checkpoint(TRUNCATE)")
    database.close()
    content = bytearray(store_path.read_bytes())
    content[(page - 1) * 4096 : page * 4096] = b"\xff" * 4096
    store_path.write_bytes(content)

    code, out, err = sloth(*REPAIR, "--force")

    assert (code, err) == (0, "")
    assert "workflow_resources: 1 row lost in damaged pages\n" in out
    assert sloth("state", "workflow", "verify").code == 0
    assert sloth("state", "workflow", "show", "web").code == 0
