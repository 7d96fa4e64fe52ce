"""Copies of a whole store: made while it is in use, checked, and put in its place."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import apsw

from sloth_state.errors import (
    NotFound,
    StoreDamaged,
    StoreForeign,
    StoreFull,
    StoreUnreadable,
    UsageError,
)
from sloth_state.sqlite import files, schema
from sloth_state.sqlite.connection import Connection
from sloth_state.sqlite.integrity import all_problems
from sloth_state.sqlite.read_only import open_for_reading, readable
from sloth_state.sqlite.replacing import check_unused, fold_in_log
from sloth_state.sqlite.translation import full, translate
from sloth_state.sqlite.write_queue import WriteQueue, turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sloth_state.model import Holder, Problem

_ONLY_READ = "it is only read"


def copy_store(path: str, target: str) -> list[Problem]:
    """Copy a store as it is at one moment, without keeping anybody waiting, and check the copy.

    The copy has the same schema, so that the release which wrote the store can read it too; it has
    mode 0600, and is there complete or not at all, but for an empty file if this process is
    killed. Returns what `Store.verify` would find in it.
    Raises UsageError if there is something at `target`.
    """
    target = os.path.realpath(target)
    _reserve(target)
    unfinished = target + ".unfinished"
    try:
        files.remove_database(unfinished)
        with _only_reading(path) as source:
            _copy_database(source, unfinished, target)
        _rename(unfinished, target)
    except BaseException:
        files.remove_if_there(target)
        raise
    finally:
        files.remove_database(unfinished)
    copy = open_for_reading(target, _ONLY_READ)
    try:
        return all_problems(copy)
    finally:
        copy.close()


class Replacement:
    """A copy beside a store, checked and brought to the newest schema, that can take its place.

    A context: what was not put in place is removed at its end.
    """

    def __init__(self, copy: str, path: str) -> None:
        """`path` is the store's, which need not exist or be sound.

        Raises NotFound if there is no copy, StoreForeign if it is no store, and StoreDamaged if it
        is not sound.
        """
        _check_is_store(copy)
        self._path = os.path.realpath(path)
        self._unfinished = self._path + ".restoring"
        files.make_folder(self._path)
        files.remove_database(self._unfinished)
        try:
            with _only_reading(copy) as source:
                _copy_database(source, self._unfinished, self._path)
            self._check(copy)
        except BaseException:
            files.remove_database(self._unfinished)
            raise

    def __enter__(self) -> Replacement:
        return self

    def __exit__(self, *_: object) -> None:
        files.remove_database(self._unfinished)

    def put_in_place(self, keep_as: str, is_dead: Callable[[Holder], bool]) -> str | None:
        """Take the store's place; what was there is kept as `keep_as` (None if nothing was).

        Raises LockHeld while somebody works with the store: a lock whose lease lasts and whose
        holder is not known to be dead. One that cannot be read has no locks.
        """
        with turn(self._path):  # nobody takes a lock, and nobody is in the middle of a write
            fold_in_log(self._path)  # what stays in the log is kept with it
            self._check_unused(is_dead)
            kept = self._keep(keep_as)
            _rename(self._unfinished, self._path)
            return kept

    def _check(self, copy: str) -> None:
        database = apsw.Connection(self._unfinished, flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            schema.check(database, copy)
            schema.migrate(database)
            problems = all_problems(_connection(database, copy))
            database.pragma("journal_mode", "WAL")
        except apsw.Error as error:
            raise translate(error, copy, database.system_errno) from error
        finally:
            database.close()
        if problems:
            first = problems[0]
            raise StoreDamaged(
                copy,
                f"is damaged: {first.place} {first.what}",
                hint="Nothing was replaced. See all that is wrong with: "
                f"sloth-runner state workflow verify --state {copy}",
            )

    def _check_unused(self, is_dead: Callable[[Holder], bool]) -> None:
        # A store that is broken must not stand in its own way.
        with suppress(StoreDamaged, StoreForeign, StoreUnreadable):
            if files.store_exists(self._path):
                with _only_reading(self._path) as db:
                    check_unused(db, is_dead)

    def _keep(self, keep_as: str) -> str | None:
        """The old file under another name, with its log; until the end it also keeps its own."""
        if not os.path.lexists(self._path):
            return None
        try:
            os.link(self._path, keep_as)
            for suffix in files.BESIDE:
                if os.path.exists(self._path + suffix):
                    os.rename(self._path + suffix, keep_as + suffix)
        except OSError as error:
            raise files.unmakeable(self._path, f"the file {keep_as}", error) from error
        return keep_as


def _reserve(target: str) -> None:
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        raise UsageError(
            f"{target} exists, and a backup never replaces anything", hint=_other_than(target)
        ) from None
    except OSError as error:
        refused = files.unmakeable(target, f"the file {target}", error)
        refused.hint = "Name another file."
        raise refused from error


def _other_than(target: str) -> str:
    if os.path.isfile(target) and os.path.getsize(target) == 0:
        return "It is empty: remove it if a backup was killed, or name another file."
    return "Name another file."


def _rename(unfinished: str, path: str) -> None:
    try:
        os.rename(unfinished, path)
        files.sync_folder(path)
    except OSError as error:
        raise files.unmakeable(path, f"the file {path}", error) from error


def _check_is_store(copy: str) -> None:
    try:
        is_there = files.store_exists(copy)
    except StoreForeign as error:
        error.hint = "Nothing was replaced. Name a file that `backup` has made."
        raise
    if not is_there:
        raise NotFound(f"there is no file {copy}", hint="Check the path.")


def _copy_database(source: Connection, target: str, name: str) -> None:
    """`name` is what errors call the target, which has another one as long as it is not whole."""
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise files.unmakeable(name, f"the file {target}", error) from error
    database = apsw.Connection(target, flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        source.copy_to(database)
        # One file, that can be moved and read anywhere; a store has a log again once it is one.
        database.pragma("journal_mode", "DELETE")
    except StoreFull as error:
        raise full(name) from error  # what is only read is never full
    except apsw.Error as error:
        raise translate(error, name, database.system_errno) from error
    finally:
        database.close()


@contextmanager
def _only_reading(path: str) -> Iterator[Connection]:
    """The file of a store in whatever state it is, without leaving anything beside it."""
    database = readable(path)
    try:
        yield _connection(database, path)
    finally:
        database.close()


def _connection(database: apsw.Connection, path: str) -> Connection:
    """For reading; `path` is for its errors."""
    return Connection(database, path, queue=WriteQueue(path), read_only=_ONLY_READ)
