"""Whole files that `file_ops` brings into a state, with their permissions."""

from __future__ import annotations

import os
import shutil
import stat
from collections import defaultdict
from contextlib import contextmanager, nullcontext
from datetime import datetime
from hashlib import file_digest
from tempfile import TemporaryFile
from threading import Lock
from typing import IO, TYPE_CHECKING, Any, BinaryIO, TypeAlias

from sloth_runner.errors import WorkflowError
from sloth_runner.modules.files import describe_file
from sloth_runner.providers import owners
from sloth_runner.providers.durable import Permissions, alone_in, permit, replacing
from sloth_runner.providers.files import permissions_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Options: TypeAlias = Mapping[str, Any]

changing: defaultdict[str, Lock] = defaultdict(Lock)
"""By path: two tasks that change one file at the same time would lose what one of them did, also
where the folder is not there yet that processes are told apart by."""


def copy_file(source: str, target: str, options: Options) -> dict[str, Any]:
    """Copy a file; a new one gets its mode. Refuses folders, devices and pipes."""
    with refusals(source):
        is_special = os.path.exists(source) and not os.path.isfile(source)
        if is_special and not os.path.isdir(source):  # whose content may have no end
            raise WorkflowError(f"{source} is no regular file")
    with refusals(source), open(source, "rb") as file:
        mode = f"{stat.S_IMODE(os.fstat(file.fileno()).st_mode):04o}"
        if os.path.isdir(target) or target.endswith("/"):
            target = os.path.join(target, os.path.basename(source))
        return place(file, target, options, new_mode=mode)


def place(
    source: IO[bytes], target: str, options: Options, *, new_mode: str | None = None
) -> dict[str, Any]:
    """Give a file the content of another one, and the `mode`, `owner` and `group` of the options.

    Without these it keeps its own; a new file has `new_mode`. Makes the folders above it. A link
    is followed. Raises WorkflowError for what the system refuses.
    """
    with held(target) as path:
        backup: dict[str, str] = {}
        permissions = permissions_for(path, options)
        if not os.path.exists(path):
            make_folder_of(path)
            permissions = permissions._replace(mode=permissions.mode or new_mode)
        elif _is_same(source, path):
            return {"changed": set_permissions(path, options), "size": os.stat(path).st_size}
        else:
            backup = back_up(path, options)
        write(source, path, permissions)
        return {"changed": True, "size": os.stat(path).st_size, **backup}


@contextmanager
def refusals(path: str) -> Iterator[None]:
    """Raise WorkflowError for what the system refuses about a path."""
    try:
        yield
    except OSError as error:
        raise WorkflowError(f"{path}: {error.strerror}") from error
    except ValueError as error:  # a NUL byte in it
        raise WorkflowError(f"{path!r}: {error}") from error


@contextmanager
def held(target: str) -> Iterator[str]:
    """The real path of a file that no other task changes meanwhile. Raises WorkflowError for a
    folder, a device and the like."""
    with refusals(target):
        path = os.path.realpath(target)
        folder = os.path.dirname(path)
        among_processes = alone_in(folder) if os.path.isdir(folder) else nullcontext()
        with changing[path], among_processes:
            if os.path.isdir(path) or target.endswith("/"):
                raise WorkflowError(f"{target} is a folder")
            if os.path.exists(path) and not os.path.isfile(path):
                raise WorkflowError(f"{target} is no regular file")
            yield path


def make_folder_of(path: str) -> str:
    """Make the folder that a path is in, with all above it."""
    folder = os.path.dirname(path)
    try:
        os.makedirs(folder, exist_ok=True)
    except FileExistsError:
        raise WorkflowError(f"{folder} is no folder") from None
    return folder


def _is_same(source: IO[bytes], path: str) -> bool:
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size != source.seek(0, os.SEEK_END):
            return False
        source.seek(0)
        return digest_of(source) == digest_of(file)


def digest_of(file: IO[bytes]) -> str:
    """SHA-256 in hex of the rest of a file."""
    return file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def write(source: IO[bytes], path: str, permissions: Permissions) -> None:
    """Replace a file as a whole and durably."""
    source.seek(0)
    with replacing(path, permissions) as file:
        shutil.copyfileobj(source, file)


def permissions_for(path: str, options: Options) -> Permissions:
    """Those of the options, else those of the file, if there is one."""
    found = Permissions(*permissions_of(os.stat(path))) if os.path.exists(path) else Permissions()
    mode, owner, group = (options.get(name) for name in Permissions._fields)
    return Permissions(
        mode or found.mode,
        _name(owner, 0) or found.owner,
        _name(group, 1) or found.group,
    )


def _name(account: str | None, position: int) -> str | None:
    """The name of a user (position 0) or group (1) that is given by name or number."""
    if account is None or not account.isdecimal():
        return account
    return owners.names(int(account), int(account))[position]


def set_permissions(path: str, options: Options) -> bool:
    """Give a file the permissions of the options; whether it had others."""
    wanted = permissions_for(path, options)
    if wanted == permissions_for(path, {}):
        return False
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        permit(handle, path, wanted)
        os.fsync(handle)
    finally:
        os.close(handle)
    return True


def back_up(path: str, options: Options) -> dict[str, str]:
    """Keep what a file has in it beside it, if that is asked for."""
    if not options.get("backup") or not os.path.exists(path):
        return {}
    backup = f"{path}.{datetime.now():%Y%m%d-%H%M%S-%f}.bak"
    with open(path, "rb") as file:
        write(file, backup, permissions_for(path, {}))
    return {"backup": backup}


@contextmanager
def temporary_file(target: str) -> Iterator[BinaryIO]:
    """A file without a name, on the disk where a target shall be, whose folder is made."""
    with refusals(target):
        folder = make_folder_of(os.path.realpath(target))
        file = TemporaryFile(dir=folder)  # noqa: SIM115
    with file:
        yield file


def facts_of(path: str) -> dict[str, Any]:
    """As `fs.stat`, of what a link points to, with `exists` and the SHA-256 of a file."""
    with refusals(path):
        real = os.path.realpath(path)
        if not os.path.exists(real):
            return {"exists": False, "path": path}
        is_link = os.path.islink(path)
        facts = {**describe_file(real), "exists": True, "path": path, "is_link": is_link}
        if facts["is_file"]:
            with open(real, "rb") as file:
                facts["checksum"] = digest_of(file)
        return facts
