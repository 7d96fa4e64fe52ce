"""Resources that earlier versions had and a run no longer declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_runner.resources.reading import NO_FUNCTION, subject, workdir_of
from sloth_runner.session import TaskContext
from sloth_state.model import TaskStatus
from sloth_state.ordering import in_dependency_order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sloth_runner.active_run import ActiveRun
    from sloth_runner.driver import Driver
    from sloth_runner.task_records import TaskOutcome
    from sloth_state.model import Resource


def no_longer_declared(
    driver: Driver, run: ActiveRun, outcomes: Mapping[str, TaskOutcome]
) -> list[Resource]:
    """Those that no task of this run dealt with, in the order in which they would be deleted.

    A task that was not run cannot say what it would have declared, so what it declared before
    stays. Of resources that were only recorded nobody knows the task: they count only if all ran.
    """
    skipped = {
        name for name, outcome in outcomes.items() if outcome.status is not TaskStatus.SUCCESS
    }
    return in_dependency_order(
        [
            each
            for each in driver.session.declarations.untouched(run)
            if not (
                skipped if each.declaration is None else each.declaration.get("task") in skipped
            )
        ]
    )[::-1]


async def delete_all(driver: Driver, resources: Sequence[Resource]) -> None:
    """Delete real things one by one, each journaled. Raises what the first failing one raises.

    Resources that were only recorded are left alone: nobody knows how to delete them.
    """
    for resource in resources:
        if resource.declaration is not None:
            await perform(driver, "delete", resource)


async def perform(driver: Driver, verb: str, resource: Resource) -> None:
    """Bring one thing to the attributes that it has here (verb "put"), or "delete" it."""
    context = TaskContext(None, workdir_of(resource, driver.session))
    await driver.call("perform", NO_FUNCTION, context, {"verb": verb, **subject(resource)})
