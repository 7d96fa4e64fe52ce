"""Things that get another name, another place or another type, and what they leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sloth_runner.errors import WorkflowError
from sloth_state.ordering import in_dependency_order
from sloth_state.things import folders_above, kind_of, natural_key, place

if TYPE_CHECKING:
    from collections.abc import Container

    from sloth_runner.active_run import ActiveRun
    from sloth_runner.resources.known import KnownResources
    from sloth_runner.session import Session
    from sloth_state.model import Resource
    from sloth_state.recorded import Identity

_WHOLE_PATHS = ("directory", "file", "symlink")
"""Kinds of things of which there is one at a path. Others share it, as archives do a folder."""


class Moves:
    """Finds the records of things that a script means by other words than it did before."""

    def __init__(
        self, session: Session, known: KnownResources, declared: Container[Identity]
    ) -> None:
        """`declared` are those that the script has declared so far."""
        self._session = session
        self._known = known
        self._declared = declared
        self.left: set[Identity] = set()
        """What things that moved have left, and goes at the end of the run."""
        self._planned_to_leave: dict[tuple[str, str], Resource] = {}
        """What a plan found to go before anything later is declared."""

    def refuse_second(self, run: ActiveRun, identity: Identity, key: str | None) -> None:
        """Raise WorkflowError if this run has declared what is at a path by another name already.

        What one of them makes the other would unmake, in this run and in every later one.
        """
        type, name = identity
        if key is None or kind_of(type) not in _WHOLE_PATHS:
            return
        for each in self._known.of_thing(run, type, key):
            other = each.type, each.name
            if other != identity and other in self._declared:
                raise WorkflowError(
                    f"resource.{type}: {type}/{name} and {'/'.join(other)} are both {key}",
                    hint="Declare what is at a path once.",
                )

    def renamed(self, run: ActiveRun, identity: Identity, key: str | None) -> Resource | None:
        """The record of a thing that had another name until now, under its new name.

        One of another type, whose things are of the same kind, comes back as it is.
        """
        type, name = identity
        found = [] if key is None else self._known.of_thing(run, type, key)
        others = [each for each in found if (each.type, each.name) not in self._declared]
        if not others:
            return None
        return others[-1] if others[-1].type != type else self._move(run, others[-1], name)

    def _move(self, run: ActiveRun, resource: Resource, name: str) -> Resource:
        self._known.drop(run, (resource.type, resource.name))
        moved = run.move(resource.type, resource.name, name)
        self._known.note(run, moved)
        self._known.index(moved.type, moved.name, natural_key(moved))
        return moved

    def set_aside(self, run: ActiveRun, recorded: Resource, key: str | None) -> bool:
        """Whether a thing that moves must stay where it was until the end of the run.

        That is so for a folder in which other recorded things are: they have to leave it first.
        Its record gets a name of its own, so that nothing is lost if the run does not get so far.
        """
        path = place(recorded)
        if path is None or key is None or path == key or path in folders_above(key):
            return False
        others = (place(each) for each in self._known.of(run).values())
        if not any(other is not None and path in folders_above(other) for other in others):
            return False
        name = f"{recorded.name} at {path}"
        if (recorded.type, name) in self._known.of(run):  # a killed rollback has left both
            run.remove(recorded.type, recorded.name)
            self._known.drop(run, (recorded.type, recorded.name))
        else:
            self._move(run, recorded, name)
        # The thing counts once, by the name that it keeps, as in the version that is made.
        run.leave_uncounted(recorded.type, name)
        self.left.add((recorded.type, name))
        return True

    def in_the_way(self, run: ActiveRun, type: str, key: str) -> list[Resource]:
        """Things that the script no longer declares where a thing of another kind shall be.

        In the order in which they go; the one that is at the same place is the last, after those
        that are in it, some of which may be declared later at another place. Only of what the same
        task declared before is that known so early, and it only goes if things go at all that are
        no longer declared (`--prune`).
        """
        going = [each for each in self._known.of(run).values() if self._goes(each)]
        at = [each for each in going if place(each) == key and kind_of(each.type) != kind_of(type)]
        if not at:
            return []
        inside = [each for each in going if key in folders_above(place(each) or "")]
        return in_dependency_order([*at, *inside])[::-1]

    def _goes(self, resource: Resource) -> bool:
        task = (resource.declaration or {}).get("task")
        if not self._session.prunes or task != self._session.current.name:
            return False
        identity = resource.type, resource.name
        return identity not in self._declared and self._session.knows_type(resource.type)

    # -- what a plan must know of what it does not do ------------------------------------------

    def plan_to_leave(self, resource: Resource | None) -> None:
        """Note that nothing will be where a resource is, or what was there before it."""
        key = None if resource is None else natural_key(resource)
        if resource is not None and key is not None:
            self._planned_to_leave[_spot(resource.type, key)] = resource

    @property
    def something_leaves(self) -> bool:
        """Whether a plan knows of anything that will not be where it is."""
        return bool(self._planned_to_leave)

    def is_planned_to_leave(self, type: str, key: str) -> bool:
        """Whether what is at a place now will not be there."""
        return _spot(type, key) in self._planned_to_leave

    def after_what_is_planned(
        self, found: dict[str, Any] | None, type: str, key: str | None
    ) -> dict[str, Any] | None:
        """What will be there of what was found there when the plan was made."""
        left = None if key is None else self._planned_to_leave.pop(_spot(type, key), None)
        if found is None or left is None:
            return found
        replaced = memory_of(left).get("replaced")
        return {**found, **replaced} if isinstance(replaced, dict) and left.type == type else None


def _spot(type: str, key: str) -> tuple[str, str]:
    """Where only one thing can be: one path is the same for all types."""
    return "" if key.startswith("/") else kind_of(type), key


def memory_of(resource: Resource | None) -> dict[str, Any]:
    """What its provider remembers of a resource."""
    memory = (resource.declaration or {}).get("memory") if resource else None
    return dict(memory) if isinstance(memory, dict) else {}
