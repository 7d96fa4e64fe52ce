"""Options that several commands of the runner have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sloth_state.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sloth_runner.views.text import Style
    from sloth_state.cli.app import App
    from sloth_state.model import Json


def values_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --values and --set."""
    command = click.option(
        "--set",
        "assignments",
        metavar="K=V",
        multiple=True,
        help="Set one value; dots lead into maps: --set web.replicas=3.",
    )(command)
    return click.option(
        "--values",
        "values_files",
        metavar="FILE",
        multiple=True,
        help="Take values from a YAML file; later files and --set win.",
    )(command)


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
