"""A click group that imports a command when it is used, and not to list it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sloth_state.cli.help import help_option

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from click.shell_completion import CompletionItem


class LazyCommand:
    """Where a command is ("package.module:attribute") and what it does, in one line."""

    __slots__ = ("summary", "target")

    def __init__(self, target: str, summary: str) -> None:
        self.target = target
        self.summary = summary

    def load(self) -> click.Command:
        """Import the command."""
        from importlib import import_module

        module, _, attribute = self.target.partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command


class LazyGroup(click.Group):
    """A group whose commands stand in a table. Called without one, it shows its help and fails."""

    def __init__(
        self, name: str | None = None, *, lazy_commands: Mapping[str, LazyCommand], **options: Any
    ) -> None:
        super().__init__(name, **options)
        help_option(self)
        self.lazy_commands = lazy_commands

    def summaries(self) -> dict[str, str]:
        """One line about each command, in the order of the help."""
        return {name: command.summary for name, command in self.lazy_commands.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.summaries())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        lazy = self.lazy_commands.get(cmd_name)
        return lazy.load() if lazy else None

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), err=True)
            ctx.exit(2)
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        command = self.get_command(ctx, name)
        if command is None and not ctx.resilient_parsing:
            raise click.UsageError(_unknown(name, self.summaries()), ctx)
        return name if command else None, command, args[1:]

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            if error.ctx is None and ctx.invoked_subcommand is not None:  # as click's parser has it
                command = self.get_command(ctx, ctx.invoked_subcommand)
                assert command is not None
                error.ctx = click.Context(command, ctx, ctx.invoked_subcommand)
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(self.summaries().items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        from click.shell_completion import CompletionItem

        commands = [
            CompletionItem(name, help=summary)
            for name, summary in self.summaries().items()
            if name.startswith(incomplete)
        ]
        return commands + click.Command.shell_complete(self, ctx, incomplete)


def _unknown(name: str, known: Iterable[str]) -> str:
    from sloth_state.references import nearest

    similar = nearest(name, known)
    suggestion = f"; did you mean {' or '.join(similar)}?" if similar else ""
    return f"there is no command {name!r}{suggestion}"
