"""`resource.directory`: a folder's being there, its mode and owner, and the parents it needed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from sloth_runner.providers.durable import Permissions
from sloth_runner.providers.folders import make_folder

CREATED = "1 created, 0 updated, 0 deleted, 0 unchanged"
UPDATED = "0 created, 1 updated, 0 deleted, 0 unchanged"
DELETED = "0 created, 0 updated, 1 deleted, 0 unchanged"
UNCHANGED = "0 created, 0 updated, 0 deleted, 1 unchanged"


def mode(path: Path) -> str:
    return f"{path.lstat().st_mode & 0o7777:04o}"


def test_it_is_made_once_with_its_parents(workflow: Any) -> None:
    workflow.declares('directory{ name = "d", path = "a/b/c/" }')
    old = os.umask(0o077)
    try:
        assert workflow.run() == CREATED
    finally:
        os.umask(old)
    path = workflow.folder / "a/b/c"
    assert [mode(each) for each in (path, path.parent, path.parent.parent)] == ["0755"] * 3
    assert workflow.attributes("d") == {
        "path": str(path),
        "mode": "0755",
        "owner": "root",
        "group": "root",
    }
    assert workflow.run() == UNCHANGED
    assert workflow.drift() == {"directory/d": "in-sync"}


def test_it_has_its_mode_as_soon_as_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that is killed before does not leave one of another mode, which would then be kept."""
    rename = os.rename
    modes = {}

    def be_killed(old: str, new: str) -> None:
        raise KeyboardInterrupt

    def look_and_rename(old: str, new: str) -> None:
        modes[Path(new).name] = mode(Path(old))
        rename(old, new)

    monkeypatch.setattr(os, "rename", be_killed)
    with pytest.raises(KeyboardInterrupt):
        make_folder(str(tmp_path / "new"), Permissions())
    assert not (tmp_path / "new").exists()
    monkeypatch.setattr(os, "rename", look_and_rename)
    make_folder(str(tmp_path / "new"), Permissions())
    make_folder(str(tmp_path / "private"), Permissions("0700"))
    assert modes == {"new": "0755", "private": "0700"}
    assert sorted(os.listdir(tmp_path)) == ["new", "private"]


def test_mode_and_owner_are_put_right(workflow: Any) -> None:
    workflow.declares('directory{ name = "d", path = "d", mode = 2750, owner = 1, group = "bin" }')
    workflow.run()
    path = workflow.folder / "d"
    assert (mode(path), path.stat().st_uid, path.stat().st_gid) == ("2750", 1, 2)
    path.chmod(0o777)
    os.chown(path, 0, 0)
    assert workflow.drift() == {"directory/d": "drifted"}
    assert workflow.run() == UPDATED
    assert (mode(path), path.stat().st_uid, path.stat().st_gid) == ("2750", 1, 2)
    path.rmdir()
    assert workflow.drift() == {"directory/d": "missing"}
    assert workflow.run() == CREATED
    assert mode(path) == "2750"


def test_delete_removes_the_parents_that_were_made_and_no_others(workflow: Any) -> None:
    (workflow.folder / "a").mkdir()
    workflow.declares(
        'directory{ name = "c", path = "a/b/c" }',
        'directory{ name = "d", path = "a/b/d" }',
    )
    workflow.run()
    workflow.declares('directory{ name = "d", path = "a/b/d" }')
    workflow.run("--prune")
    assert sorted(each.name for each in (workflow.folder / "a").rglob("*")) == ["b", "d"]
    workflow.declares()
    workflow.run("--prune")
    assert list((workflow.folder / "a").iterdir()) == []


def test_the_last_folder_below_a_parent_that_was_made_takes_it_along(workflow: Any) -> None:
    first, second = 'directory{ name = "c", path = "a/c" }', 'directory{ name = "d", path = "a/d" }'
    for declared in ((first,), (first, second), (second,), ()):
        workflow.declares(*declared)
        workflow.run("--prune")
    assert not (workflow.folder / "a").exists()


def test_a_folder_that_is_not_empty_is_not_deleted(workflow: Any) -> None:
    workflow.declares('directory{ name = "d", path = "d" }')
    workflow.run()
    path = workflow.folder / "d"
    for name in "edcba":
        (path / name).touch()
    workflow.declares()
    said = workflow.fails("--prune")
    assert (
        f"{path} is not empty, and what is in it was not made by resource.directory: "
        "a, b, c and 2 more"
    ) in said
    assert len(list(path.iterdir())) == 5


def test_delete_puts_mode_and_owner_of_an_older_folder_back(workflow: Any) -> None:
    path = workflow.folder / "d"
    path.mkdir()
    (path / "theirs").touch()
    os.chown(path, 1, 2)
    path.chmod(0o3770)
    workflow.declares('directory{ name = "d", path = "d", mode = "0700", owner = "root" }')
    assert workflow.run() == UPDATED
    assert (mode(path), path.stat().st_uid, path.stat().st_gid) == ("0700", 0, 2)
    workflow.declares()
    assert workflow.run("--prune") == DELETED
    assert (mode(path), path.stat().st_uid, path.stat().st_gid) == ("3770", 1, 2)
    assert (path / "theirs").exists()


def test_rollback_makes_and_removes_it(workflow: Any) -> None:
    workflow.declares('directory{ name = "d", path = "a/d", mode = 700 }')
    workflow.run()
    workflow.declares()
    workflow.run("--prune")
    workflow.rolls_back(1)
    assert mode(workflow.folder / "a/d") == "0700"
    workflow.rolls_back(2)
    assert not (workflow.folder / "a").exists()


def test_files_and_links_are_not_replaced(workflow: Any) -> None:
    (workflow.folder / "f").write_text("theirs")
    (workflow.folder / "l").symlink_to(workflow.folder)
    workflow.declares('directory{ name = "d", path = "f" }')
    assert "/f is a file, which resource.directory neither follows" in workflow.fails()
    workflow.declares('directory{ name = "d", path = "l" }')
    assert "/l is a symlink, which resource.directory neither follows" in workflow.fails()
    workflow.declares('directory{ name = "d", path = "f/d" }')
    assert "/f/d: Not a directory" in workflow.fails()


def test_what_makes_no_sense_is_said_at_its_line(workflow: Any) -> None:
    expected = {
        'path = "d", mode = "u=rwx"': "octal digits",
        'path = "d", owner = "nobody-here"': "there is no user 'nobody-here' to own it",
        "path = {}": "path must be a string",
    }
    said = workflow.refusals("directory", *expected)
    for message, each in zip(expected.values(), said, strict=True):
        assert message in each
