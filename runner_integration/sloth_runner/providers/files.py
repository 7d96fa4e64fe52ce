"""What the provider of `file` needs: read a file's facts, write it whole, change who owns it."""

from __future__ import annotations

import os
import re
import stat
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

from sloth_runner.errors import WorkflowError
from sloth_runner.providers import owners
from sloth_runner.providers.durable import (
    Permissions,
    explained,
    explanation,
    permit,
    remove,
    replacing,
)
from sloth_state.errors import InvalidValue
from sloth_state.values import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sloth_runner.session import Session
    from sloth_state.model import Json

_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFBLK: "device",
    stat.S_IFCHR: "device",
}
PIECE = 2**20
"""Bytes that are read at a time."""
_READING = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_MODE = re.compile(r"0?[0-7]?[0-7]{3}")


# -- what is declared ----------------------------------------------------------------------


def absolute(session: Session, path: str) -> str:
    """A path without `..`, `//` or a slash at its end.

    Raises InvalidValue for an empty one: it would be the task's folder, and be deleted as such.
    """
    if not path:
        raise InvalidValue("a path must not be empty")
    full = os.path.normpath(session.path(path))
    return full[1:] if full.startswith("//") else full


def normal_mode(_session: Session, type: str, mode: str | float) -> str:
    """Four octal digits of "644", 644 (as digits, not as a number) or "0644"."""
    digits = mode if isinstance(mode, str) else f"{mode:g}"
    if not _MODE.fullmatch(digits):
        raise WorkflowError(
            f'resource.{type}: mode must be three or four octal digits such as "0644", not {mode!r}'
        )
    return f"{int(digits, 8):04o}"


def normal_owner(_session: Session, owner: str | float) -> str:
    """The name of a user who is given by name or number."""
    digits = _digits(owner)
    return owners.names(int(digits), 0)[0] if digits.isdecimal() else digits


def normal_group(_session: Session, group: str | float) -> str:
    """The same for a group."""
    digits = _digits(group)
    return owners.names(0, int(digits))[1] if digits.isdecimal() else digits


def _digits(account: str | float) -> str:
    return account if isinstance(account, str) else f"{account:.0f}"


# -- what is there -------------------------------------------------------------------------


def facts_of(path: str, kind: int, type: str) -> os.stat_result | None:
    """What the system knows of a path; None if nothing is there.

    Raises WorkflowError if it is of another kind than `kind` (of `stat.S_IFMT`): what a resource
    of this type does not manage, it does not touch.
    """
    try:
        facts = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise explanation(path, error) from error
    found = stat.S_IFMT(facts.st_mode)
    if found != kind:
        raise WorkflowError(
            f"{path} is a {_KINDS.get(found, 'thing of another kind')}, "
            f"which resource.{type} neither follows nor replaces"
        )
    return facts


def permissions_of(facts: os.stat_result) -> tuple[str, str, str]:
    """Mode, owner and group in the form that attributes have."""
    return _mode_digits(facts.st_mode), *owners.names(facts.st_uid, facts.st_gid)


def _mode_digits(mode: int) -> str:
    return f"{stat.S_IMODE(mode):04o}"


@lru_cache
def _permissions_text(mode: int, owner: str, group: str) -> str:
    digits = _mode_digits(mode)
    return f'"group":{quoted(group)},"mode":"{digits}","owner":{quoted(owner)}'


def read(_session: Session, type: str, path: str, owns_content: bool) -> str | None:
    """The attributes of a file as JSON, those of its content if it is owned; None if it is not."""
    facts = facts_of(path, stat.S_IFREG, type)
    if facts is None:
        return None
    # Canonical JSON by hand: an encoder takes a sixth of the time that all the rest does.
    names = owners.names(facts.st_uid, facts.st_gid)
    text = f'{_permissions_text(facts.st_mode, *names)},"path":{quoted(path)}'
    if not owns_content:
        return f"{{{text}}}"
    try:
        sha256, size = digest(path, facts.st_size)
    except OSError as error:
        raise explanation(path, error) from error
    return f'{{"content_sha256":"{sha256}",{text},"size":{size}}}'


def read_recorded(session: Session, attributes: Mapping[str, Json]) -> str | None:
    """The same for a file by its recorded attributes."""
    return read(session, "file", str(attributes["path"]), "content_sha256" in attributes)


def read_and_compare(
    session: Session, name: str, path: str, said: bytes
) -> tuple[bool, str | None]:
    """Whether a file and what is said of it are as recorded, and its attributes as JSON."""
    found = read(session, "file", path, owns_content=True)
    if found is None:
        return False, None
    return session.declarations.is_as_recorded("file", name, found, said), found


def digest(path: str, expected_size: int) -> tuple[str, int]:
    """SHA-256 in hex and size of a file that is no link."""
    handle = os.open(path, _READING)
    try:
        # An open file object would take as long as all the rest for a small file.
        piece = os.read(handle, min(expected_size, PIECE) + 1)
        hash, size = sha256(piece), len(piece)
        while piece and size != expected_size:
            piece = os.read(handle, PIECE)
            hash.update(piece)
            size += len(piece)
    finally:
        os.close(handle)
    return hash.hexdigest(), size


# -- what is done --------------------------------------------------------------------------


def write(
    session: Session, path: str, hash: str, mode: str | None, owner: str | None, group: str | None
) -> None:
    """Replace a file, or make it, with a content that is held or kept."""
    content = kept(session, path, hash)
    with explained(path), replacing(path, Permissions(mode, owner, group)) as file:
        file.write(content)


def kept(session: Session, path: str, hash: str) -> bytes:
    """A content that the state has. Raises WorkflowError for one that is gone."""
    found = session.contents.get(hash)
    if isinstance(found, bytes):
        return found
    raise WorkflowError(f"{path} cannot be written: {found[1]}")


def set_permissions(
    _session: Session, path: str, mode: str | None, owner: str | None, group: str | None
) -> None:
    """Change who owns a file or folder and what they may do, not what is in it."""
    with explained(path):
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            permit(handle, path, Permissions(mode, owner, group))
            os.fsync(handle)
        finally:
            os.close(handle)


def remove_file(_session: Session, path: str) -> None:
    """Remove a file, or a link itself."""
    with explained(path):
        remove(path)
