"""A repair that is killed leaves the old store or the mended one, and never half a backup."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest
from killed_runs import FIRST, KILLED, SOURCE, Folder, failpoint_child
from told import LOG

from sloth_state.errors import StoreError
from sloth_state.open import open_store

REPAIR = ("state", "workflow", "repair", "--force")
PAGE = 4096
TABLES = ("workflow_states", "workflow_resources", "workflow_outputs", "workflow_tasks")


@pytest.fixture(scope="module")
def child() -> Iterator[subprocess.Popen[str]]:
    with failpoint_child() as process:
        yield process


def change_a_row(database: apsw.Connection) -> None:
    database.execute("UPDATE workflow_outputs SET value = '\"http://two\"' WHERE key = 'image'")


def damage_a_page(database: apsw.Connection) -> None:
    sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'workflow_outputs'"
    ((page,),) = database.execute(sql).fetchall()
    database.pragma("wal_checkpoint", "TRUNCATE")
    with open(database.filename, "r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(b"\xff" * PAGE)
    database.execute("UPDATE workflow_states SET error_msg = 'in the log only'")


class Damaged:
    """A store that is damaged and has a log, as a killed process leaves one."""

    def __init__(self, folder: Folder, damage: Callable[[apsw.Connection], None]) -> None:
        self.folder = folder
        (folder.path / "world").mkdir(parents=True)
        (folder.path / "w.sloth").write_text(SOURCE)
        folder.ok(*FIRST.arguments)
        database = apsw.Connection(str(folder.path / "state.db"))
        damage(database)
        folder.save("damaged")
        database.close()
        self.problems, self.rows = verified(self.anew().path / "state.db"), rows(self.anew())
        folder.ok(*REPAIR)
        self.boundaries, self.mended = folder.boundaries(), rows(folder)

    def anew(self) -> Folder:
        self.folder.restore("damaged")
        return self.folder


def verified(path: Path) -> list[Any]:
    """What is wrong with a copy of a store; looking at it must not change it."""
    look = path.with_name("look")
    shutil.rmtree(look, ignore_errors=True)
    look.mkdir()
    for suffix in ("", "-wal"):
        if path.with_name(path.name + suffix).exists():
            shutil.copy(path.with_name(path.name + suffix), look / f"state.db{suffix}")
    try:
        with open_store(str(look / "state.db")) as store:
            return [tuple(each) for each in store.verify()]
    except StoreError as error:
        return [str(error)]
    finally:
        shutil.rmtree(look)


def rows(folder: Folder) -> dict[str, Any]:
    """What is in some tables; an error for one that cannot be read."""
    database = apsw.Connection(str(folder.path / "state.db"))
    found = {}
    for table in TABLES:
        try:
            found[table] = database.execute(f"SELECT * FROM {table}").fetchall()
        except apsw.CorruptError as error:
            found[table] = [str(error)]
    database.close()
    return found


def backups(folder: Folder) -> list[Path]:
    return [each for each in folder.path.iterdir() if ".backup-" in each.name]


def check_what_is_left(damaged: Damaged) -> None:
    """Old or mended, and a backup of the old one if it is not there any more."""
    folder = damaged.folder
    problems = verified(folder.path / "state.db")
    assert problems in ([], damaged.problems), "the store is neither the old one nor the mended"
    for backup in backups(folder):
        assert verified(backup) == damaged.problems, "a backup that is none"
    assert problems or backups(folder), "no backup"
    assert rows(folder) == (damaged.rows if problems else damaged.mended)


def check_repair_succeeds(damaged: Damaged) -> None:
    folder = damaged.folder
    folder.ok(*REPAIR)
    assert (verified(folder.path / "state.db"), rows(folder)) == ([], damaged.mended)
    known = {"commands", "steps", "world", "w.sloth", "state.db", "state.db.queue"}
    notes = {LOG, "boundaries", "said"}
    left = {each.name for each in folder.path.iterdir()} - known - notes
    assert left == {each.name for each in backups(folder)}, "something is left behind"


def sweep(damaged: Damaged, boundaries: Iterable[int], bug: str | None = None) -> None:
    for boundary in boundaries:
        folder = damaged.anew()
        code, said = folder.run(*REPAIR, boundary=boundary, bug=bug)
        assert code == KILLED, said
        try:
            check_what_is_left(damaged)
            check_repair_succeeds(damaged)
        except AssertionError as error:
            error.add_note(f"ended at boundary {boundary}, {damaged.boundaries[boundary - 1]}")
            raise


def names_given(damaged: Damaged) -> list[int]:
    """The boundaries at which a file appears or gets another name."""
    return [
        number
        for number, each in enumerate(damaged.boundaries, 1)
        if each.endswith(("create", "rename"))
    ]


def test_a_repair_ended_when_a_file_gets_its_name_can_be_done_again(
    memory_path: Path, child: subprocess.Popen[str]
) -> None:
    damaged = Damaged(Folder(memory_path / "folder", child), change_a_row)
    sweep(damaged, names_given(damaged))


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("damage", [change_a_row, damage_a_page])
def test_a_repair_ended_at_any_boundary_can_be_done_again(
    memory_path: Path,
    child: subprocess.Popen[str],
    damage: Callable[[apsw.Connection], None],
) -> None:
    damaged = Damaged(Folder(memory_path / "folder", child), damage)
    sweep(damaged, range(1, len(damaged.boundaries) + 1))


@pytest.mark.parametrize(
    ("bug", "finding"),
    [("copies_backups_in_place", "a backup that is none"), ("backs_up_late", "no backup")],
)
def test_the_check_finds_what_a_bug_leaves(
    memory_path: Path, child: subprocess.Popen[str], bug: str, finding: str
) -> None:
    damaged = Damaged(Folder(memory_path / "folder", child), change_a_row)
    with pytest.raises(AssertionError, match=finding):
        sweep(damaged, names_given(damaged), bug)
