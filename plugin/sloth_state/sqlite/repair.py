"""Repairing a store: in a copy, which takes the place of the file when all of it is done."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from datetime import UTC, datetime
from shutil import copyfile, rmtree
from typing import TYPE_CHECKING

import apsw

from sloth_state.errors import StoreBusy, StoreDamaged, StoreError
from sloth_state.model import Repair
from sloth_state.sqlite import files, mending_versions, salvage, schema_text
from sloth_state.sqlite import mending as mending_rows
from sloth_state.sqlite.integrity import all_problems
from sloth_state.sqlite.mending import Mending
from sloth_state.sqlite.opening import connect
from sloth_state.sqlite.replacing import check_unused, fold_in_log
from sloth_state.sqlite.tables import AUDIT_TRAIL
from sloth_state.sqlite.timestamps import to_microseconds
from sloth_state.sqlite.translation import read_only, translate
from sloth_state.sqlite.write_queue import turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sloth_state.model import Holder
    from sloth_state.sqlite.connection import Connection


class Repairer:
    """Repairs the store in one file."""

    def __init__(
        self, path: str, *, actor: str, is_dead: Callable[[Holder], bool], new_id: Callable[[], str]
    ) -> None:
        """`new_id` makes ids for runs that stand in for lost ones."""
        self._path = os.path.realpath(path)
        self._actor = actor
        self._is_dead = is_dead
        self._new_id = new_id

    def plan(self) -> Repair:
        """What a repair would do: it is done to a copy, which is then thrown away."""
        with self._turn(), self._folder() as folder:
            return self._repair_copy(f"{folder}/state.db")

    def repair(self) -> Repair:
        """Repair the store, after making a backup beside it, if there is anything to repair.

        Nobody else can write meanwhile. Raises LockHeld if somebody works on a workflow,
        StoreDamaged if not even the names of the tables can be read, StoreBusy if somebody who
        reads keeps the log from being folded in, StoreFull if there is no room for the copies.
        """
        with self._turn(), self._folder() as folder:
            repair = self._repair_copy(f"{folder}/state.db")
            if not repair.mended:
                return repair
            backup = files.kept_name(self._path, "backup")
            _copy(self._path, f"{folder}/backup")
            _rename(f"{folder}/backup", backup)
            self._swap_in(f"{folder}/state.db")
            return repair._replace(backup=backup)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Nobody else writes inside."""
        if not files.store_exists(self._path):
            raise files.missing(self._path)
        reason = files.why_read_only(self._path)
        if reason is not None:
            raise read_only(self._path, reason)
        with turn(self._path):
            yield

    @contextmanager
    def _folder(self) -> Iterator[str]:
        """Whose turn it is to write is alone here; what is there was left by a killed process."""
        folder = f"{self._path}.repairing"
        rmtree(folder, ignore_errors=True)
        try:
            os.mkdir(folder, 0o700)
            yield folder
        except StoreError:  # some are OSErrors too
            raise
        except OSError as error:
            raise files.unmakeable(self._path, f"the copy in {folder}", error) from error
        finally:
            rmtree(folder, ignore_errors=True)

    def _repair_copy(self, copy: str) -> Repair:
        _copy(self._path, copy)
        is_schema_mended = schema_text.mend(copy)
        is_damaged = _has_damaged_pages(copy)
        lost = self._salvaged(copy) if is_damaged else {}
        db = connect(copy, create=False)
        try:
            check_unused(db, self._is_dead)
            # Rows are written before all that they refer to is mended; see `remove_orphans`.
            db.select("PRAGMA foreign_keys = OFF")
            mending = Mending(db)
            if is_schema_mended:
                mending.note("schema", "was not what was written; the one of this release is")
            if is_damaged:
                mending.note("file", "has damaged pages; what can be read goes into a new one")
            with db.transaction():
                self._mend(mending)
                self._audit(db, mending, lost)
            with db.snapshot():
                left = all_problems(db)
        finally:
            db.close()
        named = [problem._replace(what=problem.what.replace(copy, self._path)) for problem in left]
        return Repair(tuple(mending.mended), lost, tuple(named))

    def _salvaged(self, copy: str) -> dict[str, int]:
        damaged = copy + ".damaged"
        for suffix in ("", "-wal", "-shm"):
            if os.path.exists(copy + suffix):
                os.rename(copy + suffix, damaged + suffix)
        os.close(os.open(copy, os.O_CREAT | os.O_EXCL, 0o600))
        try:
            return salvage.salvage(damaged, copy)
        except apsw.Error as error:
            raise StoreDamaged(
                self._path,
                f"is damaged at its beginning, so nothing in it can be found any more: {error}",
                hint="Bring back a copy of the file from before.",
            ) from error

    def _mend(self, mending: Mending) -> None:
        mending_rows.mend_rows(mending)
        mending_rows.drop_changed_contents(mending)
        mending_rows.forget_missing_contents(mending)
        mending_rows.name_lost_workflows(mending)
        mending_rows.remove_orphans(mending)
        try:
            mending_versions.replace_lost_versions(mending)
            mending_versions.replace_lost_runs(mending, self._new_id)
            mending_versions.join_states(mending)
            mending_versions.end_runs(mending, to_microseconds(datetime.now(UTC)))
            if mending.all_rows_make_sense:
                mending_versions.remake_hashes(mending)
        except StoreDamaged:
            pass  # a row that could not be mended: `verify` will name it

    def _audit(self, db: Connection, mending: Mending, lost: Mapping[str, int]) -> None:
        now = to_microseconds(datetime.now(UTC))
        details = [f"{place}: {what}" for place, what in mending.mended]
        details += [
            f"{table}: {number} rows in damaged pages lost" for table, number in lost.items()
        ]
        for detail in details:
            AUDIT_TRAIL.insert(db, now, self._actor, "repair", None, detail)

    def _swap_in(self, copy: str) -> None:
        """Put the copy in the place of the file, without what the old log holds."""
        if not fold_in_log(self._path):
            raise StoreBusy(self._path, "is in use by another process", hint="Try again")
        os.chmod(copy, os.stat(self._path).st_mode & 0o777)
        files.remove_beside(self._path)
        os.rename(copy, self._path)
        files.sync_folder(self._path)


def _copy(path: str, copy: str) -> None:
    """Copy the file with what its log holds, however damaged it is."""
    os.close(os.open(copy, os.O_CREAT | os.O_EXCL, 0o600))
    try:
        _copy_by_pages(path, copy)
    except apsw.Error:
        _copy_files(path, copy)
    with open(copy, "rb") as file:
        os.fsync(file.fileno())
    files.sync_folder(copy)


def _rename(copy: str, name: str) -> None:
    """Give a copy its name when it is whole; a damaged one may have a log."""
    for suffix in ("-wal", ""):
        if os.path.exists(copy + suffix):
            os.rename(copy + suffix, name + suffix)
    files.sync_folder(name)


def _copy_by_pages(path: str, copy: str) -> None:
    source = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE)
    target = apsw.Connection(copy, flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        with target.backup("main", source, "main") as backup:
            backup.step()
    finally:
        target.close()
        source.close()


def _copy_files(path: str, copy: str) -> None:
    try:
        for suffix in ("", "-wal"):
            if os.path.exists(path + suffix):
                copyfile(path + suffix, copy + suffix)
        if absent := files.missing_bytes(copy):
            # SQLite reads nothing at all of a file that is shorter than it should be.
            os.truncate(copy, os.stat(copy).st_size + absent)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise  # it is the copy that cannot be written
        raise files.unreadable(path, error) from error


def _has_damaged_pages(path: str) -> bool:
    try:
        database = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            return database.execute("PRAGMA integrity_check(1)").fetchall() != [("ok",)]
        finally:
            database.close()
    except (apsw.CorruptError, apsw.NotADBError, apsw.IOError, UnicodeDecodeError):
        return True
    except apsw.Error as error:
        raise translate(error, path) from error
