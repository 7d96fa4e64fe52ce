"""Places that another type takes, folders that move with what is in them, and rollbacks of that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


class Places:
    """A workflow that declares things at paths, pruned, after it was planned."""

    def __init__(self, things: Any) -> None:
        self.things = things
        self.folder: Path = things.folder

    def run(self, *declarations: str, prune: bool = True) -> str:
        """How the resources fared; it must be what the plan said."""
        self.things.script(*declarations)
        options = ["--prune"] if prune else []
        planned = json.loads(self.things.ok("plan", "w.sloth", *options, "-o", "json"))
        result = self.things("run", "w.sloth", *options)
        counts: str = self.things.counts(result)
        said = [operation for each in planned["changes"] for operation in _operations(each)]
        assert sorted(said) == sorted(self.operations())
        self.told = result.out
        nothing = self.things("plan", "w.sloth", *options, "--exit-code")
        assert nothing.code == 0, nothing
        return counts.removesuffix(" unchanged")

    def operations(self) -> list[str]:
        """What the newest run did to the world."""
        with self.things.store() as store:
            found = store.operations(store.runs(limit=1)[0].id)
        done = [f"{each.verb} {each.type}/{each.name}" for each in found]
        # Where something else is already, a replaced thing is an update of that.
        return [
            each.replace("update", "create") if each.replace("update", "delete") in done else each
            for each in done
        ]

    def rolls_back(self, version: int, *options: str) -> None:
        self.things.ok("state", "workflow", "rollback", "w", str(version), "--force", *options)

    @property
    def found(self) -> dict[str, str]:
        """Files with their content, links with their target, folders as "/"."""
        paths = (path for path in self.folder.joinpath("p").rglob("*"))
        return {str(path.relative_to(self.folder / "p")): _what(path) for path in sorted(paths)}

    @property
    def recorded(self) -> list[str]:
        return sorted(self.things.recorded)


def _operations(planned: dict[str, Any]) -> list[str]:
    """What a planned change comes to."""
    verb, thing = planned["action"], f"{planned['type']}/{planned['name']}"
    if verb == "noop" or planned["record_only"]:
        return []
    return [f"delete {thing}", f"create {thing}"] if verb == "replace" else [f"{verb} {thing}"]


def _what(path: Path) -> str:
    if path.is_symlink():
        return f"→ {path.readlink()}"
    return "/" if path.is_dir() else path.read_text()


@pytest.fixture
def places(things: Any) -> Places:
    (things.folder / "p").mkdir()
    return Places(things)


def file(path: str, content: str, name: str = "x", more: str = "") -> str:
    return f'resource.file{{ name = "{name}", path = "p/{path}", content = "{content}"{more} }}'


def template(path: str, content: str, name: str = "x") -> str:
    return f'resource.template{{ name = "{name}", path = "p/{path}", content = "{content}" }}'


def link(path: str, target: str, name: str = "x") -> str:
    return f'resource.symlink{{ name = "{name}", path = "p/{path}", target = "{target}" }}'


def directory(path: str, name: str = "d", more: str = "") -> str:
    return f'resource.directory{{ name = "{name}", path = "p/{path}"{more} }}'


# ---------------------------------------------------------------- another type at the same place


@pytest.mark.parametrize("content", ["one", "two"])
@pytest.mark.parametrize("prune", [True, False])
def test_a_file_that_becomes_a_template_is_not_deleted_with_the_file(
    places: Places, content: str, prune: bool
) -> None:
    places.run(file("a", "one"))
    places.run(template("a", content), prune=prune)
    assert places.found == {"a": content}
    places.run(template("a", content))
    assert places.recorded == ["template/x"]
    places.rolls_back(1)
    assert places.found == {"a": "one"}
    assert places.recorded == ["file/x"]
    places.run()
    assert places.found == {}


def test_what_was_there_before_the_file_comes_back_after_the_template(places: Places) -> None:
    (places.folder / "p/a").write_text("theirs")
    places.run(file("a", "one"))
    places.run(template("a", "two"))
    assert "file/x  template/x is in its place, so only its record goes\n" in places.told
    places.run()
    assert places.found == {"a": "theirs"}


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (file("a", "one"), link("a", "b"), "→ b"),
        (link("a", "b"), file("a", "one"), "one"),
        (file("a", "one"), directory("a"), "/"),
        (directory("a"), template("a", "one"), "one"),
    ],
)
def test_what_is_in_the_way_of_another_type_goes_first(
    places: Places, old: str, new: str, found: str
) -> None:
    places.run(old)
    before = places.found
    assert places.run(new) == "1 created, 0 updated, 1 deleted, 0"
    assert places.found == {"a": found}
    assert len(places.recorded) == 1
    places.rolls_back(1)
    assert places.found == before
    places.rolls_back(2)
    assert places.found == {"a": found}


@pytest.mark.parametrize(
    ("others", "counts"),
    [
        ((), "1 created, 0 updated, 3 deleted, 0"),
        ((file("d", "one", "f"),), "1 created, 1 updated, 2 deleted, 0"),
        ((file("d", "one", "g"),), "2 created, 0 updated, 3 deleted, 0"),
        ((directory("n", "s"), file("n/f", "one", "f")), "1 created, 2 updated, 1 deleted, 0"),
    ],
)
def test_what_is_in_a_folder_lets_a_file_take_its_place(
    places: Places, others: tuple[str, ...], counts: str
) -> None:
    places.run(directory("a"), directory("a/s", "s"), file("a/s/f", "one", "f"))
    before = places.found
    assert places.run(file("a", "two"), *others) == counts
    after = places.found
    assert after["a"] == "two"
    places.rolls_back(1)
    assert places.found == before
    places.rolls_back(2)
    assert places.found == after


def test_a_file_whose_place_a_folder_has_that_must_stay_is_only_forgotten(places: Places) -> None:
    places.run(file("d", "one", "f"))
    (places.folder / "p/d").unlink()
    places.run(directory("d"), prune=False)
    places.run(link("d/l", "b"))
    assert "file/f  directory/d is in its place, so only its record goes\n" in places.told
    assert places.recorded == ["directory/d", "symlink/x"]


def test_without_prune_nothing_makes_way_for_another_type(places: Places) -> None:
    places.run(file("a", "one"))
    places.things.script(link("a", "b"))
    result = places.things("run", "w.sloth")
    assert result.code == 1
    assert "p/a is a file, which resource.symlink neither follows nor replaces" in result.err
    assert places.found == {"a": "one"}


def test_what_a_task_that_is_left_out_declares_makes_no_way(places: Places) -> None:
    source = (
        'local a = task("a"):command(function() {} end)\n'
        'local b = task("b"):command(function() {} end)\n'
        'workflow.define("w"):tasks({{ a, b }})'
    )
    places.things.write(source.format(file("a", "one"), ""))
    places.things.ok("run", "w.sloth")
    places.things.write(source.format("", link("a", "b")))
    assert places.things("run", "w.sloth", "--prune", "--skip", "a").code == 1
    assert places.found == {"a": "one"}


def test_a_type_of_ones_own_takes_a_place_over(places: Places) -> None:
    places.run(file("a", "one"))
    (places.folder / "p/a").chmod(0o600)
    own = (
        "resource.define('config', { natural_key = 'path',\n"
        "  read = function(r) local t = fs.read(r.path) return t and { content = t } end,\n"
        "  create = function(r) fs.write(r.path, r.content) end,\n"
        "  update = function(r) fs.write(r.path, r.content) end,\n"
        "  delete = function(r) fs.rm(r.path) end })"
    )
    path = places.folder / "p/a"
    declared = f'resource.config{{ name = "c", path = "{path}", content = "two" }}'
    places.things.script(declared, before=own)
    places.things.ok("run", "w.sloth", "--prune")
    assert places.found == {"a": "two"}
    assert places.recorded == ["config/c"]


# ---------------------------------------------------------------- folders


@pytest.mark.parametrize("depends", [True, False])
@pytest.mark.parametrize("prune", [True, False])
def test_a_folder_moves_with_the_files_in_it_in_one_run(
    places: Places, depends: bool, prune: bool
) -> None:
    more = ', depends_on = "directory/d"' if depends else ""

    def all_in(folder: str) -> tuple[str, ...]:
        sub = directory(f"{folder}/s", name="s", more=more)
        return directory(folder), sub, file(f"{folder}/s/f", "one", "f", more)

    places.run(*all_in("old"))
    before = places.found
    places.run(*all_in("new"), prune=prune)
    assert places.found == {"new": "/", "new/s": "/", "new/s/f": "one"}
    assert places.recorded == ["directory/d", "directory/s", "file/f"]
    places.rolls_back(1)
    assert places.found == before
    places.rolls_back(2)
    assert list(places.found) == ["new", "new/s", "new/s/f"]


def test_what_moves_is_one_resource_in_the_summary_of_a_run_as_in_its_version(
    places: Places,
) -> None:
    places.run(directory("old"), file("old/f", "one", "f"))
    places.things.script(directory("new"), file("new/f", "one", "f"))
    summary = places.things.ok("run", "w.sloth")
    assert "  Resources  0 created, 2 updated, 0 deleted, 0 unchanged\n" in summary
    assert "+0 ~2 -0" in places.things.ok("state", "workflow", "versions", "w").splitlines()[1]


def test_a_folder_that_moves_leaves_the_old_one_to_what_stays_in_it(places: Places) -> None:
    places.run(directory("old"), file("old/f", "one", "f"))
    places.run(directory("new"), file("old/f", "two", "f"))
    assert places.found == {"new": "/", "old": "/", "old/f": "two"}
    left = f"directory/d at {places.folder}/p/old"
    assert places.recorded == ["directory/d", left, "file/f"]
    assert f"{left}  stays, for file/f is in it\n" in places.told
    places.run(directory("new"))
    assert places.found == {"new": "/"}
    assert places.recorded == ["directory/d"]


def test_what_somebody_else_put_into_a_folder_keeps_it_and_the_next_run_goes_on(
    places: Places,
) -> None:
    places.run(directory("old"), file("old/f", "one", "f"))
    theirs = places.folder / "p/old/theirs"
    theirs.touch()
    places.things.script(directory("new"), file("new/f", "one", "f"))
    result = places.things("run", "w.sloth", "--prune")
    assert result.code == 1
    assert "p/old is not empty" in result.err
    theirs.unlink()
    places.run(directory("new"), file("new/f", "one", "f"))
    assert places.found == {"new": "/", "new/f": "one"}
    assert places.recorded == ["directory/d", "file/f"]


def test_a_folder_moves_back_while_its_old_place_is_still_recorded(places: Places) -> None:
    places.run(directory("old"), file("old/f", "one", "f"))
    places.run(directory("new"), file("old/f", "one", "f"))
    places.run(directory("old"), file("old/f", "one", "f"))
    assert places.found == {"old": "/", "old/f": "one"}
    assert places.recorded == ["directory/d", "file/f"]
    places.run()
    assert places.found == {}


def test_folders_are_pruned_after_what_is_in_them_although_nothing_says_so(places: Places) -> None:
    places.run(file("f", "made first", "f"), directory("d"))
    places.run(file("d/f", "one", "f"), directory("d"))
    places.run()
    assert places.found == {}


def test_a_folder_is_not_pruned_while_what_is_declared_is_in_it(places: Places) -> None:
    places.run(directory("d"), file("d/f", "one", "f"))
    places.run(file("d/f", "two", "f"))
    assert "directory/d  stays, for file/f is in it\n" in places.told
    assert places.recorded == ["directory/d", "file/f"]


# ---------------------------------------------------------------- places that are left and taken


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((file("a", "1", "x"),), (file("b", "1", "x"), file("a", "2", "y"))),
        ((file("a", "1", "x"),), (file("a", "2", "y"), file("b", "1", "x"))),
        (
            (file("a", "1", "x"), file("b", "2", "y")),
            (file("b", "1", "x"), file("a", "2", "y")),
        ),
        ((file("a", "1", "x"),), (file("b", "1", "x"), link("a", "b", "l"))),
        ((file("a", "1", "x"),), (file("b", "1", "x"), template("a", "1", "y"))),
    ],
)
def test_the_plan_says_what_the_run_does_where_a_place_is_left_and_taken(
    places: Places, first: tuple[str, ...], second: tuple[str, ...]
) -> None:
    places.run(*first)
    before = places.found
    places.run(*second)
    assert sorted(places.found) == ["a", "b"]
    places.rolls_back(1)
    assert places.found == before


def test_files_of_which_only_the_names_change_places_are_two_that_changed(places: Places) -> None:
    places.run(file("a", "1", "x"), file("b", "1", "y"))
    counts = places.run(file("b", "1", "x"), file("a", "1", "y"))
    assert counts == "0 created, 2 updated, 0 deleted, 0"
    assert places.recorded == ["file/x", "file/y"]


def test_the_plan_knows_that_what_was_there_before_comes_back(places: Places) -> None:
    (places.folder / "p/a").write_text("theirs")
    places.run(file("a", "1", "x"))
    places.run(file("b", "1", "x"), file("a", "2", "y"))
    places.run()
    assert places.found == {"a": "theirs"}


# ---------------------------------------------------------------- rollback of some


@pytest.mark.parametrize("target", ["file/old", "file/new"])
@pytest.mark.parametrize("content", ["one", "two"])
def test_a_rollback_of_one_resource_brings_its_old_name_back(
    places: Places, target: str, content: str
) -> None:
    (places.folder / "p/a").write_text("theirs")
    places.run(file("a", "one", "old"), file("b", "one", "other"))
    places.run(file("a", content, "new"), file("b", "two", "other"))
    places.rolls_back(1, "--target", target)
    assert places.found == {"a": "one", "b": "two"}
    assert places.recorded == ["file/old", "file/other"]
    places.run()
    assert places.found == {"a": "theirs"}


def test_a_rollback_of_one_resource_takes_those_with_it_that_swapped_places(
    places: Places,
) -> None:
    places.run(file("a", "1", "x"), file("b", "2", "y"), file("c", "3", "z"))
    places.run(file("b", "1", "x"), file("a", "2", "y"), file("c", "4", "z"))
    places.rolls_back(1, "--target", "file/x")
    assert places.found == {"a": "1", "b": "2", "c": "4"}
    assert places.recorded == ["file/x", "file/y", "file/z"]


def test_a_rollback_of_one_resource_removes_what_another_type_put_in_its_place(
    places: Places,
) -> None:
    places.run(file("a", "1"), file("b", "1", "y"))
    places.run(link("a", "b"), file("b", "2", "y"))
    places.rolls_back(1, "--target", "file/x")
    assert places.found == {"a": "1", "b": "2"}
    assert places.recorded == ["file/x", "file/y"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (
            (directory("d"), file("d/f", "1", more=', depends_on = "directory/d"')),
            directory("d", "e"),
        ),
        ((file("a", "1"),), file("a", "1", more=', mode = "0644"')),
        ((file("a", "1", more=', ignore = { "mode" }'),), file("a", "1")),
    ],
)
def test_after_a_rollback_the_script_of_that_version_finds_all_as_it_was_recorded(
    places: Places, first: tuple[str, ...], second: str
) -> None:
    places.run(*first)
    places.run(second, prune=False)
    places.rolls_back(1)
    assert places.run(*first) == f"0 created, 0 updated, 0 deleted, {len(first)}"
