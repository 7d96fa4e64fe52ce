"""`resource.symlink`: a link and its target, replaced in one step."""

from __future__ import annotations

import os
import threading
from typing import Any

CREATED = "1 created, 0 updated, 0 deleted, 0 unchanged"
UPDATED = "0 created, 1 updated, 0 deleted, 0 unchanged"
DELETED = "0 created, 0 updated, 1 deleted, 0 unchanged"
UNCHANGED = "0 created, 0 updated, 0 deleted, 1 unchanged"


def test_a_link_is_made_once_and_put_right(workflow: Any) -> None:
    workflow.declares('symlink{ name = "l", path = "l", target = "releases/1" }')
    assert workflow.run() == CREATED
    path = workflow.folder / "l"
    assert os.readlink(path) == "releases/1"
    assert workflow.attributes("l") == {"path": str(path), "target": "releases/1"}
    assert workflow.run() == UNCHANGED
    path.unlink()
    assert workflow.drift() == {"symlink/l": "missing"}
    path.symlink_to("elsewhere")
    assert workflow.drift() == {"symlink/l": "drifted"}
    assert workflow.run() == UPDATED
    assert os.readlink(path) == "releases/1"


def test_a_switch_leaves_no_moment_without_a_link(workflow: Any) -> None:
    path = workflow.folder / "current"
    for release in ("1", "2"):
        (workflow.folder / release).mkdir()
    path.symlink_to("1")
    gaps = []
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            if not os.path.isdir(path):
                gaps.append(1)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for n in range(40):
            workflow.declares(f'symlink{{ name = "l", path = "current", target = "{n % 2 + 1}" }}')
            workflow.run()
    finally:
        over.set()
        watcher.join()
    assert gaps == []


def test_delete_removes_the_link_and_not_its_target(workflow: Any) -> None:
    (workflow.folder / "target").mkdir()
    (workflow.folder / "target/kept").touch()
    workflow.declares('symlink{ name = "l", path = "l", target = "target" }')
    workflow.run()
    workflow.declares()
    assert workflow.run("--prune") == DELETED
    assert not os.path.lexists(workflow.folder / "l")
    assert (workflow.folder / "target/kept").exists()


def test_delete_puts_back_the_link_that_was_replaced(workflow: Any) -> None:
    path = workflow.folder / "l"
    path.symlink_to("old")
    for target in ("one", "two"):
        workflow.declares(f'symlink{{ name = "l", path = "l", target = "{target}" }}')
        assert workflow.run() == UPDATED
    workflow.rolls_back(1)
    assert os.readlink(path) == "one"
    workflow.declares()
    workflow.run("--prune")
    assert os.readlink(path) == "old"


def test_files_and_folders_are_not_replaced(workflow: Any) -> None:
    (workflow.folder / "f").write_text("theirs")
    (workflow.folder / "d").mkdir()
    for name, kind in (("f", "file"), ("d", "directory")):
        workflow.declares(f'symlink{{ name = "l", path = "{name}", target = "t" }}')
        assert f"/{name} is a {kind}, which resource.symlink neither" in workflow.fails()
    assert (workflow.folder / "f").read_text() == "theirs"


def test_what_makes_no_sense_is_said_at_its_line(workflow: Any) -> None:
    workflow.declares('symlink{ name = "l", path = "l", target = "" }')
    assert "w.sloth:2: resource.symlink: target is empty" in workflow.fails()
    workflow.declares('symlink{ name = "l", path = "no/l", target = "t" }')
    assert "Declare it before with resource.directory." in workflow.fails()


def test_import_takes_a_link_in_as_it_is(workflow: Any) -> None:
    path = workflow.folder / "l"
    path.symlink_to("theirs")
    workflow.declares('import("symlink", "l", "l")')
    workflow.run()
    assert workflow.attributes("l") == {"path": str(path), "target": "theirs"}
