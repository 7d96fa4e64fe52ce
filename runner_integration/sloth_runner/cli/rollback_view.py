"""How a rollback or a reconcile is shown: before it is done, and after."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from sloth_state.cli.text import counted, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sloth_runner.restoring import Restoration
    from sloth_state.cli.app import App
    from sloth_state.model import Json, Run
    from sloth_state.rollback import RollbackPlan, RollbackStep
    from sloth_state.store import Store


class RestorationView:
    """The lines and the JSON of one restoration."""

    def __init__(self, app: App, store: Store, restoration: Restoration) -> None:
        from sloth_state.cli.change_view import ChangeView, kept_text

        self._app = app
        self._restoration = restoration
        kept = partial(kept_text, store, also=restoration.contents)
        self._view = ChangeView(kept, colour=app.colour)

    @property
    def doing(self) -> str:
        return "rolling back" if self._restoration.is_rollback else "reconciling"

    @property
    def _heading(self) -> str:
        newest, target, *_ = self._restoration
        name = printable(newest.workflow)
        if self._restoration.is_rollback:
            return f"Rollback of {name}: from v{newest.version} to v{target.version}"
        return f"Reconcile {name} with v{target.version}"

    def lines(self) -> Iterator[str]:
        plan = self._restoration.plan
        yield self._app.strong(self._heading)
        if plan.is_empty:
            yield f"Nothing to do: {counted(plan.unchanged, 'resource')} as they shall be"
        yield from self._part("", [s for s in plan.steps if s.changes_the_world])
        records = [s for s in plan.steps if s.kind.value in ("record", "forget")]
        yield from self._part(
            "Already so in reality; only the record changes:",
            [step for step in records if not step.record_only],
        )
        yield from self._part(
            "Record only (no provider; reality stays as it is):",
            [step for step in records if step.record_only],
        )
        yield from self._kept([step for step in plan.steps if step.irreversible])
        if plan.unreadable:
            yield ""
            yield "Cannot be read, so nothing will be done:"
            for reading in plan.unreadable:
                identity = f"{reading.resource.type}/{reading.resource.name}"
                yield f"  ? {printable(identity)}: {printable(reading.error or '')}"
        if not plan.is_empty:
            yield ""
            yield _counts(plan)

    def _part(self, heading: str, steps: Sequence[RollbackStep]) -> Iterator[str]:
        if not steps:
            return
        yield ""
        if heading:
            yield heading
        for line in self._view.lines([step.change for step in steps]):
            yield f"  {line}"

    def _kept(self, steps: Sequence[RollbackStep]) -> Iterator[str]:
        if not steps:
            return
        yield ""
        yield "Cannot be undone, so it stays:"
        for step in steps:
            identity = printable(f"{step.resource.type}/{step.resource.name}")
            yield f"  ! {identity}: {printable(step.irreversible or '')}"

    def shape(self) -> dict[str, Json]:
        from sloth_state.shapes import change_shape

        newest, target, _, plan, *_ = self._restoration
        return {
            "workflow": newest.workflow,
            "from": newest.version,
            "to": target.version,
            "steps": [
                {
                    **change_shape(step.change),
                    "action": step.kind.value,
                    "record_only": step.record_only,
                    "irreversible": step.irreversible,
                }
                for step in plan.steps
            ],
            "unchanged": plan.unchanged,
            "unreadable": [
                {"type": r.resource.type, "name": r.resource.name, "error": r.error}
                for r in plan.unreadable
            ],
        }

    def done(self, finished: Run) -> str:
        target = self._restoration.target
        name, version = printable(finished.name), f"version {finished.version}"
        if self._restoration.is_partial:
            name += ": what --target names"
        if self._restoration.is_rollback:
            status = self._app.word("rolled_back", {"rolled_back": "magenta"})
            return f"{name} is back at v{target.version} ({status}), recorded as {version}"
        return f"{name} is as v{target.version} says again, recorded as {version}"


def _counts(plan: RollbackPlan) -> str:
    """ "1 to create, 0 to update, 2 to delete, 1 in the record alone, 3 unchanged"."""
    kinds = [step.kind.value for step in plan.steps]
    text = ", ".join(f"{kinds.count(kind)} to {kind}" for kind in ("create", "update", "delete"))
    records = kinds.count("record") + kinds.count("forget")
    for number, words in ((records, "in the record alone"), (kinds.count("keep"), "not undone")):
        if number:
            text += f", {number} {words}"
    return f"{text}, {plan.unchanged} unchanged"
