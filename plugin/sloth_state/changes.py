"""What changes between two states of resources and outputs, wherever these come from.

Both may be versions, or one of them is reality: "before" is what there is, "after" what shall be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from sloth_state.differences import ABSENT, Absent, Difference, differences
from sloth_state.model import Action
from sloth_state.sensitive import SENSITIVE, declared_list, is_sensitive, masked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sloth_state.model import Json, Output, Resource
    from sloth_state.recorded import Identity

KNOWN_AFTER_RUN = "(known after run)"
"""A planned text that has this in it will be known when the run has made what it is made from."""

ChangeAction: TypeAlias = Literal["create", "update", "delete", "replace", "noop"]


class ResourceChange(NamedTuple):
    """What becomes of one resource.

    Its values are the real ones; `visible_differences` are those to be shown.
    """

    type: str
    name: str
    action: ChangeAction
    differences: tuple[Difference, ...] = ()
    """Of the attributes. Of a resource that is created or deleted: all it gets or had."""
    sensitive: tuple[str, ...] = ()
    """Paths of attributes whose values are not shown; see `sensitive.is_sensitive`."""
    status: Difference | None = None
    """Of the resource's own status, which is no attribute, if that differs."""


class VisibleDifference(NamedTuple):
    """A difference as anybody may see it: what is sensitive in its values is masked.

    Text that is not known before the run is "(known after run)" alone: the rest is no value yet.
    """

    path: str
    """Of an attribute, or the key of an output."""
    before: Json | Absent
    after: Json | Absent
    sensitive: bool
    """Whether it is masked whole, so that the values only tell which sides have one."""


def changes_between(before: Iterable[Resource], after: Iterable[Resource]) -> list[ResourceChange]:
    """The resources that differ between two versions, ordered by type and name.

    Those that a version itself deleted (action `delete`) are not in it.
    """
    old, new = by_identity(before), by_identity(after)
    identities = sorted({*old, *new})
    changes = [change_of(each, old.get(each), new.get(each)) for each in identities]
    return [change for change in changes if change.action != "noop"]


def resource_change(
    type: str,
    name: str,
    before: Mapping[str, Json] | None,
    after: Mapping[str, Json] | None,
    *,
    sensitive: Sequence[str] = (),
) -> ResourceChange:
    """The change from some attributes to others; None where the resource does not exist.

    Not both may be None. Never `replace`: only a provider knows what it cannot update.
    """
    found = tuple(differences(before or {}, after or {}))
    action: ChangeAction = "update" if found else "noop"
    if before is None:
        action = "create"
    elif after is None:
        action = "delete"
    return ResourceChange(type, name, action, found, tuple(sensitive))


def change_of(
    identity: Identity, before: Resource | None, after: Resource | None
) -> ResourceChange:
    """The change from one recorded state of a resource to another; None where there is none.

    What is sensitive on one side is sensitive on both. Never `replace`.
    """
    sensitive = {
        path
        for resource in (before, after)
        if resource
        for path in declared_list(resource, "sensitive")
    }
    change = resource_change(
        *identity,
        before.attributes if before else None,
        after.attributes if after else None,
        sensitive=sorted(sensitive),
    )
    status = _status_difference(before, after)
    if status is None:
        return change
    return change._replace(
        status=status, action="update" if change.action == "noop" else change.action
    )


def visible_differences(change: ResourceChange) -> list[VisibleDifference]:
    """The differences of a resource's attributes, to be shown."""
    return [
        VisibleDifference(
            path,
            _visible(before, path, change.sensitive),
            _visible(after, path, change.sensitive),
            is_sensitive(path, change.sensitive),
        )
        for path, before, after in change.differences
    ]


def changes_of_outputs(
    before: Mapping[str, Output], after: Mapping[str, Output]
) -> list[VisibleDifference]:
    """The outputs whose values differ, ordered by key; sensitive if they are so on one side."""
    changes = []
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if differences(_as_attribute(old), _as_attribute(new)):
            sensitive = any(output.sensitive for output in (old, new) if output)
            left, right = _visible_output(old, sensitive), _visible_output(new, sensitive)
            changes.append(VisibleDifference(key, left, right, sensitive))
    return changes


def _visible(value: Json | Absent, path: str, sensitive: Sequence[str]) -> Json | Absent:
    if isinstance(value, Absent):
        return value
    return _without_unknown(masked(value, sensitive, path))


def _visible_output(output: Output | None, sensitive: bool) -> Json | Absent:
    if output is None:
        return ABSENT
    return SENSITIVE if sensitive else output.value


def _as_attribute(output: Output | None) -> dict[str, Json]:
    return {"value": output.value} if output else {}


def _without_unknown(value: Json) -> Json:
    if isinstance(value, str):
        return KNOWN_AFTER_RUN if KNOWN_AFTER_RUN in value else value
    if isinstance(value, dict):
        return {key: _without_unknown(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_unknown(item) for item in value]
    return value


def by_identity(resources: Iterable[Resource]) -> dict[Identity, Resource]:
    """Resources by type and name, without those that a version itself deleted."""
    return {
        (resource.type, resource.name): resource
        for resource in resources
        if resource.action is not Action.DELETE
    }


def _status_difference(before: Resource | None, after: Resource | None) -> Difference | None:
    """How the status differs; one that is empty is not there."""
    left = (before and before.status) or ABSENT
    right = (after and after.status) or ABSENT
    return None if left == right else Difference("status", left, right)
