"""What other packages can add, through pluggy.

A package names its plugin in the entry-point group `sloth_runner` and marks its functions with
`sloth_runner.hookimpl`. A plugin that fails is reported and left aside; it never ends a run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from datetime import datetime

    import click

    from sloth_runner.events import (
        AfterRollback,
        BeforeRollback,
        DriftDetected,
        EventDispatched,
        ResourceChanged,
        RunFinished,
        RunStarted,
        TaskFinished,
    )
    from sloth_runner.host.module import LuaModule
    from sloth_runner.resources.python_providers import Provider
    from sloth_runner.session import Session

hookspec = pluggy.HookspecMarker("sloth_runner")
hookimpl = pluggy.HookimplMarker("sloth_runner")


@hookspec
def sloth_lua_modules(session: Session) -> list[LuaModule]:  # type: ignore[empty-body]
    """Modules that scripts see as globals. Called once for each script that is loaded."""


@hookspec
def sloth_providers(session: Session) -> list[Provider]:  # type: ignore[empty-body]
    """Types of resources that scripts can declare. Called when a script uses one Lua lacks."""


@hookspec
def sloth_cli_commands() -> list[click.Command]:  # type: ignore[empty-body]
    """Further commands of `sloth-runner`. A name that it has already is not replaced."""


@hookspec
def sloth_run_started(at: datetime, event: RunStarted) -> None:
    """The lock is taken and the run exists in the store."""


@hookspec
def sloth_task_finished(at: datetime, event: TaskFinished) -> None:
    """A task is over and recorded."""


@hookspec
def sloth_event_dispatched(at: datetime, event: EventDispatched) -> None:
    """A script dispatched an event, and it is recorded."""


@hookspec
def sloth_resource_changed(at: datetime, event: ResourceChanged) -> None:
    """A resource was recorded or removed."""


@hookspec
def sloth_drift_detected(at: datetime, event: DriftDetected) -> None:
    """A check found that reality is not as recorded."""


@hookspec
def sloth_before_rollback(at: datetime, event: BeforeRollback) -> str | None:
    """A rollback is about to begin. A text that is returned refuses it, and is the reason."""


@hookspec
def sloth_after_rollback(at: datetime, event: AfterRollback) -> None:
    """A rollback is finalised in the store."""


@hookspec
def sloth_run_finished(at: datetime, event: RunFinished) -> None:
    """The run is finalised in the store."""
