"""Whatever is changed behind the store's back is found, by whoever reads it and by `verify`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import apsw
import pytest

from sloth_state.errors import StoreDamaged
from sloth_state.model import (
    Action,
    LockScope,
    Output,
    Problem,
    TaskRecord,
    TaskStatus,
)
from sloth_state.open import open_store
from sloth_state.sqlite.checksums import content_hash, is_content_of, row_checksum

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sloth_state.store import Store


@pytest.fixture
def filled(bench: Any, store: Any) -> Store:
    """Three versions, with something in every table."""
    run, lock = bench.begin(source=b"-- lua", message="first", metadata={"a": "b"})
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
    assert store.verify() == []
    return store  # type: ignore[no-any-return]


def _change(database: Path, sql: str, *, references: bool = True) -> None:
    """Change the file as somebody who knows nothing of the store."""
    connection = apsw.Connection(str(database))
    connection.pragma("foreign_keys", references)
    connection.execute(sql)
    assert connection.changes() == 1
    connection.close()


READERS: dict[str, Callable[[Any], object]] = {
    "runs": lambda store: store.runs(),
    "versions": lambda store: store.versions("deploy"),
    "resources": lambda store: store.resources("deploy"),
    "resource": lambda store: store.resource("deploy", "file", "a"),
    "first version": lambda store: store.resources("deploy", version=1),
    "outputs": lambda store: store.outputs("000000000001"),
    "tasks": lambda store: store.tasks("000000000001"),
    "tags": lambda store: store.tags("000000000001"),
    "audit": lambda store: store.audit_trail(),
    "key": lambda store: store.kv_get("key"),
    "content": lambda store: store.content(store.version("deploy", 1).source_hash),
    "lock": lambda store: store.break_lock(LockScope.WORKFLOW, "deploy", "ada"),
    "tickets": lambda store: store.tickets(),
}


@pytest.mark.parametrize(
    ("sql", "readers", "place"),
    [
        (
            "UPDATE workflow_resources SET attributes = '{\"content\":\"six\"}' WHERE name = 'a'",
            ["resources", "resource"],
            "workflow_resources row 1",
        ),
        (
            "UPDATE workflow_resource_history SET status = 'x' WHERE history_key = 1",
            ["first version"],
            "workflow_resource_history row 1",
        ),
        (
            "UPDATE workflow_states SET status = 'failed' WHERE version = 1",
            ["runs", "versions"],
            "workflow_states row 1",
        ),
        (
            "UPDATE state_versions SET description = 'frist' WHERE run_key = 1",
            ["versions"],
            "state_versions row 1",
        ),
        (
            "UPDATE workflow_outputs SET value = '\"http://two\"'",
            ["outputs"],
            "workflow_outputs row 1",
        ),
        ("UPDATE workflow_tasks SET attempts = 2", ["tasks"], "workflow_tasks row 1"),
        ("UPDATE run_tags SET tag = 'stabel'", ["tags"], "run_tags row 1"),
        (
            "UPDATE audit_trail SET actor = 'eve' WHERE entry_key = 2",
            ["audit"],
            "audit_trail row 2",
        ),
        ("UPDATE key_values SET value = '\"eulav\"'", ["key"], "key_values row 1"),
        ("UPDATE contents SET content = x'00'", ["content"], "contents row 1"),
        ("UPDATE locks SET token = 1", ["lock"], "locks row 1"),
        ("UPDATE lock_tickets SET pid = 1", ["tickets"], "lock_tickets row 1"),
        ("UPDATE workflows SET name = 'deplox'", [], "workflows row 1"),
    ],
)
def test_a_changed_row_is_found(
    filled: Any, database: Path, sql: str, readers: list[str], place: str
) -> None:
    _change(database, sql)
    for name in readers:
        with pytest.raises(StoreDamaged) as error:
            READERS[name](filled)
        if name != "content":
            table, _, key = place.partition(" row ")
            assert error.value.message == (
                f"the state store {database} is damaged: "
                f"row {key} of {table} is not what was written"
            )
    for name in READERS.keys() - set(readers) - {"runs", "versions", "content", "lock"}:
        if not place.startswith(("workflows ", "workflow_resource")):
            READERS[name](filled)
    assert filled.verify() == [Problem(place, "is not what was written")]


CHANGED = "does not have the hash of its content: it was changed after it had ended"


@pytest.mark.parametrize(
    ("sql", "problems"),
    [
        ("DELETE FROM workflow_outputs", [("deploy version 1", CHANGED)]),
        (
            "DELETE FROM workflow_resource_history WHERE valid_to = 2",
            [
                ("deploy version 1", "says it has 2 resources, and has 1"),
                ("deploy version 1", "says 2 times create, and its resources say 1 times"),
                ("deploy version 1", CHANGED),
                ("deploy version 2", CHANGED),
            ],
        ),
        (
            "DELETE FROM workflow_states WHERE version = 2",
            [
                ("deploy version 3", "says that it was made from version 2"),
                ("deploy version 3", CHANGED),
                ("workflows row 1", "has resources of version 2, which does not exist"),
            ],
        ),
    ],
)
def test_a_row_that_was_taken_away_is_missed(
    filled: Any, database: Path, sql: str, problems: list[tuple[str, str]]
) -> None:
    _change(database, sql)
    assert filled.verify() == [Problem(*problem) for problem in problems]


def test_a_row_changed_with_a_checksum_that_fits_breaks_the_chain(
    filled: Any, database: Path
) -> None:
    (row,) = filled._db.select(
        "SELECT workflow_key, id, type, name, valid_from, created_in, action, status, "
        "'{\"content\":\"six\"}', created_at, updated_at FROM workflow_resources WHERE name = 'a'"
    )
    _change(
        database,
        f"UPDATE workflow_resources SET attributes = '{row[8]}', checksum = {row_checksum(row)} "
        "WHERE name = 'a'",
    )
    assert filled.resource("deploy", "file", "a").attributes == {"content": "six"}
    assert filled.verify() == [Problem("deploy version 2", CHANGED)]


def test_states_that_do_not_follow_each_other_are_found(filled: Any, database: Path) -> None:
    _change(database, "UPDATE workflow_resource_history SET valid_to = 9 WHERE valid_to = 3")
    assert filled.verify() == [
        Problem("workflow_resource_history row 2", "is not what was written"),
        Problem("resource 000000000003", "has a state that ends at 9, and the next at 3"),
    ]
    with pytest.raises(StoreDamaged, match="row 2 of workflow_resource_history"):
        filled.resources("deploy", version=1)


def test_rows_that_refer_to_nothing_are_found(filled: Any, database: Path) -> None:
    _change(database, "DELETE FROM state_versions WHERE run_key = 3", references=False)
    assert filled.verify() == [Problem("run 000000000005", "has no version")]
    _change(database, "DELETE FROM contents", references=False)
    assert Problem("state_versions row 1", "refers to a row of contents that is not there") in (
        filled.verify()
    )


def test_text_that_is_no_text_any_more_is_damage(filled: Any, database: Path) -> None:
    _change(database, "UPDATE run_tags SET tag = CAST(x'ff' AS TEXT)")
    with pytest.raises(StoreDamaged):
        filled.tags("000000000001")
    (problem,) = filled.verify()
    assert problem.place == "run_tags"


def test_a_number_that_is_text_now_is_damage() -> None:
    from sloth_state.sqlite.resource_rows import is_sound

    row = (1, 1, "id", "file", "a", 1, 1, "create", "", "{}", 0, 0, None)
    assert not is_sound((*row, 17, "\x00\x02"))
    assert not is_sound((*row, "17", 2))


def test_a_byte_that_flips_in_the_file_is_found(filled: Any, database: Path) -> None:
    filled.close()
    content = bytearray(database.read_bytes())
    place = content.index(b'"two"')
    content[place + 1] ^= 0x10
    database.write_bytes(content)
    with open_store(str(database)) as store:
        with pytest.raises(StoreDamaged, match="row 1 of workflow_resources"):
            store.resources("deploy")
        assert store.verify() == [Problem("workflow_resources row 1", "is not what was written")]


def test_a_page_that_is_overwritten_is_found(filled: Any, database: Path) -> None:
    filled.close()
    content = bytearray(database.read_bytes())
    page = content.index(b'"two"') // 4096
    content[page * 4096 : (page + 1) * 4096] = b"\xff" * 4096
    database.write_bytes(content)
    with open_store(str(database)) as store:
        with pytest.raises(StoreDamaged):
            store.resources("deploy")
        problems = store.verify()
    assert problems
    assert {problem.place for problem in problems} <= {
        "file",
        "workflow_resources",
        "workflow_resource_history",
    }


def test_a_content_of_another_type_is_not_what_was_written() -> None:
    hash = content_hash(b"source")
    assert is_content_of(hash, b"source")
    # What a page of another table has in its place; the table being STRICT is not checked then.
    assert not any(is_content_of(hash, content) for content in ("source", None, 5, 0.5, b""))
