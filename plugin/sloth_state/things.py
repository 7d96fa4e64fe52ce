"""What recorded resources are in reality: which records mean one thing, and what lies in what."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sloth_state.model import Resource, ResourceDraft

_SAME_KIND = {"template": "file"}
"""Types whose things are of the kind of another type's, and are remembered in the same way."""


def natural_key(resource: Resource | ResourceDraft) -> str | None:
    """How reality knows a declared resource; None if its provider does not say."""
    key = (resource.declaration or {}).get("key")
    return key if isinstance(key, str) else None


def kind_of(type: str) -> str:
    """The type by which things of a type are known: a template is a file."""
    return _SAME_KIND.get(type, type)


def is_another(now: Resource, then: Resource) -> bool:
    """Whether two records of one resource mean two things in reality."""
    keys = natural_key(now), natural_key(then)
    return None not in keys and keys[0] != keys[1]


def thing(resource: Resource) -> tuple[str, str, str | None]:
    """What a resource is in reality: known there by its key, or else by its name."""
    key = natural_key(resource)
    return kind_of(resource.type), resource.name if key is None else "", key


def place(resource: Resource) -> str | None:
    """Where in the file system a resource is; None if that is not what it is known by.

    A key of several parts is a part of what is at a place, such as a line of a file.
    """
    key = natural_key(resource)
    return key if key is not None and key.startswith("/") and "\0" not in key else None


def folders_above(path: str) -> Iterator[str]:
    """The folders that a path is in, the innermost first."""
    while path := path.rpartition("/")[0]:
        yield path
