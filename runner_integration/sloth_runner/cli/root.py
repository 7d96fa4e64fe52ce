"""The root of the command line: its own commands, and those of plugins."""

from __future__ import annotations

import os

import click

from sloth_state.cli import LazyCommand, LazyGroup
from sloth_state.cli.failures import write_output
from sloth_state.cli.main import PROGRAM
from sloth_state.errors import UsageError

COMMANDS = {
    "run": LazyCommand("sloth_runner.cli.run:command", "Run a workflow file and keep its state."),
    "plan": LazyCommand(
        "sloth_runner.cli.plan:command", "Show what a run would do, changing nothing."
    ),
    "validate": LazyCommand(
        "sloth_runner.cli.validate:command", "Check a workflow file without running it."
    ),
    "list": LazyCommand(
        "sloth_runner.cli.list_tasks:command", "List the workflows and tasks of a file."
    ),
    "init": LazyCommand(
        "sloth_runner.cli.init:command", "Write a first workflow file, and settings for editors."
    ),
    "state": LazyCommand("sloth_runner.cli.state:state", "Look at and manage the state store."),
    "completion": LazyCommand(
        "sloth_runner.cli.completion:command",
        "Print the script that makes a shell complete what is typed.",
    ),
}


class RootGroup(LazyGroup):
    """The built-in commands, and after them those of plugins."""

    def summaries(self) -> dict[str, str]:
        from sloth_runner.cli.plugin_commands import plugin_commands

        added = {name: command.get_short_help_str() for name, command in plugin_commands().items()}
        return {**added, **super().summaries()}

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        built_in = super().get_command(ctx, cmd_name)
        if built_in is not None:
            return built_in
        from sloth_runner.cli.plugin_commands import plugin_commands

        return plugin_commands().get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if os.path.isfile(args[0]):
                raise UsageError(
                    error.message, hint=f"To run the file: {PROGRAM} run {args[0]}"
                ) from None
            raise


def _print_version(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        from importlib.metadata import version

        write_output(f"{PROGRAM} {version(PROGRAM)}\n")
        context.exit()


@click.group(PROGRAM, cls=RootGroup, lazy_commands=COMMANDS)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version.",
)
@click.option("--state", metavar="URL", help="The state store.")
@click.option("--no-color", is_flag=True, help="Print no colours.")
def root(state: str | None, no_color: bool) -> None:
    """Run workflows written in Lua and keep track of what they did."""
