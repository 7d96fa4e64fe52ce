"""Which version of a resource holds when: the rules, apart from how rows are stored.

A state of a resource holds from the version that made it until a later version makes another.
Inside one version only the last state counts; what the version did is the strongest of what was
said in it, so that creating and then updating is a creation.
"""

from typing import NamedTuple

from sloth_state.model import Action, ResourceDraft

_STRENGTH = (Action.NOOP, Action.READ, Action.UPDATE, Action.CREATE)


class State(NamedTuple):
    """A resource as it is from version `valid_from` on, in the order of the table's columns."""

    workflow_key: int
    id: str
    type: str
    name: str
    valid_from: int
    created_in: int
    """The version in which its life began, anew after a delete."""
    action: str
    status: str
    attributes: str
    """Canonical JSON."""
    created_at: int
    updated_at: int
    declaration: str | None = None
    """Canonical JSON; None for what was only recorded."""


def is_live(state: State) -> bool:
    return state.action != Action.DELETE


class Content(NamedTuple):
    """What a draft says about a resource, as canonical JSON."""

    attributes: str
    declaration: str | None


def recorded(
    before: State,
    draft: ResourceDraft,
    content: Content,
    version: int,
    now: int,
    *,
    made: bool = False,
) -> State:
    """The state after a version records a resource that is live before.

    The very same object comes back if that changes nothing. `made`: the thing was really made
    anew, so that `create` is no mere way of speaking.
    """
    attributes, declaration = content
    same = (
        attributes == before.attributes
        and draft.status == before.status
        and declaration == before.declaration
    )
    seen = _seen_in(before, version)
    action = draft.action
    if action is None or (action is Action.CREATE and not made):
        if same:
            return before
        action = Action.UPDATE
    action = max(action, seen, key=_STRENGTH.index)
    if same and action is seen:
        return before
    return before._replace(
        valid_from=version,
        action=action.value,
        status=draft.status,
        attributes=attributes,
        updated_at=now,
        declaration=declaration,
    )


def revived(before: State, draft: ResourceDraft, content: Content, version: int, now: int) -> State:
    """The state after a version records a resource that was deleted before."""
    state = before._replace(
        valid_from=version,
        status=draft.status,
        attributes=content.attributes,
        updated_at=now,
        declaration=content.declaration,
    )
    if before.valid_from == version:
        # Deleted by this very version: all in all it has only changed.
        return state._replace(action=Action.UPDATE.value)
    action = draft.action or Action.CREATE
    return state._replace(action=action.value, created_in=version, created_at=now)


def born(
    workflow_key: int, id: str, draft: ResourceDraft, content: Content, version: int, now: int
) -> State:
    """The state of a resource that the workflow never had."""
    action = draft.action or Action.CREATE
    return State(
        workflow_key,
        id,
        draft.type,
        draft.name,
        version,
        version,
        str(action),  # its value, without the property of Enum, which is slow
        draft.status,
        content.attributes,
        now,
        now,
        content.declaration,
    )


def deleted(before: State, version: int, now: int) -> State:
    """The state after a version deletes a resource that is live before.

    If the version also began its life, nothing of it must stay; see `is_undone`.
    """
    return before._replace(valid_from=version, action=Action.DELETE.value, updated_at=now)


def is_undone(state: State) -> bool:
    """Whether one version both began the life of a resource and deleted it."""
    return state.action == Action.DELETE and state.created_in == state.valid_from


def _seen_in(state: State, version: int) -> Action:
    """What a version did to a resource, seen from that version."""
    return Action(state.action) if state.valid_from == version else Action.NOOP
