"""Where a run comes from: who started it, where, from which file, commit and CI job."""

from __future__ import annotations

import os

from sloth_state.processes import current_holder

KEYS = frozenset(
    ("user", "host", "cwd", "source_file", "source_hash", "git_commit", "git_dirty", "ci_job")
)
"""What `provenance` tells, as far as it applies."""

_CI_JOBS = (
    "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}",
    "{CI_JOB_URL}",  # GitLab
    "{BUILD_URL}",  # Jenkins
    "{CIRCLE_BUILD_URL}",
    "{BUILDKITE_BUILD_URL}",
    "{TRAVIS_BUILD_WEB_URL}",
    "{DRONE_BUILD_LINK}",
    "{SYSTEM_COLLECTIONURI}{SYSTEM_TEAMPROJECT}/_build/results?buildId={BUILD_BUILDID}",  # Azure
    "{BITBUCKET_GIT_HTTP_ORIGIN}/pipelines/results/{BITBUCKET_BUILD_NUMBER}",
)
"""The address of the job, made of variables that the CI system sets."""

_GIT_STATUS = (
    "git",
    "--no-optional-locks",
    "-c",
    "core.fsmonitor=false",  # a repository must not choose a program that starts here
    "status",
    "--porcelain=v2",
    "--branch",
    "--untracked-files=no",
)
_GIT_SECONDS = 2


def provenance(source_path: str | None, source: bytes | None) -> dict[str, str]:
    """User, host, cwd, and as far as they apply source file, its SHA-256, git commit, CI job.

    `git_dirty` is "true" or "false"; files that git does not track do not count. Git is asked only
    inside a work tree, for two seconds at most; without an answer its keys are missing.
    """
    holder = current_holder()
    facts = {"user": holder.user, "host": holder.host}
    cwd = _working_directory()
    if cwd is not None:
        facts["cwd"] = cwd
    if source_path is not None:
        facts["source_file"] = os.path.normpath(os.path.join(cwd or "", source_path))
    if source is not None:
        import hashlib  # slow to import

        facts["source_hash"] = hashlib.sha256(source).hexdigest()
    facts |= _git_commit(os.path.dirname(facts["source_file"]) if source_path else cwd)
    facts |= _ci_job()
    return {key: _valid_unicode(value) for key, value in facts.items()}


def _working_directory() -> str | None:
    try:
        return os.getcwd()
    except FileNotFoundError:  # somebody deleted it
        return None


def _git_commit(folder: str | None) -> dict[str, str]:
    if folder is None or not _in_work_tree(folder):
        return {}
    import subprocess  # slow to import

    try:
        status = subprocess.run(
            _GIT_STATUS,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_GIT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    return _parse_status(status.stdout.decode(errors="replace"))


def _in_work_tree(folder: str) -> bool:
    """Whether this folder or one above it holds a .git, be it a folder or a file."""
    while not os.path.exists(os.path.join(folder, ".git")):
        parent = os.path.dirname(folder)
        if parent == folder:
            return False
        folder = parent
    return True


def _parse_status(status: str) -> dict[str, str]:
    lines = status.splitlines()
    commits = [line.split()[2] for line in lines if line.startswith("# branch.oid ")]
    if commits in ([], ["(initial)"]):
        return {}
    dirty = any(not line.startswith("#") for line in lines)
    return {"git_commit": commits[0], "git_dirty": "true" if dirty else "false"}


def _ci_job() -> dict[str, str]:
    for address in _CI_JOBS:
        try:
            return {"ci_job": address.format_map(os.environ)}
        except KeyError:
            continue
    return {}


def _valid_unicode(text: str) -> str:
    """File names may hold bytes that are no UTF-8; the store keeps none."""
    return text.encode(errors="surrogateescape").decode(errors="replace")
