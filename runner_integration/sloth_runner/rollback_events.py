"""What the script and plugins are told of a rollback."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sloth_runner.errors import RollbackRefused
from sloth_runner.events import AfterRollback, BeforeRollback

if TYPE_CHECKING:
    from sloth_runner.restoring import Restoration
    from sloth_runner.world import World
    from sloth_state.model import Run


async def ask_hooks(world: World, restoration: Restoration) -> None:
    """Let the script and plugins refuse a rollback. Raises RollbackRefused with their reason."""
    newest, target, _, plan, *_ = restoration
    facts = _facts(restoration)
    reason = await world.tell(world.version(newest), "before_rollback", facts)
    event = BeforeRollback(newest.workflow, newest.version, target.version, plan.steps)
    refusals = [reason] if reason else world.plugins.refusals(datetime.now(UTC), event)
    if refusals:
        raise RollbackRefused(newest.workflow, refusals[0])


def tell_after(world: World, restoration: Restoration, finished: Run) -> None:
    """Tell views, plugins and the script that a rollback is over, however it ended."""
    newest, target, *_ = restoration
    world.emit(
        AfterRollback(
            newest.workflow, newest.version, target.version, finished.version, finished.status
        )
    )
    facts = {
        **_facts(restoration),
        "version": finished.version,
        "status": finished.status.value,
        "error": finished.error_msg,
    }

    world.run(world.tell(world.version(newest), "after_rollback", facts))


def _facts(restoration: Restoration) -> dict[str, Any]:
    newest, target, _, plan, *_ = restoration
    return {
        "workflow": newest.workflow,
        "from_version": newest.version,
        "to_version": target.version,
        "steps": [
            {"action": step.kind.value, "type": step.resource.type, "name": step.resource.name}
            for step in plan.steps
        ],
    }
