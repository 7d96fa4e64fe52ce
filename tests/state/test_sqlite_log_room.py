"""Room in the write-ahead log: it is there in time, it is no content, and it takes nobody's."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sloth_state.open import open_store

if TYPE_CHECKING:
    from pathlib import Path

MEGABYTE = 2**20

RECORD = """
import os, sys
from sloth_state.open import open_store
store = open_store(sys.argv[1])
for number in range(int(sys.argv[2])):
    store.kv_set(f"key-{number:03}", number)
    print(number, flush=True)
os._exit(9)
"""


def log_size(path: Path) -> int:
    return os.stat(f"{path}-wal").st_size


def test_the_log_of_a_few_commits_is_no_longer_than_they_are(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "state.db")) as store:
        for number in range(10):
            store.kv_set("key", number)
        assert 0 < log_size(tmp_path / "state.db") < MEGABYTE


def test_a_log_that_goes_on_is_made_longer_ahead_of_its_commits(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "state.db")) as store:
        sizes = []
        for number in range(64):
            store.kv_set("key", number)
            sizes.append(log_size(tmp_path / "state.db"))
    assert sizes[-1] > MEGABYTE
    assert sizes[20:] == [sizes[20]] * 27 + [sizes[-1]] * 17


def test_the_log_gets_no_room_beyond_where_it_starts_again(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "state.db")) as store:
        for number in range(700):
            store.kv_set("key", number)
        assert log_size(tmp_path / "state.db") < 10 * MEGABYTE


def test_a_process_that_dies_with_room_in_its_log_loses_nothing_it_acknowledged(
    tmp_path: Path,
) -> None:
    path = tmp_path / "state.db"
    child = subprocess.run(
        [sys.executable, "-c", RECORD, str(path), "40"], capture_output=True, text=True, check=False
    )
    assert (child.returncode, child.stdout.split()) == (9, [str(n) for n in range(40)])
    assert log_size(path) > MEGABYTE
    with open_store(str(path)) as store:
        assert store.kv_keys() == [f"key-{number:03}" for number in range(40)]
        assert store.verify() == []


LIMITED = """
import os, resource, sys
from sloth_state.sqlite.log_room import make_room
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
make_room(sys.argv[1])
"""


@pytest.mark.parametrize("limit", [1000, 500_000])
def test_where_there_is_no_room_to_make_the_log_stays_as_it_is(tmp_path: Path, limit: int) -> None:
    log = tmp_path / "state.db-wal"
    log.write_bytes(b"x" * 1000)
    subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "state.db"), str(limit)], check=True
    )
    assert log.read_bytes() == b"x" * 1000
