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
        self._by_key: dict[tuple[str, str], list[Identity]] | None = None

    def use(self, resources: dict[Identity, Resource]) -> None:
        """Take these, without asking the store for all; they are kept true."""
        self._resources = resources

    def of(self, run: ActiveRun) -> Mapping[Identity, Resource]:
        """All of them, by type and name."""
        return self._all(run)

    def note(self, run: ActiveRun, resource: Resource) -> None:
        """One was recorded."""
        self._all(run)[resource.type, resource.name] = resource

    def of_thing(self, run: ActiveRun, type: str, key: str) -> list[Resource]:
        """Those that were recorded, when first asked, as the thing with this natural key.

        The one that was written last comes last; there are several only after a run that did not
        succeed. Another type may have recorded it if its things are of the same kind.
        """
        from sloth_state.things import kind_of, natural_key  # rare

        known = self._all(run)
        if self._by_key is None:
            self._by_key = {}
            for each in known.values():
                self.index(each)
        identities = self._by_key.get((kind_of(type), key), ())
        found = [known[identity] for identity in identities if identity in known]
        return sorted(
            (each for each in found if natural_key(each) == key), key=lambda each: each.updated_at
        )

    def index(self, resource: Resource) -> None:
        """Let one that was recorded since be found by its natural key, too."""
        from sloth_state.things import kind_of, natural_key

        key = natural_key(resource)
        if self._by_key is not None and key is not None:
            identities = self._by_key.setdefault((kind_of(resource.type), key), [])
            identities.append((resource.type, resource.name))

    def drop(self, run: ActiveRun, identity: Identity) -> None:
        """One is recorded no more."""
        self._all(run).pop(identity, None)

    def _all(self, run: ActiveRun) -> dict[Identity, Resource]:
        if self._resources is None:
            self._resources = {(each.type, each.name): each for each in run.resources()}
        return self._resources
