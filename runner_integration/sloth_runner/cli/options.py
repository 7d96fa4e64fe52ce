"""Options that several commands of the runner have."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from sloth_state.errors import InvalidValue, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from sloth_runner.events import Event, Listener
    from sloth_runner.runner import RunRequest
    from sloth_runner.views.text import Style
    from sloth_state.cli.app import App
    from sloth_state.model import Json


class Duration(click.ParamType[float]):
    name = "duration"

    def convert(self, value: Any, param: Any, _context: Any) -> float:
        if isinstance(value, float):  # the default
            return value
        from sloth_runner.durations import parse_duration

        try:
            return parse_duration(value)
        except InvalidValue as error:
            raise UsageError(f"{param.opts[0]}: {error.message}", hint=error.hint) from None


_NEW_LINE = "\n"
dry_run_option = click.option("--dry-run", is_flag=True, help="Only show what would be done.")
lock_timeout_option = click.option(
    "--lock-timeout",
    type=Duration(),
    default=0.0,
    metavar="TIME",
    help="How long to wait if somebody else works on the workflow, for instance 30s.",
)


def values_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --values and --set."""
    command = click.option(
        "--set",
        "assignments",
        metavar="K=V",
        multiple=True,
        help="Set one value; dots lead into maps: --set web.replicas=3. Whole numbers, true, false "
        "and null are values, all else is text.",
    )(command)
    return click.option(
        "--values",
        "values_files",
        metavar="FILE",
        multiple=True,
        help="Take values from a YAML file; later files and --set win.",
    )(command)


secrets_option = click.option(
    "--secrets",
    "secrets_files",
    metavar="FILE",
    multiple=True,
    help="Take secrets from a YAML file; they win over SLOTH_SECRET_… and are never shown.",
)


def given_secrets(files: Iterable[str]) -> dict[str, str]:
    """What --secrets gives."""
    if not files:
        return {}
    from sloth_runner.secrets import read_secrets

    return read_secrets(files)


def script_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add FILE, --file and --workflow. FILE may be missing; `run_request` refuses that."""
    command = click.option(
        "--workflow", metavar="NAME", help="Which workflow, if the file has several."
    )(command)
    command = click.option(
        "--file", "file", metavar="FILE", help="Run FILE; then the argument is the state's name."
    )(command)
    return click.argument("target", metavar="FILE", required=False)(command)


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --only, --skip and --prune."""
    command = click.option(
        "--prune", is_flag=True, help="Delete resources that FILE no longer declares."
    )(command)
    command = click.option(
        "--skip", metavar="TASK", multiple=True, help="Leave a task out, as if it were done."
    )(command)
    return click.option(
        "--only", metavar="TASK", multiple=True, help="Only this task and what it needs."
    )(command)


def run_request(
    target: str | None,
    file: str | None,
    workflow: str | None,
    values: Json,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    prune: bool,
) -> RunRequest:
    """What these options ask for. Raises UsageError for an empty name."""
    from sloth_runner.runner import RunRequest

    this = click.get_current_context().command_path
    if target is None and file:
        raise UsageError(
            "with --file, the argument is the name of the state, and it is missing",
            hint=f"For instance: {this} prod --file {file}, or without a name: {this} {file}",
        )
    if target is None:
        raise UsageError("missing argument 'FILE'", hint=f"For instance: {this} x.sloth")
    if not (target and file != ""):
        raise UsageError("the name of the file or of the state is empty")
    if file is None:
        _check_is_no_name(target, this)
    return RunRequest(
        path=file or target,
        name=target if file else None,
        workflow=workflow,
        values=values,
        only=only,
        skip=skip,
        prune=prune,
    )


def _check_is_no_name(target: str, this: str) -> None:
    """Raise ScriptNotFound, with what helps somebody who meant the name of a state."""
    from sloth_runner.errors import ScriptNotFound
    from sloth_runner.script import nearest_files

    looks_so = not os.path.splitext(target)[1] and os.sep not in target
    if looks_so and not os.path.lexists(target) and not nearest_files(target):
        error = ScriptNotFound(target)
        error.hint = f"To run a file under this name: {this} {target} --file x.sloth"
        raise error


def given_values(files: Iterable[str], assignments: Iterable[str]) -> Json:
    """What these options give together; None if there are none."""
    if not files and not assignments:
        return None
    from sloth_runner.values import merged_values
    from sloth_state.values import canonical

    values = merged_values(files, assignments)
    canonical(values, "values")
    return values


def parse_metadata(pairs: Iterable[str]) -> dict[str, str]:
    """ "team=web" as a map. Raises UsageError."""
    metadata = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise UsageError(
                f"--metadata {pair!r} is not key=value", hint="For instance: --metadata team=web"
            )
        metadata[key] = value
    return metadata


def styler(app: App) -> Style:
    """Colours as the app wants them."""
    colour = app.colour

    def style(text: str, name: str) -> str:
        if not colour:
            return text
        return click.style(text, bold=True) if name == "bold" else click.style(text, fg=name)

    return style


def lines_of_changes(app: App) -> Listener:
    """What a command tells on stderr while it changes things: resources, and a script's lines."""
    from sloth_runner.events import ResourceChanged, TaskOutput
    from sloth_runner.views.output import AsLongAsItIsRead
    from sloth_runner.views.text import lines_of

    style = styler(app)

    def listen(_at: datetime, event: Event) -> None:
        if isinstance(event, ResourceChanged | TaskOutput):
            for line in lines_of(event, style, verbose=False):
                app.say(line)

    return AsLongAsItIsRead(listen, on_stderr=True)  # a half-done rollback would be worse


def warnings_only(app: App) -> Listener:
    """What a command tells on stderr that only looks: a script's warnings and errors."""
    from sloth_runner.events import TaskOutput
    from sloth_state.cli.text import printable

    def listen(_at: datetime, event: Event) -> None:
        if isinstance(event, TaskOutput) and event.level in ("warn", "error"):
            app.say(f"Note: {printable(event.text, keep=_NEW_LINE)}")

    return listen


def parsed_identity(text: str, option: str = "") -> tuple[str, str]:
    """Type and name of TYPE/NAME, which an option gave. Raises UsageError."""
    type, slash, name = text.partition("/")
    if not type or not slash or not name:
        what = f"{option} {text!r}".lstrip()
        raise UsageError(f"{what} is not TYPE/NAME", hint="For instance: file/app.conf")
    return type, name
