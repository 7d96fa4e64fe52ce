"""`state workflow export`."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from sloth_state.cli.failures import OutputFailed
from sloth_state.cli.options import reference_argument, shared_options
from sloth_state.cli.text import counted, printable
from sloth_state.errors import StoreError
from sloth_state.exchange.document import document
from sloth_state.references import resolve
from sloth_state.sensitive import SENSITIVE_ATTRIBUTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sloth_state.cli.app import App
    from sloth_state.model import HistoryRecord, Json


class _Tally:
    """Counts what passes by."""

    def __init__(self) -> None:
        self.versions = 0
        self.sensitive_outputs = 0
        self.sensitive_resources = 0

    def watch(self, records: Iterable[HistoryRecord]) -> Iterator[HistoryRecord]:
        for section, record in records:
            if section == "versions":
                self.versions += 1
                self.sensitive_outputs += sum(each["sensitive"] for each in record["outputs"])
            elif section == "resources":
                self.sensitive_resources += _has_secrets(record)
            yield section, record

    def warn(self, app: App) -> None:
        """Say how many sensitive values have passed by."""
        outputs, resources = self.sensitive_outputs, self.sensitive_resources
        if outputs or resources:
            app.say(
                f"Note: sensitive values can be read in it, in {counted(outputs, 'output')} "
                f"and {counted(resources, 'resource')}"
            )


def _has_secrets(resource: dict[str, Any]) -> bool:
    """Whether any state of a resource says that some of its attributes are sensitive."""
    return any(
        (state["declaration"] or {}).get("sensitive")
        or state["attributes"].get(SENSITIVE_ATTRIBUTES)
        for state in resource["states"]
    )


@click.command("export")
@reference_argument
@click.option("-O", "--out", "file", metavar="FILE", help="Write to a file that only you can read.")
@shared_options
def command(app: App, ref: str, file: str | None) -> None:
    """Write a workflow's whole history to a file.

    That is one JSON document with all versions, resources, outputs, tasks, the journal and the
    files they were made from; `import` takes it. Without -O it goes to standard output. Sensitive
    values are in it as they are, so the export is written to the audit trail.
    """
    store = app.store()
    name = resolve(store, ref).name
    if not store.read_only:
        app.audit("export", name, "to standard output" if file is None else f"to {file}")
    tally = _Tally()
    pieces = document(name, tally.watch(store.history(name)))
    if file is None:
        for piece in pieces:
            app.write(piece)
    else:
        with _refusals(file):
            _write_file(file, pieces)
        shape: dict[str, Json] = {"name": name, "file": file, "versions": tally.versions}
        line = f"Exported {printable(name)}: {counted(tally.versions, 'version')} to {file}"
        app.emit_object(shape, lambda: [line])
    tally.warn(app)


def _write_file(path: str, pieces: Iterable[str]) -> None:
    """Write a file whole or not at all, in place of one that is there.

    What is no regular file (a device, a pipe) is written to as it is.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "w", encoding="utf-8") as device:
            device.writelines(pieces)
        return
    unfinished = f"{path}.unfinished"
    try:
        with open(unfinished, "w", encoding="utf-8", opener=_for_owner_only) as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    finally:
        if os.path.exists(unfinished):
            os.unlink(unfinished)


@contextmanager
def _refusals(path: str) -> Iterator[None]:
    """Raise OutputFailed if a file cannot be written to."""
    try:
        yield
    except StoreError:  # some are OSErrors too
        raise
    except OSError as error:
        raise OutputFailed(f"{path} cannot be written: {error.strerror}") from error


def _for_owner_only(path: str, flags: int) -> int:
    descriptor = os.open(path, flags, 0o600)
    os.fchmod(descriptor, 0o600)
    return descriptor
