"""Files that tasks make for other tasks: which task needs whose, and handing them on.

An artifact is recorded as a resource of the type `artifact` with its path, size and SHA-256, so
versions show how it changed. It has no provider: nothing but its task makes it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from sloth_runner.blocking import on_thread
from sloth_runner.errors import TaskFailed
from sloth_state.model import ResourceDraft

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sloth_runner.active_run import ActiveRun
    from sloth_runner.workflow import Task
    from sloth_state.model import Json, Resource

TYPE = "artifact"


class Artifact(NamedTuple):
    """A file that a task has made."""

    task: str
    path: str
    """Relative to the task's folder."""
    file: str
    """Where it is."""


def producers(task: Task, tasks: Iterable[Task], pattern: str) -> list[str]:
    """The names of the tasks whose artifacts a pattern of `consumes` can mean."""
    return [
        other.name
        for other in tasks
        if other.name != task.name and any(_may_mean(pattern, made) for made in other.artifacts)
    ]


def _may_mean(wanted: str, made: str) -> bool:
    from fnmatch import fnmatchcase

    return wanted == made or fnmatchcase(wanted, made) or fnmatchcase(made, wanted)


async def collect(task: Task, folder: str, run: ActiveRun) -> list[Artifact]:
    """Find what a task has made, and record it. Raises TaskFailed if a pattern matches nothing."""
    found, drafts = await on_thread(_find, task, folder)
    run.record_all(drafts)
    return found


def _find(task: Task, folder: str) -> tuple[list[Artifact], list[ResourceDraft]]:
    import glob

    found: dict[str, Artifact] = {}
    for pattern in task.artifacts:
        paths = sorted(glob.glob(pattern, root_dir=folder, recursive=True))
        files = [path for path in paths if os.path.isfile(os.path.join(folder, path))]
        if not files:
            raise TaskFailed(
                f"nothing in {folder} matches its artifacts {pattern!r}",
                hint="The task must leave a file there, or name another pattern.",
            )
        for path in files:
            found[path] = Artifact(task.name, path, os.path.join(folder, path))
    try:
        drafts = [_draft(artifact) for artifact in found.values()]
    except OSError as error:
        raise TaskFailed(
            f"the artifact {error.filename} cannot be read: {error.strerror}"
        ) from None
    return list(found.values()), drafts


def _draft(artifact: Artifact) -> ResourceDraft:
    import hashlib

    with open(artifact.file, "rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    attributes: dict[str, Json] = {
        "path": artifact.file,
        "size": os.path.getsize(artifact.file),
        "sha256": sha256,
    }
    return ResourceDraft(TYPE, f"{artifact.task}/{artifact.path}", attributes, "", None)


async def provide(task: Task, folder: str, made: Mapping[str, Sequence[Artifact]]) -> None:
    """Copy what a task consumes into its folder, if it is not there anyway.

    `made`: by task. Raises TaskFailed if there is nothing that a pattern means.
    """
    from fnmatch import fnmatchcase

    available = [artifact for artifacts in made.values() for artifact in artifacts]
    for pattern in task.consumes:
        wanted = [each for each in available if fnmatchcase(each.path, pattern)]
        if not wanted:
            known = ", ".join(sorted({each.path for each in available})) or "none at all"
            raise TaskFailed(f"there is no artifact {pattern!r}; there is {known}")
        for artifact in wanted:
            await on_thread(_copy, artifact, os.path.join(folder, artifact.path))


def _copy(artifact: Artifact, target: str) -> None:
    import shutil

    try:
        if os.path.realpath(target) != os.path.realpath(artifact.file):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy2(artifact.file, target)
    except OSError as error:
        raise TaskFailed(
            f"the artifact {artifact.path} of {artifact.task} cannot be copied to {target}: "
            f"{error.strerror}"
        ) from None


def expected(task: Task, run: ActiveRun) -> list[Resource]:
    """The recorded artifacts that a task which is only planned would make again."""
    from fnmatch import fnmatchcase

    prefix = f"{task.name}/"
    return [
        each
        for each in run.resources(TYPE)
        if each.name.startswith(prefix)
        and any(fnmatchcase(each.name.removeprefix(prefix), made) for made in task.artifacts)
    ]


def of_earlier_run(task: str, run: ActiveRun) -> list[Artifact]:
    """What a task has made that an earlier run did, as it is recorded."""
    prefix = f"{task}/"
    return [
        Artifact(task, each.name.removeprefix(prefix), str(each.attributes["path"]))
        for each in run.resources(TYPE)
        if each.name.startswith(prefix)
    ]
