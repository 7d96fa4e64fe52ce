"""Steps: pieces of a task that are done once in a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

    from sloth_state.model.json import Json


class Step(NamedTuple):
    """A step that was done, and what it gave."""

    task: str
    position: int
    """Counts the steps of a task from 1."""
    name: str
    value: Json
    recorded_at: datetime
