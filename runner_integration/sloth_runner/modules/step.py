"""The module `step`: pieces of a task that are done once in a run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import sloth_lua
from sloth_runner.errors import WorkflowError
from sloth_runner.host.module import LuaModule

if TYPE_CHECKING:
    from sloth_runner.session import Session
    from sloth_runner.steps import AttemptSteps


def step_module(session: Session) -> LuaModule:
    """`step`."""

    def steps() -> AttemptSteps:
        session.active_run("step")
        found = session.current.steps
        if found is None:
            raise WorkflowError(
                "step can be used in a task's command, pre_hook and post_hook only",
                hint="Conditions and other hooks are not part of a try of the task.",
            )
        return found

    return LuaModule(
        "step",
        sloth_lua.source("step"),
        {
            "step.begin": lambda name: steps().begin(name),
            "step.finish": lambda encoded: steps().finish(json.loads(encoded)),
            "step.fail": lambda: steps().fail(),
        },
    )
