"""In which order resources are made, and in the reverse of it deleted."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from sloth_state.things import folders_above, place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sloth_state.model import Resource


def in_dependency_order(resources: Sequence[Resource]) -> list[Resource]:
    """Each after those that it depends on; otherwise the one that was made first comes first.

    What is at a path depends on what is at a path that it is in, whether that is said or not.
    Dependencies that are not among them do not count. A circle, which only several versions
    together can have, is cut where it was made first.
    """
    by_age = sorted(resources, key=lambda each: (each.created_at, each.type, each.name))
    position = {f"{each.type}/{each.name}": index for index, each in enumerate(by_age)}
    needs = {
        index: {position[name] for name in dependencies(each) if name in position} - {index}
        for index, each in enumerate(by_age)
    }
    for index, folders in _folders(by_age):
        needs[index].update(folders)
    return [by_age[index] for index in _topological(needs)]


def _folders(resources: Sequence[Resource]) -> Iterator[tuple[int, list[int]]]:
    """The numbers of those that are at a path, each with those that it is in."""
    places = [place(each) for each in resources]
    at: dict[str, list[int]] = {}
    for index, path in enumerate(places):
        if path is not None:
            at.setdefault(path, []).append(index)
    for index, path in enumerate(places):
        if path is not None:
            yield index, [other for folder in folders_above(path) for other in at.get(folder, ())]


def dependencies(resource: Resource) -> list[str]:
    """What a resource depends on, each as "type/name"."""
    found = (resource.declaration or {}).get("depends_on")
    return [str(each) for each in found] if isinstance(found, list) else []


def _topological(needs: Mapping[int, set[int]]) -> list[int]:
    """The numbers so that each comes after those it needs; the smallest first where there is a
    choice (Kahn's algorithm)."""
    waiting = {index: set(those) for index, those in needs.items()}
    dependents: dict[int, list[int]] = {index: [] for index in needs}
    for index, those in needs.items():
        for each in those:
            dependents[each].append(index)
    ready = [index for index, those in waiting.items() if not those]
    heapq.heapify(ready)
    order: list[int] = []
    done: set[int] = set()
    while len(order) < len(needs):
        index = heapq.heappop(ready) if ready else min(set(needs) - done)
        if index in done:
            continue
        done.add(index)
        order.append(index)
        for dependent in dependents[index]:
            waiting[dependent].discard(index)
            if not waiting[dependent] and dependent not in done:
                heapq.heappush(ready, dependent)
    return order
