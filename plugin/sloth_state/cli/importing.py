"""`state workflow import`."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from sloth_state.cli.options import shared_options
from sloth_state.cli.text import counted, printable
from sloth_state.errors import UsageError
from sloth_state.exchange.sources import histories_in
from sloth_state.leases import acquire
from sloth_state.model import LockScope, NewHistory

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sloth_state.cli.app import App
    from sloth_state.model import AddedHistory, History, Lock
    from sloth_state.store import Store

LEASE = timedelta(minutes=30)
"""For checking a long history, which is done before anything is written."""


@click.command("import")
@click.argument("file", metavar="FILE", type=click.Path(allow_dash=True))
@click.option("--as", "name", metavar="NEWNAME", help="What the workflow shall be called here.")
@click.option("--dry-run", is_flag=True, help="Check everything and add nothing.")
@shared_options
def command(app: App, file: str, name: str | None, dry_run: bool) -> None:
    """Add a history that was exported, here or elsewhere.

    FILE comes from `export`; "-" is standard input. A workflow that is here already is continued
    if the history begins with all that is here; otherwise it must be imported --as another, which
    gets ids and hashes of its own.

    FILE can also be a Terraform or OpenTofu state (version 4), come from `pulumi stack export`, or
    be the state.db of the older sloth-runner. These become new workflows whose resources are only
    recorded.
    """
    with _local_file(file) as path:
        called = "standard input" if file == "-" else file
        histories = histories_in(path, called, datetime.now(UTC), app.actor)
        wanted = _named(histories, name, called)
        store = app.store(create=True)
        with _locks(store, wanted) as locks:
            pairs = list(zip(wanted, locks, strict=True))
            added = store.add_histories(pairs, app.actor, dry_run=dry_run)
    app.emit_object(
        [{**each._asdict(), "dry_run": dry_run} for each in added],
        lambda: [_line(each, dry_run) for each in added],
    )


@contextmanager
def _local_file(file: str) -> Iterator[str]:
    """The path of a file that can be read more than once."""
    if file != "-":
        yield file
        return
    from shutil import copyfileobj
    from tempfile import NamedTemporaryFile

    with NamedTemporaryFile(prefix="sloth-runner-") as copy:
        copyfileobj(sys.stdin.buffer, copy)
        copy.flush()
        yield copy.name


def _named(histories: Sequence[History], name: str | None, file: str) -> list[NewHistory]:
    if name is not None and len(histories) != 1:
        raise UsageError(f"{file} holds {len(histories)} workflows, and --as names one")
    wanted = []
    for history in histories:
        chosen = name or history.workflow
        if chosen is None:
            raise UsageError(
                f"{file} does not say what the workflow is called", hint="Add --as NEWNAME."
            )
        wanted.append(NewHistory(chosen, history))
    return wanted


@contextmanager
def _locks(store: Store, wanted: Sequence[NewHistory]) -> Iterator[list[Lock]]:
    with ExitStack() as stack:
        locks = []
        for new in wanted:
            lock = acquire(store, LockScope.WORKFLOW, new.name, lease=LEASE)
            stack.callback(store.release_lock, lock)
            locks.append(lock)
        yield locks


def _line(added: AddedHistory, dry_run: bool) -> str:
    name = printable(added.name)
    if not added.added:
        return f"{name} is here already, up to version {added.newest}; nothing to do"
    deed = "Would import" if dry_run else "Imported"
    after = f" after version {added.before}" if added.before else ""
    return f"{deed} {name}: {counted(added.added, 'version')}{after}"
