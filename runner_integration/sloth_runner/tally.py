"""Counts the resources a run has dealt with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_state.model import Action, Changes

if TYPE_CHECKING:
    from sloth_state.recorded import Identity


class Tally:
    """Counts each resource once, by its net action, as the store does for a whole version."""

    def __init__(self) -> None:
        self._actions: dict[Identity, Action] = {}
        self._left_out: set[Identity] = set()

    def count(self, identity: Identity, action: Action) -> None:
        """Count what the store said it did. That is the net action already, except for `noop`."""
        before = self._actions.setdefault(identity, action)
        if before is action:
            return  # as nearly always
        if action is Action.DELETE and before is Action.CREATE:
            del self._actions[identity]
        elif action is not Action.NOOP:
            self._actions[identity] = action
        elif before is Action.DELETE:
            self._actions[identity] = Action.UPDATE  # it is the name of another thing now

    def leave_uncounted(self, identity: Identity) -> None:
        """Do not count what becomes of this one, which is a part of another."""
        self._left_out.add(identity)

    def has(self, type: str, name: str) -> bool:
        """Whether a resource was counted."""
        return (type, name) in self._actions

    def changes(self) -> Changes:
        """The counts so far."""
        actions = [
            action for identity, action in self._actions.items() if identity not in self._left_out
        ]
        return Changes(
            created=actions.count(Action.CREATE),
            updated=actions.count(Action.UPDATE),
            deleted=actions.count(Action.DELETE),
            read=actions.count(Action.READ),
            unchanged=actions.count(Action.NOOP),
        )
