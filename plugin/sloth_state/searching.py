"""Finding a text in what the newest versions of workflows say."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sloth_state.differences import step
from sloth_state.model import Action
from sloth_state.sensitive import declared_list, masked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sloth_state.model import Json, Resource, Run
    from sloth_state.store import Store


class Match(NamedTuple):
    """A place where the text is."""

    workflow: str
    version: int
    place: str
    """For instance "file/motd mode", "output url", "metadata host", "message", "name"."""
    text: str
    """All that stands there."""


def search(store: Store, text: str, *, type: str | None = None) -> list[Match]:
    """Where a text stands, whatever its case: names, messages, errors, metadata, tags, outputs, and
    types, names, status and attributes of resources.

    Sensitive values are never searched. `type`: only resources of this type. In the newest version
    of each workflow, in the order of their names.
    """
    wanted = text.casefold()
    return [
        Match(run.name, run.version, place, found)
        for run in sorted(store.runs(latest=True), key=lambda run: run.name)
        for place, found in _texts(store, run, type)
        if wanted in found.casefold()
    ]


def _texts(store: Store, run: Run, type: str | None) -> Iterator[tuple[str, str]]:
    """All places of a version, with what stands there."""
    if type is None:
        yield "name", run.name
        yield "message", store.version(run.name, run.version).description
        yield "error", run.error_msg or ""
        for key in sorted(run.metadata):
            yield f"metadata {key}", run.metadata[key]
        for tag in store.tags(run.id):
            yield "tag", tag
        for output in store.outputs(run.id).values():
            yield "output", output.key
            if not output.sensitive:
                yield from _leaves(output.value, f"output {output.key}", "")
    for resource in store.resources(run.name, version=run.version, type=type):
        if resource.action is not Action.DELETE:
            yield from _texts_of(resource)


def _texts_of(resource: Resource) -> Iterator[tuple[str, str]]:
    identity = f"{resource.type}/{resource.name}"
    yield "resource", identity
    yield f"{identity} status", resource.status
    visible = masked(dict(resource.attributes), declared_list(resource, "sensitive"))
    yield from _leaves(visible, identity, "")


def _leaves(value: Json, place: str, path: str) -> Iterator[tuple[str, str]]:
    """Texts and numbers in a value, each with its path; keys of maps are part of that."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, place, step(path, key))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from _leaves(item, place, step(path, at))
    elif value is not None:
        text = value if isinstance(value, str) else str(value).lower()
        yield f"{place} {path}".rstrip(), text
