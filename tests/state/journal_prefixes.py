"""Every state that a crash could leave of a store: one for each commit in its write-ahead log."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import apsw

from sloth_state.model import Action, Operation
from sloth_state.open import open_store
from sloth_state.store import Store

HEADER, FRAME_HEADER = 32, 24
"""Bytes; see https://sqlite.org/fileformat2.html#walformat."""
_MAGIC = (0x377F0682, 0x377F0683)
Things = dict[str, dict[str, Any]]
"""Attributes by type/name."""


class Pending(NamedTuple):
    """An operation that was begun, and of which nobody knows more."""

    run_id: str
    operation: Operation


class Captured(NamedTuple):
    """A database as it was once, and the log of all that was written since."""

    database: bytes
    log: bytes

    def prefixes(self) -> list[Captured]:
        """What there was after each commit, and before the first."""
        return [self._replace(log=self.log[:end]) for end in (0, *commit_ends(self.log))]

    def leave(self, database: Path) -> None:
        """Put it where a store is, as a crash would have left it."""
        Path(f"{database}-shm").unlink(missing_ok=True)
        database.write_bytes(self.database)
        Path(f"{database}-wal").write_bytes(self.log)


def captured(database: Path, write: Callable[[], None]) -> Captured:
    """What is written to a store in the meantime, with every commit in the log.

    Somebody reads all the while what was before, so nothing of the log goes into the database.
    """
    reader = apsw.Connection(str(database))
    reader.execute("BEGIN; SELECT count(*) FROM sqlite_schema").fetchall()
    write()
    found = Captured(database.read_bytes(), Path(f"{database}-wal").read_bytes())
    reader.close()
    return found


def commit_ends(log: bytes) -> list[int]:
    """Where in a write-ahead log each commit ends, in bytes."""
    magic, _, page_size, _, *salts = struct.unpack_from(">6I", log)
    assert magic in _MAGIC
    ends = []
    frame = FRAME_HEADER + page_size
    for start in range(HEADER, len(log) - frame + 1, frame):
        _, pages_after_commit, *frame_salts = struct.unpack_from(">4I", log, start)
        if frame_salts != salts:
            break  # room that was made for more
        if pages_after_commit:
            ends.append(start + frame)
    return ends


def replayed(operations: list[Operation]) -> Things:
    """What is there after operations that ended, in the order in which they did.

    The providers of these tests do what is wanted, or nothing and fail; then what was there
    before is recorded as what it is.
    """
    things: Things = {}
    for each in operations:
        after(things, each, was_done=each.error is None)
    return things


def after(things: Things, operation: Operation, *, was_done: bool) -> None:
    """Let things be what they are recorded as after one operation."""
    identity = f"{operation.type}/{operation.name}"
    if operation.verb == "delete":
        if was_done:
            things.pop(identity, None)
    elif was_done:
        things[identity] = dict(operation.wanted)
    elif isinstance(operation.before, dict):
        things[identity] = {**operation.wanted, **operation.before}


def journal(store: Store, workflow: str) -> tuple[list[Operation], list[Pending]]:
    """The operations of all runs that have ended, in that order, and those that have not."""
    runs = store.runs(name=workflow)
    begun = [Pending(run.id, each) for run in runs for each in store.operations(run.id)]
    ended = [(each.operation.ended_at, each.operation) for each in begun if each.operation.ended_at]
    ended.sort(key=lambda pair: pair[0])
    return [operation for _, operation in ended], [
        each for each in begun if each.operation.ended_at is None
    ]


def recorded(store: Store, workflow: str) -> Things:
    """The resources that the live table has."""
    if workflow not in store.workflow_names():
        return {}
    return {
        f"{each.type}/{each.name}": dict(each.attributes)
        for each in store.resources(workflow)
        if each.action is not Action.DELETE
    }


def check_prefix(database: Path, workflow: str) -> tuple[Things, list[Pending]]:
    """A prefix is a sound store whose live table is its journal, replayed.

    At most one operation is pending, that of the only task. Returns what there is, and that.
    """
    with open_store(str(database), create=False) as store:
        assert store.verify() == []
        ended, pending = journal(store, workflow)
        things = recorded(store, workflow)
        assert things == replayed(ended)
        assert len(pending) <= 1
        return things, pending
