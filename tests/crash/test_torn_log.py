"""Whatever a crash leaves of the write-ahead log, the store has a whole prefix of its commits."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from recorded_log import FRAME, FRAME_HEADER, HEADER, RecordedLog, all_rows, record_log

from sloth_state.open import open_store


@pytest.fixture(scope="module")
def recorded() -> RecordedLog:
    with tempfile.TemporaryDirectory() as folder:
        return record_log(Path(folder))


def check(recorded: RecordedLog, folder: Path, log: bytes, frames: int) -> None:
    """Opened with this log, the store is sound, has what the first frames hold, and goes on."""
    path = folder / "state.db"
    for name in os.listdir(folder):
        (folder / name).unlink()
    path.write_bytes(recorded.database)
    Path(f"{path}-wal").write_bytes(log)
    with open_store(str(path)) as store:
        assert all_rows(store) == recorded.rows_after(frames)
        assert store.verify() == []
        store.kv_set("later", frames)
    with open_store(str(path)) as store:
        assert store.kv_get("later") == (True, frames)


def test_the_log_has_commits_of_several_frames_and_room_behind_them(recorded: RecordedLog) -> None:
    assert len(recorded.commits) > 20
    assert recorded.frames > 3 * len(recorded.commits)
    assert len(recorded.log) > HEADER + recorded.frames * FRAME


def test_a_log_cut_after_any_frame_is_a_prefix_of_the_commits(
    recorded: RecordedLog, memory_path: Path
) -> None:
    for frames in range(recorded.frames + 1):
        check(recorded, memory_path, recorded.cut(frames), frames)


@pytest.mark.parametrize("size", [0, 1, 16, HEADER - 1])
def test_a_log_cut_in_its_header_holds_nothing(
    recorded: RecordedLog, memory_path: Path, size: int
) -> None:
    check(recorded, memory_path, recorded.log[:size], 0)


@pytest.mark.parametrize("byte", range(HEADER))
def test_a_log_whose_header_has_changed_holds_nothing(
    recorded: RecordedLog, memory_path: Path, byte: int
) -> None:
    changed = recorded.log[:byte] + bytes([recorded.log[byte] ^ 1]) + recorded.log[byte + 1 :]
    check(recorded, memory_path, changed, 0)


TEARS: dict[str, Callable[[RecordedLog, int], bytes]] = {
    "cut in the middle": lambda log, frames: log.cut(frames, FRAME // 2),
    "cut before its last byte": lambda log, frames: log.cut(frames, FRAME - 1),
    "another page": lambda log, frames: log.changed(frames, 3),
    "a commit or none": lambda log, frames: log.changed(frames, 7),
    "another salt": lambda log, frames: log.changed(frames, 8),
    "another checksum": lambda log, frames: log.changed(frames, 20),
    "another byte of content": lambda log, frames: log.changed(frames, FRAME_HEADER + 2000),
    "a lost sector": lambda log, frames: log.changed(frames, 1024, 512),
}


@pytest.mark.slow
@pytest.mark.parametrize("tear", TEARS.values(), ids=TEARS)
def test_a_frame_that_is_not_whole_ends_the_log(
    recorded: RecordedLog, memory_path: Path, tear: Callable[[RecordedLog, int], bytes]
) -> None:
    for frames in range(recorded.frames):
        check(recorded, memory_path, tear(recorded, frames), frames)


@pytest.mark.parametrize("tear", TEARS.values(), ids=TEARS)
def test_some_frames_that_are_not_whole_end_the_log(
    recorded: RecordedLog, memory_path: Path, tear: Callable[[RecordedLog, int], bytes]
) -> None:
    for frames in range(0, recorded.frames, 9):
        check(recorded, memory_path, tear(recorded, frames), frames)


def test_the_check_finds_half_a_commit_that_is_taken_for_a_whole_one(
    recorded: RecordedLog, memory_path: Path
) -> None:
    unfinished = set(range(1, recorded.frames)) - recorded.commits.keys()
    for frames in sorted(unfinished):
        with pytest.raises(AssertionError):
            check(recorded, memory_path, recorded.with_commit_after(frames), frames)


def test_the_check_finds_a_commit_that_is_lost(recorded: RecordedLog, memory_path: Path) -> None:
    for frames in recorded.commits.keys() - {0}:
        with pytest.raises(AssertionError):
            check(recorded, memory_path, recorded.cut(frames - 1), frames)
