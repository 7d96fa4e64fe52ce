"""The module `git` with the real program and a repository in a folder."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

SETTINGS = (
    "-c",
    "user.name=Ada",
    "-c",
    "user.email=ada@example.org",
    "-c",
    "init.defaultBranch=main",
)


def git(folder: Path, *arguments: str) -> str:
    command = ["git", *SETTINGS, "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


class Upstream:
    """A repository `up.git`, and a clone of somebody else's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        git(folder, "init", "--quiet", "--bare", "up.git")
        git(folder, "clone", "--quiet", "up.git", "theirs")
        self.first = self.commit("one")
        git(folder / "theirs", "tag", "v1")
        git(folder / "theirs", "push", "--quiet", "origin", "HEAD:main", "v1")

    def commit(self, text: str) -> str:
        (self.folder / "theirs/file").write_text(text)
        git(self.folder / "theirs", "add", ".")
        git(self.folder / "theirs", "commit", "--quiet", "-m", text)
        return git(self.folder / "theirs", "rev-parse", "HEAD")

    def push(self, branch: str) -> None:
        git(self.folder / "theirs", "push", "--quiet", "origin", f"HEAD:{branch}")


@pytest.fixture
def upstream(told: Any) -> Upstream:
    for who in ("AUTHOR", "COMMITTER"):
        told.sloth.environment[f"GIT_{who}_NAME"] = "Ada"
        told.sloth.environment[f"GIT_{who}_EMAIL"] = "ada@example.org"
    return Upstream(told.sloth.folder)


def done(changed: bool, message: str, **more: Any) -> list[Any]:
    return [True, {"changed": changed, "message": message, **more}]


def test_a_repository_is_cloned_once(told: Any, upstream: Upstream) -> None:
    path, url = str(upstream.folder / "a"), str(upstream.folder / "up.git")
    facts = {"path": path, "url": url, "commit": upstream.first}
    first, again, named, text = told(
        'git.clone("up.git", "a")',
        'git.clone{ url = "up.git", local_path = "a" }',
        'git.clone{ repo = "up.git", directory = "a", branch = "main" }',
        '(function() local _, repo = git.clone("up.git", "a") return tostring(repo), "x: " .. repo, repo.path end)()',
    )
    assert first == done(True, f"cloned {path}", **facts, exists=False)
    assert again == done(False, f"{path} is there already", **facts, exists=True)
    assert named == done(False, f"{path} is as wanted already", **facts, exists=True)
    assert text == [f"{path} is there already", f"x: {path} is there already", path]
    assert (upstream.folder / "a/file").read_text() == "one"


def test_another_branch_or_tag_is_checked_out_if_nothing_is_lost(
    told: Any, upstream: Upstream
) -> None:
    second = upstream.commit("two")
    upstream.push("main")
    upstream.push("next")
    path = str(upstream.folder / "a")
    tag, newest, branch = told(
        'git.clone("up.git", "a", { tag = "v1" })',
        'git.clone("up.git", "a", { branch = "main" })',
        'git.clone("up.git", "a", { branch = "next" })',
    )
    assert (tag[1]["commit"], tag[1]["message"]) == (upstream.first, f"cloned {path}")
    assert (newest[1]["commit"], newest[1]["message"]) == (second, f"checked out {path}")
    assert (branch[1]["changed"], git(upstream.folder / "a", "branch", "--show-current")) == (
        True,
        "next",
    )
    (upstream.folder / "a/file").write_text("mine")
    ((ok, problem),) = told('git.clone("up.git", "a", { branch = "main" })')
    assert (ok, problem.partition(";")[0]) == (False, f"{path} has local changes in file")
    assert (upstream.folder / "a/file").read_text() == "mine"


def test_work_is_committed_pushed_and_pulled(told: Any, upstream: Upstream) -> None:
    told('git.clone("up.git", "a")', 'git.clone("up.git", "b")')
    (upstream.folder / "a/new").touch()
    committed, nothing, pushed, again, pulled, up_to_date = told(
        'git.commit{ path = "a", message = "add new", add_all = true }',
        'git.commit("a", "again", { add_all = true })',
        'git.push("a")',
        'git.push{ path = "a", remote = "origin" }',
        'git.pull("b")',
        'git.pull{ path = "b" }',
    )
    commit = git(upstream.folder / "up.git", "rev-parse", "main")
    assert committed == done(True, "committed", commit=commit)
    assert nothing == done(False, "there is nothing to commit")
    assert (pushed, again) == (done(True, "pushed to origin"), done(False, "origin has it already"))
    assert (pulled, up_to_date) == (done(True, "b: pulled"), done(False, "b: pulled"))
    assert (upstream.folder / "b/new").exists()


def test_the_repository_is_that_of_the_folder_also_in_a_hook_of_another(
    told: Any, upstream: Upstream
) -> None:
    other = upstream.folder / "other"
    git(upstream.folder, "init", "--quiet", "other")
    told.sloth.environment["GIT_DIR"] = str(other / ".git")
    told.sloth.environment["GIT_INDEX_FILE"] = str(other / ".git/index")
    (upstream.folder / "theirs/new").write_text("x")
    assert told('git.add("theirs", "new")') == [done(True, "added new")]
    assert git(upstream.folder / "theirs", "diff", "--cached", "--name-only") == "new"
    assert git(other, "diff", "--cached", "--name-only") == ""


def test_a_clone_has_methods(told: Any, upstream: Upstream) -> None:
    upstream.push("next")
    use = '(function() local _, repo = git.clone("up.git", "a") return repo:CALL end)()'
    calls = (
        'checkout("next")',
        'checkout("next")',
        'checkout("own", { create = true })',
        "status().branch",
        "pull()",
    )
    there, already, made, branch, pull = told(*(use.replace("CALL", each) for each in calls))
    assert (there, already) == (
        done(True, "next was checked out"),
        done(False, "next is checked out already"),
    )
    assert (made, branch) == (done(True, "own was checked out"), ["own"])
    assert pull == [False, "There is no tracking information for the current branch."]


def test_questions_are_answered(told: Any, upstream: Upstream) -> None:
    told('git.clone("up.git", "a")')
    clone = upstream.folder / "a"
    (clone / "file").write_text("changed")
    (clone / 'ü "x"').touch()
    git(clone, "mv", "file", "moved file")
    git(clone, "branch", "other")
    status, log, branches, yes, no, nothing = told(
        'git.status("a")',
        'git.log{ path = "a", max_count = 1 }',
        'git.branch{ directory = "a" }',
        'git.is_repo("a")',
        'git.is_repo{ path = "." }',
        'git.status("none")',
    )
    assert status == [
        {
            "branch": "main",
            "commit": upstream.first,
            "clean": False,
            "modified": ["moved file"],
            "untracked": ['ü "x"'],
        }
    ]
    ((commit,),) = log
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT.*", commit.pop("date"))
    assert commit == {"hash": upstream.first, "author": "Ada", "message": "one"}
    assert branches == [[{"name": "main", "current": True}, {"name": "other", "current": False}]]
    assert (yes, no) == ([True], [False])
    assert nothing == [
        None,
        f"cannot change to '{upstream.folder}/none': No such file or directory",
    ]


def test_what_cannot_be_done_is_a_result(told: Any, upstream: Upstream) -> None:
    told('git.clone("up.git", "a")')
    (upstream.folder / "full").mkdir()
    (upstream.folder / "full/x").touch()
    results = told(
        'git.clone("none.git", "b")',
        'git.clone("up.git", "full")',
        'git.clone("other.git", "a")',
        'git.clone("up.git", "c", { branch = "zzz" })',
        'git.checkout("a", "zzz")',
        'git.pull("full")',
    )
    folder = upstream.folder
    assert results == [
        [
            False,
            f"git ls-remote failed: '{folder}/none.git' does not appear to be a git repository",
        ],
        [False, f"{folder}/full is there and is neither a clone nor an empty folder"],
        [False, f"{folder}/a is a clone of {folder}/up.git"],
        [False, f"the repository {folder}/up.git has no branch zzz"],
        [False, "invalid reference: zzz"],
        [False, "not a git repository (or any of the parent directories): .git"],
    ]


def test_a_plan_changes_no_clone(told: Any, upstream: Upstream) -> None:
    git(upstream.folder, "clone", "--quiet", "up.git", "a")
    calls = (
        'git.clone("up.git", "b")',
        'git.checkout("b", "next")',
        'git.checkout("a", "next", { create = true })',
        'git.commit("a", "m")',
        'git.add("a")',
        'git.push("a")',
        'git.pull("a")',
    )
    done_then = [line[0] for line in told.planned(*calls)]
    assert done_then == [
        "git.clone",
        "git.checkout",
        "git.checkout",
        "git.commit",
        "git.add",
        "git.push",
        "git.pull",
        "fs.write",
    ]
    assert not (upstream.folder / "b").exists()


WRONG = {
    "git.clone()": "git.clone: path must be a string, not nothing",
    'git.clone("up.git")': "git.clone: path must be a string, not nothing",
    'git.clone("-x", "a")': "git.clone: url must not begin with a dash",
    'git.clone("u", "a", { branch = "x", tag = "y" })': "git.clone: branch and tag are both given",
    'git.clone("u", "a", { branhc = "x" })': "git.clone: it has no field 'branhc'; did you mean 'branch'?",
    'git.checkout("a", "-f")': "git.checkout: '-f' is no name of a branch",
    'git.commit("a")': "git.commit: message must be a string, not nothing",
}


def test_wrong_arguments_are_errors(told: Any) -> None:
    found = dict(zip(WRONG, told(*WRONG), strict=True))
    first = "git.clone()"
    assert found.pop(first) in (WRONG[first], "git.clone: url must be a string, not nothing")
    assert found == {call: text for call, text in WRONG.items() if call != first}
