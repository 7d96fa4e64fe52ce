"""Bugs that a product like this may have with a disk that fails, each planted in a process."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

import apsw

from sloth_runner.providers import files
from sloth_state.errors import StoreError, StoreFull
from sloth_state.sqlite import connection, creation, opening, translation
from sloth_state.sqlite.connection import Connection


def ignores_failed_commits() -> None:
    """A commit that the system refuses is taken for one that it has made."""
    run = Connection._run

    def run_or_not(self: Connection, sql: str) -> None:
        with suppress(StoreError):
            run(self, sql)
        if sql == "COMMIT":
            self._undo("ROLLBACK")

    Connection._run = run_or_not  # type: ignore[method-assign]


def never_syncs() -> None:
    """A commit is acknowledged before it is on the disk."""
    configure = opening.configure

    def configure_without_syncing(database: apsw.Connection) -> None:
        configure(database)
        database.pragma("synchronous", "OFF")

    opening.configure = configure_without_syncing


def speaks_in_tracebacks() -> None:
    """What SQLite says goes to the user as it is."""

    def untranslated(error: Exception, path: str, system_errno: int = 0) -> Exception:
        return error

    for module in (connection, creation, translation):
        module.translate = untranslated  # type: ignore[attr-defined]


def ends_with_another_code() -> None:
    """A full disk is told as a failure of the workflow."""
    StoreFull.exit_code = 1


def writes_in_place() -> None:
    """A declared file is emptied before its new content is written."""

    @contextmanager
    def overwriting(path: str, permissions: Any) -> Iterator[BinaryIO]:
        with builtins.open(path, "wb") as file:
            yield file

    files.replacing = overwriting


BUGS: dict[str, Callable[[], None]] = {
    each.__name__: each
    for each in (
        ignores_failed_commits,
        never_syncs,
        speaks_in_tracebacks,
        ends_with_another_code,
        writes_in_place,
    )
}
