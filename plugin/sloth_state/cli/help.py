"""`-h` and `--help`, the same for every group and command.

Click would add a `--help` of its own, and for every command on the line look its text up in
message catalogues, which takes a thirtieth of the time of a short command.
"""

from __future__ import annotations

import click

from sloth_state.cli.failures import write_output


def _show_help(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        write_output(f"{context.get_help()}\n")
        context.exit()


help_option = click.option(
    "-h",
    "--help",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_help,
    help="Show this message and exit.",
)
"""A decorator for the function of a command, or for the command itself."""
