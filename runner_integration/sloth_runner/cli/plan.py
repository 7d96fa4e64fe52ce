"""`sloth-runner plan`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from sloth_runner.cli.options import (
    given_secrets,
    given_values,
    script_options,
    secrets_option,
    selection_options,
    values_options,
)
from sloth_state.cli.options import shared_options
from sloth_state.cli.text import counted, printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from tempfile import TemporaryDirectory

    from sloth_runner.planner import Planned
    from sloth_runner.planning import Plan, PlannedChange, PlannedEffect
    from sloth_runner.resources.pruning import Undeclared
    from sloth_state.cli.app import App
    from sloth_state.cli.change_view import ChangeView
    from sloth_state.model import Json
    from sloth_state.store import Store

CHANGES_FOUND = 5
"""The exit code of --exit-code."""
_MOST_UNCHANGED = 50
"""Lines of resources that stay as they are; the rest is counted."""
_MOST_UNDECLARED = 20
"""The same for resources that are no longer declared."""


@click.command("plan", short_help="Show what a run would do, changing nothing.")
@script_options
@values_options
@secrets_option
@selection_options
@click.option("--details", is_flag=True, help="Also what created and deleted resources consist of.")
@click.option("--exit-code", is_flag=True, help=f"Exit with {CHANGES_FOUND} if resources change.")
@click.option("--out", metavar="PLAN", help="Write the plan to a file, for: run --plan PLAN.")
@shared_options
def command(
    app: App,
    *,
    target: str | None,
    file: str | None,
    workflow: str | None,
    values_files: tuple[str, ...],
    assignments: tuple[str, ...],
    secrets_files: tuple[str, ...],
    only: tuple[str, ...],
    skip: tuple[str, ...],
    prune: bool,
    details: bool,
    exit_code: bool,
    out: str | None,
) -> None:
    """Show what running FILE would do to resources, changing nothing.

    Tasks run, providers read reality, and all that would change something is left undone and
    listed: commands, written files, records. What such a command would have printed is
    "(known after run)".
    """
    from sloth_runner.cli.options import run_request, warnings_only
    from sloth_runner.planner import plan_file
    from sloth_runner.planning import Plan

    request = run_request(
        target, file, workflow, given_values(values_files, assignments), only, skip, prune
    )._replace(secrets=given_secrets(secrets_files))
    plan = Plan()
    with readable_store(app) as store:
        writer = PlanWriter(app, store, plan, details=details)
        planned = plan_file(store, request, plan, writer.tell, [warnings_only(app)])
        writer.finish(planned)
    if out is not None:
        from sloth_runner.plan_files import save_plan

        save_plan(out, request, planned)
    if planned.failure is not None:
        raise planned.failure
    if exit_code and changes_anything(planned.plan):
        raise click.exceptions.Exit(CHANGES_FOUND)


@contextmanager
def readable_store(app: App) -> Iterator[Store]:
    """The store, which nothing is written to; an empty one, elsewhere, if there is none yet."""
    from sloth_state.errors import StoreMissing
    from sloth_state.open import open_store

    try:
        yield app.store(upgrade=False, heal=False, make_default=False)
    except StoreMissing:
        with _temporary_folder() as folder, open_store(f"{folder}/state.db") as empty:
            yield empty


def _temporary_folder() -> TemporaryDirectory[str]:
    from tempfile import TemporaryDirectory

    from sloth_runner.errors import WorkflowError

    try:
        return TemporaryDirectory()
    except OSError as error:
        raise WorkflowError(
            f"there is no folder for temporary files: {error.strerror}",
            hint="Name one that can be written to with TMPDIR.",
        ) from None


def changes_anything(plan: Plan) -> bool:
    """Whether a resource would be created, changed or deleted."""
    return any(each.change.action != "noop" for each in plan.changes)


class PlanWriter:
    """Prints a plan: line by line as it is found, or at its end as one JSON object."""

    def __init__(self, app: App, store: Store, plan: Plan, *, details: bool = False) -> None:
        self._plan = plan
        self._app = app
        self._store = store
        self._details = details
        self._unchanged = 0

    def tell(self, found: PlannedChange | PlannedEffect) -> None:
        """One part of the plan."""
        if not self._app.json:
            self._app.write_lines(self._lines(found))

    def lines(self, planned: Planned) -> Iterator[str]:
        """A whole plan at once, changes before effects."""
        for change in planned.plan.changes:
            yield from self._lines(change)
        for effect in planned.plan.effects:
            yield from self._lines(effect)
        yield from self._summary(planned)

    def finish(self, planned: Planned) -> None:
        """What comes after all of them."""
        self._app.emit_object(plan_shape(planned), lambda: self._summary(planned))

    def _view(self) -> ChangeView:
        from sloth_state.cli.change_view import ChangeView

        return ChangeView(
            self._kept_text, colour=self._app.colour, details=self._details, unchanged=True
        )

    def _kept_text(self, hash: str) -> str | None:
        from sloth_state.cli.change_view import kept_text

        return kept_text(self._store, hash, also=self._plan.contents)

    def _lines(self, found: PlannedChange | PlannedEffect) -> Iterator[str]:
        from sloth_runner.planning import PlannedEffect

        if isinstance(found, PlannedEffect):
            where = f"  on {printable(found.host)}" if found.host else ""
            yield f"> would run  {found.operation}  {printable(found.detail)}".rstrip() + where
            return
        if found.change.action == "noop":
            self._unchanged += 1
            if self._unchanged > _MOST_UNCHANGED:
                return
        for number, line in enumerate(self._view().lines([found.change])):
            yield f"{line}  (record only)" if found.record_only and number == 0 else line

    def _summary(self, planned: Planned) -> Iterator[str]:
        plan = planned.plan
        if self._unchanged > _MOST_UNCHANGED:
            yield f"= … and {self._unchanged - _MOST_UNCHANGED:,} more unchanged"
        if plan.undeclared:
            yield ""
            yield "No longer declared" + (":" if plan.prunes else " (--prune deletes them):")
            yield from (f"  - {_identity(each)}" for each in plan.undeclared[:_MOST_UNDECLARED])
            if len(plan.undeclared) > _MOST_UNDECLARED:
                yield f"  … and {len(plan.undeclared) - _MOST_UNDECLARED:,} more"
        # The error that ends the command has room for the first one only.
        if planned.failure is not None and len(planned.failure.failures) > 1:
            yield ""
            yield "Could not be planned:"
            for task, why in planned.failure.failures.items():
                yield f"  ✗ {printable(task)}  {printable(why)}"
        yield ""
        yield f"{printable(planned.workflow)}: {_counts(plan)}"


def _identity(each: Undeclared) -> str:
    return printable(f"{each.resource.type}/{each.resource.name}  {each.note}".rstrip())


def _counts(plan: Plan) -> str:
    """ "2 to create, 1 to update, 0 to delete, 7 unchanged; 3 effects to run"."""
    counts = plan.counts()
    text = (
        f"{counts['create']} to create, {counts['update']} to update, "
        + (f"{counts['replace']} to replace, " if counts["replace"] else "")
        + f"{counts['delete']} to delete, {counts['noop']} unchanged"
    )
    if plan.effects:
        text += f"; {counted(len(plan.effects), 'effect')} to run"
    return text


def plan_shape(planned: Planned) -> dict[str, Json]:
    """A plan as one JSON object."""
    from sloth_state.shapes import change_shape

    plan = planned.plan
    return {
        "workflow": planned.workflow,
        "version": planned.newest.version if planned.newest else None,
        "changes": [
            {**change_shape(each.change), "task": each.task, "record_only": each.record_only}
            for each in plan.changes
        ],
        "effects": [_effect_shape(each) for each in plan.effects],
        "undeclared": [f"{each.resource.type}/{each.resource.name}" for each in plan.undeclared],
        "summary": dict(plan.counts()),
        "error": planned.failure.message if planned.failure else None,
        "failures": dict(planned.failure.failures) if planned.failure else {},
    }


def _effect_shape(effect: PlannedEffect) -> dict[str, Json]:
    """With its `host` only if that is another machine."""
    shape: dict[str, Json] = dict(effect._asdict())
    if effect.host is None:
        del shape["host"]
    return shape
