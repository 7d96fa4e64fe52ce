"""What nobody is shown without asking for it: values that their author declared sensitive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sloth_state.differences import matches, step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sloth_state.model import Json, Resource, ResourceDraft

SENSITIVE = "(sensitive)"
"""Printed in place of a sensitive value."""

CONTENT_HASH = "content_sha256"
"""An attribute of this name is the SHA-256 of `content`, which `Store.content` may have."""

SENSITIVE_ATTRIBUTES = "sensitive_attributes"
"""An attribute of this name lists the paths of those that are sensitive, where there is no
declaration to say it: in resources that were imported."""


def declared_list(resource: Resource | ResourceDraft, name: str) -> tuple[str, ...]:
    """The strings of a list in a resource's declaration; none if it was only recorded.

    Which attributes of one that was only recorded are sensitive, it says in an attribute itself.
    """
    if resource.declaration is None and name == "sensitive":
        listed = resource.attributes.get(SENSITIVE_ATTRIBUTES)
    else:
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


_SHORTEST_SECRET = 4
"""Characters. Of shorter ones a message would be full by chance."""


def without_sensitive(text: str, values: Mapping[str, Json], sensitive: Sequence[str]) -> str:
    """A text, such as an error's, with "(sensitive)" in place of sensitive texts of a map."""
    if not sensitive:
        return text
    for secret in sorted(_texts(values, sensitive, ""), key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, SENSITIVE)
    return text


def _texts(value: object, sensitive: Sequence[str], path: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(item, sensitive, step(path, key))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from _texts(item, sensitive, step(path, at))
    elif isinstance(value, str) and is_sensitive(path, sensitive):
        yield value


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
