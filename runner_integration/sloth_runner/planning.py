"""What a run would do, found out by running the tasks without their effects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sloth_runner.planned_run import PlannedRun
from sloth_runner.resources.decisions import Verb
from sloth_state.changes import KNOWN_AFTER_RUN, ResourceChange, change_of
from sloth_state.differences import differences
from sloth_state.sensitive import declared_list
from sloth_state.values import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sloth_runner.active_run import ActiveRun
    from sloth_runner.resources.decisions import Decision
    from sloth_runner.resources.pruning import Undeclared
    from sloth_runner.session import TaskContext
    from sloth_state.model import Resource


_DELEGATED = ("exec.run", "os.execute", "io.popen")
"""What a delegated task runs on its machine."""


class PlannedChange(NamedTuple):
    """What would become of one resource."""

    change: ResourceChange
    task: str | None
    record_only: bool = False
    """The script would only record it (`state.resource`); no provider changes anything."""


class PlannedEffect(NamedTuple):
    """Something that would be run and was not."""

    task: str | None
    operation: str
    detail: str
    host: str | None = None
    """The machine that it would be run on; None for this one."""


class Plan:
    """Collects what a run would do; `on_found` is told of each part as it is found."""

    def __init__(self) -> None:
        self.changes: list[PlannedChange] = []
        self.effects: list[PlannedEffect] = []
        self.undeclared: list[Undeclared] = []
        """Resources that the script no longer declares and that stay."""
        self.prunes = False
        """Those that it no longer declares go, but for these."""
        self.contents: dict[str, bytes] = {}
        """Contents of files, new ones and those they would replace, by SHA-256."""
        self._declared: dict[tuple[str, str], PlannedChange] = {}
        self.on_found: Callable[[PlannedChange | PlannedEffect], None] = lambda _found: None

    def add(self, change: PlannedChange) -> None:
        self.changes.append(change)
        self.on_found(change)

    def add_effect(self, context: TaskContext, operation: str, arguments: Sequence[object]) -> None:
        """An operation with effects that the script called in a task, or at its top level."""
        detail = "" if not arguments else _one_line(arguments[0])
        host = context.host if operation in _DELEGATED else None
        effect = PlannedEffect(context.name, operation, detail, host)
        self.effects.append(effect)
        self.on_found(effect)

    def declare(
        self,
        run: ActiveRun,
        identity: tuple[str, str],
        decision: Decision,
        declaration: Mapping[str, Any],
        actual: Mapping[str, Any] | None,
    ) -> tuple[str, str]:
        """Note what would become of a declared resource; the answer of `resource.decide`."""
        assert isinstance(run, PlannedRun)
        attributes = {**(actual or {}), **decision.wanted}
        run.plan_resource(*identity, attributes, declaration)
        shown = decision.differences
        if decision.verb is Verb.CREATE:
            shown = differences({}, decision.wanted)
        change = ResourceChange(
            *identity, decision.verb.value, tuple(shown), tuple(declaration["sensitive"])
        )
        self._declared[identity] = PlannedChange(change, declaration["task"])
        unknown = None if decision.verb is Verb.NOOP else KNOWN_AFTER_RUN
        return "planned", to_json({"action": decision.verb.value, "unknown": unknown})

    def note_unchanged(
        self, identity: tuple[str, str], sensitive: Sequence[str], task: str | None
    ) -> None:
        """Note a declared resource that is just as it was recorded."""
        change = ResourceChange(*identity, "noop", (), tuple(sorted(sensitive)))
        self.add(PlannedChange(change, task))

    def as_planned(self, run: ActiveRun, identity: tuple[str, str]) -> Resource:
        """A declared resource as it would be recorded."""
        planned = run.resource(*identity)
        assert planned is not None, "it was declared"
        return planned

    def tell(self, run: ActiveRun, identity: tuple[str, str], contents: Sequence[bytes]) -> None:
        """Tell of a declared resource, with which its provider would keep these contents.

        Raises WorkflowError if a run would refuse to keep them, for a secret in them.
        """
        declared = self._declared.pop(identity)
        if declared.change.action != "noop":
            run.secrets.refuse_in_clear(self.as_planned(run, identity), contents)
        self.add(declared)

    def record(self, before: Resource | None, after: Resource, task: str | None) -> None:
        """Note a resource that the script would record by itself."""
        change = change_of((after.type, after.name), before, after)
        self.add(PlannedChange(change, task, record_only=True))

    def delete(self, resource: Resource, task: str | None, *, record_only: bool) -> None:
        """Note a resource that would be deleted, or only forgotten."""
        gone = tuple(differences(resource.attributes, {}))
        sensitive = declared_list(resource, "sensitive")
        change = ResourceChange(resource.type, resource.name, "delete", gone, sensitive)
        self.add(PlannedChange(change, task, record_only))

    def counts(self) -> dict[str, int]:
        """How many resources would be created, updated, replaced, deleted and left as they are."""
        actions = [each.change.action for each in self.changes]
        return {
            verb: actions.count(verb) for verb in ("create", "update", "replace", "delete", "noop")
        }


def _one_line(value: object) -> str:
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return " ; ".join(line.strip() for line in text.strip().splitlines())[:200]
