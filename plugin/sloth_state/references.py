"""Finds the run that a REF on the command line means.

A REF is tried as a workflow's name (its newest run), as `name@N` or `name-vN` (that version),
then as a run id or the beginning of one. A workflow that is called like a run id wins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_state.errors import AmbiguousReference, ReferenceNotFound, StateMoved

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sloth_state.model import Run
    from sloth_state.store import Store

VERSION_MARKS = ("@", "-v")
VERSION_DIGITS = 9
"""More digits than this are part of a name."""
RUN_ID_DIGITS = 12


def resolve(store: Store, ref: str) -> Run:
    """The run that `ref` means.

    Raises ReferenceNotFound with the nearest names, or AmbiguousReference for a beginning that
    several run ids share.
    """
    newest = newest_run(store, ref)
    if newest is not None:
        return newest
    run = _by_version(store, ref) or _by_run_id(store, ref)
    if run is None:
        name, _ = split_version(ref) or (ref, 0)
        raise ReferenceNotFound(ref, nearest(name, store.workflow_names()))
    return run


def newest_run(store: Store, name: str) -> Run | None:
    """The newest run of the workflow with exactly this name."""
    runs = store.runs(name=name, latest=True, limit=1)
    return runs[0] if runs else None


def check_newest(store: Store, name: str, run_id: str) -> None:
    """Raise StateMoved if another run is the workflow's newest; "" stands for none at all."""
    newest = newest_run(store, name)
    if (newest.id if newest else "") != run_id:
        raise StateMoved(name, newest.version if newest else 0)


def split_version(ref: str) -> tuple[str, int] | None:
    """Name and version of `name@N` or `name-vN`; None for anything else."""
    for mark in VERSION_MARKS:
        name, found, digits = ref.rpartition(mark)
        if found and name and is_version_number(digits):
            return name, int(digits)
    return None


def is_version_number(digits: str) -> bool:
    """Whether a text is digits that can be a version's number."""
    return digits.isascii() and digits.isdigit() and len(digits) <= VERSION_DIGITS


def nearest(word: str, known: Iterable[str]) -> list[str]:
    """Up to three of the known words that look most like this one, best first."""
    from difflib import get_close_matches

    return get_close_matches(word, list(known), n=3)


def _by_version(store: Store, ref: str) -> Run | None:
    named = split_version(ref)
    if named is None or newest_run(store, named[0]) is None:
        return None
    name, number = named
    try:
        return store.run(store.version(name, number).run_id)
    except ReferenceNotFound:
        existing = _range([version.version for version in store.versions(name)])
        detail = f"{name} has no version {number}; it has {existing}"
        raise ReferenceNotFound(ref, detail=detail) from None


def _range(versions: list[int]) -> str:
    first, last = min(versions), max(versions)
    return f"version {first} only" if first == last else f"versions {first} to {last}"


def _by_run_id(store: Store, ref: str) -> Run | None:
    if not 0 < len(ref) <= RUN_ID_DIGITS or not set(ref) <= set("0123456789abcdef"):
        return None
    ids = store.run_ids_starting_with(ref)
    if len(ids) > 1:
        raise AmbiguousReference(ref, ids)
    return store.run(ids[0]) if ids else None
