"""What can be wrong with a store's file: each has its own error, and nothing is overwritten."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import apsw
import pytest

from sloth_state.errors import (
    StoreDamaged,
    StoreForeign,
    StoreMissing,
    StoreNewer,
    StoreUnreadable,
    UsageError,
)
from sloth_state.open import open_store

if TYPE_CHECKING:
    from pathlib import Path

    from sloth_state.errors import (
        StoreError,
    )


def _prepared(path: Path, keys: int = 1) -> Path:
    """A store with some keys, closed."""
    with open_store(str(path)) as store:
        for number in range(keys):
            store.kv_set(f"key-{number}", "x" * 1000)
    return path


def _refused(path: Path, kind: type[StoreError], **options: Any) -> str:
    """The sentence with which opening is refused; the file stays as it is, to the byte."""
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(kind) as error:
        open_store(str(path), **options)
    assert type(error.value) is kind
    assert error.value.hint is not None or kind is StoreUnreadable
    assert error.value.exit_code == 6
    assert (path.read_bytes() if path.is_file() else None) == before
    return error.value.message.replace(str(path), "PATH")


# -- files that are no store -------------------------------------------------------------------


def test_a_file_that_is_not_there_is_missing_for_those_who_only_look(tmp_path: Path) -> None:
    path = tmp_path / "below" / "state.db"
    assert _refused(path, StoreMissing, create=False) == "the state store PATH does not exist"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        (b"", StoreForeign, "is empty: it was cut off, or something else made it"),
        (b"# notes\n" * 40, StoreForeign, "is not an SQLite database"),
        (os.urandom(8192), StoreForeign, "is not an SQLite database"),
        (b"SQLite format 3\0" + b"\0" * 20, StoreDamaged, "was cut off after 36 bytes"),
    ],
)
def test_a_file_of_another_kind_is_left_alone(
    tmp_path: Path, content: bytes, kind: type[StoreError], message: str
) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(content)
    assert _refused(path, kind) == f"the state store PATH {message}"
    assert list(tmp_path.iterdir()) == [path]


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE bookmarks (url TEXT)")
    database.close()
    assert _refused(path, StoreForeign) == (
        "the state store PATH is an SQLite database of another program"
    )


def test_a_directory_and_a_device_are_no_stores(tmp_path: Path) -> None:
    assert _refused(tmp_path, StoreUnreadable) == "the state store PATH is a directory"
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert _refused(pipe, StoreForeign) == "the state store PATH is not a regular file"


def test_a_newer_schema_is_refused_with_the_way_out(tmp_path: Path) -> None:
    path = _prepared(tmp_path / "state.db")
    database = apsw.Connection(str(path))
    database.pragma("user_version", 99)
    database.close()
    with pytest.raises(StoreNewer) as error:
        open_store(str(path))
    assert error.value.message == (
        f"the state store {path} has schema 99, and this release knows up to 3"
    )
    assert error.value.hint == "Upgrade with: pip install --upgrade sloth-runner"


def test_a_file_that_was_cut_off_says_how_much_is_missing(tmp_path: Path) -> None:
    path = _prepared(tmp_path / "state.db", keys=20)
    whole = path.stat().st_size
    os.truncate(path, whole - 8192)
    assert _refused(path, StoreDamaged) == (
        "the state store PATH was cut off: 8,192 bytes are missing at its end"
    )


def test_a_store_without_its_tables_is_damaged(tmp_path: Path) -> None:
    path = _prepared(tmp_path / "state.db")
    database = apsw.Connection(str(path))
    database.execute("DROP TABLE key_values")
    database.close()
    assert _refused(path, StoreDamaged) == (
        "the state store PATH is damaged: its schema is not what was written"
    )


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    path = tmp_path / "file" / "below" / "state.db"
    assert _refused(path, StoreUnreadable).startswith("the state store PATH cannot be")


# -- making a store ----------------------------------------------------------------------------


def test_a_new_store_and_all_files_beside_it_are_for_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "deep" / "state.db"
    with open_store(f"sqlite:///{path}") as store:
        store.kv_set("a", 1)
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert modes == dict.fromkeys(
        ["state.db", "state.db-wal", "state.db-shm", "state.db.queue"], 0o600
    )
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_store_shared_by_a_group_has_a_queue_for_the_group(tmp_path: Path) -> None:
    path = _prepared(tmp_path / "state.db")
    path.chmod(0o660)
    queue = tmp_path / "state.db.queue"
    queue.unlink()
    with open_store(str(path)) as store:
        store.kv_set("a", 1)
    assert stat.S_IMODE(queue.stat().st_mode) == 0o660


def test_a_log_that_a_removed_store_left_behind_is_not_replayed(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with open_store(str(path)) as store:
        store.kv_set("old", 1)
        log = (tmp_path / "state.db-wal").read_bytes()
    path.unlink()
    (tmp_path / "state.db-wal").write_bytes(log)
    with open_store(str(path)) as store:
        assert store.kv_keys() == []
        assert store.verify() == []


def test_what_an_unfinished_creation_left_behind_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    (tmp_path / "state.db.new").write_bytes(b"half")
    _prepared(path)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["state.db", "state.db.queue"]


def test_one_store_by_two_names_has_one_queue(tmp_path: Path) -> None:
    path = _prepared(tmp_path / "state.db")
    (tmp_path / "link.db").symlink_to(path)
    with open_store(str(tmp_path / "link.db")) as store:
        store.kv_set("a", 1)
        assert store.url == f"sqlite:///{path}"
    assert not (tmp_path / "link.db.queue").exists()


# -- how a store is named ----------------------------------------------------------------------


def test_paths_and_urls_name_the_same_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / "state.db"
    for url in ("state.db", str(path), "sqlite:///state.db", f"sqlite:///{path}", "~/state.db"):
        with open_store(url) as store:
            assert store.url == f"sqlite:///{path}"
    monkeypatch.setenv("SLOTH_RUNNER_STATE", "sqlite:///state.db")
    with open_store() as store:
        assert store.url == f"sqlite:///{path}"


def test_without_a_name_the_store_is_in_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SLOTH_RUNNER_STATE", raising=False)
    with pytest.raises(StoreMissing) as error:
        open_store(create=False)
    assert error.value.hint == "Nothing has run yet. Run a workflow with: sloth-runner run FILE"
    assert list(tmp_path.iterdir()) == []
    with open_store() as store:
        assert store.url == f"sqlite:///{tmp_path}/.sloth-runner/state.db"
    assert stat.S_IMODE((tmp_path / ".sloth-runner").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "postgresql://db/state",
            "state cannot be kept in postgresql://: this release keeps it in SQLite only",
        ),
        (
            "mysql+x://db",
            "state cannot be kept in mysql+x://: this release keeps it in SQLite only",
        ),
        ("sqlite:///", "'sqlite:///' does not name a file for the state store"),
        ("a\0b", "'a\\x00b' does not name a file for the state store"),
        ("a\udcff", "'a\\udcff' does not name a file for the state store"),
    ],
)
def test_a_name_of_no_file_is_a_usage_error(url: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        open_store(url)
    assert str(error.value) == message


# -- places that do not let one write ----------------------------------------------------------

_LOOK = """
import sys
from sloth_state.errors import SlothError
from sloth_state.open import open_store

try:
    with open_store(sys.argv[1], create=len(sys.argv) > 2) as store:
        print(store.read_only, "|", store.kv_keys())
        store.kv_set("more", "x" * 10_000)
        print("written")
except SlothError as error:
    print(type(error).__name__, "|", error)
"""
_NO_PRIVILEGES = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
_OWN_MOUNTS = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "-rm"]


def _look(path: Path, *options: str, prefix: list[str] = _NO_PRIVILEGES) -> list[str]:
    """What a process sees that has no way around permissions; it also tries to write."""
    command = [*prefix, sys.executable, "-c", _LOOK, str(path), *options]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    return printed.replace(str(path), "PATH").splitlines()


def _look_after(mount: str, path: Path, *options: str) -> list[str]:
    """The same after a shell command in a mount namespace of its own; "$1" is the folder."""
    shell = ["sh", "-c", f'set -e; {mount}; shift; exec "$@"', "sh", str(path.parent)]
    return _look(path, *options, prefix=[*_OWN_MOUNTS, *shell])


def _leave_log(path: Path) -> None:
    """Make a store as a killed process leaves it: what it wrote is in the log only."""
    script = (
        "import os, sys; from sloth_state.open import open_store; store = open_store(sys.argv[1]); "
        "store.kv_set('in-the-log', 1); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert path.with_name("state.db-wal").stat().st_size > 0


READ_ONLY_MOUNT = 'mount --bind "$1" "$1"; mount -o remount,ro,bind "$1"'


def test_a_read_only_file_can_be_read(tmp_path: Path) -> None:
    path = _prepared(tmp_path / "state.db")
    path.chmod(0o400)
    assert _look(path) == [
        "the file is read-only | ['key-0']",
        "StoreReadOnly | the state store PATH cannot be written to: the file is read-only",
    ]


def test_a_store_in_a_read_only_folder_can_be_read(tmp_path: Path) -> None:
    path = _prepared(tmp_path / "below" / "state.db")
    path.parent.chmod(0o500)
    assert _look(path) == [
        "the folder is read-only | ['key-0']",
        "StoreReadOnly | the state store PATH cannot be written to: the folder is read-only",
    ]


@pytest.mark.parametrize("shared_memory", [True, False])
def test_what_is_in_the_log_only_is_read_from_a_read_only_file_system_too(
    tmp_path: Path, shared_memory: bool
) -> None:
    path = tmp_path / "state.db"
    _leave_log(path)
    if not shared_memory:
        path.with_name("state.db-shm").unlink()
    before = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    assert _look_after(READ_ONLY_MOUNT, path) == [
        "the file system is read-only | ['in-the-log']",
        "StoreReadOnly | the state store PATH cannot be written to: the file system is read-only",
    ]
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == before


def test_a_store_cannot_be_made_on_a_read_only_file_system(tmp_path: Path) -> None:
    (line,) = _look_after(READ_ONLY_MOUNT, tmp_path / "state.db", "create")
    assert line == (
        "StoreReadOnly | the state store PATH cannot be written to: "
        "the file PATH.queue: Read-only file system"
    )


def test_a_file_that_may_not_be_read_is_unreadable(tmp_path: Path) -> None:
    path = _prepared(tmp_path / "state.db")
    path.chmod(0o000)
    assert _look(path) == [
        "StoreUnreadable | the state store PATH cannot be read: Permission denied"
    ]


def test_a_store_cannot_be_made_in_a_folder_of_somebody_else(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir(mode=0o500)
    (line,) = _look(folder / "state.db", "create")
    assert line == (
        "StoreReadOnly | the state store PATH cannot be written to: "
        "the file PATH.queue: Permission denied"
    )
    assert list(folder.iterdir()) == []


# -- full disks --------------------------------------------------------------------------------

_FILL = """
import os, sys
from sloth_state.errors import StoreFull
from sloth_state.open import open_store

path, acknowledged = sys.argv[1], 0
store = open_store(path)
try:
    while True:
        store.kv_set(f"key-{acknowledged}", "x" * 5000)
        acknowledged += 1
except StoreFull as error:
    print(error)
with open_store(path, create=False) as other:
    assert len(other.kv_keys()) == acknowledged > 20
    assert other.verify() == []
store.close()
with open_store(path, create=False) as store:
    assert len(store.kv_keys()) == acknowledged
    assert store.verify() == []
os.unlink(os.path.dirname(path) + "/ballast")
with open_store(path) as store:
    store.kv_set("more", 1)
    print(len(store.kv_keys()) - acknowledged, store.verify())
"""


def _on_small_disk(size: str, script: str, path: Path) -> list[str]:
    """What a script prints with a file system of that size under the folder of the path."""
    shell = (
        f'set -e; mount -t tmpfs -o size={size} none "$1"; '
        'head -c 100000 /dev/zero > "$1/ballast"; exec "$2" -c "$3" "$4"'
    )
    command = [*_OWN_MOUNTS, "sh", "-c", shell, "sh", str(path.parent), sys.executable]
    result = subprocess.run(
        [*command, script, str(path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.replace(str(path), "PATH").splitlines()


def test_a_full_disk_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    assert _on_small_disk("1m", _FILL, tmp_path / "state.db") == [
        "the state store PATH has no room left on its disk",
        "1 []",
    ]


_BACK_UP = """
import sys, tempfile
from sloth_state.errors import StoreFull
from sloth_state.open import open_store
from sloth_state.sqlite.copies import Replacement

with tempfile.TemporaryDirectory() as folder:
    path = folder + "/state.db"
    with open_store(path) as store:
        for number in range(20):
            store.kv_set(f"key-{number}", "x" * 20_000)
        for copy in (lambda: store.backup(sys.argv[1]), lambda: Replacement(path, sys.argv[1])):
            try:
                copy()
            except StoreFull as error:
                print(error)
"""


def test_a_copy_that_does_not_fit_names_its_own_place_and_not_that_of_the_store(
    tmp_path: Path,
) -> None:
    full = "the state store PATH has no room left on its disk"
    assert _on_small_disk("400k", _BACK_UP, tmp_path / "copy.db") == [full, full]


_READ_WHEN_FULL = """
import os, shutil, sys
from sloth_state.errors import StoreFull
from sloth_state.open import open_store

path = sys.argv[1]
folder = os.path.dirname(path)
store = open_store(path)
store.kv_set("in-the-log", 1)
for suffix in ("", "-wal"):  # as after a reboot: the log is there, shared memory is not
    shutil.copy(path + suffix, folder + "/copy.db" + suffix)
store.close()
try:
    with open(folder + "/fill", "wb", buffering=0) as fill:
        while True:
            fill.write(b"x" * 4096)
except OSError:
    pass
for name in ("copy.db", "state.db", "new.db"):
    try:
        with open_store(folder + "/" + name) as store:
            print(name, store.read_only, store.kv_keys())
            store.kv_set("more", 1)
    except StoreFull as error:
        print(str(error).replace(folder, ""))
"""


def test_a_store_on_a_full_disk_can_be_read(tmp_path: Path) -> None:
    assert _on_small_disk("2m", _READ_WHEN_FULL, tmp_path / "state.db") == [
        "copy.db the disk is full ['in-the-log']",
        "the state store /copy.db has no room left on its disk",
        "state.db the disk is full ['in-the-log']",
        "the state store /state.db has no room left on its disk",
        "the state store /new.db has no room left on its disk",
    ]


# -- file systems without shared memory --------------------------------------------------------

_WITHOUT_SHARED_MEMORY = """
import sys
import apsw
from sloth_state.errors import StoreReadOnly
from sloth_state.open import open_store

with open_store(sys.argv[1] + "/old.db") as store:
    store.kv_set("a", 1)
apsw.set_default_vfs("unix-dotfile")  # SQLite's own implementation of a file system without it
with open_store(sys.argv[1] + "/new.db") as store:
    store.kv_set("b", 1)
with open_store(sys.argv[1] + "/new.db") as store:
    database = store._db._database
    print(store.kv_keys(), database.pragma("journal_mode"), database.pragma("synchronous"))
with open_store(sys.argv[1] + "/old.db") as store:
    print(store.kv_keys(), store.read_only)
    try:
        store.kv_set("b", 1)
    except StoreReadOnly:
        print("refused")
"""


def test_without_shared_memory_a_store_keeps_a_journal_instead_of_a_log(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _WITHOUT_SHARED_MEMORY, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    extra = 3
    assert result.stdout.splitlines() == [
        f"['b'] delete {extra}",
        "['a'] SQLite cannot keep its log on this file system",
        "refused",
    ]


def test_an_error_of_sqlite_that_means_a_bug_is_not_translated(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "state.db")) as store, pytest.raises(apsw.SQLError):
        store._db.select("SELEC 1")  # type: ignore[attr-defined]


_LEAVE_JOURNAL = """
import os, sys
import apsw
database = apsw.Connection(sys.argv[1])
database.pragma("journal_mode", "DELETE")
database.pragma("cache_size", 1)  # so that changed pages go to the file before the commit
database.execute("BEGIN; UPDATE key_values SET value = replace(value, 'x', 'y')")
os.kill(os.getpid(), 9)
"""


def test_an_unfinished_transaction_is_not_seen_on_a_read_only_file_system(tmp_path: Path) -> None:
    path = _prepared(tmp_path / "state.db", keys=50)
    subprocess.run([sys.executable, "-c", _LEAVE_JOURNAL, str(path)], check=False)
    assert path.with_name("state.db-journal").stat().st_size > 0
    assert b"yyyy" in path.read_bytes()
    lines = _look_after(READ_ONLY_MOUNT, path)
    assert lines[0].startswith("the file system is read-only | ['key-0', 'key-1', 'key-10'")
    with open_store(str(path)) as store:
        assert store.kv_get("key-7") == (True, "x" * 1000)
        assert store.verify() == []
