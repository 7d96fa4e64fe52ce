"""Clones of git repositories, through the command `git`.

No hook of a repository is run, and nobody is asked for a password.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

from sloth_runner.command import Command
from sloth_runner.errors import WorkflowError
from sloth_runner.providers.processes import find_program
from sloth_runner.subprocesses import FINISH_SECONDS, run_command

if TYPE_CHECKING:
    from sloth_runner.command import CommandResult
    from sloth_runner.session import Session

_FOREIGN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
"""Variables that lead git to the repository in whose hook the runner was called."""
_LOOK_EVERY = 0.1
"""Seconds."""
_CONFIGURATION = ("core.hooksPath=/dev/null", "core.fsmonitor=false", "advice.detachedHead=false")


def _program() -> list[str]:
    unset = [word for name in _FOREIGN for word in ("-u", name)]
    return ["env", *unset, find_program("git")]


def _environment() -> dict[str, str]:
    return {
        "LC_ALL": "C.UTF-8",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": os.environ.get("GIT_ASKPASS", ""),
        "GIT_SSH_COMMAND": os.environ.get("GIT_SSH_COMMAND", "ssh -o BatchMode=yes"),
        "GIT_OPTIONAL_LOCKS": "0",  # looking at a clone would write to it
    }


def settings(_session: Session) -> dict[str, Any]:
    """How the module `git` runs it: the first words of its commands, and their environment."""
    return {"program": _program(), "env": _environment()}


class _Git(NamedTuple):
    session: Session
    folder: str

    async def run(self, *arguments: str, is_left_to_finish: bool = False) -> CommandResult:
        configuration = [word for each in _CONFIGURATION for word in ("-c", each)]
        command = Command(
            [*_program(), "-C", self.folder, *configuration, *arguments],
            workdir="/",
            environment={
                **_environment(),
                # A folder that is no clone would be taken for a part of one above it.
                "GIT_CEILING_DIRECTORIES": os.path.dirname(self.folder),
            },
            secrets=self.session.secrets,
            is_left_to_finish=is_left_to_finish,
        )
        return await run_command(command)

    async def say(self, *arguments: str, is_left_to_finish: bool = False) -> str:
        """What git writes. Raises WorkflowError with git's own words if it fails."""
        result = await self.run(*arguments, is_left_to_finish=is_left_to_finish)
        if result.exit_code != 0:
            raise WorkflowError(f"git {arguments[0]} failed: {_complaint(result)}")
        return result.stdout.decode(errors="surrogateescape").rstrip("\n")

    async def has(self, commit: str) -> bool:
        return (await self.run("cat-file", "-e", f"{commit}^{{commit}}")).exit_code == 0


def _complaint(result: CommandResult) -> str:
    lines = result.stderr.decode(errors="replace").splitlines()
    for prefix in ("fatal: ", "error: "):
        for line in lines:
            if line.startswith(prefix):
                return line.removeprefix(prefix)
    return lines[-1] if lines else f"exit code {result.exit_code}"


async def resolve(session: Session, url: str, kind: str, name: str) -> tuple[str, str, str]:
    """The commit that a "branch", "tag" or "ref" (either of them, or HEAD) of a repository has now.

    With it the branch, or "" if it is none, and the full name of the reference.
    """
    branch, tag = f"refs/heads/{name}", f"refs/tags/{name}"
    wanted = ["HEAD"] if name == "HEAD" else [branch, tag, f"{tag}^{{}}"]
    listing = await _Git(session, "/").say("ls-remote", "--symref", "--", url, *wanted)
    rows = [(value, ref) for value, _, ref in (row.partition("\t") for row in listing.split("\n"))]
    found = {ref: value for value, ref in rows if not value.startswith("ref: ")}
    if name in found:  # HEAD, and perhaps the branch that it stands for
        head = next((value[5:] for value, _ in rows if value.startswith("ref: ")), "")
        return found[name], head.removeprefix("refs/heads/"), head
    if kind != "tag" and branch in found:
        return found[branch], name, branch
    if kind != "branch" and tag in found:
        return found.get(f"{tag}^{{}}", found[tag]), "", tag
    raise WorkflowError(f"the repository {url} has no {kind} {name}")


async def look(session: Session, path: str) -> dict[str, Any] | None:
    """A clone's `url`, `commit`, `branch` ("" if none is checked out) and whether it is `dirty`.

    None if there is no clone. Files that git does not know do not make it dirty.
    """
    if not os.path.lexists(os.path.join(path, ".git")):
        return None
    await _end_of_checkout(path)
    git = _Git(session, path)
    status = await git.say("status", "--porcelain=v2", "--branch", "--untracked-files=no")
    lines = status.split("\n")
    facts = dict(line[2:].split(" ", 1) for line in lines if line.startswith("# "))
    if facts["branch.oid"] == "(initial)":
        return None
    branch = facts["branch.head"]
    remote = await git.run("config", "--get", "remote.origin.url")
    return {
        "url": remote.stdout.decode(errors="surrogateescape").rstrip("\n"),
        "commit": facts["branch.oid"],
        "branch": "" if branch == "(detached)" else branch,
        "dirty": any(not line.startswith("# ") for line in lines),
    }


async def _end_of_checkout(path: str) -> None:
    """Wait while git writes to a clone, as it may for a run that was killed, but not for ever."""
    lock = os.path.join(path, ".git", "index.lock")
    for _ in range(round(FINISH_SECONDS / _LOOK_EVERY)):
        if not os.path.lexists(lock):
            return
        await asyncio.sleep(_LOOK_EVERY)


async def clone(
    session: Session, path: str, url: str, commit: str, branch: str, ref: str, depth: int | None
) -> None:
    """Make a clone, in a folder beside it that gets its name when all is there.

    Raises WorkflowError if there is something else at the path.
    """
    if os.path.lexists(path) and not _is_empty_folder(path):
        raise WorkflowError(f"{path} is there and is neither a clone nor an empty folder")
    parent, name = os.path.split(path)
    staged = os.path.join(parent, f".{name}.sloth-clone")
    shutil.rmtree(staged, ignore_errors=True)
    os.makedirs(staged)
    try:
        await _Git(session, staged).say("init", "--quiet", "--template=")
        await check_out(session, staged, url, commit, branch, ref, depth, False, is_new=True)
        os.rename(staged, path)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise


def _is_empty_folder(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path) and not os.listdir(path)


async def check_out(
    session: Session,
    path: str,
    url: str,
    commit: str,
    branch: str,
    ref: str,
    depth: int | None,
    force: bool,
    *,
    is_new: bool = False,
) -> None:
    """Bring a clone to a commit, on a local branch of this name or, if it is "", on none.

    `ref` is what the commit was resolved from, "" if from nothing. Only with `force` are local
    changes thrown away and files overwritten that git does not know. A clone that `is_new` is
    thrown away when this is stopped; any other is not left half-way.
    """
    git = _Git(session, path)
    await git.say("config", "remote.origin.url", url)
    await git.say("config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")
    if ref or not await git.has(commit):
        await _fetch(git, url, commit, ref, depth)
    options = ["--quiet", "--force"] if force else ["--quiet"]
    place = ["-B", branch, commit] if branch else ["--detach", commit]
    # Half of a checkout looks like local changes, which are nobody's to throw away.
    await git.say("checkout", *options, *place, "--", is_left_to_finish=not is_new)
    if not branch:
        return
    # A branch that is brought back by a rollback may be gone from the repository.
    await git.run("branch", "--quiet", f"--set-upstream-to=origin/{branch}", branch)


async def _fetch(git: _Git, url: str, commit: str, ref: str, depth: int | None) -> None:
    if depth:
        source = f"+{ref}:{ref.replace('refs/heads/', 'refs/remotes/origin/')}" if ref else commit
        await git.say("fetch", "--quiet", "--no-tags", f"--depth={depth}", "origin", source)
    else:
        await git.say("fetch", "--quiet", "--force", "--tags", "origin")
    if not await git.has(commit):
        await git.run("fetch", "--quiet", "--no-tags", "origin", commit)
    if not await git.has(commit):
        raise WorkflowError(f"the repository {url} has no commit {commit}")


async def unpushed(session: Session, path: str, known: str, all_branches: bool) -> str | None:
    """A commit of the clone that the repository never had, as far as the clone knows; or None.

    `known` is a commit that came from there all the same, or "". Looked for in what is checked
    out, or in all branches and the stash.
    """
    where = ["HEAD", "--all"] if all_branches else ["HEAD"]
    since = [known] if known else []
    found = await _Git(session, path).say(
        "rev-list", "--max-count=1", *where, "--not", "--remotes", "--tags", *since, "--"
    )
    return found or None


async def unsaved(session: Session, path: str, untracked: bool) -> str | None:
    """Names of files that are not as committed, a few of them; None if there are none."""
    which = "normal" if untracked else "no"
    git = _Git(session, path)
    status = await git.say("status", "--porcelain", "-z", f"--untracked-files={which}")
    names = [entry[3:] for entry in status.split("\0") if entry[2:3] == " "]
    more = ", …" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more if names else None


def remove(_session: Session, path: str) -> None:
    """Delete a clone with all in it. Raises WorkflowError if a link stands there."""
    if os.path.islink(path):
        raise WorkflowError(f"{path} is a symbolic link, which no clone was made as")
    shutil.rmtree(path)
