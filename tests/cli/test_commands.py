"""The tables of commands agree with the commands they point to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import click
import pytest

import sloth_state.cli
from sloth_runner.cli.root import root
from sloth_state.cli.lazy import LazyCommand, LazyGroup


def tables(group: LazyGroup) -> Iterator[Mapping[str, LazyCommand]]:
    """The table of a group, and those of the groups in it."""
    yield group.lazy_commands
    for lazy in group.lazy_commands.values():
        command = lazy.load()
        if isinstance(command, LazyGroup):
            yield from tables(command)


assert isinstance(root, LazyGroup)
TABLES = list(tables(root))
LEAVES = [lazy for table in TABLES for lazy in table.values()]


@pytest.mark.parametrize("lazy", LEAVES, ids=lambda lazy: lazy.target)
def test_a_command_says_of_itself_what_the_table_says(lazy: LazyCommand) -> None:
    assert lazy.load().get_short_help_str(limit=200) == lazy.summary


@pytest.mark.parametrize("lazy", LEAVES, ids=lambda lazy: lazy.target)
def test_every_command_takes_the_shared_options(lazy: LazyCommand) -> None:
    command = lazy.load()
    if isinstance(command, LazyGroup) or command.name == "completion":
        return
    flags = {flag for option in command.params for flag in option.opts}
    assert {"-o", "--output", "--state", "--no-color", "-h", "--help"} <= flags


def test_the_names_in_the_table_are_those_of_the_commands() -> None:
    assert len(TABLES) == 4  # of sloth-runner, state, workflow, tags
    for table in TABLES:
        assert {name: lazy.load().name for name, lazy in table.items()} == {
            name: name for name in table
        }


def test_every_option_has_a_help_text() -> None:
    silent = [
        f"{lazy.target} {option.name}"
        for lazy in LEAVES
        for option in lazy.load().params
        if isinstance(option, click.Option) and not option.help
    ]
    assert silent == []


def test_the_public_names() -> None:
    assert sloth_state.cli.__all__ == sorted(sloth_state.cli.__all__)
    assert sloth_state.cli.__all__ == [
        "App",
        "Column",
        "Declined",
        "LazyCommand",
        "LazyGroup",
        "OutputFailed",
        "render_error",
        "run_cli",
        "shared_options",
    ]
