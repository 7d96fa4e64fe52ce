"""Commands that installed plugins add to the command line."""

from __future__ import annotations

import click


def plugin_commands() -> dict[str, click.Command]:
    """Commands of plugins by name; of several with one name the first counts.

    A plugin that fails is reported on stderr and left aside.
    """
    from sloth_runner.plugins import Plugins

    commands: dict[str, click.Command] = {}
    for command in Plugins(_report).cli_commands():
        commands.setdefault(command.name, command)
    return commands


def _report(what: str) -> None:
    click.echo(f"Note: {what}", err=True)
