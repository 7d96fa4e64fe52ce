"""Our own form of a history: one JSON object, a record on each line, and a digest of them all."""

from __future__ import annotations

from hashlib import sha256
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TextIO

from sloth_state.errors import HistoryRefused
from sloth_state.exchange.json_stream import JsonStream
from sloth_state.values import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sloth_state.model import HistoryRecord

FORMAT = "sloth-runner-history"
FORMAT_VERSION = 1
SECTIONS = ("contents", "versions", "resources", "detections", "audit_trail")
"""In this order, because each refers only to those before it."""
_HEAD = ("format", "format_version", "workflow")


class _Digest:
    """SHA-256 of records, however their JSON is spaced and ordered."""

    def __init__(self, workflow: str) -> None:
        self._hash = sha256(to_json([FORMAT, FORMAT_VERSION, workflow]).encode())

    def add(self, section: str, text: str) -> None:
        self._hash.update(f"\n{section} {text}".encode())

    def hex(self) -> str:
        return self._hash.hexdigest()


def document(workflow: str, records: Iterable[HistoryRecord]) -> Iterator[str]:
    """The document of a history, in pieces. Equal histories make equal documents."""
    stream = iter(records)
    begun = list(islice(stream, 1))  # what cannot be exported says so before anything is written
    digest = _Digest(workflow)
    head = zip(_HEAD, (FORMAT, FORMAT_VERSION, workflow), strict=True)
    yield "{" + "".join(f'"{name}":{to_json(value)},\n' for name, value in head)
    sections = iter(SECTIONS)
    yield f'"{next(sections)}":['
    current, separator = SECTIONS[0], "\n"
    for section, record in chain(begun, stream):
        while section != current:
            current, separator = next(sections), "\n"
            yield f'\n],\n"{current}":['
        text = to_json(record)
        digest.add(section, text)
        yield separator + text
        separator = ",\n"
    yield "".join(f'\n],\n"{section}":[' for section in sections)
    yield f'\n],\n"sha256":"{digest.hex()}"}}\n'


def is_document(file: TextIO) -> bool:
    """Whether a file begins as one of these documents does, of whatever version."""
    try:
        return next(JsonStream(file).members()) == (_HEAD[0], FORMAT)
    except (ValueError, RecursionError):
        return False


def workflow_of(file: TextIO, name: str) -> str:
    """The workflow that a document is about. `name` is the file's, for errors.

    Raises HistoryRefused, also for a document of a newer form.
    """
    return str(_head(_members(file, name), name))


def records_of(file: TextIO, name: str) -> Iterator[HistoryRecord]:
    """The records of a document. Raises HistoryRefused as soon as one is wrong or, at the end, if
    the digest does not fit."""
    members = _members(file, name)
    digest = _Digest(_head(members, name))
    sections = list(SECTIONS)
    found = None
    for section, record in members:
        if section == "sha256":
            found = record
            continue
        while sections and section != sections[0]:
            sections.pop(0)
        if not sections or not isinstance(record, dict):
            raise _damaged(name, f"{section!r} does not belong there")
        digest.add(section, to_json(record))
        yield section, record
    if found != digest.hex():
        raise _damaged(name, "it was changed after it was written")


def _members(file: TextIO, name: str) -> Iterator[tuple[str, Any]]:
    try:
        yield from JsonStream(file).members()
    except (ValueError, RecursionError) as error:
        raise _damaged(name, str(error)) from error


def _head(members: Iterator[tuple[str, Any]], name: str) -> str:
    head = dict(next(members, ("", None)) for _ in _HEAD)
    version = head.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise HistoryRefused(
            f"{name} is a history in form {version}, and this release knows up to {FORMAT_VERSION}",
            hint="Upgrade with: pip install --upgrade sloth-runner",
        )
    workflow = head.get("workflow")
    if version != FORMAT_VERSION or not isinstance(workflow, str):
        raise _damaged(name, "its beginning does not say what it is")
    return workflow


def _damaged(name: str, why: str) -> HistoryRefused:
    return HistoryRefused(
        f"{name} is damaged: {why}", hint="Export it again where it comes from, and copy it whole."
    )
