"""A run says by itself where it comes from."""

from __future__ import annotations

import hashlib
import os
import pwd
import subprocess
import time
from pathlib import Path

import pytest

from sloth_runner.provenance import provenance

_CI_VARIABLES = (
    "CI_JOB_URL",
    "BUILD_URL",
    "CIRCLE_BUILD_URL",
    "BUILDKITE_BUILD_URL",
    "TRAVIS_BUILD_WEB_URL",
    "DRONE_BUILD_LINK",
    "GITHUB_RUN_ID",
    "BUILD_BUILDID",
    "BITBUCKET_BUILD_NUMBER",
)


@pytest.fixture(autouse=True)
def _outside_of_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _CI_VARIABLES:
        monkeypatch.delenv(name, raising=False)


def _git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    done = subprocess.run(
        ["git", *identity, *arguments],
        cwd=folder,
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git work tree with one commit of deploy.sloth."""
    folder = tmp_path / "repository"
    folder.mkdir()
    _git(folder, "init", "--quiet")
    (folder / "deploy.sloth").write_text("task('x')\n")
    _git(folder, "add", ".")
    _git(folder, "commit", "--quiet", "--message", "first")
    return folder


def _git_facts(path: Path) -> dict[str, str]:
    return {key: value for key, value in provenance(str(path), None).items() if "git" in key}


def test_user_host_and_folder_are_always_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)

    assert provenance(None, None) == {
        "user": pwd.getpwuid(os.getuid()).pw_name,
        "host": os.uname().nodename,
        "cwd": str(tmp_path),
    }


def test_the_source_file_is_named_absolutely_and_hashed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    facts = provenance("ops/../deploy.sloth", b"task('x')\n")

    assert facts["source_file"] == f"{tmp_path}/deploy.sloth"
    assert facts["source_hash"] == hashlib.sha256(b"task('x')\n").hexdigest()


def test_a_clean_work_tree_gives_its_commit(repository: Path) -> None:
    commit = _git(repository, "rev-parse", "HEAD")
    (repository / "untracked").write_text("")

    assert _git_facts(repository / "deploy.sloth") == {"git_commit": commit, "git_dirty": "false"}


def test_a_changed_file_makes_the_work_tree_dirty(repository: Path) -> None:
    commit = _git(repository, "rev-parse", "HEAD")
    (repository / "deploy.sloth").write_text("task('y')\n")

    assert _git_facts(repository / "deploy.sloth") == {"git_commit": commit, "git_dirty": "true"}


def test_the_folder_counts_if_there_is_no_file(
    monkeypatch: pytest.MonkeyPatch, repository: Path
) -> None:
    below = repository / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)

    assert provenance(None, None)["git_commit"] == _git(repository, "rev-parse", "HEAD")


def test_a_linked_work_tree_counts_too(repository: Path, tmp_path: Path) -> None:
    _git(repository, "worktree", "add", "--quiet", str(tmp_path / "linked"))

    assert _git_facts(tmp_path / "linked" / "deploy.sloth")["git_dirty"] == "false"


def test_a_repository_without_a_commit_has_none(tmp_path: Path) -> None:
    _git(tmp_path, "init", "--quiet")

    assert _git_facts(tmp_path / "deploy.sloth") == {}


def test_a_repository_cannot_start_a_program_of_its_choice(
    repository: Path, tmp_path: Path
) -> None:
    monitor = tmp_path / "monitor"
    monitor.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    monitor.chmod(0o755)
    _git(repository, "config", "core.fsmonitor", str(monitor))
    _git_facts(repository / "deploy.sloth")

    assert not (tmp_path / "started").exists()


def test_nothing_is_said_of_git_where_it_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, repository: Path, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert _git_facts(repository / "deploy.sloth") == {}


def test_a_git_that_hangs_is_waited_for_two_seconds(
    monkeypatch: pytest.MonkeyPatch, repository: Path, tmp_path: Path
) -> None:
    git = tmp_path / "git"
    git.write_text("#!/bin/sh\nexec sleep 60\n")
    git.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    started = time.monotonic()

    assert _git_facts(repository / "deploy.sloth") == {}
    assert 2.0 <= time.monotonic() - started < 4.0


@pytest.mark.parametrize(
    ("variables", "job"),
    [
        (
            {
                "GITHUB_SERVER_URL": "https://github.com",
                "GITHUB_REPOSITORY": "acme/shop",
                "GITHUB_RUN_ID": "71",
            },
            "https://github.com/acme/shop/actions/runs/71",
        ),
        ({"CI_JOB_URL": "https://gitlab.com/acme/-/jobs/7"}, "https://gitlab.com/acme/-/jobs/7"),
        ({"BUILD_URL": "https://jenkins/job/shop/7/"}, "https://jenkins/job/shop/7/"),
        (
            {
                "SYSTEM_COLLECTIONURI": "https://dev.azure.com/acme/",
                "SYSTEM_TEAMPROJECT": "shop",
                "BUILD_BUILDID": "71",
            },
            "https://dev.azure.com/acme/shop/_build/results?buildId=71",
        ),
    ],
    ids=["github", "gitlab", "jenkins", "azure"],
)
def test_the_ci_job_is_named(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], job: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert provenance(None, None)["ci_job"] == job


def test_file_names_that_are_no_text_are_kept_readable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = os.path.join(os.fsencode(tmp_path), b"caf\xe9")
    os.mkdir(folder)
    monkeypatch.chdir(os.fsdecode(folder))

    assert provenance(None, None)["cwd"] == f"{tmp_path}/caf\ufffd"


def test_a_deleted_folder_is_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    assert sorted(provenance(None, None)) == ["host", "user"]
    assert provenance("deploy.sloth", None)["source_file"] == "deploy.sloth"


def test_it_costs_less_than_a_millisecond_outside_of_git(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    provenance("deploy.sloth", b"")
    seconds = []
    for _ in range(20):
        started = time.perf_counter()
        provenance("deploy.sloth", b"")
        seconds.append(time.perf_counter() - started)

    assert min(seconds) < 0.001
