"""Events that scripts dispatch."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sloth_state.model.json import Json


class DispatchedEvent(NamedTuple):
    """Something that a script told of, for whoever looks at its run or listens to it."""

    type: str
    data: Mapping[str, Json]
    task: str | None
    """The task that told of it; None for code at the top level of the file."""
    dispatched_at: datetime
