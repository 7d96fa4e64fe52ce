"""Finds the version of a workflow that a word on the command line means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_state.errors import ReferenceNotFound
from sloth_state.references import is_version_number, nearest, newest_run

if TYPE_CHECKING:
    from sloth_state.model import Version
    from sloth_state.store import Store

NEWEST_WORDS = ("latest", "current")


def find_version(store: Store, workflow: str, word: str) -> Version:
    """The version that `3`, `v3` or `@3` means, or `latest` or `current`: the newest.

    Raises ReferenceNotFound with the nearest version, or if there is no such workflow (any more).
    """
    newest = newest_run(store, workflow)
    if newest is None:
        raise ReferenceNotFound(workflow)
    if word in NEWEST_WORDS:
        return store.version(workflow, newest.version)
    digits = word.removeprefix("@").removeprefix("v")
    number = int(digits) if is_version_number(digits) else None
    try:
        if number is not None:
            return store.version(workflow, number)
    except ReferenceNotFound:
        pass
    raise _unknown(store, workflow, word, number)


def version_before(store: Store, version: Version) -> Version:
    """The version that another was made from, or, once that is pruned, the newest before it.

    Raises ReferenceNotFound if there is none, or none any more.
    """
    workflow, parent = version.workflow, version.parent
    if parent is None:
        raise _none_before(version, "is its first, there is none before it")
    try:
        return store.version(workflow, parent)
    except ReferenceNotFound:
        kept = [each for each in store.versions(workflow) if each.version < parent]
    if not kept:
        raise _none_before(version, "is the first that is kept; those before it were pruned")
    return kept[0]


def _unknown(store: Store, workflow: str, word: str, number: int | None) -> ReferenceNotFound:
    known = [version.version for version in store.versions(workflow)]
    if number is None:
        near = nearest(word, NEWEST_WORDS)
        detail = f"{workflow} has no version {word!r}"
    else:
        near = [str(min(known, key=lambda each: abs(each - number)))]
        detail = f"{workflow} has no version {number}"
    error = ReferenceNotFound(f"{workflow}@{word}", near, detail=detail)
    if not near:
        error.hint = _list_them(workflow)
    return error


def _none_before(version: Version, why: str) -> ReferenceNotFound:
    workflow = version.workflow
    error = ReferenceNotFound(
        f"{workflow}@{version.version - 1}",
        detail=f"version {version.version} of {workflow} {why}",
    )
    error.hint = _list_them(workflow)
    return error


def _list_them(workflow: str) -> str:
    return f"List its versions with: sloth-runner state workflow versions {workflow}"
