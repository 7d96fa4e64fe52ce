"""`sloth-runner run`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from sloth_runner.cli.options import given_values, parse_metadata, styler, values_options
from sloth_state.cli.options import shared_options
from sloth_state.errors import LockHeld, StoreReadOnly, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sloth_runner.events import Listener
    from sloth_state.cli.app import App


class _Duration(click.ParamType[float]):
    name = "duration"

    def convert(self, value: Any, _param: Any, _context: Any) -> float:
        from sloth_runner.durations import parse_duration

        return parse_duration(value)


@click.command("run", short_help="Run a workflow file and keep its state.")
@click.argument("target", metavar="FILE")
@click.option(
    "--file", "file", metavar="FILE", help="Run FILE; then the argument is the state's name."
)
@click.option("--workflow", metavar="NAME", help="Which workflow, if the file has several.")
@values_options
@click.option("--metadata", metavar="K=V", multiple=True, help="Add to the run's metadata.")
@click.option("-m", "--message", metavar="TEXT", help="Describe this version.")
@click.option(
    "--lock-timeout",
    type=_Duration(),
    default="0",
    metavar="TIME",
    help="How long to wait if somebody else runs the workflow, for instance 30s.",
)
@click.option(
    "--max-parallel", type=click.IntRange(min=1), metavar="N", help="Tasks at the same time."
)
@click.option("--only", metavar="TASK", multiple=True, help="Only this task and what it needs.")
@click.option("--skip", metavar="TASK", multiple=True, help="Leave a task out, as if it were done.")
@click.option("--yes", is_flag=True, help="Never ask. A run asks nothing by itself.")
@click.option("-v", "--verbose", is_flag=True, help="Show what commands print, and debug messages.")
@click.option("-q", "--quiet", is_flag=True, help="Show only failures and the summary.")
@shared_options
def command(
    app: App,
    *,
    target: str,
    file: str | None,
    workflow: str | None,
    values_files: tuple[str, ...],
    assignments: tuple[str, ...],
    metadata: tuple[str, ...],
    message: str | None,
    lock_timeout: float,
    max_parallel: int | None,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    yes: bool,
    verbose: bool,
    quiet: bool,
) -> None:
    """Run the workflow in FILE, and keep its state.

    With --file the argument is a name instead: FILE runs under that name, so that one file can
    serve several environments.
    """
    from sloth_runner.runner import RunRequest, run_file

    if verbose and quiet:
        raise UsageError("--verbose and --quiet exclude each other")
    if not (target and file != ""):
        raise UsageError("the name of the file or of the state is empty")
    request = RunRequest(
        path=file or target,
        name=target if file else None,
        workflow=workflow,
        values=given_values(values_files, assignments),
        metadata=parse_metadata(metadata),
        message=message,
        lock_timeout=lock_timeout,
        max_parallel=max_parallel,
        only=only,
        skip=skip,
        stream_children=verbose or app.json,
    )
    store = app.store(create=True)
    if store.read_only:
        raise StoreReadOnly(
            store.url,
            f"cannot be written to, and a run needs that: {store.read_only}",
            hint="Name another store with --state or SLOTH_RUNNER_STATE",
        )
    from sloth_runner.views.output import AsLongAsItIsRead

    with _view(app, verbose=verbose, quiet=quiet) as view:
        listeners = [AsLongAsItIsRead(view)]
        try:
            run_file(store, request, listeners, on_waiting=lambda held: _say_waiting(app, held))
        except LockHeld as held:
            held.hint = (
                "Wait for it with --lock-timeout 5m, or see who holds what with: "
                "sloth-runner state workflow locks"
            )
            raise


def _say_waiting(app: App, held: LockHeld) -> None:
    app.say(f"Note: {held.message}; waiting")


@contextmanager
def _view(app: App, *, verbose: bool, quiet: bool) -> Iterator[Listener]:
    """The view that fits: JSON lines, live at a terminal, plain lines elsewhere."""
    import sys

    if app.json:
        from sloth_runner.views.json_lines import JsonLines, standard_output_for_json

        with standard_output_for_json() as stream:
            yield JsonLines(stream)
    elif sys.stdout.isatty() and not quiet:
        from sloth_runner.views.live import LiveView

        with LiveView(styler(app), colour=app.colour, verbose=verbose) as live:
            yield live
    else:
        from sloth_runner.views.plain import PlainView

        yield PlainView(styler(app), verbose=verbose, quiet=quiet)
