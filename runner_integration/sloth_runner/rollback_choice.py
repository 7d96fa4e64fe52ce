"""Which resources a rollback is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_runner.earlier_runs import existing
from sloth_state.things import is_another, place, thing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sloth_state.model import Resource, Version
    from sloth_state.recorded import Identity
    from sloth_state.store import Store


def chosen_resources(
    store: Store, newest: Version, target: Version, only: Sequence[Identity]
) -> tuple[list[Resource], list[Resource]]:
    """The resources of both versions, or of each only the ones that are meant."""
    if not only:
        return _all_of(store, newest), _all_of(store, target)
    now, then = (
        [store.resource(each.workflow, *identity, version=each.version) for identity in only]
        for each in (newest, target)
    )
    if any(a is None or b is None or is_another(a, b) for a, b in zip(now, then, strict=True)):
        return _with_the_same_things(_all_of(store, newest), _all_of(store, target), only)
    return [each for each in now if each], [each for each in then if each]


def _all_of(store: Store, version: Version) -> list[Resource]:
    return existing(store.resources(version.workflow, version=version.version))


def _with_the_same_things(
    now: Sequence[Resource], then: Sequence[Resource], only: Sequence[Identity]
) -> tuple[list[Resource], list[Resource]]:
    """Those that are meant, with what their things, or things at their places, are called in the
    other version: one of both alone cannot be restored."""
    chosen, before = set(only), 0
    while len(chosen) > before:
        before = len(chosen)
        spots = {_spot(each) for each in (*now, *then) if (each.type, each.name) in chosen}
        chosen |= {(each.type, each.name) for each in (*now, *then) if _spot(each) in spots}
    return (
        [each for each in now if (each.type, each.name) in chosen],
        [each for each in then if (each.type, each.name) in chosen],
    )


def _spot(resource: Resource) -> object:
    return place(resource) or thing(resource)
