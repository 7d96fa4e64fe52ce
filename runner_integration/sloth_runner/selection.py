"""Which workflow of a file, and which of its tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_runner.errors import DefinitionError
from sloth_state.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sloth_runner.workflow import Workflow

_MOST_NAMED = 20


def choose_workflow(workflows: Sequence[Workflow], path: str, wanted: str | None) -> Workflow:
    """The one that is named, or the only one. Raises UsageError otherwise."""
    names = [workflow.name for workflow in workflows]
    if wanted is None and len(workflows) > 1:
        raise UsageError(
            f"{path} defines {len(workflows)} workflows: {', '.join(names)}",
            hint=f"Choose one: --workflow {names[0]}",
        )
    chosen = names[0] if wanted is None else wanted
    if chosen not in names:
        raise UsageError(
            f"{path} defines no workflow {chosen!r}",
            hint=_nearest_or_all(chosen, names, "It has"),
        )
    return workflows[names.index(chosen)]


def _nearest_or_all(name: str, known: Sequence[str], these: str) -> str:
    from sloth_state.references import nearest

    if similar := nearest(name, known):
        return f"Did you mean {' or '.join(similar)}?"
    more = ", …" if len(known) > _MOST_NAMED else ""
    return f"{these}: {', '.join(known[:_MOST_NAMED])}{more}"


def check_runnable(workflow: Workflow) -> None:
    """Raise DefinitionError if the file asks for something that cannot be done."""
    if workflow.problems:
        first, *others = workflow.problems
        more = f" There are {len(others)} more: sloth-runner validate lists them." if others else ""
        raise DefinitionError(first, hint=f"Take it out, or correct its name.{more}")


def left_out(workflow: Workflow, only: Sequence[str], skip: Sequence[str]) -> set[str]:
    """The tasks that --only and --skip leave out. Raises UsageError for unknown names."""
    tasks = {task.name: task for task in workflow.tasks}
    for name in (*only, *skip):
        if name not in tasks:
            raise UsageError(
                f"the workflow {workflow.name} has no task {name!r}",
                hint=_nearest_or_all(name, list(tasks), "Its tasks are"),
            )
    if not only:
        return set(skip)
    wanted: set[str] = set()
    pending = list(only)
    while pending:
        name = pending.pop()
        if name not in wanted:
            wanted.add(name)
            pending.extend(tasks[name].depends_on)
    return (set(tasks) - wanted) | set(skip)
