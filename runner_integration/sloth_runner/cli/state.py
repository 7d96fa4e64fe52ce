"""`state workflow`: the commands of the state plugin, and those that need providers."""

from __future__ import annotations

from sloth_state.cli.groups import WORKFLOW_COMMANDS, state_group, workflow_group
from sloth_state.cli.lazy import LazyCommand

_BEFORE = ("list", "show", "versions")

_LIVE_COMMANDS = {
    "adopt": LazyCommand(
        "sloth_runner.cli.adopt:command", "Take an existing thing into the state, as it is."
    ),
    "diff": LazyCommand(
        "sloth_runner.cli.diff:command",
        "Show what differs between two versions, or between one and reality.",
    ),
    "drift": LazyCommand(
        "sloth_runner.cli.drift:command", "Compare what is recorded with reality, changing nothing."
    ),
    "mv": LazyCommand(
        "sloth_runner.cli.surgery:mv_command",
        "Give a resource's record another name, or move it to another workflow.",
    ),
    "reconcile": LazyCommand(
        "sloth_runner.cli.rollback:reconcile_command",
        "Put back what drifted from the newest version.",
    ),
    "recover": LazyCommand(
        "sloth_runner.cli.recover:command",
        "Find out what killed runs left half-done, and record it.",
    ),
    "rm": LazyCommand(
        "sloth_runner.cli.surgery:rm_command",
        "Forget a resource, never touching the real thing.",
    ),
    "rollback": LazyCommand(
        "sloth_runner.cli.rollback:rollback_command",
        "Bring the world back to what it was at VERSION.",
    ),
}

workflow = workflow_group(
    {
        **{name: WORKFLOW_COMMANDS[name] for name in _BEFORE},
        **_LIVE_COMMANDS,
        **WORKFLOW_COMMANDS,
    }
)
state = state_group(
    LazyCommand("sloth_runner.cli.state:workflow", "Look at and manage workflow state.")
)
