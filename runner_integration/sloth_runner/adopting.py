"""Takes a thing that exists into the state, as if the workflow's file had declared it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sloth_runner.resources.reading import NO_FUNCTION
from sloth_runner.session import TaskContext
from sloth_runner.surgery import HandMade
from sloth_state.errors import NotFound, UsageError
from sloth_state.model import Action, ResourceDraft

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sloth_runner.world import World
    from sloth_state.model import Resource, Run, Version
    from sloth_state.store import Store

_KEPT = ("ignore", "sensitive")
_OPTIONAL = ("key", "irreversible")


class Existing(NamedTuple):
    """A thing as its provider reads it."""

    draft: ResourceDraft
    contents: Sequence[bytes]
    """What its attributes name by SHA-256."""


def find_existing(
    world: World,
    store: Store,
    version: Version,
    identity: tuple[str, str],
    id: str | None,
    fields: Mapping[str, Any],
) -> Existing:
    """Read a thing with the providers of a version; changes nothing.

    `id` is how reality knows it, and is what the provider's hook `import` is asked about; `fields`
    are those of a declaration, and win. Raises NotFound if it does not exist, UsageError if it is
    in the state already, ScriptError if there is no such provider or it fails.
    """
    type, name = identity
    known = store.resource(version.workflow, type, name)
    if known is not None and known.declaration is not None:
        raise UsageError(f"{version.workflow} has {type}/{name} already")
    driver = world.version(version)
    context = TaskContext(None, driver.session.script.folder)
    context.reading = True
    facts = {"type": type, "name": name, "fields": dict(fields)}
    facts |= {} if id is None else {"id": id}
    found = world.run(driver.call("existing", NO_FUNCTION, context, facts))
    if not found["exists"]:
        raise NotFound(
            f"the thing that would be {type}/{name} does not exist",
            hint="Nothing was changed. To make it, declare it in the workflow file and run that.",
        )
    draft = ResourceDraft(
        type, name, found["attributes"], action=Action.READ, declaration=_declaration(found)
    )
    return Existing(draft, context.take_contents())


def _declaration(found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "depends_on": [],
        "task": None,
        "memory": found["memory"],
        **{name: sorted(found.get(name, ())) for name in _KEPT},
        **{name: found[name] for name in _OPTIONAL if name in found},
    }


def adopt(
    store: Store, version: Version, existing: Existing, actor: str, *, lock_timeout: float = 0.0
) -> tuple[Resource, Run]:
    """Record a thing that was found, as a version of its own. Touches no real thing.

    Raises LockHeld, and StateMoved if somebody made a version since `version`.
    """
    identity = f"{existing.draft.type}/{existing.draft.name}"
    made = HandMade(store, version.workflow, version, f"adopted {identity}", lock_timeout)
    with made as run:
        store.audit(actor, "adopt", version.workflow, identity)
        if existing.contents:
            run.keep_contents(existing.contents)
        (resource,) = run.record_all([existing.draft])
    return resource, made.finished
