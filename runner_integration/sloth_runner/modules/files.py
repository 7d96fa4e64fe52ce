"""The module `fs`: files and folders. Failures of the system are results, not errors."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import wraps
from typing import TYPE_CHECKING, Any

import sloth_lua
from sloth_runner.host.module import LuaModule

if TYPE_CHECKING:
    from collections.abc import Callable

    from sloth_runner.session import Session

# Results when a file is only looked at. The operations that only read are performed even then.
_EFFECTS = {
    **dict.fromkeys(("fs.write", "fs.append", "fs.mkdir", "fs.rm", "fs.rmr"), True),
    **dict.fromkeys(("fs.copy", "fs.move"), True),
    **dict.fromkeys(("fs.tmpname", "fs.tmpdir"), "/tmp/sloth-not-made"),
}


_OPERATIONS = (
    *("append", "basename", "copy", "dirname", "exists", "glob", "ls", "mkdir"),
    *("move", "read", "rm", "rmr", "size", "stat", "tmpdir", "tmpname", "write"),
)


def fs_module(session: Session) -> LuaModule:
    """`fs`, with paths relative to the folder of the task at hand."""
    files = Files(session.path)
    operations = {f"fs.{name}": getattr(files, name) for name in _OPERATIONS}
    raw = {"fs.write": frozenset({1}), "fs.append": frozenset({1})}
    here = operations.keys() - {"fs.basename", "fs.dirname"}
    source = sloth_lua.on_first_use("fs")
    return LuaModule("fs", source, operations, effects=_EFFECTS, raw=raw, here_only=here)


def _or(failed: bool | None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make an OSError the result `failed` and a message."""

    def decorate(operation: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(operation)
        def call(*arguments: Any) -> Any:
            try:
                return operation(*arguments)
            except OSError as error:
                if error.strerror is None:
                    return failed, _first_problem(error)
                place = error.filename or "".join(arguments[1:2])
                return failed, f"{place}: {error.strerror}".removeprefix(": ")
            except ValueError as error:  # a NUL byte in a path
                return failed, str(error)

        return call

    return decorate


def _first_problem(error: OSError) -> str:
    """Of several, as `shutil` collects them: a list of (source, target, message)."""
    problems = error.args[0]
    return str(problems[0][2]) if isinstance(problems, list) else str(error)


class Files:
    """The operations of `fs`, in the form of `LuaModule.operations`."""

    def __init__(self, resolve: Callable[[str], str]) -> None:
        self._path = resolve

    @_or(None)
    def read(self, path: str) -> bytes:
        with open(self._path(path), "rb") as file:
            return file.read()

    @_or(False)
    def write(self, path: str, content: bytes) -> bool:
        write_atomically(self._path(path), content)
        return True

    @_or(False)
    def append(self, path: str, content: bytes) -> bool:
        with open(self._path(path), "ab") as file:
            file.write(content)
        return True

    def exists(self, path: str) -> bool:
        return path != "" and os.path.lexists(self._path(path))

    @_or(False)
    def mkdir(self, path: str) -> bool:
        os.makedirs(self._path(path), exist_ok=True)
        return True

    @_or(False)
    def rm(self, path: str) -> bool:
        target = self._path(path)
        if os.path.isdir(target) and not os.path.islink(target):
            os.rmdir(target)
        else:
            os.unlink(target)
        return True

    @_or(False)
    def rmr(self, path: str) -> bool:
        import shutil

        target = self._path(path)
        if os.path.isdir(target) and not os.path.islink(target):
            shutil.rmtree(target)
        elif os.path.lexists(target):
            os.unlink(target)
        return True

    @_or(False)
    def copy(self, source: str, target: str) -> bool | tuple[bool, str]:
        import shutil

        source, target = self._path(source), self._path(target)
        if os.path.isdir(source):
            if _is_inside(target, source):  # there would be no end of it
                return False, f"{source} cannot be copied into itself"
            shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
        else:
            shutil.copy2(source, target)
        return True

    @_or(False)
    def move(self, source: str, target: str) -> bool:
        import shutil

        shutil.move(self._path(source), self._path(target))
        return True

    @_or(None)
    def ls(self, path: str) -> list[str]:
        return sorted(os.listdir(self._path(path)))

    @_or(None)
    def glob(self, pattern: str) -> list[str]:
        import glob

        root = self._path("")
        return sorted(glob.glob(os.path.expanduser(pattern), root_dir=root, recursive=True))

    @_or(None)
    def size(self, path: str) -> int:
        return os.stat(self._path(path)).st_size

    @_or(None)
    def stat(self, path: str) -> dict[str, Any]:
        return describe_file(self._path(path))

    def basename(self, path: str) -> str:
        return os.path.basename(path.rstrip("/")) or path[:1]

    def dirname(self, path: str) -> str:
        return os.path.dirname(path.rstrip("/")) or ("/" if path.startswith("/") else ".")

    @_or(None)
    def tmpname(self) -> str:
        import tempfile

        handle, path = tempfile.mkstemp(prefix="sloth-")
        os.close(handle)
        return path

    @_or(None)
    def tmpdir(self) -> str:
        import tempfile

        return tempfile.mkdtemp(prefix="sloth-")


def _is_inside(path: str, folder: str) -> bool:
    return os.path.realpath(path + "/").startswith(os.path.realpath(folder) + os.sep) or (
        os.path.realpath(path) == os.path.realpath(folder)
    )


def write_atomically(path: str, content: bytes, *, mode: int | None = None) -> None:
    """Replace a file as a whole and durably; keeps owner and mode of the one that was there.

    With a `mode`, the file has that. A link is followed: the file it points to is replaced, not
    the link. What is no regular file (a device, a pipe) is written to as it is.
    """
    import tempfile

    from sloth_runner.providers.durable import sync_folder

    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "wb") as device:
            device.write(content)
        return
    path = os.path.realpath(path)
    folder = os.path.dirname(path)
    try:
        handle, temporary = tempfile.mkstemp(prefix=".sloth-", dir=folder)
    except OSError as error:
        error.filename = path  # that of the temporary file tells nothing
        raise
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            _copy_owner_and_mode(path, file.fileno())
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    sync_folder(folder)


def _copy_owner_and_mode(path: str, handle: int) -> None:
    """From the file that is replaced, if there is one and as far as the user may."""
    try:
        facts = os.stat(path)
    except FileNotFoundError:
        os.fchmod(handle, 0o666 & ~_umask())
        return
    with suppress(PermissionError):
        os.fchown(handle, facts.st_uid, facts.st_gid)
    os.fchmod(handle, facts.st_mode & 0o7777)


def _umask() -> int:
    mask = os.umask(0o077)  # there is no way to read it without setting it
    os.umask(mask)
    return mask


def describe_file(path: str) -> dict[str, Any]:
    """What `fs.stat` tells of a path; a link is described itself, not what it points to."""
    import grp
    import pwd
    import stat

    facts = os.lstat(path)
    kinds = ((stat.S_ISDIR, "directory"), (stat.S_ISLNK, "link"), (stat.S_ISREG, "file"))
    kind = next((name for test, name in kinds if test(facts.st_mode)), "other")

    def name_of(lookup: Callable[[int], Any], number: int) -> str:
        try:
            return str(lookup(number)[0])
        except KeyError:
            return str(number)

    return {
        "path": path,
        "type": kind,
        "size": facts.st_size,
        "mode": f"{stat.S_IMODE(facts.st_mode):04o}",
        "owner": name_of(pwd.getpwuid, facts.st_uid),
        "group": name_of(grp.getgrgid, facts.st_gid),
        "mtime": facts.st_mtime,
        "is_dir": kind == "directory",
        "is_file": kind == "file",
        "is_link": kind == "link",
    }
