"""What nobody is shown without asking for it: values that their author declared sensitive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_state.differences import matches, step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sloth_state.model import Json, Resource

SENSITIVE = "(sensitive)"
"""Printed in place of a sensitive value."""

CONTENT_HASH = "content_sha256"
"""An attribute of this name is the SHA-256 of `content`, which `Store.content` may have."""


def declared_list(resource: Resource, name: str) -> tuple[str, ...]:
    """The strings of a list in a resource's declaration; none if it was only recorded."""
    listed = (resource.declaration or {}).get(name)
    if not isinstance(listed, list):
        return ()
    return tuple(each for each in listed if isinstance(each, str))


def is_sensitive(path: str, sensitive: Sequence[str]) -> bool:
    """Whether an attribute is one of these paths or below one; see `differences.matches`.

    The hash of sensitive content is sensitive too: what is short can be guessed from it.
    """
    if matches(path, sensitive):
        return True
    return path == CONTENT_HASH and matches("content", sensitive)


def masked(value: Json, sensitive: Sequence[str], path: str = "") -> Json:
    """The value with "(sensitive)" in place of what is sensitive in it; `path` is its own."""
    if not sensitive:
        return value
    if is_sensitive(path, sensitive):
        return SENSITIVE
    if isinstance(value, dict):
        return {key: masked(item, sensitive, step(path, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item, sensitive, step(path, at)) for at, item in enumerate(value)]
    return value
