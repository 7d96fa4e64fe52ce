"""Options and arguments that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import click

from sloth_state.cli.app import App
from sloth_state.cli.help import help_option

Command = TypeVar("Command", bound=Callable[..., Any])


class AtLeast(click.ParamType[int]):
    """A whole number from a lowest one on."""

    name = "number"

    def __init__(self, lowest: int) -> None:
        self._lowest = lowest

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        try:
            number = int(value)
        except ValueError:
            number = self._lowest - 1
        if number < self._lowest:
            self.fail(f"{value!r} is not a whole number from {self._lowest} on", param, ctx)
        return number


def shared_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --output, --state, --no-color and --help; hand the command the `App` they make as `app`.

    --state and --no-color also count when they stand before the command.
    """

    @click.option(
        "-o",
        "--output",
        "output_format",
        type=click.Choice(["table", "json"]),
        default="table",
        help="How data is printed.",
    )
    @click.option("--state", metavar="URL", help="The state store.")
    @click.option("--no-color", is_flag=True, help="Print no colours.")
    @help_option
    @click.pass_context
    @wraps(command)
    def with_app(
        context: click.Context,
        /,
        *,
        output_format: str,
        state: str | None,
        no_color: bool,
        **parameters: Any,
    ) -> Any:
        before = context.find_root().params
        app = App(
            state=state or before.get("state"),
            json=output_format == "json",
            no_color=no_color or bool(before.get("no_color")),
        )
        context.call_on_close(app.close)
        return command(app, **parameters)

    return with_app


def reference_argument(command: Command) -> Command:
    """Add REF: a name, name@N, name-vN, a run id or the beginning of one."""
    from sloth_state.cli.complete import complete_reference

    return click.argument("ref", metavar="REF", shell_complete=complete_reference)(command)


def show_sensitive_option(command: Command) -> Command:
    """Add --show-sensitive."""
    return click.option(
        "--show-sensitive",
        is_flag=True,
        help="Print sensitive values too; that is written to the audit trail.",
    )(command)


def force_option(command: Command) -> Command:
    """Add --force."""
    return click.option("--force", is_flag=True, help="Do it without asking.")(command)


def limit_option(command: Command) -> Command:
    """Add --limit, how many rows to show."""
    return click.option(
        "--limit",
        type=AtLeast(0),
        default=50,
        show_default=True,
        help="How many at most; 0 for all.",
    )(command)
