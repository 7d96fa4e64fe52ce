"""`state workflow backup` and `restore`: the whole store, while it is used, checked."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import apsw
import pytest

from sloth_state.errors import StoreMissing
from sloth_state.leases import acquire
from sloth_state.model import LockScope, ResourceDraft, Run
from sloth_state.open import open_store
from sloth_state.store import Store

Record = Callable[..., Run]
Sloth = Callable[..., Any]

BACKUP = ("state", "workflow", "backup")
RESTORE = ("state", "workflow", "restore")


@pytest.fixture(autouse=True)
def recorded(finished_run: Record) -> None:
    finished_run("web", resources=[ResourceDraft("file", "a", {"mode": "0644"})])


@pytest.fixture
def copy(sloth: Sloth, tmp_path: Path) -> Path:
    path = tmp_path / "copy.db"
    assert sloth(*BACKUP, str(path)).code == 0
    return path


def names(path: Path) -> list[str]:
    with open_store(str(path), create=False) as store:
        assert store.verify() == []
        return store.workflow_names()


def beside(store_path: Path, kind: str) -> list[Path]:
    return sorted(store_path.parent.glob(f"state.db.{kind}*"))


def test_those_who_waited_when_a_backup_was_made_keep_nobody_waiting_when_it_is_restored(
    sloth: Sloth, store: Store, tmp_path: Path, dead_holder: Any
) -> None:
    elsewhere = dead_holder._replace(host="elsewhere")
    for holder, validity in ((dead_holder, timedelta(days=1)), (elsewhere, timedelta(0))):
        store.take_ticket(LockScope.WORKFLOW, "web", holder, validity)
    path = tmp_path / "copy.db"
    assert sloth(*BACKUP, str(path)).code == 0
    assert sloth(*RESTORE, str(path), "--force").code == 0

    with open_store(None) as restored:
        assert restored.verify() == []
        assert len(restored.tickets()) == 2
        acquire(restored, LockScope.WORKFLOW, "web")
        assert restored.tickets() == []


def test_a_backup_is_a_whole_store_in_one_file_of_its_owner(
    sloth: Sloth, store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "copy.db"

    code, out, err = sloth(*BACKUP, str(path))

    size = path.stat().st_size
    assert (code, out, err) == (0, f"Backed up to {path} ({size:,} bytes)\n", "")
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(each.name for each in tmp_path.glob("copy*")) == ["copy.db"]
    with open_store(str(path)) as copy:
        assert copy.versions("web") == store.versions("web")
        assert copy.verify() == []


def test_without_a_name_it_is_beside_the_store_with_the_time(
    sloth: Sloth, store_path: Path
) -> None:
    code, out, err = sloth(*BACKUP, "-o", "json")

    (path,) = beside(store_path, "backup")
    assert re.fullmatch(r"state\.db\.backup-\d{8}T\d{6}Z", path.name)
    assert (code, err) == (0, "")
    assert json.loads(out) == {
        "url": f"sqlite:///{store_path}",
        "file": str(path),
        "bytes": path.stat().st_size,
        "problems": [],
    }


def test_two_backups_of_one_second_have_two_names(sloth: Sloth, store_path: Path) -> None:
    codes = [sloth(*BACKUP).code for _ in range(2)]

    assert codes == [0, 0]
    assert len(beside(store_path, "backup")) == 2


def test_a_backup_never_replaces_a_file(sloth: Sloth, copy: Path) -> None:
    before = copy.read_bytes()

    assert sloth(*BACKUP, str(copy)) == (
        2,
        "",
        f"Error: {copy} exists, and a backup never replaces anything\nHint: Name another file.\n",
    )
    assert copy.read_bytes() == before


def test_what_a_killed_backup_left_is_named_and_not_in_the_way(
    sloth: Sloth, tmp_path: Path
) -> None:
    target = tmp_path / "copy.db"
    target.touch()
    target.with_name("copy.db.unfinished").write_bytes(b"half of it")
    result = sloth(*BACKUP, str(target))
    assert (result.code, result.err) == (
        2,
        f"Error: {target} exists, and a backup never replaces anything\n"
        "Hint: It is empty: remove it if a backup was killed, or name another file.\n",
    )
    target.unlink()
    assert sloth(*BACKUP, str(target)).code == 0
    assert list(tmp_path.glob("copy.db*")) == [target]
    assert names(target) == ["web"]


def test_a_backup_is_made_in_the_middle_of_a_write(
    sloth: Sloth, store_path: Path, tmp_path: Path
) -> None:
    writer = apsw.Connection(str(store_path))
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM workflows")
    path = tmp_path / "copy.db"

    assert sloth(*BACKUP, str(path)).code == 0
    writer.execute("ROLLBACK")
    writer.close()
    assert names(path) == ["web"]


def test_the_backup_of_a_damaged_store_says_so(
    sloth: Sloth, store_path: Path, tmp_path: Path
) -> None:
    damage(store_path)
    path = tmp_path / "copy.db"

    code, out, err = sloth(*BACKUP, str(path))

    assert (code, err) == (6, "")
    assert re.search(r"with \d+ problems? that the store has: see `verify`\n$", out)


def damage(path: Path) -> None:
    database = apsw.Connection(str(path))
    database.execute("UPDATE workflow_resources SET attributes = '{}'")
    database.close()


def test_a_place_that_cannot_be_written_leaves_nothing(sloth: Sloth, tmp_path: Path) -> None:
    code, out, err = sloth(*BACKUP, str(tmp_path / "none/copy.db"))

    assert (code, out) == (6, "")
    assert err.endswith(": No such file or directory\nHint: Name another file.\n")


def test_a_restored_store_is_the_one_that_was_backed_up(
    sloth: Sloth, store: Store, store_path: Path, copy: Path, finished_run: Record
) -> None:
    before = copy.read_bytes()
    finished_run("later")

    code, out, err = sloth(*RESTORE, str(copy), "--force")

    kept, *_logs = beside(store_path, "replaced")
    assert (code, err) == (0, "")
    assert out == f"Restored {store_path} from {copy}\nWhat was there is kept as {kept}\n"
    assert (names(store_path), names(kept)) == (["web"], ["later", "web"])
    assert copy.read_bytes() == before
    assert store_path.stat().st_mode & 0o777 == 0o600
    assert beside(store_path, "restoring") == []
    with open_store(None) as restored:
        entry = restored.audit_trail()[0]
    assert (entry.action, entry.workflow, entry.detail) == ("restore", None, f"from {copy}")
    with pytest.raises(StoreMissing, match="replaced while it was in use"):
        finished_run("lost")


def test_a_store_that_is_damaged_or_missing_can_be_restored(
    sloth: Sloth, store: Store, store_path: Path, copy: Path
) -> None:
    store.close()
    store_path.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    assert sloth(*RESTORE, str(copy), "--force").code == 0
    assert names(store_path) == ["web"]
    (kept,) = beside(store_path, "replaced")
    assert kept.read_bytes().endswith(b"\xff" * 5000)
    kept.unlink()

    for path in store_path.parent.glob("state.db*"):
        path.unlink()
    assert sloth(*RESTORE, str(copy), "--force") == (
        0,
        f"Restored {store_path} from {copy}\n",
        "",
    )
    assert names(store_path) == ["web"]
    assert beside(store_path, "replaced") == []


def test_a_backup_of_an_earlier_schema_is_brought_to_this_one(
    sloth: Sloth, store_path: Path
) -> None:
    earlier = Path(__file__).parents[1] / "state/data/schema-1.db"

    assert sloth(*RESTORE, str(earlier), "--force").code == 0
    assert "deploy" in names(store_path)


def test_while_somebody_holds_a_lock_the_store_stays(
    sloth: Sloth, store_path: Path, copy: Path, finished_run: Record
) -> None:
    finished_run("later")
    with open_store(None) as now:
        lock = acquire(now, LockScope.SCRIPT, "deploys")
        code, out, err = sloth(*RESTORE, str(copy), "--force")
        now.release_lock(lock)

    assert (code, out) == (4, "")
    assert err.startswith("Error: deploys is locked by ")
    assert names(store_path) == ["later", "web"]
    assert beside(store_path, "re") == []


def test_the_lock_of_a_dead_process_does_not_keep_a_store(
    sloth: Sloth, copy: Path, dead_run: Run
) -> None:
    assert sloth(*RESTORE, str(copy), "--force").code == 0


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("damaged", "is damaged: workflow_resources row 1 is not what was written"),
        ("foreign", "is not an SQLite database\nHint: Nothing was replaced. Name a file that "),
        ("cut", "was cut off"),
    ],
)
def test_a_copy_that_is_not_sound_replaces_nothing(
    sloth: Sloth, store_path: Path, copy: Path, tmp_path: Path, kind: str, what: str
) -> None:
    if kind == "damaged":
        damage(copy)
    elif kind == "foreign":
        copy.write_text("hello" * 100)
    else:
        os.truncate(copy, copy.stat().st_size - 8192)
    before = store_path.read_bytes()

    code, out, err = sloth(*RESTORE, str(copy), "--force")

    assert (code, out) == (6, "")
    assert err.startswith(f"Error: the state store {copy} {what}")
    assert store_path.read_bytes() == before
    assert beside(store_path, "re") == []


def test_a_copy_that_is_not_there_is_not_found(sloth: Sloth, store_path: Path) -> None:
    assert sloth(*RESTORE, "none.db", "--force") == (
        3,
        "",
        "Error: there is no file none.db\nHint: Check the path.\n",
    )
    assert beside(store_path, "re") == []


def test_restore_asks_first(sloth: Sloth, store_path: Path, copy: Path) -> None:
    assert sloth(*RESTORE, str(copy)) == (
        2,
        "",
        f"Error: restoring {store_path} needs a confirmation, and there is no terminal to ask at\n"
        "Hint: Add --force to do it without being asked.\n",
    )
    assert beside(store_path, "re") == []
