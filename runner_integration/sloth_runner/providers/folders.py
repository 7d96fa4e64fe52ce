"""What the providers of `directory` and `symlink` need."""

from __future__ import annotations

import json
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from sloth_runner.errors import WorkflowError
from sloth_runner.providers import durable
from sloth_runner.providers.durable import Permissions, explained, sync_folder
from sloth_runner.providers.files import facts_of, permissions_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sloth_runner.session import Session

_SHOWN = 3
"""How many names an error lists."""


def read(_session: Session, path: str) -> tuple[str | None, ...]:
    """Mode, owner and group of a folder; nothing if there is none."""
    facts = facts_of(path, stat.S_IFDIR, "directory")
    return (None,) if facts is None else permissions_of(facts)


def missing_parents(_session: Session, path: str) -> list[str]:
    """The folders above a path that do not exist, the topmost first."""
    missing = []
    folder = os.path.dirname(path)
    while not os.path.lexists(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    return missing[::-1]


def make(
    session: Session, path: str, mode: str | None, owner: str | None, group: str | None
) -> None:
    """Make a folder that may be there already, with its parents."""
    with explained(path):
        for folder in (*missing_parents(session, path), path):
            make_folder(folder, Permissions())
        make_folder(path, Permissions(mode, owner, group))


def make_folder(path: str, permissions: Permissions) -> None:
    """Make one folder, if it is not there, and give it its permissions."""
    with suppress(FileExistsError):
        durable.new_folder(path, permissions.mode)
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        durable.permit(handle, path, permissions)
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(_session: Session, path: str, parents: str) -> None:
    """Remove an empty folder, and of the parents (JSON, the topmost first) those that are empty.

    Raises WorkflowError if there is something in it.
    """
    with explained(path):
        names = sorted(os.listdir(path))
        if names:
            raise WorkflowError(
                f"{path} is not empty, and what is in it was not made by resource.directory: "
                f"{_listed(names)}"
            )
        os.rmdir(path)
        sync_folder(os.path.dirname(path))
    remove_empty(json.loads(parents)[::-1])


def remove_empty(folders: Iterable[str]) -> None:
    """Remove those folders that are there and empty, in this order."""
    for folder in folders:
        with suppress(OSError):
            os.rmdir(folder)
            sync_folder(os.path.dirname(folder))


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def read_link(_session: Session, path: str) -> str | None:
    """Where a link points to; None if nothing is there."""
    with explained(path):
        return os.readlink(path) if facts_of(path, stat.S_IFLNK, "symlink") else None


def replace_link(_session: Session, path: str, target: str) -> None:
    """Make a link, or let it point elsewhere without a moment in which there is none."""
    with explained(path):
        durable.replace_link(path, target)
