"""What is in an archive, as entries that are safe to unpack, and as a listing of them."""

from __future__ import annotations

import os
import stat
import tarfile
import zipfile
from contextlib import contextmanager
from hashlib import file_digest
from typing import IO, TYPE_CHECKING, BinaryIO, NamedTuple

from sloth_runner.errors import WorkflowError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


class Entry(NamedTuple):
    """A thing that an archive has in it, or that is found in its place."""

    kind: str
    """file, link or folder; also missing or other for what is found."""
    path: str
    """Below the folder that the archive is unpacked in."""
    detail: str = ""
    """Mode and SHA-256 of a file, the target of a link."""


class Member(NamedTuple):
    """What there is to unpack."""

    kind: str
    path: str
    mode: int
    target: str
    open: Callable[[], IO[bytes]]


def listing(entries: Iterable[Entry]) -> str:
    """A line for each entry, sorted by path: text that people and hashes can compare."""
    return "".join(f"{_line(each)}\n" for each in sorted(entries, key=lambda each: each.path))


def _line(entry: Entry) -> str:
    if entry.kind == "link":
        return f"link {entry.path} -> {entry.detail}"
    return " ".join(filter(None, (entry.kind, entry.detail, entry.path)))


def listed(text: str) -> dict[str, Entry]:
    """The entries of such a text, by path."""
    entries = (_entry(*line.split(" ", 1)) for line in text.split("\n")[:-1])
    return {each.path: each for each in entries}


def _entry(kind: str, rest: str) -> Entry:
    if kind == "link":
        path, _, target = rest.partition(" -> ")
        return Entry(kind, path, target)
    if kind == "file":
        mode, hash, path = rest.split(" ", 2)
        return Entry(kind, path, f"{mode} {hash}")
    return Entry(kind, rest)


def entry_of(member: Member) -> Entry:
    """The entry that a member becomes, whose content is read for that."""
    if member.kind != "file":
        return Entry(member.kind, member.path, member.target)
    with member.open() as file:
        hash = file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    return Entry("file", member.path, f"{member.mode:04o} {hash}")


@contextmanager
def members(archive: BinaryIO, name: str, folder: str, strip: int) -> Iterator[Iterator[Member]]:
    """The members of an archive, safe to unpack in `folder`, without `strip` leading folders.

    Raises WorkflowError for what is no archive, and for members that would lead out of the folder
    or are neither files, folders nor links.
    """
    archive.seek(0)
    unpacker = _zip_members if archive.read(2) == b"PK" else _tar_members
    archive.seek(0)
    try:
        yield (
            _safe(info, open, path, folder)
            for info, open in unpacker(archive)
            if (path := _stripped(info.name, strip))
        )
    # zipfile says NotImplementedError of a way of compressing that it does not know.
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise WorkflowError(f"the archive {name} cannot be unpacked: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """One clause. `tarfile` lists what each of its ways to open a file has said, a line each."""
    text = str(error)
    return "it is neither tar (plain, gz, bz2, xz) nor zip" if "\n" in text else text


def _tar_members(
    archive: BinaryIO,
) -> Iterator[tuple[tarfile.TarInfo, Callable[[], IO[bytes]]]]:
    with tarfile.open(fileobj=archive) as tar:
        for info in tar:
            yield info, lambda info=info: tar.extractfile(info)  # type: ignore[misc]


def _zip_members(
    archive: BinaryIO,
) -> Iterator[tuple[tarfile.TarInfo, Callable[[], IO[bytes]]]]:
    """As members of a tar archive, so that the same is safe."""
    with zipfile.ZipFile(archive) as zip:
        for info in zip.infolist():
            member = tarfile.TarInfo(info.filename)
            unix_mode = info.external_attr >> 16
            member.mode = stat.S_IMODE(unix_mode) or 0o644
            if info.is_dir():
                member.type = tarfile.DIRTYPE
            elif stat.S_ISLNK(unix_mode):
                member.type = tarfile.SYMTYPE
                member.linkname = os.fsdecode(zip.read(info))
            yield member, lambda info=info: zip.open(info)  # type: ignore[misc]


def _stripped(name: str, strip: int) -> str:
    """The path of a member; empty if nothing is left of it."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise tarfile.FilterError(f"its member {name!r} leads out of its folder")
    return "/".join(parts[strip:])


def _safe(info: tarfile.TarInfo, open: Callable[[], IO[bytes]], path: str, folder: str) -> Member:
    if "\n" in path or " -> " in path or "\n" in info.linkname:
        raise tarfile.FilterError(f"its member {path!r} has a name that cannot be listed")
    checked = tarfile.data_filter(info.replace(name=path, deep=False), folder)
    if info.isdir():
        return Member("folder", path, 0o755, "", open)
    if info.issym():
        return Member("link", path, 0o777, checked.linkname, open)
    return Member("file", path, checked.mode or 0o644, "", open)
