"""Opens stores of older schemas in processes of its own; some of them are stopped in the middle.

Reads an `Order` a line, as JSON, and answers with what became of each process. Forking is much
faster than starting: hundreds of processes take a few seconds.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple

import apsw

from sloth_state.leases import acquire
from sloth_state.model import LockScope, NewRun, ResourceDraft, RunStatus
from sloth_state.open import open_store
from sloth_state.sqlite import opening, schema
from sloth_state.sqlite.write_queue import WriteQueue
from sloth_state.store import Store

TAKES_SECONDS = 0.05
"""How long a migration takes where others wait for it."""


class Order(NamedTuple):
    """What to do."""

    path: str
    processes: int = 1
    """So many open the store, go for the turn to write at the same moment, and then make a run."""
    fault: str | None = None
    """What happens at a step: "kill" and "full" at one that writes, "error" at a statement."""
    at: int = 0
    """Which step that is, counted from 1."""
    bug: str | None = None
    """Which one is planted."""


class Steps:
    """Counts steps, and lets one of them fail."""

    def __init__(self, at: int, fail: Callable[[], None]) -> None:
        self._at = at
        self._fail = fail
        self._count = 0
        self._stopped = False

    def stop(self) -> None:
        """Let no step fail from here on."""
        self._stopped = True

    def count(self) -> None:
        if self._stopped:
            return
        self._count += 1
        if self._count == self._at:
            self._fail()

    @property
    def has_failed(self) -> bool:
        return self._count >= self._at


class FaultyFile(apsw.VFSFile):
    """A file whose writing is counted."""

    steps: Steps

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self.steps.count()
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self.steps.count()
        super().xSync(flags)

    def xTruncate(self, size: int) -> None:  # noqa: N802
        self.steps.count()
        super().xTruncate(size)


class FaultyFiles(apsw.VFS):
    """The system's files, each a `FaultyFile`. Used while there is a reference to it."""

    def __init__(self, steps: Steps) -> None:
        FaultyFile.steps = steps
        super().__init__("faulty", "unix", True)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> FaultyFile:  # noqa: N802
        return FaultyFile("unix", name, flags)


# -- faults --------------------------------------------------------------------------------


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def full() -> None:
    raise apsw.FullError("database or disk is full")


def error() -> None:
    raise MemoryError("planted")


FAULTS = {"kill": kill, "full": full, "error": error}


def trace_statements(steps: Steps) -> None:
    def trace(*_: Any) -> bool:
        steps.count()
        return True

    def hook(connection: apsw.Connection) -> None:
        connection.exec_trace = trace

    apsw.connection_hooks.append(hook)


# -- bugs ----------------------------------------------------------------------------------


def not_one_transaction() -> None:
    """Each statement of a migration is committed by itself."""

    def migrate(database: apsw.Connection) -> None:
        for migration in schema.MIGRATIONS:
            if database.pragma("user_version") < migration.number:
                schema._apply(database, migration)

    schema.migrate = migrate  # type: ignore[assignment]


def no_turns() -> None:
    """Nobody waits for the turn to write, neither in our queue nor in SQLite's."""

    @contextmanager
    def begun_by_reading(database: apsw.Connection) -> Iterator[None]:
        with database:
            yield

    WriteQueue.acquire = lambda self: None  # type: ignore[method-assign]
    schema._transaction = begun_by_reading


def looks_before_its_turn() -> None:
    """What is to be migrated is found out before there is the turn to do so."""

    def upgrade(database: apsw.Connection, queue: WriteQueue) -> None:
        found = database.pragma("user_version")
        queue.acquire()
        with database:
            for migration in schema.MIGRATIONS[found:]:
                schema._apply(database, migration)
        queue.release()

    opening.schema.upgrade = upgrade


BUGS = {each.__name__: each for each in (not_one_transaction, no_turns, looks_before_its_turn)}


# -- many at once --------------------------------------------------------------------------


class Meeting:
    """Where processes wait until all are there."""

    def __init__(self) -> None:
        self._here = os.pipe()
        self._go = os.pipe()

    def wait(self) -> None:
        """In one of the processes."""
        os.write(self._here[1], b".")
        os.read(self._go[0], 1)

    def lead(self, processes: int) -> None:
        """In the one that does not take part."""
        for _ in range(processes):
            os.read(self._here[0], 1)
        os.write(self._go[1], b"." * processes)
        for descriptor in (*self._here, *self._go):
            os.close(descriptor)


def meet_at_the_queue(meeting: Meeting) -> None:
    """Wait for the others before the first turn to write: that of whoever finds an older schema."""
    acquire = WriteQueue.acquire

    def acquire_together(queue: WriteQueue) -> None:
        WriteQueue.acquire = acquire  # type: ignore[method-assign]
        meeting.wait()
        acquire(queue)

    WriteQueue.acquire = acquire_together  # type: ignore[method-assign]


# -- the processes -------------------------------------------------------------------------


def obey(order: Order, number: int, meeting: Meeting) -> dict[str, Any]:
    """What one process does; the answer."""
    steps = Steps(order.at, FAULTS.get(order.fault or "", lambda: None))
    if order.bug:
        BUGS[order.bug]()
    if order.processes > 1:
        meet_at_the_queue(meeting)
    applied = count_migrations(seconds=TAKES_SECONDS if order.processes > 1 else 0)
    faulty = FaultyFiles(steps) if order.fault in ("kill", "full") else None
    if order.fault == "error":
        trace_statements(steps)
    answer: dict[str, Any] = {"applied": applied, "error": None, "read_only": None}
    try:
        with open_store(order.path) as store:
            answer["read_only"] = store.read_only
            answer["runs"] = len(store.runs(name="deploy"))
            if order.fault != "kill":
                steps.stop()
            if order.processes > 1:
                make_run(store, f"workflow-{number}")
    except Exception as error:
        answer["error"] = f"{type(error).__name__}: {error}"
    answer["has_failed"] = steps.has_failed
    del faulty
    return answer


def count_migrations(*, seconds: float) -> list[int]:
    """The numbers of those that will have been applied."""
    apply, applied = schema._apply, []

    def counting(database: apsw.Connection, migration: schema.Migration) -> None:
        apply(database, migration)
        time.sleep(seconds)
        if database.filename:  # and is no copy in memory
            applied.append(migration.number)

    schema._apply = counting
    return applied


def make_run(store: Store, name: str) -> None:
    lock = acquire(store, LockScope.WORKFLOW, name, wait=timedelta(0))
    run = store.begin_run(NewRun(name, {}), lock)
    store.record(run.id, [ResourceDraft("file", "motd", {"path": "/etc/motd"})], lock)
    store.finish_run(run.id, RunStatus.SUCCESS, lock)
    store.release_lock(lock)


def fork(order: Order, number: int, meeting: Meeting) -> tuple[int, int]:
    """A process that obeys, and the pipe with its answer."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writing, json.dumps(obey(order, number, meeting)).encode())
        os._exit(0)
    os.close(writing)
    return pid, reading


def answers(order: Order) -> list[dict[str, Any] | None]:
    """Of each process; None if it was killed."""
    meeting = Meeting()
    processes = [fork(order, number, meeting) for number in range(order.processes)]
    meeting.lead(order.processes if order.processes > 1 else 0)
    told = []
    for pid, reading in processes:
        with open(reading, "rb") as pipe:
            text = pipe.read()
        os.waitpid(pid, 0)
        told.append(json.loads(text) if text else None)
    return told


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answers(Order(*json.loads(line)))), flush=True)
