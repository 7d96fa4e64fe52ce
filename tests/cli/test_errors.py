"""Whatever goes wrong is told in one form, with the right exit code."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from typing import Any

import click
import pytest

from sloth_state.cli import LazyCommand, LazyGroup, render_error, run_cli
from sloth_state.errors import LockLost, SlothError, StoreBusy

Sloth = Callable[..., Any]
Captured = pytest.CaptureFixture[str]


def _command_raising(error: BaseException) -> click.Command:
    @click.command()
    @click.option("-o", "--output")
    def fail(output: str | None) -> None:
        raise error

    return fail


def test_an_error_is_a_sentence_and_a_hint(capsys: Captured) -> None:
    code = run_cli(_command_raising(SlothError("it broke", hint="Mend it.")), [])

    assert (code, *capsys.readouterr()) == (1, "", "Error: it broke\nHint: Mend it.\n")


@pytest.mark.parametrize("flags", [["-o", "json"], ["-ojson"], ["--output", "json"]])
def test_an_error_as_json_is_one_object(capsys: Captured, flags: list[str]) -> None:
    code = run_cli(_command_raising(StoreBusy("/s.db", "is busy")), flags)

    out, err = capsys.readouterr()
    assert (code, out) == (6, "")
    assert json.loads(err) == {
        "error": {
            "code": "store_busy",
            "message": "the state store /s.db is busy",
            "hint": None,
            "exit_code": 6,
        }
    }


def test_the_exit_code_is_that_of_the_error() -> None:
    assert run_cli(_command_raising(LockLost("web")), []) == 4


def test_an_excerpt_of_the_script_stands_between_sentence_and_hint(capsys: Captured) -> None:
    error = SlothError("ci.sloth:2: no such module", hint="Did you mean exec?")
    error.excerpt = "  2 | exce.run('make')"  # type: ignore[attr-defined]

    render_error(error, as_json=False)

    assert capsys.readouterr().err == (
        "Error: ci.sloth:2: no such module\n  2 | exce.run('make')\nHint: Did you mean exec?\n"
    )


def test_an_interrupt_exits_with_130(capsys: Captured) -> None:
    assert run_cli(_command_raising(KeyboardInterrupt()), []) == 130
    assert capsys.readouterr().err == "Error: interrupted by Ctrl-C\n"


def test_an_interrupt_that_another_error_hides_exits_with_130(capsys: Captured) -> None:
    hiding = RuntimeError("Error calling __set_name__ on a class that is imported")
    hiding.__cause__ = KeyboardInterrupt()
    assert run_cli(_command_raising(hiding), []) == 130
    assert capsys.readouterr().err == "Error: interrupted by Ctrl-C\n"


def test_a_bug_whose_causes_go_round_in_a_circle_is_reported_too(capsys: Captured) -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__context__, second.__context__ = second, first
    assert run_cli(_command_raising(first), []) == 1
    assert "This is a bug" in capsys.readouterr().err


def test_a_bug_keeps_its_traceback_and_asks_for_a_report(capsys: Captured) -> None:
    code = run_cli(_command_raising(ZeroDivisionError("oops")), ["-o", "json"])

    out, err = capsys.readouterr()
    assert (code, out) == (1, "")
    assert err.startswith("Traceback (most recent call last):\n")
    assert err.endswith(
        "ZeroDivisionError: oops\nThis is a bug, please report it with the text above.\n"
    )


def test_an_unexpected_system_error_is_a_bug_too(capsys: Captured) -> None:
    assert run_cli(_command_raising(OSError(errno.EIO, "broken disk")), []) == 1
    assert "broken disk\nThis is a bug" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message", "help_of"),
    [
        (("stat",), "there is no command 'stat'; did you mean state?", "sloth-runner"),
        (("frobnicate",), "there is no command 'frobnicate'", "sloth-runner"),
        (
            ("state", "workflow", "lst"),
            "there is no command 'lst'; did you mean list?",
            "sloth-runner state workflow",
        ),
        (
            ("state", "workflow", "show"),
            "Missing argument 'REF'",
            "sloth-runner state workflow show",
        ),
        (
            ("state", "workflow", "list", "--status", "good"),
            "Invalid value for '--status': 'good' is not one of 'pending', 'running', 'success', "
            "'failed', 'rolled_back'",
            "sloth-runner state workflow list",
        ),
    ],
)
def test_wrong_usage_exits_with_2_and_names_the_help(
    sloth: Sloth, arguments: tuple[str, ...], message: str, help_of: str
) -> None:
    hint = f"See: {help_of} --help"

    assert sloth(*arguments) == (2, "", f"Error: {message}\nHint: {hint}\n")
    code, out, err = sloth(*arguments, "-o", "json")
    assert (code, out) == (2, "")
    assert json.loads(err) == {
        "error": {"code": "usage", "message": message, "hint": hint, "exit_code": 2}
    }


@pytest.mark.parametrize("arguments", [(), ("state",), ("state", "workflow", "tags")])
def test_a_group_without_a_command_shows_its_help_and_fails(
    sloth: Sloth, arguments: tuple[str, ...]
) -> None:
    code, out, err = sloth(*arguments)

    assert (code, out) == (2, "")
    assert err == sloth(*arguments, "--help").out


def test_the_help_of_a_group_lists_its_commands_without_importing_them(capsys: Captured) -> None:
    table = {"go": LazyCommand("no_such_module:command", "Go somewhere.")}
    group = LazyGroup("trip", lazy_commands=table)

    assert run_cli(group, ["--help"]) == 0
    assert capsys.readouterr().out == (
        "Usage: sloth-runner [OPTIONS] COMMAND [ARGS]...\n"
        "\n"
        "Options:\n"
        "  -h, --help  Show this message and exit.\n"
        "\n"
        "Commands:\n"
        "  go  Go somewhere.\n"
    )
