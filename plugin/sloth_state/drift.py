"""Comparing what is recorded with what providers read now. Changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sloth_state.changes import ResourceChange
from sloth_state.differences import differences
from sloth_state.json_map import JsonMap
from sloth_state.model import DriftState, NewDetection
from sloth_state.sensitive import declared_list

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sloth_state.changes import ChangeAction
    from sloth_state.differences import Difference
    from sloth_state.model import Json, Resource

RECORD_ONLY = "it was only recorded, so no provider can read it"


class Reading(NamedTuple):
    """What a provider found where a resource should be."""

    resource: Resource
    actual: Mapping[str, Json] | None = None
    """None if the thing is not there, or could not be read."""
    irreversible: str | None = None
    """Why a change of it cannot be undone."""
    undeletable: str | None = None
    """Why it cannot be deleted to undo that it was made."""
    error: str | None = None
    """Why it could not be read."""


class Finding(NamedTuple):
    """What a check for drift says of one resource."""

    resource: Resource
    state: DriftState
    change: ResourceChange
    """From what is recorded to what is there now."""
    actual: Mapping[str, Json] | None
    error: str | None
    """Why it is unknown."""

    @property
    def could_not_be_read(self) -> bool:
        """Whether reading failed; what was only recorded is unknown, but nothing failed."""
        return self.state is DriftState.UNKNOWN and self.error != RECORD_ONLY


def drifted_attributes(
    resource: Resource, actual: Mapping[str, Json], *, ignore: Sequence[str] = ()
) -> list[Difference]:
    """What is there now and not as recorded. What the provider does not read does not count."""
    known = {name: value for name, value in resource.attributes.items() if name in actual}
    read = {name: actual[name] for name in known}
    return differences(known, read, ignore=[*declared_list(resource, "ignore"), *ignore])


def find_drift(readings: Sequence[Reading], *, ignore: Sequence[str] = ()) -> list[Finding]:
    """What each reading means. `ignore`: further paths of attributes that do not count."""
    return [_finding(reading, ignore) for reading in readings]


def unread(resource: Resource) -> Reading:
    """Of a resource that nothing can read."""
    return Reading(resource, error=RECORD_ONLY)


def detection_of(finding: Finding) -> NewDetection:
    """A finding, to be kept."""
    drifted = (
        None if finding.state is DriftState.UNKNOWN else finding.state is not DriftState.IN_SYNC
    )
    resource = finding.resource
    return NewDetection(
        resource.type, resource.name, resource.attributes, finding.actual, drifted, finding.error
    )


def _finding(reading: Reading, ignore: Sequence[str]) -> Finding:
    resource, actual = reading.resource, reading.actual
    if reading.error is not None:
        return Finding(resource, DriftState.UNKNOWN, _change(resource, "noop"), None, reading.error)
    if actual is None:
        gone = differences(resource.attributes, {})
        return Finding(resource, DriftState.MISSING, _change(resource, "delete", gone), None, None)
    if _is_same_text(resource.attributes, actual):
        in_sync = ResourceChange(resource.type, resource.name, "noop")
        return Finding(resource, DriftState.IN_SYNC, in_sync, actual, None)
    found = drifted_attributes(resource, actual, ignore=ignore)
    state = DriftState.DRIFTED if found else DriftState.IN_SYNC
    change = _change(resource, "update" if found else "noop", found)
    return Finding(resource, state, change, actual, None)


def _is_same_text(recorded: Mapping[str, Json], actual: Mapping[str, Json]) -> bool:
    """Whether both are the same as they stand, which needs no looking into them."""
    return type(recorded) is JsonMap and type(actual) is JsonMap and recorded.text == actual.text


def _change(
    resource: Resource, action: ChangeAction, found: Sequence[Difference] = ()
) -> ResourceChange:
    sensitive = tuple(declared_list(resource, "sensitive"))
    return ResourceChange(resource.type, resource.name, action, tuple(found), sensitive)
