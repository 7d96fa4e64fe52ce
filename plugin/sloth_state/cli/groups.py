"""The `state` and `state workflow` groups: the names of their commands, and where those are.

Commands that read or change real things need providers, so the runner adds them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sloth_state.cli.lazy import LazyCommand, LazyGroup

if TYPE_CHECKING:
    from collections.abc import Mapping

WORKFLOW_COMMANDS = {
    "list": LazyCommand("sloth_state.cli.list_runs:command", "List runs, newest first."),
    "show": LazyCommand("sloth_state.cli.show:command", "Show one run whole."),
    "versions": LazyCommand("sloth_state.cli.versions:command", "List a workflow's versions."),
    "resources": LazyCommand("sloth_state.cli.resources:command", "List a version's resources."),
    "outputs": LazyCommand(
        "sloth_state.cli.outputs:command", "Print a run's outputs, or the one of KEY."
    ),
    "delete": LazyCommand(
        "sloth_state.cli.delete:command", "Delete a workflow's records, never the real things."
    ),
    "tags": LazyCommand("sloth_state.cli.tags:group", "Add, remove and list tags of runs."),
    "locks": LazyCommand("sloth_state.cli.locks:locks_command", "List the locks that are held."),
    "unlock": LazyCommand(
        "sloth_state.cli.locks:unlock_command", "Take a lock away from its holder."
    ),
    "audit": LazyCommand(
        "sloth_state.cli.audit:command", "Show who did what to the state, newest first."
    ),
    "prune": LazyCommand(
        "sloth_state.cli.prune:command", "Drop old versions of a workflow, or of all, after asking."
    ),
    "export": LazyCommand(
        "sloth_state.cli.exporting:command", "Write a workflow's whole history to a file."
    ),
    "import": LazyCommand(
        "sloth_state.cli.importing:command", "Add a history that was exported, here or elsewhere."
    ),
    "backup": LazyCommand(
        "sloth_state.cli.backup:command", "Copy the whole store while it is used."
    ),
    "restore": LazyCommand(
        "sloth_state.cli.restore:command", "Put a backup in the place of the store."
    ),
    "search": LazyCommand(
        "sloth_state.cli.search:command", "Find TEXT in the newest version of every workflow."
    ),
    "stats": LazyCommand("sloth_state.cli.stats:command", "Show how much the store holds."),
    "verify": LazyCommand("sloth_state.cli.verify:command", "Check the whole store for damage."),
    "repair": LazyCommand(
        "sloth_state.cli.repair:command",
        "Mend what is damaged in the store, as far as that can be done.",
    ),
}


def workflow_group(commands: Mapping[str, LazyCommand]) -> click.Group:
    """The group `workflow` with these commands."""

    @click.group("workflow", cls=LazyGroup, lazy_commands=commands)
    def workflow() -> None:
        """Look at and manage workflow state.

        REF is a workflow's name (its newest run), name@N or name-vN (version N), a run id, or the
        beginning of one.
        """

    return workflow


def state_group(workflow: LazyCommand) -> click.Group:
    """The group `state`, which holds the group `workflow`."""

    @click.group("state", cls=LazyGroup, lazy_commands={"workflow": workflow})
    def state() -> None:
        """Look at and manage the state store."""

    return state
