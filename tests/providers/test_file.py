"""`resource.file`: exact bytes, mode and owner of a regular file, and what it replaced."""

from __future__ import annotations

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

CREATED = "1 created, 0 updated, 0 deleted, 0 unchanged"
UPDATED = "0 created, 1 updated, 0 deleted, 0 unchanged"
DELETED = "0 created, 0 updated, 1 deleted, 0 unchanged"
UNCHANGED = "0 created, 0 updated, 0 deleted, 1 unchanged"
TAKEN_OVER = "0 created, 0 updated, 0 deleted, 0 unchanged, 1 read"

EVERY_BYTE = "".join(f"\\{code}" for code in range(256))


def mode(path: Path) -> str:
    return f"{path.lstat().st_mode & 0o7777:04o}"


def test_any_bytes_are_written_once_and_then_left_alone(workflow: Any) -> None:
    workflow.declares(f'file{{ name = "a", path = "a", content = "{EVERY_BYTE}" }}')
    assert workflow.run() == CREATED
    path = workflow.folder / "a"
    assert path.read_bytes() == bytes(range(256))
    assert workflow.attributes("a") == {
        "path": str(path),
        "content_sha256": sha256(bytes(range(256))).hexdigest(),
        "size": 256,
        "mode": "0644",
        "owner": "root",
        "group": "root",
    }
    inode = path.stat().st_ino
    assert workflow.run() == UNCHANGED
    assert path.stat().st_ino == inode
    assert workflow.drift() == {"file/a": "in-sync"}


def test_an_empty_content_is_a_content(workflow: Any) -> None:
    workflow.declares('file{ name = "a", path = "a", content = "" }')
    assert workflow.run() == CREATED
    assert (workflow.folder / "a").read_bytes() == b""
    assert workflow.run() == UNCHANGED


def test_a_new_file_has_0644_whatever_the_umask_is(workflow: Any) -> None:
    workflow.declares('file{ name = "a", path = "a", content = "x" }')
    old = os.umask(0o077)
    try:
        workflow.run()
    finally:
        os.umask(old)
    assert mode(workflow.folder / "a") == "0644"


def test_content_that_is_ignored_is_left_to_others_whatever_else_changes(workflow: Any) -> None:
    declared = (
        'file{{ name = "a", path = "a", content = "ours", mode = "{}", ignore = {{ "content" }} }}'
    )
    workflow.declares(declared.format("0600"))
    workflow.run()
    path = workflow.folder / "a"
    path.write_text("theirs, and longer")
    assert workflow.drift() == {"file/a": "in-sync"}
    assert workflow.run() == UNCHANGED
    workflow.declares(declared.format("0640"))
    assert workflow.run() == UPDATED
    assert (path.read_text(), mode(path)) == ("theirs, and longer", "0640")
    workflow.rolls_back(1)
    assert (path.read_text(), mode(path)) == ("theirs, and longer", "0600")
    path.unlink()
    workflow.heals()
    assert mode(path) == "0600"


def test_drift_ignores_the_content_of_what_was_declared_otherwise(workflow: Any) -> None:
    workflow.declares('file{ name = "a", path = "a", content = "ours" }')
    workflow.run()
    (workflow.folder / "a").write_text("theirs, and longer")
    drift = ("state", "workflow", "drift", "w", "--exit-code")
    assert workflow.sloth(*drift).returncode == 5
    assert workflow.sloth(*drift, "--ignore", "content").returncode == 0


def test_what_others_changed_is_put_right(workflow: Any) -> None:
    workflow.declares('file{ name = "a", path = "a", content = "ours\\n", mode = "0600" }')
    workflow.run()
    path = workflow.folder / "a"
    path.write_text("theirs")
    path.chmod(0o666)
    os.chown(path, 1, 2)
    assert workflow.drift() == {"file/a": "drifted"}
    assert workflow.run() == UPDATED
    facts = path.stat()
    assert (path.read_text(), mode(path)) == ("ours\n", "0600")
    assert (facts.st_uid, facts.st_gid) == (0, 0)
    path.unlink()
    assert workflow.drift() == {"file/a": "missing"}
    assert workflow.run() == CREATED
    assert path.read_text() == "ours\n"


def test_mode_and_owner_alone_are_changed_in_place(workflow: Any) -> None:
    workflow.declares('file{ name = "a", path = "a", content = "x", mode = 600 }')
    workflow.run()
    path = workflow.folder / "a"
    inode = path.stat().st_ino
    workflow.declares('file{ name = "a", path = "a", content = "x", mode = 4755, owner = 1 }')
    assert workflow.run() == UPDATED
    assert (path.stat().st_ino, path.stat().st_uid, mode(path)) == (inode, 1, "4755")
    assert workflow.attributes("a")["owner"] == "daemon"
    assert workflow.run() == UNCHANGED


@pytest.mark.parametrize(
    ("said", "meant"), [('"644"', "0644"), ('"0644"', "0644"), ("644", "0644"), ("2755", "2755")]
)
def test_modes_are_octal_digits(workflow: Any, said: str, meant: str) -> None:
    workflow.declares(f'file{{ name = "a", path = "a", content = "x", mode = {said} }}')
    workflow.run()
    assert mode(workflow.folder / "a") == meant == workflow.attributes("a")["mode"]
    assert workflow.run() == UNCHANGED


def test_numbers_of_users_and_groups_are_names(workflow: Any) -> None:
    workflow.declares(
        'file{ name = "a", path = "a", content = "x", owner = "1", group = 2 }',
        'file{ name = "b", path = "b", content = "x", owner = "bin", group = 54321 }',
    )
    workflow.run()
    facts = (workflow.folder / "b").stat()
    assert (facts.st_uid, facts.st_gid) == (2, 54321)
    shown = [workflow.attributes(name) for name in ("a", "b")]
    assert [(each["owner"], each["group"]) for each in shown] == [
        ("daemon", "bin"),
        ("bin", "54321"),
    ]
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 2 unchanged"


def test_mode_and_owner_that_are_not_declared_stay_as_they_were_recorded(workflow: Any) -> None:
    path = workflow.folder / "a"
    path.write_text("before")
    path.chmod(0o640)
    os.chown(path, 1, 1)
    workflow.declares('file{ name = "a", path = "a", content = "x" }')
    assert workflow.run() == UPDATED
    assert (mode(path), path.stat().st_uid) == ("0640", 1)
    path.chmod(0o777)
    assert workflow.run() == UPDATED
    assert mode(path) == "0640"


def test_source_is_a_file_beside_the_script(workflow: Any) -> None:
    (workflow.folder / "in").write_bytes(b"\xff\x00")
    workflow.declares('file{ name = "a", path = "sub/../a", source = "in" }')
    assert workflow.run() == CREATED
    assert (workflow.folder / "a").read_bytes() == b"\xff\x00"
    assert workflow.attributes("a")["path"] == str(workflow.folder / "a")
    assert workflow.run() == UNCHANGED
    (workflow.folder / "in").write_bytes(b"new")
    assert workflow.run() == UPDATED
    assert (workflow.folder / "a").read_bytes() == b"new"


def test_without_content_only_mode_and_owner_are_owned(workflow: Any) -> None:
    path = workflow.folder / "a"
    path.write_text("theirs")
    path.chmod(0o600)
    workflow.declares('file{ name = "a", path = "a", mode = "0640" }')
    assert workflow.run() == UPDATED
    path.write_text("theirs, changed")
    assert workflow.run() == UNCHANGED
    assert "content_sha256" not in workflow.attributes("a")
    workflow.declares()
    assert workflow.run("--prune") == DELETED
    assert (path.read_text(), mode(path)) == ("theirs, changed", "0600")


def test_delete_puts_back_exactly_what_was_replaced(workflow: Any) -> None:
    path = workflow.folder / "a"
    path.write_bytes(b"before\xff\x00")
    path.chmod(0o4711)
    os.chown(path, 1, 2)
    path.chmod(0o4711)
    for content in ("one", "two"):
        workflow.declares(
            f'file{{ name = "a", path = "a", content = "{content}", mode = "0600", owner = "bin" }}'
        )
        assert workflow.run() == UPDATED
    workflow.declares()
    assert workflow.run("--prune") == DELETED
    facts = path.stat()
    assert (path.read_bytes(), mode(path)) == (b"before\xff\x00", "4711")
    assert (facts.st_uid, facts.st_gid) == (1, 2)


def test_delete_removes_what_was_made(workflow: Any) -> None:
    workflow.declares('file{ name = "a", path = "a", content = "x" }')
    workflow.run()
    workflow.declares()
    assert workflow.run("--prune") == DELETED
    assert sorted(each.name for each in workflow.folder.iterdir() if "db" not in each.name) == [
        "w.sloth"
    ]


def test_delete_leaves_what_was_as_declared_before(workflow: Any) -> None:
    path = workflow.folder / "a"
    path.write_text("x")
    workflow.declares('file{ name = "a", path = "a", content = "x" }')
    assert workflow.run() == TAKEN_OVER
    workflow.declares()
    assert workflow.run("--prune") == DELETED
    assert path.read_text() == "x"


def test_another_path_is_another_file(workflow: Any) -> None:
    (workflow.folder / "a").write_text("before")
    workflow.declares('file{ name = "a", path = "a", content = "x" }')
    workflow.run()
    workflow.declares('file{ name = "a", path = "b", content = "x" }')
    workflow.run()
    assert (workflow.folder / "a").read_text() == "before"
    assert (workflow.folder / "b").read_text() == "x"
    assert workflow.run() == UNCHANGED
    workflow.declares()
    workflow.run("--prune")
    assert not (workflow.folder / "b").exists()


def test_rollback_brings_every_version_back(workflow: Any) -> None:
    path = workflow.folder / "a"
    path.write_text("before")
    seen = {}
    for version, (content, bits) in enumerate((("one\\255", 600), ("two", 4755)), 1):
        workflow.declares(f'file{{ name = "a", path = "a", content = "{content}", mode = {bits} }}')
        workflow.run()
        seen[version] = path.read_bytes(), mode(path)
    workflow.declares()
    workflow.run("--prune")
    seen[3] = path.read_bytes(), mode(path)
    for version in (1, 2, 3, 2, 1, 3):
        workflow.rolls_back(version)
        assert (path.read_bytes(), mode(path)) == seen[version]
    assert seen[3][0] == b"before"


def test_what_somebody_wrote_since_is_put_back_too(workflow: Any) -> None:
    path = workflow.folder / "a"
    workflow.declares('file{ name = "a", path = "a", content = "ours" }')
    workflow.run()
    workflow.declares()
    workflow.run("--prune")
    path.write_text("somebody else's")
    workflow.rolls_back(1)
    assert path.read_text() == "ours"
    workflow.rolls_back(2)
    assert path.read_text() == "somebody else's"


def test_who_may_not_write_there_is_told_what_to_do(workflow: Any) -> None:
    (workflow.folder / "theirs").mkdir(mode=0o500)
    workflow.declares('file{ name = "a", path = "theirs/a", content = "x" }')
    limits = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*limits, sys.executable, "-m", "sloth_runner", "run", "w.sloth"],
        cwd=workflow.folder,
        env=workflow.sloth.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert (
        f"{workflow.folder}/theirs/a: Permission denied "
        "(Run it as a user who may do that, or change the rights.)\n"
    ) in done.stderr


def test_links_and_folders_are_neither_followed_nor_replaced(workflow: Any) -> None:
    target = workflow.folder / "target"
    target.write_text("untouched")
    (workflow.folder / "link").symlink_to(target)
    workflow.declares('file{ name = "a", path = "link", content = "x" }')
    assert (
        f"{workflow.folder}/link is a symlink, which resource.file neither follows nor replaces"
    ) in workflow.fails()
    assert target.read_text() == "untouched"
    (workflow.folder / "folder").mkdir()
    workflow.declares('file{ name = "a", path = "folder", content = "x" }')
    assert "/folder is a directory, which resource.file neither" in workflow.fails()


def test_what_makes_no_sense_is_said_at_its_line(workflow: Any) -> None:
    expected = {
        'path = "a", content = "x", mode = "rw"': "octal digits such as \"0644\", not 'rw'",
        'path = "a", content = "x", mode = 999': 'octal digits such as "0644", not 999',
        'path = "a", content = "x", source = "w.sloth"': "it has both content and source",
        'path = "a", source = "none"': "source none: No such file or directory",
        'path = "a", source = "."': "source .: Is a directory",
        'path = "a", content = "x", owner = "nobody-here"': "there is no user 'nobody-here'",
        'path = "a", content = "x", group = "nobody-here"': "there is no group 'nobody-here'",
        'path = "a"': "a does not exist, and without content or source it is not made",
        'path = "no/a", content = "x"': "Declare it before with resource.directory.",
        'path = "a", content = {}': "content must be a string",
        'content = "x"': "path must be a string, not nothing",
        'path = "", content = "x"': "a path must not be empty",
        'path = "a", content = "x", owner = "a\\0b"': "there is no user 'a\\x00b' to own it",
        'path = "a", contents = "x"': "it has no field 'contents'; did you mean 'content'?",
        'path = "a\\0b", content = "x"': "a\\x00b' is none: embedded null byte",
    }
    said = workflow.refusals("file", *expected)
    for message, each in zip(expected.values(), said, strict=True):
        assert message in each
    left = {"bad.sloth", "said"}
    assert {e.name for e in workflow.folder.iterdir() if "state.db" not in e.name} == left


def test_a_failure_half_way_keeps_what_was_done_and_the_next_run_goes_on(workflow: Any) -> None:
    declared = [f'file{{ name = "f{n}", path = "{n}/f", content = "x" }}' for n in (1, 2)]
    (workflow.folder / "1").mkdir()
    workflow.declares(*declared)
    workflow.fails()
    assert (workflow.folder / "1/f").read_text() == "x"
    (workflow.folder / "2").mkdir()
    assert workflow.run() == "1 created, 0 updated, 0 deleted, 1 unchanged"


def test_what_a_killed_run_left_beside_the_file_goes_with_the_next_change(workflow: Any) -> None:
    workflow.declares('file{ name = "a", path = "d/a", content = "one" }')
    (workflow.folder / "d").mkdir()
    workflow.run()
    left = workflow.folder / "d" / f".sloth-{sha256(b'a').hexdigest()[:16]}"
    left.symlink_to(workflow.folder / "w.sloth")
    workflow.declares('file{ name = "a", path = "d/a", content = "two" }')
    workflow.run()
    assert [each.name for each in (workflow.folder / "d").iterdir()] == ["a"]
    left.write_text("half")
    workflow.declares()
    workflow.run("--prune")
    assert list((workflow.folder / "d").iterdir()) == []
    assert "workflow.define" in (workflow.folder / "w.sloth").read_text()


def test_one_path_is_declared_once(workflow: Any) -> None:
    first = 'file{ name = "a", path = "a", content = "x" }'
    for second in (
        'file{ name = "b", path = "./a", content = "y" }',
        'template{ name = "a", path = "a", content = "y" }',
    ):
        workflow.declares(first, second)
        for _ in range(2):  # the second time the first one is as it is recorded
            said = workflow.fails()
            assert f"and file/a are both {workflow.folder}/a" in said, second
            assert "Declare what is at a path once." in said
    assert (workflow.folder / "a").read_text() == "x"
    workflow.declares(
        'file{ name = "b", path = "a", content = "x" }',
        'file{ name = "a", path = "c", content = "z" }',
    )
    workflow.run()


def test_what_was_refused_to_be_changed_can_be_given_up(
    workflow: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workflow.folder / "a").write_text("theirs")
    workflow.declares('file{ name = "a", path = "a", content = "x", owner = "no-such-user" }')
    workflow.fails()
    inode = (workflow.folder / "a").stat().st_ino
    workflow.declares()
    workflow.run("--prune")
    assert (workflow.folder / "a").read_text() == "theirs"
    assert (workflow.folder / "a").stat().st_ino == inode
    assert workflow.drift() == {}


def test_import_takes_a_file_in_as_it_is(workflow: Any) -> None:
    path = workflow.folder / "a"
    path.write_text("theirs")
    workflow.declares(f'import("file", "a", "{path}")')
    assert workflow.run() == TAKEN_OVER
    assert workflow.attributes("a")["content_sha256"] == sha256(b"theirs").hexdigest()
    path.write_text("changed")
    workflow.heals()
    assert path.read_text() == "theirs"


def test_a_plan_shows_what_would_be_and_writes_nothing(workflow: Any) -> None:
    workflow.declares('file{ name = "a", path = "a", content = "x" }')
    result = workflow.sloth("plan", "w.sloth")
    assert result.returncode == 0, result.stderr
    assert "+ file/a" in result.stdout
    assert not (workflow.folder / "a").exists()
