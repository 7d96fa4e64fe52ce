"""What the state says of a workflow's resources, read once and kept true while a run goes on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sloth_state.model import Action, Resource
from sloth_state.recorded import already_made

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sloth_runner.active_run import ActiveRun
    from sloth_state.model import ResourceDraft
    from sloth_state.recorded import Identity, RecordedResources


class KnownResources:
    """The recorded resources of the workflow whose run goes on. Nobody else writes them then."""

    def __init__(self) -> None:
        self._resources: RecordedResources | None = None
        self._by_key: dict[tuple[str, str], list[Identity]] | None = None

    def use(self, resources: Mapping[Identity, Resource]) -> None:
        """Take these, without asking the store for all."""
        self._resources = already_made(resources)

    def of(self, run: ActiveRun) -> RecordedResources:
        """All of them, by type and name; not for changing."""
        if self._resources is None:
            self._resources = run.recorded()
        return self._resources

    def note(self, run: ActiveRun, resource: Resource) -> None:
        """One was recorded."""
        self.of(run)[resource.type, resource.name] = resource

    def expect(self, run: ActiveRun, draft: ResourceDraft) -> None:
        """One will be recorded in a moment, by which time it gets its id if it is new."""
        identity, now = (draft.type, draft.name), datetime.now(UTC)
        new = Resource("", *identity, Action.CREATE, "", {}, now, now)
        known = self.of(run).get(identity, new)
        self.of(run)[identity] = known._replace(
            attributes=draft.attributes, declaration=draft.declaration, updated_at=now
        )

    def of_thing(self, run: ActiveRun, type: str, key: str) -> list[Resource]:
        """Those that are recorded as the thing with this natural key.

        The one that was written last comes last; there are several only after a run that did not
        succeed. Another type may have recorded it if its things are of the same kind.
        """
        from sloth_state.things import kind_of, natural_key  # rare

        known = self.of(run)
        if self._by_key is None:
            self._by_key = {}
            for each in known.values():
                self.index(each.type, each.name, natural_key(each))
        identities = dict.fromkeys(self._by_key.get((kind_of(type), key), ()))
        found = [known[identity] for identity in identities if identity in known]
        return sorted(
            (each for each in found if natural_key(each) == key), key=lambda each: each.updated_at
        )

    def index(self, type: str, name: str, key: str | None) -> None:
        """Let one that was recorded since be found by its natural key, too."""
        if self._by_key is not None and key is not None:
            from sloth_state.things import kind_of

            self._by_key.setdefault((kind_of(type), key), []).append((type, name))

    def drop(self, run: ActiveRun, identity: Identity) -> None:
        """One is recorded no more."""
        self.of(run).pop(identity, None)
