"""`sloth-runner run`."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Literal

import click

from sloth_runner.cli.options import (
    given_secrets,
    given_values,
    lock_timeout_option,
    parse_metadata,
    run_request,
    script_options,
    secrets_option,
    selection_options,
    styler,
    values_options,
)
from sloth_runner.errors import WorkflowError
from sloth_runner.events import ResourceChanged, RunFinished
from sloth_state.cli.options import AtLeast, shared_options
from sloth_state.errors import LockHeld, SlothError, StoreReadOnly, UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from sloth_runner.events import Event, Listener
    from sloth_runner.runner import RunRequest
    from sloth_state.cli.app import App
    from sloth_state.store import Store


class RunCommand(click.Command):
    """Takes `--resume FILE` for the option without a value, and FILE for the file."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        given = ["--resume=same" if each == "--resume" else each for each in args]
        return super().parse_args(ctx, given)


@click.command("run", cls=RunCommand, short_help="Run a workflow file and keep its state.")
@script_options
@values_options
@secrets_option
@click.option("--metadata", metavar="K=V", multiple=True, help="Add to the run's metadata.")
@click.option("-m", "--message", metavar="TEXT", help="Describe this version.")
@lock_timeout_option
@click.option("--max-parallel", type=AtLeast(1), metavar="N", help="Tasks at the same time.")
@selection_options
@click.option(
    "--resume",
    type=click.Choice(["same", "force"]),
    metavar="[=force]",
    help="Go on with the newest run, which failed, without doing again what it has done; "
    "with =force even if the file or the values changed since.",
)
@click.option("--plan", "plan", metavar="PLAN", help="Do exactly what `plan --out PLAN` wrote.")
@click.option("--confirm", is_flag=True, help="Show the plan, and ask before doing it.")
@click.option("--yes", is_flag=True, help="Do not ask: answers --confirm.")
@click.option(
    "--on-failure",
    type=click.Choice(["stop", "rollback"]),
    default="stop",
    help="After a failed run: stop, or bring the world back to the last successful version.",
)
@click.option("-v", "--verbose", is_flag=True, help="Show what commands print, and debug messages.")
@click.option("-q", "--quiet", is_flag=True, help="Show only failures and the summary.")
@shared_options
def command(
    app: App,
    *,
    target: str | None,
    file: str | None,
    workflow: str | None,
    values_files: tuple[str, ...],
    assignments: tuple[str, ...],
    secrets_files: tuple[str, ...],
    metadata: tuple[str, ...],
    message: str | None,
    lock_timeout: float,
    max_parallel: int | None,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    prune: bool,
    resume: Literal["same", "force"] | None,
    plan: str | None,
    confirm: bool,
    yes: bool,
    on_failure: str,
    verbose: bool,
    quiet: bool,
) -> None:
    """Run the workflow in FILE, and keep its state.

    With --file the argument is a name instead: FILE runs under that name, so that one file can
    serve several environments. With --plan there is no argument: file and values come from PLAN.
    """
    if verbose and quiet:
        raise UsageError("--verbose and --quiet exclude each other")
    store = _writable_store(app)
    secrets = given_secrets(secrets_files)
    if plan is None:
        values = given_values(values_files, assignments)
        request = run_request(target, file, workflow, values, only, skip, prune)
    else:
        if any((target, file, workflow, values_files, assignments, only, skip, prune, resume)):
            raise UsageError("a plan says what runs, so --plan goes without FILE and its options")
        request = _planned_request(store, plan, secrets)
    request = request._replace(
        metadata=parse_metadata(metadata),
        message=message,
        lock_timeout=lock_timeout,
        max_parallel=max_parallel,
        stream_children=verbose or app.json,
        secrets=secrets,
        resume=resume,
    )
    if confirm and not yes:
        _confirm(app, store, request)
    _run(app, store, request, rollback=on_failure == "rollback", verbose=verbose, quiet=quiet)


def _writable_store(app: App) -> Store:
    store = app.store(create=True)
    if store.read_only:
        raise StoreReadOnly(
            store.url,
            f"cannot be written to, and a run needs that: {store.read_only}",
            hint="Put that right and run it again, or name another store with --state or "
            "SLOTH_RUNNER_STATE",
        )
    return store


def _planned_request(store: Store, path: str, secrets: Mapping[str, str]) -> RunRequest:
    """The request of a saved plan, after making sure that a run would do just that."""
    from sloth_runner.plan_files import check_reality, check_state, read_plan
    from sloth_runner.planner import plan_file
    from sloth_runner.planning import Plan

    saved = read_plan(path)
    check_state(store, saved)
    plan = Plan()
    plan_file(store, saved.request._replace(secrets=secrets), plan)
    check_reality(saved, plan)
    return saved.request._replace(after_run=saved.after_run or "")


def _confirm(app: App, store: Store, request: RunRequest) -> None:
    from sloth_runner.cli.plan import PlanWriter
    from sloth_runner.planner import plan_file
    from sloth_runner.planning import Plan

    plan = Plan()
    writer = PlanWriter(app, store, plan)
    planned = plan_file(store, request, plan)
    about = "\n".join(writer.lines(planned))
    if planned.failure is not None:
        about += f"\nThe plan is not whole: {planned.failure.message}"
    app.confirm("Go on?", about=about, doing="--confirm", option="--yes")


def _run(
    app: App, store: Store, request: RunRequest, *, rollback: bool, verbose: bool, quiet: bool
) -> None:
    from sloth_runner.runner import run_file
    from sloth_runner.views.output import AsLongAsItIsRead

    last_run = _LastRun()
    with _view(app, verbose=verbose, quiet=quiet) as view:
        listeners: list[Listener] = [AsLongAsItIsRead(view), last_run]
        try:
            run_file(store, request, listeners, on_waiting=partial(_say_waiting, app))
        except LockHeld as held:
            held.hint = (
                "Wait for it with --lock-timeout 5m, or see who holds what with: "
                "sloth-runner state workflow locks"
            )
            raise
        except WorkflowError:
            if rollback and last_run.id is not None:
                _roll_back(app, store, last_run.id, listeners)
            raise


def _say_waiting(app: App, held: LockHeld) -> None:
    from sloth_runner.cli.awaiting import say_waiting

    say_waiting(app, held)


class _LastRun:
    """Remembers the run that has ended."""

    ignores: Collection[type[Event]] = (ResourceChanged,)

    def __init__(self) -> None:
        self.id: str | None = None

    def __call__(self, _at: datetime, event: Event) -> None:
        if isinstance(event, RunFinished):
            self.id = event.run_id


def _roll_back(app: App, store: Store, run_id: str, listeners: Sequence[Listener]) -> None:
    """Undo what a failed run did. What stands in the way of that is told beside its error."""
    from sloth_runner.undoing import roll_back_failed_run

    try:
        finished = roll_back_failed_run(store, run_id, listeners)
    except SlothError as problem:
        hint = f" ({problem.hint})" if problem.hint else ""
        app.say(f"Note: it was not rolled back: {problem.message}{hint}")
    else:
        if finished is None:
            app.say("Note: nothing had to be rolled back")


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
