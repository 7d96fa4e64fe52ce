"""One connection to one SQLite file: reading, transactions, and errors in our words."""

from __future__ import annotations

import os
from array import array
from collections.abc import Sequence
from contextlib import contextmanager, suppress
from threading import get_ident
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import apsw

from sloth_state.errors import InvalidValue, StoreError, StoreMissing
from sloth_state.sqlite.translation import full, read_only, translate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from sloth_state.sqlite.write_queue import WriteQueue

Row: TypeAlias = tuple[Any, ...]
Bindings: TypeAlias = Sequence[str | int | float | bytes | None]

DISK_FULL = "the disk is full"
"""Why a store may be read only: the one reason that a write answers with StoreFull."""
LOG_PAGES = 2000
"""After so many the log is folded into the database, which syncs that too. With SQLite's own 1000
the pages that many small commits change again and again are written to it twice as often."""
_COMMITS_PER_ROOM = 32
"""So often the log gets room for more, and first after half of it: most uses are shorter."""


_process = os.getpid()


def _note_fork() -> None:
    global _process  # noqa: PLW0603
    _process = os.getpid()


# Every statement looks at the process it runs in, and asking the kernel each time takes 0.2 µs.
os.register_at_fork(after_in_child=_note_fork)


class Connection:
    """Belongs to the thread and the process that made it; anything else is a RuntimeError."""

    def __init__(
        self, database: apsw.Connection, path: str, *, queue: WriteQueue, read_only: str | None
    ) -> None:
        self.path = path
        self.read_only = read_only
        self._database = database
        self._queue = queue
        self._depth = 0
        self._commits = 0
        self._process = _process
        self._thread = get_ident()
        self._closed = False
        self._moved = array("i", [0])
        self._moved_at, _ = self._moved.buffer_info()
        self._transaction = _Transaction(self)

    def select(self, sql: str, bindings: Bindings = ()) -> list[Row]:
        """All rows of a query."""
        self._check_owner()
        try:
            return self._database.execute(sql, bindings).fetchall()
        except (apsw.Error, UnicodeError) as error:
            self._fail(error)

    def stream(self, sql: str, bindings: Bindings = ()) -> Iterator[Row]:
        """The rows of a query one by one, for those that may not fit into memory."""
        self._check_owner()
        try:
            yield from self._database.execute(sql, bindings)
        except (apsw.Error, UnicodeError) as error:
            self._fail(error)

    def first(self, sql: str, bindings: Bindings = ()) -> Row | None:
        """The first row of a query, or None."""
        if not self._depth:  # whoever began a transaction was looked at then
            self._check_owner()
        try:
            return self._database.execute(sql, bindings).fetchone()
        except (apsw.Error, UnicodeError) as error:
            self._fail(error)

    def write(self, sql: str, bindings: Bindings = ()) -> None:
        """Run a statement inside a `transaction`."""
        assert self._depth, "a write outside of a transaction"
        try:
            self._database.execute(sql, bindings)
        except (apsw.Error, UnicodeError) as error:
            self._fail(error)

    def write_many(self, sql: str, rows: Sequence[Bindings]) -> None:
        """Run a statement once for each row, inside a `transaction`."""
        assert self._depth, "a write outside of a transaction"
        if not rows:
            return
        try:
            self._database.executemany(sql, rows)
        except (apsw.Error, UnicodeError) as error:
            self._fail(error)

    def changes(self) -> int:
        """How many rows the last statement that writes has changed."""
        return self._database.changes()

    def last_key(self) -> int:
        """The integer key of the row inserted last."""
        return self._database.last_insert_rowid()

    def transaction(self) -> _Transaction:
        """All writes inside are durable when it ends, or none is there if it raises.

        Waits for its turn in the write queue. A transaction inside another is a savepoint.
        """
        return self._transaction

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All reading inside sees the same state of the store. Blocks no writer."""
        self._check_owner()
        if self._database.in_transaction:
            yield
            return
        self._run("BEGIN")
        try:
            yield
        finally:
            if not self._closed:  # by a signal, while a generator that reads was not at its end
                self._undo("ROLLBACK")

    def copy_to(self, target: apsw.Connection) -> None:
        """Copy the whole database, as it is at one moment, over another. Blocks no writer."""
        self._check_owner()
        try:
            with target.backup("main", self._database, "main") as backup:
                backup.step()
        except apsw.Error as error:
            self._fail(error)

    def close(self) -> None:
        """Give the file up. Closing twice is allowed.

        The last connection moves the write-ahead log into the database, which must not meet a
        writer; if somebody has the turn to write just now, this connection is not the last.
        """
        if self._closed:
            return
        self._check_owner()
        self._closed = True
        try:
            if self.read_only is None:
                with suppress(StoreError):
                    self._queue.try_acquire()
            self._database.close()
        except apsw.Error as error:
            self._fail(error)
        finally:
            self._queue.close()

    def _begin(self) -> None:
        self._check_owner()
        if self._depth:
            self._run("SAVEPOINT inner_transaction")
        elif self.read_only is not None:
            raise self._not_writable(self.read_only)
        else:
            self._queue.acquire()
            try:
                # IMMEDIATE, because a read that turns into a write can fail when another came
                # between.
                self._run("BEGIN IMMEDIATE")
            except BaseException:
                self._queue.release()
                raise
        self._depth += 1

    def _commit(self) -> None:
        self._depth -= 1
        if self._depth:
            self._run("RELEASE inner_transaction")
            return
        self._commits += 1
        try:
            if self._commits % _COMMITS_PER_ROOM == _COMMITS_PER_ROOM // 2:
                self._make_room()
            self._run("COMMIT")
            # SQLite looks whether the path still leads to its file, faster than Python can.
            self._database.file_control("main", apsw.SQLITE_FCNTL_HAS_MOVED, self._moved_at)
            if self._moved[0]:
                self._fail_out_of_place()
        except BaseException:
            self._undo("ROLLBACK")
            raise
        finally:
            self._queue.release()

    def _make_room(self) -> None:
        from sloth_state.sqlite.log_room import make_room  # few connections come to this

        make_room(self.path)

    def _fail_out_of_place(self) -> NoReturn:
        """What went into a file that nobody can find any more must not be acknowledged."""
        raise StoreMissing(
            self.path,
            "was removed, moved or replaced while it was in use",
            hint="Bring the file back; what was written after that is lost.",
        )

    def _roll_back(self) -> None:
        self._depth -= 1
        if self._depth:
            self._undo("ROLLBACK TO inner_transaction")
            self._undo("RELEASE inner_transaction")
            return
        try:
            self._undo("ROLLBACK")
        finally:
            self._queue.release()

    def _run(self, sql: str) -> None:
        try:
            self._database.execute(sql)
        except apsw.Error as error:
            self._fail(error)

    def _undo(self, sql: str) -> None:
        """After some failures, a full disk for one, SQLite has rolled back already."""
        if self._database.in_transaction:
            self._run(sql)

    def _fail(self, error: Exception) -> NoReturn:
        if isinstance(error, UnicodeEncodeError):
            raise InvalidValue(f"{error.object!r} is not valid UTF-8 text") from error
        raise translate(error, self.path, self._database.system_errno) from error

    def _check_owner(self) -> None:
        if self._process != _process or self._thread != get_ident():
            raise RuntimeError(
                "a store belongs to the thread and the process that opened it: "
                "use Store.reopen in each thread, and open_store after a fork"
            )
        if self._closed:
            raise RuntimeError("this store is closed")

    def _not_writable(self, reason: str) -> StoreError:
        return full(self.path) if reason == DISK_FULL else read_only(self.path, reason)


class _Transaction:
    """What `Connection.transaction` returns. A generator would cost three times as much, 2 µs."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection._begin()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self._connection._commit()
        else:
            self._connection._roll_back()
