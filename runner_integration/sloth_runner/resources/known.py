"""What the state says of a workflow's resources, read once and kept true while a run goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sloth_runner.active_run import ActiveRun
    from sloth_state.model import Resource

Identity = tuple[str, str]
"""Type and name."""


class KnownResources:
    """The recorded resources of the workflow whose run goes on. Nobody else writes them then."""

    def __init__(self) -> None:
        self._resources: dict[Identity, Resource] | None = None
        self._by_key: dict[tuple[str, str], Identity] | None = None

    def use(self, resources: dict[Identity, Resource]) -> None:
        """Take these, without asking the store for all; they are kept true."""
        self._resources = resources

    def of(self, run: ActiveRun) -> Mapping[Identity, Resource]:
        """All of them, by type and name."""
        return self._all(run)

    def note(self, run: ActiveRun, resource: Resource) -> None:
        """One was recorded."""
        self._all(run)[resource.type, resource.name] = resource

    def of_thing(self, run: ActiveRun, type: str, key: str) -> Resource | None:
        """The one that was recorded, when first asked, as the thing with this natural key."""
        from sloth_state.rollback import natural_key  # rare, and imports much

        known = self._all(run)
        if self._by_key is None:
            self._by_key = {
                (each.type, found): identity
                for identity, each in known.items()
                if (found := natural_key(each)) is not None
            }
        resource = known.get(self._by_key.get((type, key), ("", "")))
        return resource if resource is not None and natural_key(resource) == key else None

    def drop(self, run: ActiveRun, identity: Identity) -> None:
        """One is recorded no more."""
        self._all(run).pop(identity, None)

    def _all(self, run: ActiveRun) -> dict[Identity, Resource]:
        if self._resources is None:
            self._resources = {(each.type, each.name): each for each in run.resources()}
        return self._resources
