"""What the provider of `archive` does with files: all that takes long is done on a thread."""

from __future__ import annotations

import json
import os
import stat
from contextlib import contextmanager
from hashlib import file_digest, sha256
from io import BytesIO
from shutil import copyfileobj
from typing import TYPE_CHECKING, Any, BinaryIO

from sloth_runner.blocking import on_thread
from sloth_runner.errors import WorkflowError
from sloth_runner.providers import durable
from sloth_runner.providers.archives import Entry, entry_of, listed, listing, members
from sloth_runner.providers.durable import Permissions, explained, replacing
from sloth_runner.providers.files import digest, facts_of, permissions_of
from sloth_runner.providers.folders import make_folder, remove_empty
from sloth_runner.resources.contents import LARGEST_CONTENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sloth_runner.providers.archives import Member
    from sloth_runner.session import Session


# -- what is declared and what is there ----------------------------------------------------


async def describe(session: Session, source: str, folder: str, strip: int) -> tuple[str, str, bool]:
    """SHA-256 of an archive, the listing of what is in it, and whether the state can keep it."""
    return await on_thread(_describe, session.path(source), folder, int(strip))


def _describe(source: str, folder: str, strip: int) -> tuple[str, str, bool]:
    with explained(source), open(source, "rb") as archive:
        hash = file_digest(archive, "sha256").hexdigest()
        is_kept = archive.tell() <= LARGEST_CONTENT
        with members(archive, source, folder, strip) as found:
            entries = {member.path: entry_of(member) for member in found}
        return hash, listing(entries.values()), is_kept


async def found(_session: Session, folder: str, expected: str) -> str | None:
    """SHA-256 of the listing of what is there of an archive; None if nothing is."""
    return await on_thread(_found, folder, expected)


def _found(folder: str, expected: str) -> str | None:
    if facts_of(folder, stat.S_IFDIR, "archive") is None:
        return None
    entries = [_entry_at(folder, path) for path in listed(expected)]
    if entries and all(each.kind == "missing" for each in entries):
        return None
    return sha256(listing(entries).encode("utf-8", "surrogateescape")).hexdigest()


def _entry_at(folder: str, path: str) -> Entry:
    """What is there. Behind a link in the place of a folder there is nothing of the archive."""
    full = os.path.join(folder, path)
    with explained(full):
        if not _is_below(folder, path) or not os.path.lexists(full):
            return Entry("missing", path)
        facts = os.lstat(full)
        if stat.S_ISREG(facts.st_mode):
            hash, _ = digest(full, facts.st_size)
            return Entry("file", path, f"{stat.S_IMODE(facts.st_mode):04o} {hash}")
        if stat.S_ISLNK(facts.st_mode):
            return Entry("link", path, os.readlink(full))
        return Entry("folder" if stat.S_ISDIR(facts.st_mode) else "other", path)


def _is_below(folder: str, path: str) -> bool:
    """Whether no part of the way to a path is a link."""
    parent = os.path.dirname(path)
    expected = os.path.normpath(os.path.join(os.path.realpath(folder), parent))
    return os.path.realpath(os.path.join(folder, parent)) == expected


# -- what is replaced ----------------------------------------------------------------------


async def replaced(_session: Session, folder: str, new: str, ours: str) -> dict[str, Any]:
    """What was there before: `things` by path that would be replaced, `folders` still to be made.

    `ours`: listings (JSON) of what was unpacked before.
    """
    known = {path for text in json.loads(ours) for path in listed(text)}
    return await on_thread(_replaced, folder, listed(new), known)


def _replaced(folder: str, new: dict[str, Entry], ours: set[str]) -> dict[str, Any]:
    things = {
        path: _facts(os.path.join(folder, path))
        for path, entry in new.items()
        if entry.kind != "folder"
        and path not in ours
        and _entry_at(folder, path).kind in ("file", "link")
    }
    folders = {folder, *_parents(folder), *_folders_of(folder, new)}
    return {
        "things": things,
        "folders": sorted(each for each in folders if not os.path.lexists(each)),
    }


def _facts(path: str) -> dict[str, str]:
    facts = os.lstat(path)
    if stat.S_ISLNK(facts.st_mode):
        return {"target": os.readlink(path)}
    return dict(zip(("mode", "owner", "group"), permissions_of(facts), strict=True))


def _parents(path: str) -> Iterator[str]:
    while (parent := os.path.dirname(path)) != path:
        yield parent
        path = parent


def _folders_of(folder: str, entries: dict[str, Entry]) -> set[str]:
    """The folders that must be there for these entries."""
    found = {each.path for each in entries.values() if each.kind == "folder"}
    for path in entries:
        found.update(parent for parent in _parents(path) if parent)
    return {os.path.join(folder, each) for each in found}


# -- what is done --------------------------------------------------------------------------


async def unpack(
    session: Session, folder: str, source: str, hash: str, strip: int, expected: str
) -> None:
    """Unpack an archive that the state kept, or else the file itself, which must be the same.

    What is there already as the listing `expected` has it is left alone.
    """
    kept = session.contents.get(hash)
    content = kept if isinstance(kept, bytes) else None
    await on_thread(_unpack, folder, source, content, hash, int(strip), listed(expected))


def _unpack(
    folder: str,
    source: str,
    content: bytes | None,
    hash: str,
    strip: int,
    expected: dict[str, Entry],
) -> None:
    with explained(folder):
        _make_folders(folder)
    with (
        _opened(source, content, hash) as archive,
        members(archive, source, folder, strip) as found,
    ):
        for member in found:
            if _entry_at(folder, member.path) == expected[member.path]:
                continue
            with explained(os.path.join(folder, member.path)):
                _unpack_member(folder, member)


@contextmanager
def _opened(source: str, content: bytes | None, hash: str) -> Iterator[BinaryIO]:
    if content is not None:
        yield BytesIO(content)
        return
    with explained(source), open(source, "rb") as file:
        if file_digest(file, "sha256").hexdigest() != hash:
            raise WorkflowError(
                f"the archive {source} is another one now, and is too large to keep"
            )
        yield file


def _unpack_member(folder: str, member: Member) -> None:
    full = os.path.join(folder, member.path)
    if not _is_below(folder, member.path):
        raise WorkflowError(f"{full} cannot be unpacked, because a folder above it is a symlink")
    _make_folders(full if member.kind == "folder" else os.path.dirname(full))
    if member.kind == "link":
        durable.replace_link(full, member.target)
    elif member.kind == "file":
        permissions = Permissions(f"{member.mode:04o}")
        with replacing(full, permissions) as file, member.open() as content:
            copyfileobj(content, file)


def _make_folders(path: str) -> None:
    """Make a folder with all above it; those that are there stay as they are."""
    missing = [each for each in (path, *_parents(path)) if not os.path.isdir(each)]
    for each in reversed(missing):
        make_folder(each, Permissions())


async def remove(
    _session: Session, folder: str, ours: str, kept: str, folders: str
) -> dict[str, list[str]]:
    """Remove what was unpacked and is not in the listing `kept`; which paths are `gone`, and which
    are left because somebody `changed` them.

    `ours`: listings (JSON). `folders` (JSON): those that were made; they go once they are empty.
    """
    entries = [listed(text) for text in json.loads(ours)]
    return await on_thread(_remove, folder, entries, listed(kept), json.loads(folders))


def _remove(
    folder: str, ours: list[dict[str, Entry]], kept: dict[str, Entry], folders: list[str]
) -> dict[str, list[str]]:
    gone, changed = [], []
    for path in sorted({path for entries in ours for path in entries} - set(kept)):
        full, entry = os.path.join(folder, path), _entry_at(folder, path)
        if entry.kind == "folder":
            continue
        if entry.kind != "missing" and entry not in [entries.get(path) for entries in ours]:
            changed.append(path)
            continue
        gone.append(path)
        if entry.kind != "missing":
            with explained(full):
                durable.remove(full)
    needed = _folders_of(folder, kept)
    remove_empty(each for each in sorted(folders, reverse=True) if each not in needed)
    return {"gone": gone, "changed": changed}
