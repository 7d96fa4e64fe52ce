"""What must be done so that reality is as a script declares it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from sloth_state.differences import ABSENT, differences, with_ignored

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sloth_state.differences import Difference
    from sloth_state.model import Resource


FAILED = "failed"
"""The status of a resource whose last change failed or was interrupted: of what cannot be read,
nobody knows how much was done."""


class Verb(StrEnum):
    """What is done to a thing. `replace` is a delete of the old one and a create of the new one."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    NOOP = "noop"


class Settings(NamedTuple):
    """What a provider says about its type."""

    ignore: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()
    """Attributes that are put back although a declaration does not name them."""
    can_update: bool = True
    in_workdir: bool = False
    """Its hooks may take paths relative to the folder of the task; built-in ones do not."""


class Decision(NamedTuple):
    """What is to be done about one resource."""

    verb: Verb
    wanted: dict[str, Any]
    """The attributes it shall have."""
    differences: Sequence[Difference]
    """Why; empty if nothing is there, since all attributes differ then."""


def decide(
    declared: Mapping[str, Any],
    actual: Mapping[str, Any] | None,
    recorded: Resource | None,
    settings: Settings,
    *,
    key: str | None = None,
    ignore: Sequence[str] = (),
) -> Decision:
    """Compare what is declared with what is there; `recorded` stands in for what cannot be read.

    `key` is the natural key of what is declared: if the recorded thing has another one, it is a
    different thing and must go.
    """
    if recorded is not None and _is_another(recorded, key):
        wanted = _with_kept(declared, actual, None, settings)
        return Decision(Verb.REPLACE, wanted, differences(recorded.attributes, wanted))
    wanted = _with_kept(declared, actual, recorded, settings)
    if actual is None:
        return Decision(Verb.CREATE, wanted, ())
    found = differences(_seen(wanted, actual, recorded), wanted, ignore=ignore)
    if not found:
        return Decision(Verb.NOOP, wanted, ())
    # An update for another attribute must not undo what is ignored.
    wanted = with_ignored(wanted, actual, ignore)
    return Decision(Verb.UPDATE if settings.can_update else Verb.REPLACE, wanted, found)


def _with_kept(
    declared: Mapping[str, Any],
    actual: Mapping[str, Any] | None,
    recorded: Resource | None,
    settings: Settings,
) -> dict[str, Any]:
    wanted = dict(declared)
    sources = (recorded.attributes if recorded and recorded.declaration else {}, actual or {})
    for name in settings.keeps:
        for source in sources:
            if name not in wanted and name in source:
                wanted[name] = source[name]
    return wanted


def _seen(
    wanted: Mapping[str, Any], actual: Mapping[str, Any], recorded: Resource | None
) -> dict[str, Any]:
    """What is there of the attributes that are wanted."""
    known = recorded.attributes if recorded and recorded.status != FAILED else {}
    seen = {name: actual.get(name, known.get(name, ABSENT)) for name in wanted}
    return {name: value for name, value in seen.items() if value is not ABSENT}


def _is_another(recorded: Resource, key: str | None) -> bool:
    known = (recorded.declaration or {}).get("key")
    return known is not None and key is not None and known != key
