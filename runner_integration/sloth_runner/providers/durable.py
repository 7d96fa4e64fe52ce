"""Changes of files, links and folders that are whole and durable, or not made at all."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from contextlib import contextmanager, suppress
from hashlib import sha256
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from sloth_runner.errors import WorkflowError
from sloth_runner.providers import owners

if TYPE_CHECKING:
    from collections.abc import Iterator

NEW_FILE_MODE = 0o644
NEW_FOLDER_MODE = 0o755

_NO_RIGHT = "Run it as a user who may do that, or change the rights."
_HINTS = {
    errno.EACCES: _NO_RIGHT,
    errno.EPERM: _NO_RIGHT,
    errno.ENOSPC: "Make room, then run it again.",
    errno.EDQUOT: "Make room, then run it again.",
    errno.EIO: "The system may say more with: dmesg",
}

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
PATIENCE_SECONDS = 60.0
"""How long to wait for another process that changes the same thing at this moment."""
_BETWEEN_TRIES = 0.005
_BUFFER = 2**13
"""Bytes. If it is not said, Python asks the system two things more."""


class Permissions(NamedTuple):
    """What a file or folder shall have. None: as it is, or what a new one gets."""

    mode: str | None = None
    """Four octal digits."""
    owner: str | None = None
    group: str | None = None


def explanation(path: str, error: OSError | ValueError) -> WorkflowError:
    """What the system refuses about a path as one clear sentence."""
    if isinstance(error, ValueError):  # a NUL byte in it
        return WorkflowError(f"the path {path!r} is none: {error}")
    folder = os.path.dirname(path)
    if isinstance(error, FileNotFoundError) and not os.path.isdir(folder):
        return WorkflowError(
            f"{path} cannot be made, because the folder {folder} does not exist",
            hint="Declare it before with resource.directory.",
        )
    return WorkflowError(f"{path}: {error.strerror}", hint=_HINTS.get(error.errno or 0))


@contextmanager
def explained(path: str) -> Iterator[None]:
    """Raise WorkflowError for what the system refuses about a path."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise explanation(path, error) from error


@contextmanager
def replacing(path: str, permissions: Permissions) -> Iterator[BinaryIO]:
    """A new file that takes the place of the one at the path, if any, once it is whole.

    Never writes through a link. Waits while another process does the same. A process that is
    killed leaves at most one file beside it, which the next change of the same path removes.
    """
    temporary = _beside(path)
    handle = _new_file(temporary)
    with open(handle, "wb", _BUFFER) as file:  # and locked until it has its name, or is gone
        try:
            yield file
            file.flush()
            permit(handle, path, permissions, otherwise=NEW_FILE_MODE)
            os.fsync(handle)
            os.rename(temporary, path)
        except BaseException:
            remove_if_there(temporary)
            raise
    sync_folder(os.path.dirname(path))


def _new_file(path: str) -> int:
    """A file that is locked while it is open, so that others can tell whether its process lives."""
    while True:
        try:
            handle = os.open(path, _NEW_FILE, 0o600)
        except FileExistsError:
            _remove_what_was_left(path)
            continue
        try:
            _lock(handle, path)
        except WorkflowError:
            os.close(handle)
            raise
        if _is_at(path, handle):
            return handle
        os.close(handle)  # another process took it for one that was left


def _remove_what_was_left(path: str) -> None:
    """Wait for the process that has made a file, and remove that if it is still there."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        remove_if_there(path)  # a link, of which one cannot tell
        return
    try:
        _lock(handle, path)
        if _is_at(path, handle):
            os.unlink(path)
    finally:
        os.close(handle)


def _lock(handle: int, path: str) -> None:
    """Wait for a lock, but not for ever: whoever has it may be stopped."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise WorkflowError(
                    f"{path} is being changed by another process "
                    f"for more than {PATIENCE_SECONDS:.0f} s",
                    hint=f"See which one with: fuser -v {path}",
                ) from None
            time.sleep(_BETWEEN_TRIES)
        else:
            return


def _is_at(path: str, handle: int) -> bool:
    try:
        return os.path.samestat(os.lstat(path), os.fstat(handle))
    except FileNotFoundError:
        return False


@contextmanager
def alone_in(folder: str) -> Iterator[None]:
    """Waits until no other process is within this for the same folder, see `PATIENCE_SECONDS`.

    For those who read a file, and write it with something changed. Raises WorkflowError.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _lock(handle, folder)
        yield
    finally:
        os.close(handle)


def replace_link(path: str, target: str) -> None:
    """Let a link point to the target; there is always a link, the old one or the new."""
    temporary = _beside(path)
    folder = os.path.dirname(path)
    with alone_in(folder):
        remove_if_there(temporary)
        os.symlink(target, temporary)
        os.rename(temporary, path)
        sync_folder(folder)


def new_folder(path: str, mode: str | None) -> None:
    """Make an empty folder, which has its mode (or that of a new one) as soon as it is there.

    Raises FileExistsError if something is there.
    """
    temporary = _beside(path)
    folder = os.path.dirname(path)
    with alone_in(folder):
        if os.path.lexists(path):
            raise FileExistsError(path)
        with suppress(FileNotFoundError):
            os.rmdir(temporary)
        os.mkdir(temporary, 0o700)
        os.chmod(temporary, NEW_FOLDER_MODE if mode is None else int(mode, 8))  # whatever the umask
        os.rename(temporary, path)
        sync_folder(folder)


def remove(path: str) -> None:
    """Remove a file or a link, and what a killed process may have left of its making."""
    remove_if_there(_beside(path))
    os.unlink(path)
    sync_folder(os.path.dirname(path))


def remove_if_there(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)


def sync_folder(folder: str) -> None:
    """Make durable which names a folder has in it."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def permit(
    handle: int, path: str, permissions: Permissions, *, otherwise: int | None = None
) -> None:
    """Give an open file or folder its owner, group and mode; `otherwise` is the mode if none is
    said. The owner comes first, for changing it takes setuid bits away."""
    facts = os.fstat(handle)
    mode, owner, group = permissions
    user_id = facts.st_uid if owner is None else owners.user_id(owner, path)
    group_id = facts.st_gid if group is None else owners.group_id(group, path)
    if (user_id, group_id) != (facts.st_uid, facts.st_gid):
        try:
            os.fchown(handle, user_id, group_id)
        except PermissionError as error:
            whom = ":".join(owners.names(user_id, group_id))
            raise WorkflowError(f"{path}: only root can give it to {whom}") from error
    wanted = int(mode, 8) if mode is not None else otherwise
    if wanted is not None:
        os.fchmod(handle, wanted)


def _beside(path: str) -> str:
    """A name that is the same at the next try, so that nothing is left behind for good."""
    folder, name = os.path.split(path)
    digest = sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return os.path.join(folder, f".sloth-{digest}")
