"""Resources that earlier versions had and a run no longer declares."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from sloth_runner.resources.reading import NO_FUNCTION, subject, workdir_of
from sloth_runner.session import TaskContext
from sloth_state.model import TaskStatus
from sloth_state.ordering import dependencies, in_dependency_order
from sloth_state.things import folders_above, kind_of, place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sloth_runner.active_run import ActiveRun
    from sloth_runner.driver import Driver
    from sloth_runner.task_records import TaskOutcome
    from sloth_state.model import Resource

_TAKES_ONLY_ITS_OWN = ("archive",)
"""Types whose delete leaves whatever else is at their place or in it."""


class Fate(StrEnum):
    """What becomes of a resource that is no longer declared."""

    DELETE = "delete"
    FORGET = "forget"
    """Its record goes, the thing stays, for it is another resource's now."""
    KEEP = "keep"


class Undeclared(NamedTuple):
    """A recorded resource that no task of a run dealt with."""

    resource: Resource
    fate: Fate
    note: str = ""
    """Why it is not deleted, if that needs to be said."""


def no_longer_declared(
    driver: Driver, run: ActiveRun, outcomes: Mapping[str, TaskOutcome], *, prune: bool
) -> list[Undeclared]:
    """Those that no task of this run dealt with, in the order in which they would be deleted.

    A task that was not run cannot say what it would have declared, so what it declared before
    stays. Of resources that were only recorded nobody knows the task: they count only if all ran.
    Without `prune` only that goes which a resource that moved has left.
    """
    skipped = {
        name for name, outcome in outcomes.items() if outcome.status is not TaskStatus.SUCCESS
    }
    declarations = driver.session.declarations
    left = [
        each
        for each in declarations.untouched(run)
        if not (skipped if each.declaration is None else each.declaration.get("task") in skipped)
    ]
    going = [each for each in left if prune or declarations.is_left(each)]
    fates = _fates(going, driver, run) if going else {}
    return [fates.get(_name(each)) or _kept(each) for each in in_dependency_order(left)[::-1]]


def _kept(resource: Resource) -> Undeclared:
    note = "" if resource.declaration is not None else "record only, stays"
    return Undeclared(resource, Fate.KEEP, note)


def _fates(going: Sequence[Resource], driver: Driver, run: ActiveRun) -> dict[str, Undeclared]:
    """What becomes of those that would go, by type/name."""
    names = {_name(each) for each in going}
    known = driver.session.known_resources.of(run).values()
    staying = [each for each in known if _name(each) not in names]
    at = {place(each): each for each in staying if driver.session.declarations.has(each)}
    fates = {}
    for each in going:
        if each.declaration is None:
            fates[_name(each)] = _kept(each)
        elif not driver.session.knows_type(each.type):
            fates[_name(each)] = Undeclared(each, Fate.KEEP, _no_type(run, each))
        else:
            fates[_name(each)] = Undeclared(each, Fate.DELETE)
    _forget_where(at, fates)
    _keep_what_is_needed(fates, staying)
    _forget_where({place(each.resource): each.resource for each in _kept_of(fates)}, fates)
    return fates


def _kept_of(fates: Mapping[str, Undeclared]) -> list[Undeclared]:
    return [each for each in fates.values() if each.fate is Fate.KEEP]


def _forget_where(at: Mapping[str | None, Resource], fates: dict[str, Undeclared]) -> None:
    """What would be deleted stays where another resource is, by place; only its record goes."""
    for name, each in fates.items():
        owner = at.get(place(each.resource)) if place(each.resource) else None
        if owner and each.fate is Fate.DELETE and not _is_apart(each.resource, owner):
            note = f"{_name(owner)} is in its place, so only its record goes"
            fates[name] = Undeclared(each.resource, Fate.FORGET, note)


def _no_type(run: ActiveRun, resource: Resource) -> str:
    return (
        "stays, for the file no longer defines its type: define it again, or forget it with "
        f"sloth-runner state workflow rm {run.name} {_name(resource)}"
    )


def _is_apart(resource: Resource, owner: Resource) -> bool:
    """Whether what is deleted with a resource is none of that which has the same place."""
    return resource.type in _TAKES_ONLY_ITS_OWN and owner.type == "directory"


def _keep_what_is_needed(fates: dict[str, Undeclared], staying: Iterable[Resource]) -> None:
    """What stays keeps what it depends on, and the folders that it is in."""
    kept = [each.resource for each in _kept_of(fates)]
    queue = [each for each in (*staying, *kept) if each.declaration is not None]
    folders = {
        path: name
        for name, each in fates.items()
        if each.fate is Fate.DELETE and _can_hold(each.resource)
        if (path := place(each.resource)) is not None
    }
    while queue:
        each = queue.pop()
        for name, why in _needs(each, folders):
            needed = fates.get(name)
            if needed is not None and needed.fate is not Fate.KEEP:
                fates[name] = needed._replace(fate=Fate.KEEP, note=f"stays, for {why}")
                queue.append(needed.resource)


def _can_hold(resource: Resource) -> bool:
    """Whether other things cannot be there any more once it is deleted, because they are in it."""
    return kind_of(resource.type) not in ("file", *_TAKES_ONLY_ITS_OWN)


def _needs(resource: Resource, folders: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in dependencies(resource):
        yield name, f"{_name(resource)} depends on it"
    for path in folders_above(place(resource) or ""):
        if path in folders:
            yield folders[path], f"{_name(resource)} is in it"


def _name(resource: Resource) -> str:
    return f"{resource.type}/{resource.name}"


async def carry_out(driver: Driver, run: ActiveRun, undeclared: Sequence[Undeclared]) -> None:
    """Delete and forget what goes, one by one, each journaled. Raises what the first failing one
    raises."""
    for each in undeclared:
        resource = each.resource
        if each.fate is Fate.DELETE:
            await perform(driver, "delete", resource)
        elif each.fate is Fate.FORGET:
            run.remove(resource.type, resource.name)
            driver.session.known_resources.drop(run, (resource.type, resource.name))


async def perform(driver: Driver, verb: str, resource: Resource) -> None:
    """Bring one thing to the attributes that it has here (verb "put"), or "delete" it."""
    context = TaskContext(None, workdir_of(resource, driver.session))
    await driver.call("perform", NO_FUNCTION, context, {"verb": verb, **subject(resource)})
