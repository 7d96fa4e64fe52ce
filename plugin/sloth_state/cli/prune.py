"""`state workflow prune`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from sloth_state.cli.complete import complete_workflow
from sloth_state.cli.options import AtLeast, force_option, shared_options
from sloth_state.cli.text import counted, printable
from sloth_state.errors import LockHeld, UsageError
from sloth_state.healing import why_abandoned, workflow_lock
from sloth_state.processes import is_dead
from sloth_state.references import newest_run, resolve
from sloth_state.retention import plan_pruning, prune

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sloth_state.cli.app import App
    from sloth_state.model import Json
    from sloth_state.retention import Pruning
    from sloth_state.store import Store

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Age(click.ParamType[timedelta]):
    """A number with its unit: 30m, 12h, 90d, 4w."""

    name = "age"

    def convert(self, value: Any, _param: Any, _context: Any) -> timedelta:
        found = re.fullmatch(r"(\d{1,5})([mhdw])", str(value))
        if found is None:
            raise UsageError(f"{value!r} is no age", hint="Write it as 30m, 12h, 90d or 4w.")
        return timedelta(**{_UNITS[found[2]]: int(found[1])})


@click.command("prune")
@click.argument("ref", metavar="[NAME]", required=False, shell_complete=complete_workflow)
@click.option("--keep", type=AtLeast(1), metavar="N", help="Keep the newest N.")
@click.option("--older-than", type=Age(), metavar="AGE", help="Keep those younger than 90d, say.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@force_option
@shared_options
def command(
    app: App,
    *,
    ref: str | None,
    keep: int | None,
    older_than: timedelta | None,
    dry_run: bool,
    force: bool,
) -> None:
    """Drop old versions of a workflow, or of all, after asking.

    A version goes if it is not among the newest N and older than AGE. The newest one, the last
    that succeeded, the last rollback and the one that the newest rollback went to, tagged ones,
    those that run and those with unsettled operations always stay, and so does all of a workflow
    that is locked. What stays can be shown whole, compared, rolled back to and verified as before.
    The file keeps its size; the room in it is used again.
    """
    if keep is None and older_than is None:
        raise UsageError("say what may go, with --keep or --older-than or both")
    store = app.store()
    before = None if older_than is None else datetime.now(UTC) - older_than
    names = [_workflow(store, ref)] if ref is not None else _unlocked(app, store)
    plans = [plan_pruning(store, name, keep=keep, before=before) for name in names]
    doing = [plan for plan in plans if plan.dropped]
    if dry_run or not doing:
        _emit(app, plans, "would go")
        return
    if not force:
        about = "\n".join(_lines(plans, "would go"))
        app.confirm("Drop them?", about=about, doing="dropping versions")
    done = []
    for plan in doing:
        try:
            done.append(prune(store, plan, app.actor, keep=keep, before=before))
        except LockHeld as held:
            if ref is not None:
                raise
            _say_left_alone(app, held)
    _emit(app, done, "dropped")


def _workflow(store: Store, ref: str) -> str:
    """The workflow of this name. Raises LockHeld if somebody works on it."""
    if newest_run(store, ref) is None:
        name = resolve(store, ref).name
        raise UsageError(f"{ref} is one version", hint=f"Name the workflow alone: {name}")
    lock = workflow_lock(store, ref)
    if lock is not None and why_abandoned(lock, is_dead) is None:
        raise LockHeld(lock)
    return ref


def _unlocked(app: App, store: Store) -> list[str]:
    """All workflows that nobody works on; of the others it is said that they are left alone."""
    names = []
    for name in store.workflow_names():
        try:
            names.append(_workflow(store, name))
        except LockHeld as held:
            _say_left_alone(app, held)
    return names


def _say_left_alone(app: App, held: LockHeld) -> None:
    app.say(f"Note: {printable(held.message)}; nothing of it goes")


def _emit(app: App, plans: Sequence[Pruning], verb: str) -> None:
    app.emit_object([_shape(plan) for plan in plans], lambda: _lines(plans, verb))


def _shape(plan: Pruning) -> dict[str, Json]:
    return {
        "workflow": plan.workflow,
        "dropped": list(plan.dropped),
        "kept": plan.kept,
        "spared": {str(version): why for version, why in plan.spared.items()},
    }


def _lines(plans: Sequence[Pruning], verb: str) -> Iterator[str]:
    for plan in plans:
        if plan.dropped:
            name = printable(plan.workflow)
            yield f"{name}: {verb}: {ranges(plan.dropped)}; {counted(plan.kept, 'version')} kept"
            for version, why in plan.spared.items():
                yield f"  {version} stays: {printable(why)}"
    total = sum(len(plan.dropped) for plan in plans)
    yield f"{counted(total, 'version')} {verb}" if total else "No version is old enough to go"


def ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers in short: "1-3, 5"."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and parts[-1][-1] == number - 1:
            parts[-1][1:] = [number]
        else:
            parts.append([number])
    return ", ".join("-".join(map(str, part)) for part in parts)
