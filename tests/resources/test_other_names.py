"""The same thing by another name, another thing by the same name, and things of other people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


class Files:
    """A workflow of files; each is said as name, path, content."""

    def __init__(self, things: Any) -> None:
        self.things = things
        self.folder: Path = things.folder

    def run(self, *files: tuple[str, str, str]) -> str:
        """Declare these and no others, with `--prune`; how the resources fared."""
        self.script(
            *(
                f'resource.file{{ name = "{name}", path = "{path}", content = "{content}" }}'
                for name, path, content in files
            )
        )
        counts: str = self.things.counts(self.things("run", "w.sloth", "--prune"))
        return counts

    def script(self, *declarations: str) -> None:
        self.things.script(*declarations)

    def rolls_back(self, version: int) -> None:
        self.things.ok("state", "workflow", "rollback", "w", str(version), "--force")

    def plan(self) -> str:
        """What the same script would do now."""
        planned: str = self.things.ok("plan", "w.sloth", "--prune").splitlines()[-1]
        return planned

    @property
    def found(self) -> dict[str, str]:
        """What is there of `a` and `b`."""
        paths = (self.folder / name for name in "ab")
        return {path.name: path.read_text() for path in paths if path.is_file()}


@pytest.fixture
def files(things: Any) -> Files:
    return Files(things)


def test_a_thing_by_another_name_is_not_deleted_with_the_old_name(files: Files) -> None:
    (files.folder / "a").write_text("theirs")
    files.run(("old", "a", "one"))
    files.run(("new", "a", "two"))
    assert files.found == {"a": "two"}
    assert list(files.things.recorded) == ["file/new"]
    files.rolls_back(1)
    assert files.found == {"a": "one"}
    assert list(files.things.recorded) == ["file/old"]
    files.run()
    assert files.found == {"a": "theirs"}


def test_two_things_can_change_places(files: Files) -> None:
    (files.folder / "a").write_text("theirs")
    files.run(("one", "a", "1"), ("two", "b", "2"))
    assert files.run(("one", "b", "1"), ("two", "a", "2")).startswith("0 created, 2 updated")
    assert files.found == {"a": "2", "b": "1"}
    assert files.plan() == "w: 0 to create, 0 to update, 0 to delete, 2 unchanged"
    files.rolls_back(1)
    assert files.found == {"a": "1", "b": "2"}
    files.run()
    assert files.found == {"a": "theirs"}


def test_another_place_does_not_get_the_mode_of_the_old_one(files: Files) -> None:
    files.script('resource.file{ name = "x", path = "a", content = "1", mode = 600 }')
    files.things.ok("run", "w.sloth")
    files.run(("x", "b", "1"))
    assert (files.folder / "b").stat().st_mode & 0o7777 == 0o644


@pytest.mark.parametrize("theirs", ["theirs", "ours"])
def test_what_somebody_made_meanwhile_outlives_a_rollback_and_the_next(
    files: Files, theirs: str
) -> None:
    files.run(("x", "a", "ours"))
    files.run()
    (files.folder / "a").write_text(theirs)
    files.rolls_back(1)
    assert files.found == {"a": "ours"}
    files.rolls_back(2)
    assert files.found == {"a": theirs}


def test_a_rollback_changes_the_kind_of_a_thing_back(files: Files) -> None:
    files.run(("x", "a", "ours"))
    files.run()
    files.script('resource.directory{ name = "x", path = "a" }')
    files.things.ok("run", "w.sloth")
    assert (files.folder / "a").is_dir()
    files.rolls_back(1)
    assert files.found == {"a": "ours"}
