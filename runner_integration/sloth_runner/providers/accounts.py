"""Users and groups as the system knows them now; nothing is cached."""

from __future__ import annotations

import grp
import os
import pwd
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sloth_runner.session import Session

SKELETON = "/etc/skel"
"""What a new home is filled with."""


def user(_session: Session, name: str) -> dict[str, Any] | None:
    """A user's attributes, or None. `groups` are the other groups than the first one, sorted."""
    try:
        entry = pwd.getpwnam(name)
    except (KeyError, ValueError):  # the latter for a NUL byte in the name
        return None
    return {
        "user": name,
        "uid": entry.pw_uid,
        "group": _group_name(entry.pw_gid),
        "groups": _groups_of(name, entry.pw_gid),
        "home": entry.pw_dir,
        "shell": entry.pw_shell,
        "comment": entry.pw_gecos,
    }


def _group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _groups_of(name: str, first: int) -> list[str]:
    return sorted(
        each.gr_name for each in grp.getgrall() if name in each.gr_mem and each.gr_gid != first
    )


def group(_session: Session, name: str) -> dict[str, Any] | None:
    """A group's attributes, or None. `members` are those for whom it is not the first group."""
    try:
        entry = grp.getgrnam(name)
    except (KeyError, ValueError):
        return None
    return {"group": name, "gid": entry.gr_gid, "members": sorted(set(entry.gr_mem))}


def is_root(_session: Session) -> bool:
    """Whether this process may change accounts."""
    return os.geteuid() == 0


def me(_session: Session) -> str:
    """The name of the user that this process runs as; its number if it has none."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def remove_untouched_home(_session: Session, home: str) -> bool:
    """Remove a home in which is nothing but what a new one is filled with.

    Any other stays as it is, as a whole. Says whether it was removed. Follows no link.
    """
    if os.path.islink(home) or not os.path.isdir(home):
        return False
    names = os.listdir(home)
    if not all(_is_of_skeleton(home, name) for name in names):
        return False
    for name in names:
        os.unlink(os.path.join(home, name))
    os.rmdir(home)
    return True


def _is_of_skeleton(home: str, name: str) -> bool:
    import filecmp

    copy, original = os.path.join(home, name), os.path.join(SKELETON, name)
    if os.path.islink(copy) or not (os.path.isfile(copy) and os.path.isfile(original)):
        return False
    return filecmp.cmp(copy, original, shallow=False)
