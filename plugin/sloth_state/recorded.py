"""The resources that a workflow has now, each of which is made when somebody looks at it."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any, TypeAlias

from sloth_state.json_map import text_of
from sloth_state.model import Resource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Identity: TypeAlias = tuple[str, str]
"""Type and name."""
Texts: TypeAlias = tuple[str, str, str | None]
"""Status of a resource, attributes and declaration, the last two as JSON text."""


class RecordedResources(MutableMapping[Identity, Resource]):
    """Resources by type and name, as a store has read them.

    Most runs change nothing of what they declare. To see that, the texts are enough, and of ten
    thousand resources they are there in half the time. Setting and deleting change nothing in the
    store.
    """

    def __init__(
        self,
        rows: dict[Identity, Any],
        make: Callable[[Any], Resource],
        texts: Callable[[Any], Texts],
    ) -> None:
        """`rows`: what the store has of each, in its own form, and how to take that apart.

        `make` may raise StoreDamaged; `texts` does not check what it returns.
        """
        self._made: dict[Identity, Resource] = {}
        self._rows = rows
        self._make = make
        self._texts = texts

    def texts(self, identity: Identity) -> Texts | None:
        """What is recorded of a resource, or None, without a look at its checksum.

        So it is good for one thing: to see that it is equal to something else.
        """
        row = self._rows.get(identity)
        if row is not None:
            return self._texts(row)
        resource = self._made.get(identity)
        return None if resource is None else _texts_of(resource)

    def __getitem__(self, identity: Identity) -> Resource:
        resource = self._made.get(identity)
        if resource is None:
            resource = self._made[identity] = self._make(self._rows[identity])
            del self._rows[identity]
        return resource

    def __setitem__(self, identity: Identity, resource: Resource) -> None:
        self._rows.pop(identity, None)
        self._made[identity] = resource

    def __delitem__(self, identity: Identity) -> None:
        if self._rows.pop(identity, None) is None:
            del self._made[identity]

    def __contains__(self, identity: object) -> bool:
        return identity in self._made or identity in self._rows

    def __iter__(self) -> Iterator[Identity]:
        return iter([*self._made, *self._rows])

    def __len__(self) -> int:
        return len(self._made) + len(self._rows)


def already_made(resources: Mapping[Identity, Resource]) -> RecordedResources:
    """The same of resources that somebody has made."""
    return RecordedResources(dict(resources), lambda resource: resource, _texts_of)


def _texts_of(resource: Resource) -> Texts:
    declaration = None if resource.declaration is None else text_of(resource.declaration)
    return resource.status, text_of(resource.attributes), declaration
