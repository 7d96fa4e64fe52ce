"""What the shell offers for names in the store. Failures offer nothing and say nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, TypeAlias

import click

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sloth_state.model import Run
    from sloth_state.store import Store

Completer: TypeAlias = Callable[[click.Context, click.Parameter, str], list[str]]
"""What click calls, with the word that is being typed."""


def _from_store(names: Callable[[Store, click.Context, str], Iterable[str]]) -> Completer:
    """A completer that offers those of the names which begin with the word."""

    @wraps(names)
    def complete(context: click.Context, _parameter: click.Parameter, word: str) -> list[str]:
        from sloth_state.errors import SlothError
        from sloth_state.open import open_store

        url = context.params.get("state") or context.find_root().params.get("state")
        try:
            with open_store(url, create=False, upgrade=False) as store:
                return [name for name in names(store, context, word) if name.startswith(word)]
        except SlothError:
            return []

    return complete


@_from_store
def complete_workflow(store: Store, context: click.Context, word: str) -> Iterable[str]:
    """Names of workflows."""
    return store.workflow_names()


@_from_store
def complete_reference(store: Store, context: click.Context, word: str) -> Iterable[str]:
    """Names of workflows; after an @, their versions, newest first."""
    name, at, _ = word.rpartition("@")
    if not at:
        return store.workflow_names()
    return [f"{name}@{version.version}" for version in store.versions(name)]


@_from_store
def complete_version(store: Store, context: click.Context, word: str) -> Iterable[str]:
    """Numbers of the versions that the REF on the line has, newest first, and "latest"."""
    run = _run_on_the_line(store, context)
    return [*(str(version.version) for version in store.versions(run.name)), "latest"]


@_from_store
def complete_resource_type(store: Store, context: click.Context, word: str) -> Iterable[str]:
    """Types of the resources that the REF on the line has."""
    run = _run_on_the_line(store, context)
    return sorted({item.type for item in store.resources(run.name, version=run.version)})


@_from_store
def complete_resource(store: Store, context: click.Context, word: str) -> Iterable[str]:
    """Type and name ("file/motd") of the resources that the REF on the line has."""
    run = _run_on_the_line(store, context)
    return [f"{each.type}/{each.name}" for each in store.resources(run.name, version=run.version)]


@_from_store
def complete_output_key(store: Store, context: click.Context, word: str) -> Iterable[str]:
    """Keys of the outputs that the REF on the line has."""
    return store.outputs(_run_on_the_line(store, context).id)


@_from_store
def complete_lock(store: Store, context: click.Context, word: str) -> Iterable[str]:
    """Names of the locks that are held."""
    return [lock.name for lock in store.locks()]


@_from_store
def complete_tag(store: Store, context: click.Context, word: str) -> Iterable[str]:
    """Tags that any run has."""
    return store.tag_counts()


@_from_store
def complete_tag_of_reference(store: Store, context: click.Context, word: str) -> Iterable[str]:
    """Tags that the REF on the line has."""
    return store.tags(_run_on_the_line(store, context).id)


def _run_on_the_line(store: Store, context: click.Context) -> Run:
    from sloth_state.references import resolve

    # While an option still waits for its value, click has not told the arguments apart yet.
    words = [context.params.get("ref"), *context.args]
    return resolve(store, next((word for word in words if word), ""))
