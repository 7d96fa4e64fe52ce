"""Resources: the things a workflow manages."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sloth_state.model.json import Json


class Action(StrEnum):
    """What a run did to a resource."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    READ = "read"
    NOOP = "noop"


class ResourceDraft(NamedTuple):
    """What a caller says about a resource. The store adds id, times and the real action."""

    type: str
    name: str
    attributes: Mapping[str, Json]
    status: str = ""
    """Free text of the author's, for instance "running"."""
    action: Action | None = None
    """None: found out by comparing. `create` of a resource that exists counts as update or noop."""
    declaration: Mapping[str, Json] | None = None
    """See `Resource.declaration`."""


class Resource(NamedTuple):
    """A thing a workflow manages, as one version knew it."""

    id: str
    """12 hex digits; the same through all versions, also after a delete and a new create."""
    type: str
    name: str
    action: Action
    """What the version did to it; `noop` when it was last changed by an earlier version."""
    status: str
    attributes: Mapping[str, Json]
    created_at: datetime
    updated_at: datetime
    declaration: Mapping[str, Json] | None = None
    """What is kept, beside the attributes, of a resource that a provider manages, so that it can
    be read, put back or deleted later: `depends_on`, `ignore`, `sensitive`, `irreversible`, `task`,
    and what the provider wants to remember, `memory`. None: it was only recorded."""
