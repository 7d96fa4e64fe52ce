"""Names of users and groups, and their numbers."""

from __future__ import annotations

import grp
import pwd
import time
from typing import TYPE_CHECKING, Any

from sloth_runner.errors import WorkflowError

if TYPE_CHECKING:
    from collections.abc import Callable

_SECONDS = 1.0
"""How long a name that was found is known. Who owns ten thousand files is asked ten thousand times,
and the system reads its files anew for each."""

_known: dict[tuple[int, int], tuple[str, str]] = {}
_known_until = [0.0]


def names(user: int, group: int) -> tuple[str, str]:
    """The names of a user and a group, or the digits of one that nobody has."""
    now = time.monotonic()
    if now > _known_until[0]:
        _known.clear()
        _known_until[0] = now + _SECONDS
    return _known.get((user, group)) or _looked_up(user, group)


def user_id(name: str, path: str) -> int:
    """The number of a user who shall own a path; digits stand for themselves.

    Raises WorkflowError if there is no such user.
    """
    return _number("user", name, path, pwd.getpwnam)


def group_id(name: str, path: str) -> int:
    """The same for a group."""
    return _number("group", name, path, grp.getgrnam)


def _looked_up(user: int, group: int) -> tuple[str, str]:
    owner, owning = _name(user, pwd.getpwuid), _name(group, grp.getgrgid)
    if owner is None or owning is None:  # and not kept, for it may be made in the next moment
        return owner or str(user), owning or str(group)
    _known[user, group] = owner, owning
    return owner, owning


def _name(number: int, lookup: Callable[[int], Any]) -> str | None:
    try:
        return str(lookup(number)[0])
    except KeyError:
        return None


def _number(kind: str, name: str, path: str, lookup: Callable[[str], Any]) -> int:
    if name.isdecimal():
        return int(name)
    try:
        return int(lookup(name)[2])
    except (KeyError, ValueError):  # the latter for a NUL byte in the name
        raise WorkflowError(
            f"{path}: there is no {kind} {name!r} to own it",
            hint=f"Declare it before with resource.{kind}.",
        ) from None
