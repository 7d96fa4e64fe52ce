"""The journal: changes of the world, each with a durable beginning and end."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sloth_state.model.json import Json


class NewOperation(NamedTuple):
    """A change that is about to be made."""

    verb: str
    """create, update or delete; run for a command, whose type is "exec" and name its key."""
    type: str
    name: str
    key: str | None
    """How reality knows the thing: a path, a unit, a container's name."""
    task: str | None
    before: Mapping[str, Json] | None
    """The attributes that were read before; None if nothing was there."""
    wanted: Mapping[str, Json]
    declaration: Mapping[str, Json]


class Operation(NamedTuple):
    """A change in the journal."""

    number: int
    """Counts the operations of a run from 1."""
    verb: str
    type: str
    name: str
    key: str | None
    task: str | None
    before: Json
    wanted: Mapping[str, Json]
    declaration: Mapping[str, Json]
    began_at: datetime
    ended_at: datetime | None
    """None: the process was gone before its end; only reading can tell what was done."""
    error: str | None
    """Why it failed; None if it did not."""
    result: Json = None
    """What a command gave; None for other operations."""
