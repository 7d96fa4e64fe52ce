"""Drift: what was recorded, against what a provider reads."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sloth_state.model.json import Json


class DriftState(StrEnum):
    """What a check found about one resource."""

    IN_SYNC = "in-sync"
    DRIFTED = "drifted"
    MISSING = "missing"
    UNKNOWN = "unknown"


class NewDetection(NamedTuple):
    """What a check found about one resource, to be kept."""

    type: str
    name: str
    expected: Mapping[str, Json]
    actual: Mapping[str, Json] | None
    """None if it is missing, or could not be read."""
    drifted: bool | None
    """None if it could not be read."""
    error: str | None = None
    """Why it could not be read."""


class Detection(NamedTuple):
    """What a check found about one resource at a time."""

    resource_id: str
    resource_type: str
    resource_name: str
    version: int
    """The version of the workflow that was expected."""
    detected_at: datetime
    expected: Mapping[str, Json]
    actual: Mapping[str, Json] | None
    drifted: bool | None
    error: str | None

    @property
    def state(self) -> DriftState:
        """In one word."""
        if self.drifted is None:
            return DriftState.UNKNOWN
        if not self.drifted:
            return DriftState.IN_SYNC
        return DriftState.MISSING if self.actual is None else DriftState.DRIFTED
