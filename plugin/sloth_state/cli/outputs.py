"""`state workflow outputs`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from sloth_state.cli.complete import complete_output_key
from sloth_state.cli.options import reference_argument, shared_options, show_sensitive_option
from sloth_state.cli.tables import Column
from sloth_state.cli.text import counted, printable
from sloth_state.errors import OutputNotFound, UsageError
from sloth_state.references import nearest, resolve
from sloth_state.shapes import output_value, outputs_shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sloth_state.cli.app import App
    from sloth_state.model import Json, Output, Run


@click.command("outputs")
@reference_argument
@click.argument("key", required=False, shell_complete=complete_output_key)
@click.option("--raw", is_flag=True, help="Print KEY's text exactly, for use in a script.")
@show_sensitive_option
@shared_options
def command(app: App, ref: str, key: str | None, raw: bool, show_sensitive: bool) -> None:
    """Print a run's outputs, or the one of KEY.

    Text is printed bare, other values as JSON. --raw adds no newline, except at a terminal.
    """
    if raw and (key is None or app.json):
        raise UsageError("--raw prints the text of one KEY", hint="Leave out --raw, or -o json.")
    store = app.store(upgrade=show_sensitive)
    run = resolve(store, ref)
    outputs = _chosen(run, store.outputs(run.id), key)
    if show_sensitive:
        audit_sensitive(app, run, outputs)
    if key is None:
        _emit_all(app, outputs, show_sensitive)
    elif raw:
        _write_raw(app, outputs[key], show_sensitive)
    else:
        value = output_value(outputs[key], show_sensitive)
        app.emit_object(value, lambda: [printable(value_text(value), keep="\n\t")])


def value_text(value: Json) -> str:
    """A value for people: text as it is, everything else as JSON."""
    if isinstance(value, str):
        return value
    import json

    return json.dumps(value, ensure_ascii=False)


def output_columns(show_sensitive: bool) -> list[Column[Output]]:
    """KEY and VALUE."""
    return [
        Column("KEY", lambda output: output.key),
        Column("VALUE", lambda output: value_text(output_value(output, show_sensitive))),
    ]


def audit_sensitive(app: App, run: Run, outputs: Mapping[str, Output]) -> None:
    """Write down who is about to be shown which sensitive outputs. Nothing if there are none."""
    keys = [key for key, output in outputs.items() if output.sensitive]
    if keys:
        detail = f"version {run.version}: {', '.join(keys)}"
        app.audit("read sensitive outputs", run.name, detail)


def _chosen(run: Run, outputs: dict[str, Output], key: str | None) -> dict[str, Output]:
    if key is None:
        return outputs
    if key not in outputs:
        raise OutputNotFound(run.name, key, nearest(key, outputs))
    return {key: outputs[key]}


def _emit_all(app: App, outputs: dict[str, Output], show_sensitive: bool) -> None:
    rows = list(outputs.values())
    footer = counted(len(rows), "output")
    app.emit_object(
        outputs_shape(outputs, show_sensitive=show_sensitive),
        lambda: (
            [*app.table(rows, output_columns(show_sensitive)), "", footer] if rows else [footer]
        ),
    )


def _write_raw(app: App, output: Output, show_sensitive: bool) -> None:
    if output.sensitive and not show_sensitive:
        raise UsageError(f"output {output.key!r} is sensitive", hint="Add --show-sensitive.")
    if isinstance(output.value, dict | list) or output.value is None:
        raise UsageError(
            f"output {output.key!r} is no text, number or boolean, which is all that --raw prints",
            hint="Use -o json instead.",
        )
    app.write(value_text(output.value) + ("\n" if sys.stdout.isatty() else ""))
