"""A damaged store is mended as far as that can be done, and nothing is dropped in silence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import apsw
import pytest

from sloth_state.errors import LockHeld, StoreDamaged, StoreForeign, StoreMissing
from sloth_state.model import (
    Action,
    Holder,
    NewDetection,
    NewOperation,
    NewRun,
    Output,
    Repair,
    ResourceDraft,
    RunStatus,
    TaskRecord,
    TaskStatus,
)
from sloth_state.open import open_store, repair_store
from sloth_state.processes import current_holder
from sloth_state.store import Store

CONTENT = b"<h1>Hello</h1>\n"
PAGE = 4096


def fill(bench: Any) -> None:
    """Three versions of `deploy` and one of `site`, with something in every table."""
    store = bench.store
    run, lock = bench.begin(source=b"-- lua", message="first", metadata={"a": "b"}, values={"x": 1})
    store.record(run.id, [bench.draft("a", "one"), bench.draft("b", "one")], lock)
    store.set_output(run.id, Output("url", "http://one"), lock)
    store.save_tasks(run.id, [TaskRecord("build", TaskStatus.SUCCESS, 1, None, None)], lock)
    store.add_tags(run.id, ["stable"], "ada")
    store.audit("ada", "reveal", "deploy", "url")
    store.kv_set("key", "value")
    store.take_ticket(lock.scope, "waits", lock.holder, timedelta(seconds=15))
    bench.finish(run, lock)
    bench.run_recording(bench.draft("a", "two"))
    bench.run_recording(bench.draft("b", action=Action.DELETE))
    run, lock = bench.begin("site", source=b"-- site", modules={"pages": b"return {}"})
    draft = ResourceDraft("file", "page", {"content_sha256": sha256(CONTENT).hexdigest()})
    operation = NewOperation("create", "file", "page", "/page", None, None, draft.attributes, {})
    number = store.begin_operation(run.id, operation, lock, contents=[CONTENT])
    store.end_operation(run.id, number, lock, record=draft)
    bench.finish(run, lock)
    detection = NewDetection("file", "page", draft.attributes, None, True)
    store.record_detections("site", 1, [detection])
    assert store.verify() == []


@pytest.fixture
def closed(bench: Any, database: Path) -> Path:
    """The file of such a store, which nobody has open."""
    fill(bench)
    bench.store.close()
    return database


def change(database: Path, *statements: str) -> None:
    """Change the file as somebody who knows nothing of the store."""
    connection = apsw.Connection(str(database))
    for statement in statements:
        connection.execute(statement)
    connection.close()


def repair(database: Path, *, dry_run: bool = False) -> Repair:
    return repair_store(str(database), "ada@build-7", dry_run=dry_run)


def verified(database: Path) -> list[tuple[str, str]]:
    with open_store(str(database)) as store:
        return [tuple(problem) for problem in store.verify()]


def mended(done: Repair) -> list[tuple[str, str]]:
    return [tuple(each) for each in done.mended]


def files_beside(database: Path) -> set[str]:
    return {path.name for path in database.parent.iterdir()}


ACCEPTED = "was not what was written; accepted as it is now"
REMADE = "the hash of this version was made anew, from what is there now"


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (
            "UPDATE workflow_outputs SET value = '\"http://two\"'",
            [
                ("workflow_outputs row 1", f"{ACCEPTED}: url"),
                (
                    "deploy version 1",
                    "the hashes of this version and of 2 later ones were made anew, "
                    "from what is there now",
                ),
            ],
        ),
        (
            "UPDATE workflow_resources SET attributes = '{\"content\":\"six\"}' WHERE name = 'a'",
            [
                ("workflow_resources row 1", f"{ACCEPTED}: 000000000002 file a"),
                (
                    "deploy version 2",
                    "the hashes of this version and of 1 later ones were made anew, "
                    "from what is there now",
                ),
            ],
        ),
        (
            "UPDATE workflow_tasks SET attempts = 2",
            [("workflow_tasks row 1", f"{ACCEPTED}: build")],
        ),
        ("UPDATE key_values SET value = '1'", [("key_values row 1", f"{ACCEPTED}: key")]),
        ("UPDATE lock_tickets SET pid = 1", [("lock_tickets row 1", f"{ACCEPTED}: waits")]),
        (
            "UPDATE run_tags SET tag = CAST(x'ff41' AS TEXT)",
            [("run_tags row 1", f"{ACCEPTED}: \ufffdA")],
        ),
        (
            "UPDATE state_versions SET hash = 'x' WHERE run_key = 3",
            [("state_versions row 3", ACCEPTED), ("deploy version 3", REMADE)],
        ),
        (
            "UPDATE workflow_states SET resource_count = 7 WHERE run_key = 4",
            [("workflow_states row 4", f"{ACCEPTED}: 000000000006"), ("site version 1", REMADE)],
        ),
        (
            "UPDATE contents SET content = x'00' WHERE content = CAST('-- site' AS BLOB)",
            [
                ("state_versions row 4", "has lost its workflow file"),
                (
                    "contents row 3",
                    f"was changed and is no longer {sha256(b'-- site').hexdigest()}; dropped",
                ),
                ("site version 1", REMADE),
            ],
        ),
        (
            "DELETE FROM workflows WHERE name = 'site'",
            [
                ("workflows row 2", "its name is lost; it is called recovered-2 now"),
                ("recovered-2 version 1", REMADE),
            ],
        ),
        (
            "DELETE FROM workflow_states WHERE run_key = 1",
            [
                ("state_versions", "1 row removed: what they belonged to is gone"),
                ("workflow_outputs", "1 row removed: what they belonged to is gone"),
                ("workflow_tasks", "1 row removed: what they belonged to is gone"),
                ("run_tags", "1 row removed: what they belonged to is gone"),
                ("deploy version 1", "was lost; a failed run stands in its place"),
                (
                    "deploy version 1",
                    "the hashes of this version and of 2 later ones were made anew, "
                    "from what is there now",
                ),
            ],
        ),
        (
            "DELETE FROM workflow_states WHERE run_key = 3",
            [
                ("state_versions", "1 row removed: what they belonged to is gone"),
                ("deploy version 3", "was lost; a failed run stands in its place"),
                ("deploy version 3", REMADE),
            ],
        ),
        (
            "DELETE FROM state_versions WHERE run_key = 3",
            [
                ("run 000000000005", "its version was lost; made anew as far as it is known"),
                ("deploy version 3", REMADE),
            ],
        ),
        (
            "DELETE FROM workflow_resources WHERE name = 'page'",
            [
                ("drift_detections", "1 row removed: what they belonged to is gone"),
                ("site version 1", REMADE),
            ],
        ),
        (
            "DELETE FROM workflow_resource_history WHERE valid_to = 3",
            [
                (
                    "deploy version 1",
                    "the hashes of this version and of 2 later ones were made anew, "
                    "from what is there now",
                )
            ],
        ),
        (
            "UPDATE workflow_resource_history SET valid_to = 9 WHERE valid_to = 3",
            [
                ("workflow_resource_history row 2", f"{ACCEPTED}: 000000000003 file b"),
                ("file/b", "its state from version 1 ended at 9, and now at 3"),
            ],
        ),
    ],
)
def test_damage_is_mended_and_said(
    closed: Path, damage: str, expected: list[tuple[str, str]]
) -> None:
    change(closed, damage)
    before = closed.read_bytes()
    assert verified(closed) != []

    planned = repair(closed, dry_run=True)
    assert closed.read_bytes() == before
    done = repair(closed)

    assert sorted(mended(done)) == sorted(expected)
    assert planned == done._replace(backup=None)
    assert (done.left, done.lost) == ((), {})
    assert verified(closed) == []
    assert done.backup is not None
    assert verified(Path(done.backup)) != []
    with open_store(str(closed)) as store:
        trail = [entry.detail for entry in store.audit_trail() if entry.action == "repair"]
    assert sorted(trail) == sorted(f"{place}: {what}" for place, what in expected)


def test_a_store_that_is_sound_is_left_as_it_is(closed: Path) -> None:
    before, beside = closed.read_bytes(), files_beside(closed)
    assert repair(closed) == Repair((), {}, ())
    assert (closed.read_bytes(), files_beside(closed)) == (before, beside)


def test_a_row_that_makes_no_sense_is_left_and_named(closed: Path) -> None:
    change(
        closed,
        "UPDATE workflow_resources SET attributes = '{\"content' WHERE name = 'a'",
        "UPDATE workflow_tasks SET attempts = 2",
    )

    done = repair(closed)

    assert mended(done) == [("workflow_tasks row 1", f"{ACCEPTED}: build")]
    assert [tuple(each) for each in done.left] == [
        ("workflow_resources row 1", "is not what was written")
    ]
    assert verified(closed) == [tuple(each) for each in done.left]


def test_a_run_without_a_process_is_ended(bench: Any, database: Path, dead: Holder) -> None:
    fill(bench)
    lock = bench.lock("late", holder=dead, seconds=10**9)
    run = bench.store.begin_run(NewRun("late", {}), lock)
    bench.store.record(run.id, [bench.draft("a")], lock)
    operation = NewOperation("update", "file", "a", None, None, None, {}, {})
    bench.store.begin_operation(run.id, operation, lock)
    bench.store.close()

    done = repair(database)

    assert mended(done) == [("late version 1", "said running and nobody runs it; marked as failed")]
    with open_store(str(database)) as store:
        ended = store.run(run.id)
        assert (ended.status, ended.error_msg) == (
            RunStatus.FAILED,
            "interrupted: its process is gone",
        )
        assert ended.resource_count == 1
        assert [id for id, _ in store.unfinished_operations("late")] == [run.id]
        assert store.verify() == []


@pytest.fixture
def dead() -> Holder:
    """A holder of this machine whose process never was."""
    here = current_holder()
    return here._replace(pid=2**22 + 1, process_started=1)


def test_nothing_is_repaired_while_somebody_works(bench: Any, database: Path) -> None:
    fill(bench)
    bench.lock("site", holder=current_holder(), seconds=10**9)
    change(database, "UPDATE workflow_tasks SET attempts = 2")

    with pytest.raises(LockHeld):
        repair(database)

    assert bench.store.verify() != []
    assert {
        name for name in files_beside(database) if "backup" in name or "repair" in name
    } == set()


def test_a_writer_that_has_the_old_file_open_is_told(bench: Any, database: Path) -> None:
    fill(bench)
    change(database, "UPDATE workflow_tasks SET attempts = 2")
    repair(database)
    with pytest.raises(StoreMissing, match="was removed, moved or replaced while it was in use"):
        bench.store.kv_set("key", "lost")
    with open_store(str(database)) as store:
        assert store.kv_get("key") == (True, "value")


def test_what_is_still_in_the_log_is_repaired_too(bench: Any, database: Path) -> None:
    fill(bench)
    bench.store.kv_set("late", 1)
    assert database.with_name("state.db-wal").stat().st_size > 0
    change(database, "UPDATE workflow_tasks SET attempts = 2")

    repair(database)

    with open_store(str(database)) as store:
        assert store.kv_get("late") == (True, 1)
        assert store.verify() == []


def many(bench: Any) -> None:
    """Rows in many pages."""
    drafts = [bench.draft(f"r{number:03}", f"{number:03}" * 40) for number in range(200)]
    bench.run_recording(*drafts, name="many")
    bench.run_recording(*[each._replace(status="x") for each in drafts], name="many")


def table_pages(database: Path, table: str) -> list[int]:
    """The pages (from 0) with rows of a table."""
    connection = apsw.Connection(str(database))
    rows = connection.execute(
        "SELECT pageno - 1 FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path", (table,)
    ).fetchall()
    connection.close()
    return [page for (page,) in rows]


def overwrite(database: Path, page: int) -> None:
    content = bytearray(database.read_bytes())
    content[page * PAGE : (page + 1) * PAGE] = b"\xff" * PAGE
    database.write_bytes(content)


@pytest.mark.parametrize("which", [0, 3, -1], ids=["first", "middle", "last"])
def test_of_a_damaged_page_only_its_own_rows_are_lost(
    bench: Any, database: Path, which: int
) -> None:
    fill(bench)
    many(bench)
    before = {each.name: each for each in bench.store.resources("many")}
    bench.store.close()
    overwrite(database, table_pages(database, "workflow_resources")[which])
    assert repair(database, dry_run=True).backup is None

    done = repair(database)

    lost = done.lost["workflow_resources"]
    assert 0 < lost < 60
    assert done.left == ()
    with open_store(str(database)) as store:
        assert store.verify() == []
        after = store.resources("many")
        assert len(store.runs()) == 6
        assert store.kv_get("key") == (True, "value")
        trail = [entry.detail for entry in store.audit_trail()]
    assert f"workflow_resources: {lost} rows in damaged pages lost" in trail
    assert {each.name: each for each in after}.items() <= before.items()
    if which == 3:
        assert len(after) == len(before) - lost


def test_a_damaged_key_is_no_reason_to_try_all_before_it(closed: Path) -> None:
    far = 4_014_332_122_221
    with open_store(str(closed)) as store:
        for number in range(300):
            store.audit("ada@build-7", "tag", None, f"{number} " + "x" * 100)
    change(
        closed,
        f"UPDATE audit_trail SET entry_key = {far} "
        "WHERE entry_key = (SELECT max(entry_key) FROM audit_trail)",
    )
    overwrite(closed, table_pages(closed, "audit_trail")[3])

    assert repair(closed).lost["audit_trail"] >= 1

    with open_store(str(closed)) as store:
        assert store.verify() == []
        kept = {entry.detail.split()[0] for entry in store.audit_trail()}
    assert {"0", "20", "280"} <= kept


def test_a_file_that_was_cut_off_gives_what_is_left_of_it(bench: Any, database: Path) -> None:
    fill(bench)
    many(bench)
    bench.store.close()
    size = database.stat().st_size
    with database.open("r+b") as file:
        file.truncate(size - 4 * PAGE)
    with pytest.raises(StoreDamaged), open_store(str(database)) as store:
        store.resources("many")

    done = repair(database)

    assert sum(done.lost.values()) > 0
    assert verified(database) == []
    assert done.backup is not None
    with open_store(str(database)) as store:
        assert len(store.runs(name="deploy")) == 3


def test_every_page_may_be_damaged(bench: Any, database: Path) -> None:
    """Whatever page it is, what comes out is a store that verifies, or a clear refusal."""
    fill(bench)
    bench.store.close()
    sound = database.read_bytes()
    refused = set()
    for page in range(1, len(sound) // PAGE):
        database.write_bytes(sound)
        overwrite(database, page)
        try:
            done = repair(database)
        except StoreDamaged:
            refused.add(page)
            continue
        assert done.mended[0].place == "file"
        assert [tuple(each) for each in done.left] == verified(database) == []
    database.write_bytes(sound)
    assert refused == set(table_pages(database, "sqlite_schema"))


def test_a_file_without_a_beginning_is_refused_and_left(closed: Path) -> None:
    content = bytearray(closed.read_bytes())
    content[100:PAGE] = b"\xff" * (PAGE - 100)
    closed.write_bytes(content)
    with pytest.raises(StoreDamaged, match="is damaged at its beginning"):
        repair(closed)
    assert closed.read_bytes() == content


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda path: None, StoreMissing),
        (lambda path: path.write_bytes(b"not a database"), StoreForeign),
    ],
)
def test_what_is_no_store_is_not_repaired(
    tmp_path: Path, make: Callable[[Path], object], error: type[Exception]
) -> None:
    path = tmp_path / "other.db"
    make(path)
    with pytest.raises(error):
        repair(path)


def test_the_backup_and_the_file_are_for_the_owner_only(closed: Path) -> None:
    change(closed, "UPDATE workflow_tasks SET attempts = 2")
    done = repair(closed)
    assert done.backup is not None
    assert [path.stat().st_mode & 0o777 for path in (closed, Path(done.backup))] == [0o600, 0o600]
    assert files_beside(closed) == {
        "state.db",
        "state.db.queue",
        Path(done.backup).name,
    }


def test_repaired_versions_go_on(closed: Path, clock: Any, ids: Any) -> None:
    change(closed, "DELETE FROM workflow_states WHERE run_key = 3")
    repair(closed)
    from tests.state.conftest import Workbench

    with open_store(str(closed), clock=clock, ids=lambda: "f" * 12) as store:
        made: Store = store
        Workbench(made, clock).run_recording(Workbench.draft("c"))
        assert [version.version for version in made.versions("deploy")] == [4, 3, 2, 1]
        assert made.verify() == []
