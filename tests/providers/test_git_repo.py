"""`resource.git_repo` with real git and repositories on this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

WHO = {
    f"GIT_{role}_{what}": "sloth@example.org"
    for role in ("AUTHOR", "COMMITTER")
    for what in ("NAME", "EMAIL")
}


class Repository:
    """A repository that things are cloned from, or a clone."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def git(self, *arguments: str) -> str:
        result = subprocess.run(
            ["git", "-C", str(self.path), *arguments],
            env={**os.environ, **WHO},
            capture_output=True,
            text=True,
            check=True,
        )
        return result.stdout.strip()

    def commit(self, content: str, name: str = "app") -> str:
        (self.path / name).write_text(content)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", content)
        return self.git("rev-parse", "HEAD")

    @property
    def head(self) -> tuple[str, str]:
        """Commit and branch."""
        return self.git("rev-parse", "HEAD"), self.git("branch", "--show-current")


@pytest.fixture
def source(tmp_path: Path) -> Repository:
    folder = tmp_path / "source"
    folder.mkdir()
    repository = Repository(folder)
    repository.git("init", "-q", "-b", "main")
    repository.commit("one")
    return repository


@pytest.fixture
def clone(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "clone")


def declare(workflow: Any, fields: str = "") -> None:
    workflow.declares(f'git_repo{{ name = "app", path = "clone", url = "source", {fields} }}')


def test_a_clone_is_made_once_and_follows_its_branch(
    workflow: Any, source: Repository, clone: Repository
) -> None:
    one = source.git("rev-parse", "HEAD")
    declare(workflow)
    assert workflow.run() == "1 created, 0 updated, 0 deleted, 0 unchanged"
    assert clone.head == (one, "main")
    assert clone.git("status", "-sb") == "## main...origin/main"
    assert workflow.attributes("app") == {
        "path": str(clone.path),
        "url": str(source.path),
        "ref": "HEAD",
        "commit": one,
        "branch": "main",
        "dirty": False,
        "force": False,
        "up_to_date": True,
    }
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 1 unchanged"
    two = source.commit("two")
    assert workflow.drift() == {"git_repo/app": "in-sync"}
    planned = workflow.sloth("plan", "w.sloth").stdout
    assert "~ git_repo/app\n    up_to_date: false → true" in planned
    assert workflow.run() == "0 created, 1 updated, 0 deleted, 0 unchanged"
    assert clone.head == (two, "main")
    workflow.rolls_back(1)
    assert (clone.head, (clone.path / "app").read_text()) == ((one, "main"), "one")
    assert workflow.drift() == {"git_repo/app": "in-sync"}


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_checkout_that_a_signal_meets_is_finished_and_the_next_run_goes_on(
    workflow: Any, source: Repository, clone: Repository, by: signal.Signals
) -> None:
    source.commit("* filter=slow", ".gitattributes")
    declare(workflow)
    workflow.run()
    clone.git("config", "filter.slow.smudge", "sleep 0.7; cat")
    source.commit("one more", "another")
    three = source.commit("three")

    run = workflow.sloth.start("run", "w.sloth")
    while not (clone.path / ".git/index.lock").exists():
        assert run.poll() is None
        time.sleep(0.01)
    time.sleep(0.1)
    run.send_signal(by)
    run.communicate()
    assert run.returncode == (-by if by == signal.SIGKILL else 130)

    assert workflow.run() == "0 created, 1 updated, 0 deleted, 0 unchanged"
    assert clone.head == (three, "main")
    assert clone.git("status", "--porcelain") == ""


def test_branch_tag_commit_and_ref_each_choose_what_is_checked_out(
    workflow: Any, source: Repository, clone: Repository
) -> None:
    one = source.git("rev-parse", "HEAD")
    source.git("tag", "-a", "v1", "-m", "v1")
    source.git("checkout", "-q", "-b", "feature/x")
    two = source.commit("two")
    source.git("checkout", "-q", "main")
    for chosen, expected in (
        ('branch = "feature/x"', (two, "feature/x")),
        ('tag = "v1"', (one, "")),
        ('ref = "feature/x"', (two, "feature/x")),
        (f'commit = "{one}"', (one, "")),
        (f'ref = "{two}"', (two, "")),
        ('ref = "v1"', (one, "")),
    ):
        declare(workflow, chosen)
        workflow.run()
        assert clone.head == expected
        assert workflow.run() == "0 created, 0 updated, 0 deleted, 1 unchanged"


def test_a_pinned_commit_and_update_false_do_not_follow_the_repository(
    workflow: Any, source: Repository, clone: Repository
) -> None:
    one = source.git("rev-parse", "HEAD")
    declare(workflow, 'branch = "main", update = false')
    workflow.run()
    source.commit("two")
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 1 unchanged"
    declare(workflow, f'commit = "{one}"')
    workflow.run()
    source.path.rename(source.path.with_name("away"))  # a pinned commit never asks it
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 1 unchanged"
    assert clone.head[0] == one


def test_a_shallow_clone_has_only_so_many_commits_and_can_be_rolled_back(
    workflow: Any, source: Repository, clone: Repository
) -> None:
    one = source.commit("two")
    url = f"file://{source.path}"  # git ignores the depth of a clone by path
    workflow.declares(
        f'git_repo{{ name = "app", path = "clone", url = "{url}", branch = "main", depth = 1 }}'
    )
    workflow.run()
    assert clone.git("rev-list", "--count", "HEAD") == "1"
    source.commit("three")
    workflow.run()
    assert clone.git("log", "-1", "--format=%s") == "three"
    workflow.rolls_back(1)
    assert clone.head == (one, "main")


def test_local_changes_are_kept_unless_force_is_declared(
    workflow: Any, source: Repository, clone: Repository
) -> None:
    declare(workflow)
    workflow.run()
    (clone.path / "app").write_text("mine")
    assert workflow.drift() == {"git_repo/app": "drifted"}
    assert (
        f"{clone.path} has local changes in app; push or undo that, or declare force = true"
        in workflow.fails()
    )
    assert (clone.path / "app").read_text() == "mine"
    declare(workflow, "force = true")
    workflow.run()
    assert (clone.path / "app").read_text() == "one"
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 1 unchanged"


def test_commits_that_were_not_pushed_are_kept_unless_force_is_declared(
    workflow: Any, source: Repository, clone: Repository
) -> None:
    declare(workflow)
    workflow.run()
    mine = clone.commit("mine", "other")
    source.commit("two")
    assert f"has the commit {mine}, which was not pushed" in workflow.fails()
    assert clone.head == (mine, "main")
    declare(workflow, "force = true")
    workflow.run()
    assert clone.head == source.head


def test_a_file_that_git_does_not_know_is_not_overwritten(
    workflow: Any, source: Repository, clone: Repository
) -> None:
    declare(workflow)
    workflow.run()
    (clone.path / "new").write_text("mine")
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 1 unchanged"
    source.commit("theirs", "new")
    assert "would be overwritten by checkout" in workflow.fails()
    assert (clone.path / "new").read_text() == "mine"


def test_only_a_clone_that_was_made_and_holds_nothing_of_its_own_is_deleted(
    workflow: Any, source: Repository, clone: Repository
) -> None:
    declare(workflow)
    workflow.run()
    workflow.declares()
    (clone.path / "note").write_text("mine")
    assert "has local changes in note" in workflow.fails("--prune")
    (clone.path / "note").unlink()
    clone.commit("mine", "note")
    assert "which was not pushed" in workflow.fails("--prune")
    clone.git("reset", "-q", "--hard", "origin/main")
    assert workflow.run("--prune") == "0 created, 0 updated, 1 deleted, 0 unchanged"
    assert not clone.path.exists()
    subprocess.run(["git", "clone", "-q", source.path, clone.path], check=True)
    declare(workflow)
    workflow.run()
    workflow.declares()
    workflow.run("--prune")
    assert clone.path.is_dir()


def test_what_is_no_clone_is_left_as_it_is(
    workflow: Any, source: Repository, clone: Repository
) -> None:
    clone.path.mkdir()
    declare(workflow)
    workflow.run()  # an empty folder is taken
    assert clone.head == source.head
    other = workflow.folder / "other"
    other.mkdir()
    (other / "precious").write_text("mine")
    workflow.declares('git_repo{ name = "other", path = "other", url = "source" }')
    assert f"{other} is there and is neither a clone nor an empty folder" in workflow.fails()
    assert [each.name for each in other.iterdir()] == ["precious"]
    assert [each.name for each in workflow.folder.glob(".*")] == []


def test_a_folder_inside_of_another_repository_is_no_part_of_it(
    workflow: Any, source: Repository
) -> None:
    workflow.declares('git_repo{ name = "inner", path = "source/inner", url = "source" }')
    assert workflow.run() == "1 created, 0 updated, 0 deleted, 0 unchanged"
    assert source.git("status", "--porcelain") == "?? inner/"


def test_no_hook_of_a_clone_runs_and_the_hook_that_runs_the_runner_does_not_mislead_git(
    workflow: Any, source: Repository, clone: Repository
) -> None:
    declare(workflow)
    workflow.run()
    hook = clone.path / ".git/hooks/post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {workflow.folder}/ran\n")
    hook.chmod(0o755)
    source.commit("two")
    workflow.sloth.environment |= {"GIT_DIR": ".", "GIT_INDEX_FILE": "elsewhere"}
    assert workflow.run() == "0 created, 1 updated, 0 deleted, 0 unchanged"
    assert clone.head == source.head
    assert not (workflow.folder / "ran").exists()


def test_what_git_refuses_is_said_in_its_words(workflow: Any, source: Repository) -> None:
    for fields, expected in (
        ('branch = "gone"', f"the repository {source.path} has no branch gone"),
        ('tag = "gone"', f"the repository {source.path} has no tag gone"),
        (f'commit = "{"0" * 40}"', f"the repository {source.path} has no commit {'0' * 40}"),
    ):
        declare(workflow, fields)
        assert expected in workflow.fails()
    workflow.declares('git_repo{ name = "app", path = "clone", url = "nowhere" }')
    assert (
        f"git ls-remote failed: '{workflow.folder}/nowhere' does not appear to be a git repository"
        in workflow.fails()
    )
    workflow.sloth.environment["PATH"] = str(workflow.folder)
    assert "the command git is not installed" in workflow.fails()
    assert not (workflow.folder / "clone").exists()


def test_declarations_that_make_no_sense_are_refused(workflow: Any) -> None:
    said = workflow.refusals(
        "git_repo",
        'path = "a"',
        'path = "a", url = "b", repo = "b"',
        'path = "a", url = "--upload-pack=x"',
        'path = "a", url = "https://me:secret@host/x"',
        'path = "a", url = "b", branch = "x", tag = "y"',
        'path = "a", url = "b", commit = "abc123"',
        'path = "a", url = "b", branch = "--x"',
        'path = "a", url = "b", depth = 0',
    )
    assert [each.split("git_repo: ", 1)[1] for each in said] == [
        "url must be given",
        "url and repo are the same; give one of them",
        "url must not begin with a dash",
        "url has a password in it, which the clone would keep; use a credential helper of git or a key of ssh",
        "branch and tag are both given",
        "commit must be the 40 hex digits of a commit, not 'abc123'",
        "branch cannot be named '--x' in git",
        "depth must be a whole number, 1 or more",
    ]
