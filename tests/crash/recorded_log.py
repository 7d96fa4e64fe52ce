"""A store whose write-ahead log is kept, with what every commit in it had made of the store.

The log's format is described in https://sqlite.org/fileformat2.html#walformat.
"""

from __future__ import annotations

import struct
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from sloth_state.leases import acquire
from sloth_state.model import (
    Holder,
    LockScope,
    NewRun,
    Output,
    ResourceDraft,
    RunStatus,
    TaskRecord,
    TaskStatus,
)
from sloth_state.open import open_store

HOLDER = Holder("ada", "build-7", 4711, 0, "", None)
HEADER = 32
FRAME_HEADER = 24
FRAME = FRAME_HEADER + 4096

Rows: TypeAlias = dict[str, list[tuple[Any, ...]]]


class RecordedLog(NamedTuple):
    """A database that nothing of the log was folded into, and the log."""

    database: bytes
    log: bytes
    commits: dict[int, Rows]
    """What is in all tables after so many frames, where these end with a commit."""

    @property
    def frames(self) -> int:
        """How many there are up to the last commit."""
        return max(self.commits)

    def rows_after(self, frames: int) -> Rows:
        """What these whole frames hold: the last commit in them."""
        return self.commits[max(number for number in self.commits if number <= frames)]

    def cut(self, frames: int, more: int = 0) -> bytes:
        """The log with only these frames and some bytes of the next one."""
        return self.log[: HEADER + frames * FRAME + more]

    def changed(self, frames: int, at: int, size: int = 1) -> bytes:
        """The whole log, with some bytes inverted in the frame after these."""
        start = HEADER + frames * FRAME + at
        inverted = bytes(0xFF ^ byte for byte in self.log[start : start + size])
        return self.log[:start] + inverted + self.log[start + size :]

    def with_commit_after(self, frames: int) -> bytes:
        """The log with these frames, the last of which says that it ends a commit."""
        log = bytearray(self.cut(frames))
        last = len(log) - FRAME
        pages = max(self._pages_after(number) for number in self.commits if number)
        struct.pack_into(">I", log, last + 4, pages)
        before = last - FRAME + 16 if frames > 1 else 24
        sums = struct.unpack_from(">II", log, before)
        content = log[last : last + 8] + log[last + FRAME_HEADER :]
        struct.pack_into(">II", log, last + 16, *self._checksum(content, sums))
        return bytes(log)

    def _pages_after(self, frames: int) -> int:
        (pages,) = struct.unpack_from(">I", self.log, HEADER + (frames - 1) * FRAME + 4)
        return int(pages)

    def _checksum(self, content: bytes, sums: tuple[int, ...]) -> tuple[int, int]:
        order = ">" if self.log[3] & 1 else "<"
        first, second = sums
        for one, other in struct.iter_unpack(f"{order}II", content):
            first = (first + one + second) & 0xFFFFFFFF
            second = (second + other + first) & 0xFFFFFFFF
        return first, second


def all_rows(store: Any) -> Rows:
    """What is in all tables of a store."""
    tables = store._db.select("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    return {name: store._db.select(f"SELECT * FROM {name}") for (name,) in tables}


def record_log(folder: Path) -> RecordedLog:
    """Make a store in the folder, with a log of some 25 commits."""
    path = folder / "state.db"
    open_store(str(path)).close()
    database = path.read_bytes()
    with open_store(str(path)) as store:
        commits = {0: all_rows(store)}
        _note_commits(store, Path(f"{path}-wal"), commits)
        for version in range(1, 4):
            make_version(store, version)
        assert path.read_bytes() == database, "the log was folded in"
        return RecordedLog(database, Path(f"{path}-wal").read_bytes(), commits)


def _note_commits(store: Any, log: Path, commits: dict[int, Rows]) -> None:
    commit = store._db._commit

    def commit_and_note() -> None:
        commit()
        if store._db._depth == 0:
            commits[_frames_in(log.read_bytes())] = all_rows(store)

    store._db._commit = commit_and_note


def _frames_in(log: bytes) -> int:
    """How many frames there are of this log; behind them are zeros."""
    salts = log[16:24]
    number = 0
    while log[HEADER + number * FRAME + 8 :][:8] == salts:
        number += 1
    return number


def make_version(store: Any, version: int) -> None:
    """Record three resources, of which the second version loses one, an output and a task."""
    lock = acquire(store, LockScope.WORKFLOW, "w", holder=HOLDER, lease=timedelta(hours=1))
    run = store.begin_run(NewRun("w", {"round": str(version)}, source=b"-- lua"), lock)
    drafts = [ResourceDraft("r", f"n{n}", {"version": version, "n": n}) for n in range(3)]
    store.record(run.id, drafts, lock)
    store.set_output(run.id, Output("url", version), lock)
    store.save_tasks(run.id, [TaskRecord("t", TaskStatus.SUCCESS, 1, None, None)], lock)
    store.kv_set("phase", version)
    if version == 2:
        store.remove_resource(run.id, "r", "n2", lock)
    store.finish_run(run.id, RunStatus.SUCCESS, lock)
    store.release_lock(lock)
