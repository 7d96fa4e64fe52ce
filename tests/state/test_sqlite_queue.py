"""Several processes and threads on one SQLite store."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from sloth_state.errors import StoreBusy
from sloth_state.open import open_store
from sloth_state.sqlite.write_queue import WriteQueue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_INCREMENT = """
import sys
from sloth_state.open import open_store
with open_store(sys.argv[1]) as store:
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(int(sys.argv[2])):
        store.kv_increment("n")
"""
_HOLD = """
import sys
from sloth_state.sqlite.write_queue import WriteQueue
queue = WriteQueue(sys.argv[1])
queue.acquire()
print("held", flush=True)
sys.stdin.readline()
queue.release()
print("released", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


def _start(script: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def _hear(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _end(process: subprocess.Popen[str]) -> int:
    """Let it run to its end; its exit code."""
    process.communicate(timeout=30)
    return process.returncode


@pytest.fixture
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the turn to write, until it is told to go on."""
    process = _start(_HOLD, str(path))
    assert _hear(process) == "held"
    yield process
    process.kill()
    _end(process)


def test_no_increment_of_four_processes_is_lost(path: Path) -> None:
    with open_store(str(path)) as store:
        processes = [_start(_INCREMENT, str(path), "200") for _ in range(4)]
        assert [_hear(process) for process in processes] == ["ready"] * 4
        for process in processes:
            _tell(process)
        assert [_end(process) for process in processes] == [0] * 4
        assert store.kv_get("n") == (True, 800)


def test_eight_processes_may_open_a_new_store_at_once(path: Path) -> None:
    processes = [_start(_INCREMENT, str(path), "1") for _ in range(8)]
    assert [_hear(process) for process in processes] == ["ready"] * 8
    for process in processes:
        _tell(process)
    assert [_end(process) for process in processes] == [0] * 8
    with open_store(str(path), create=False) as store:
        assert store.kv_get("n") == (True, 8)
        assert store.verify() == []
    assert sorted(each.name for each in path.parent.iterdir()) == ["state.db", "state.db.queue"]


def test_a_busy_writer_lets_others_have_their_turn(path: Path) -> None:
    with open_store(str(path)) as store:
        greedy = _start(_INCREMENT, str(path), "1000000")
        assert _hear(greedy) == "ready"
        _tell(greedy)
        while store.kv_get("n") == (False, None):
            time.sleep(0.001)
        waits = []
        for _ in range(50):
            started = time.monotonic()
            store.kv_set("mine", 1)
            waits.append(time.monotonic() - started)
        greedy.kill()
        _end(greedy)
        assert max(waits) < 2


def test_a_writer_that_is_stopped_makes_others_give_up_in_time(
    path: Path, holder: subprocess.Popen[str]
) -> None:
    holder.send_signal(signal.SIGSTOP)
    queue = WriteQueue(str(path), patience=0.2)
    started = time.monotonic()
    with pytest.raises(StoreBusy) as busy:
        queue.acquire()
    assert 0.2 <= time.monotonic() - started < 2
    assert str(busy.value) == (
        f"the state store {path} is being written to by another process for more than 0 s"
    )
    assert busy.value.hint == f"See which one with: fuser -v {path}.queue"
    holder.send_signal(signal.SIGCONT)


def test_whoever_gave_up_waiting_passes_the_turn_on_when_it_comes(
    path: Path, holder: subprocess.Popen[str]
) -> None:
    impatient = WriteQueue(str(path), patience=0.05)
    with pytest.raises(StoreBusy):
        impatient.acquire()
    _tell(holder)
    assert _hear(holder) == "released"
    patient = WriteQueue(str(path), patience=5)
    patient.acquire()
    patient.close()
    impatient.close()


def test_whoever_waits_gets_the_turn_when_it_is_given_on(
    path: Path, holder: subprocess.Popen[str]
) -> None:
    threading.Timer(0.1, _tell, [holder]).start()
    queue = WriteQueue(str(path), patience=5)
    queue.acquire()
    assert _hear(holder) == "released"
    assert WriteQueue(str(path)).try_acquire() is False
    queue.release()
    queue.close()


def test_a_killed_writer_frees_the_turn(path: Path, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    _end(holder)
    queue = WriteQueue(str(path))
    assert queue.try_acquire() is True
    queue.close()


def test_reading_and_closing_do_not_wait_for_a_writer(
    path: Path, holder: subprocess.Popen[str]
) -> None:
    _tell(holder)
    assert _hear(holder) == "released"
    with open_store(str(path)) as store:
        store.kv_set("a", 1)
    stopped = _start(_HOLD, str(path))
    assert _hear(stopped) == "held"
    started = time.monotonic()
    with open_store(str(path)) as store:
        assert store.kv_keys() == ["a"]
        assert store.verify() == []
    assert time.monotonic() - started < 2
    _end(stopped)


def test_another_thread_is_refused_and_helps_itself_with_reopen(path: Path) -> None:
    told: list[object] = []

    def work() -> None:
        for use in (lambda: store.kv_set("a", 1), store.kv_keys, store.close):
            try:
                use()
            except RuntimeError as error:
                told.append(str(error))
        with store.reopen() as own:
            own.kv_set("b", 2)
            told.append(own.url == store.url)

    with open_store(str(path)) as store:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert store.kv_keys() == ["b"]
    refusal = (
        "a store belongs to the thread and the process that opened it: "
        "use Store.reopen in each thread, and open_store after a fork"
    )
    assert told == [refusal, refusal, refusal, True]


_FORK = """
import os, sys
from sloth_state.open import open_store
with open_store(sys.argv[1]) as store:
    if os.fork() == 0:
        try:
            store.kv_set("a", 1)
        except RuntimeError as error:
            print("refused", flush=True)
        os._exit(0)
    os.wait()
    store.kv_set("b", 1)
    print(store.kv_keys())
"""


def test_a_forked_child_is_refused(path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", _FORK, str(path)], capture_output=True, text=True, check=True
    )
    assert result.stdout.splitlines() == ["refused", "['b']"]


def test_a_closed_store_says_so(path: Path) -> None:
    store = open_store(str(path))
    store.close()
    store.close()
    with pytest.raises(RuntimeError, match="this store is closed"):
        store.kv_keys()


def test_a_commit_is_in_the_file_when_the_process_is_killed_right_after(path: Path) -> None:
    script = (
        "import os, sys; from sloth_state.open import open_store\n"
        "store = open_store(sys.argv[1])\n"
        "for number in range(50): store.kv_set(f'{number:02}', number)\n"
        "os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", script, str(path)], check=False).returncode == -9
    with open_store(str(path), create=False) as store:
        assert store.kv_keys() == [f"{number:02}" for number in range(50)]
        assert store.verify() == []
