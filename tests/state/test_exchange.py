"""A history that was exported comes back the same in every store, or not at all."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import count
from pathlib import Path
from typing import Any

import apsw
import pytest

from sloth_state.errors import HistoryRefused, LockHeld, LockLost, ReferenceNotFound
from sloth_state.exchange.document import document
from sloth_state.exchange.json_stream import JsonStream
from sloth_state.exchange.sources import histories_in
from sloth_state.model import (
    Action,
    AddedHistory,
    Holder,
    LockScope,
    NewDetection,
    NewHistory,
    NewOperation,
    Output,
    RunStatus,
    TaskRecord,
    TaskStatus,
)
from sloth_state.open import open_store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def filled(bench: Any, store: Any) -> Any:
    """Three versions of a workflow, with something in every table, and another workflow."""
    bench.run_recording(bench.draft("x"), name="another")
    run, lock = bench.begin(
        source=b"-- lua", values={"a": 1.0}, modules={"m": b"return 1"}, message="first"
    )
    declared = bench.draft("a", "one", declaration={"sensitive": ["content"], "memory": {}})
    operation = NewOperation("create", "file", "a", "/a", "t", None, {"content": "one"}, {})
    number = store.begin_operation(run.id, operation, lock, contents=[b"\0kept"])
    store.end_operation(run.id, number, lock, record=declared)
    store.begin_operation(run.id, operation._replace(name="late"), lock)
    store.record(run.id, [bench.draft("b", "ü€\n"), bench.draft("c")], lock)
    for key, value in (("z", None), ("secret", [1, {"k": 1e300}])):
        store.set_output(run.id, Output(key, value, key == "secret"), lock)
    store.save_tasks(
        run.id, [TaskRecord("t", TaskStatus.FAILED, 2, NOON, None, None, "no", "x:1")], lock
    )
    store.save_step(run.id, "t", 1, "build", None, lock)
    store.save_event(run.id, "started", {"by": ["ada"]}, lock, task="t")
    store.save_event(run.id, "done", {}, lock)
    store.add_tags(run.id, ["stable"], "ada")
    bench.finish(run, lock, RunStatus.FAILED)
    store.record_detections(
        "deploy", 1, [NewDetection("file", "b", {"content": "one"}, None, False)]
    )
    store.audit("ada", "reveal", "deploy", "secret")
    bench.run_recording(bench.draft("a", "two"), bench.draft("b", action=Action.DELETE))
    bench.run_recording(bench.draft("b", "three"))
    return store


@pytest.fixture
def other(bench: Any, tmp_path: Path, clock: Any) -> Any:
    """A store in which the same keys stand for something else."""
    numbers = count(1)
    path = str(tmp_path / "other.db")
    with open_store(path, clock=clock, ids=lambda: f"b{next(numbers):011x}") as opened:
        there = type(bench)(opened, clock)
        for name in ("first", "second", "second"):
            there.run_recording(there.draft("x"), name=name)
        yield opened


def export(store: Any, folder: Path, name: str = "deploy") -> Path:
    path = folder / f"{name}.json"
    path.write_text("".join(document(name, store.history(name))))
    return path


def add(store: Any, path: Path, name: str | None = None, **options: Any) -> AddedHistory:
    """Import a file as the command does."""
    (history,) = histories_in(str(path), path.name, NOON, "ada@here")
    new = NewHistory(name or str(history.workflow), history)
    holder = Holder("ada", "here", 1, 1, "boot")
    lock = store.acquire_lock(
        LockScope.WORKFLOW, new.name, holder, timedelta(hours=1), lambda _: False
    )
    try:
        (added,) = store.add_histories([(new, lock)], "ada", **options)
        return added
    finally:
        store.release_lock(lock)


def told(store: Any, name: str = "deploy") -> dict[str, Any]:
    """All that a store says of a workflow but for the audit trail."""
    versions = store.versions(name)
    return {
        "versions": versions,
        "detections": store.detections(name),
        "unfinished": store.unfinished_operations(name),
        **{
            str(each.version): (
                store.run(each.run_id)._replace(locked_by=None),
                store.resources(name, version=each.version),
                list(store.outputs(each.run_id).items()),
                store.tasks(each.run_id),
                store.steps(each.run_id, "t"),
                store.events(each.run_id),
                store.operations(each.run_id),
                store.tags(each.run_id),
                store.modules(each.run_id),
                [store.content(hash) for hash in (each.source_hash, each.values_hash) if hash],
            )
            for each in versions
        },
    }


def test_a_history_is_the_same_in_another_store(filled: Any, other: Any, tmp_path: Path) -> None:
    before = told(filled)

    added = add(other, export(filled, tmp_path))

    assert added == AddedHistory("deploy", 0, 3, 3)
    assert told(other) == before
    assert len(before["versions"]) == len({each.hash for each in before["versions"]}) == 3
    assert filled.verify() == other.verify() == []
    imported, *others = other.audit_trail("deploy")
    assert others == filled.audit_trail("deploy")
    assert (imported.actor, imported.action) == ("ada", "import")


def test_exports_of_the_same_history_are_equal_also_from_another_store(
    filled: Any, other: Any, tmp_path: Path
) -> None:
    first = export(filled, tmp_path).read_text()
    filled.audit("ada", "export", "deploy", "")
    again = export(filled, tmp_path).read_text()
    add(other, tmp_path / "deploy.json")
    elsewhere = export(other, tmp_path).read_text()

    assert again == first
    assert json.loads(elsewhere) | {"audit_trail": [], "sha256": ""} == json.loads(first) | {
        "audit_trail": [],
        "sha256": "",
    }
    assert json.loads(first)["format"] == "sloth-runner-history"


def test_what_was_imported_goes_on_there_and_comes_back(
    filled: Any, other: Any, bench: Any, tmp_path: Path
) -> None:
    add(other, export(filled, tmp_path))
    there = type(bench)(other, bench.clock)
    run, lock = there.begin()
    other.record(run.id, [there.draft("a", "four"), there.draft("d")], lock)
    operations = other.unfinished_operations("deploy")
    ((of_run, left),) = operations
    other.end_operation(run.id, left.number, lock, error="settled", of_run=of_run)
    there.finish(run, lock)
    other.add_tags(of_run, ["late"], "ada")
    other.record_detections("deploy", 4, [NewDetection("file", "a", {}, {"x": 1}, True)])

    added = add(filled, export(other, tmp_path))

    assert added == AddedHistory("deploy", 3, 4, 1)
    assert told(filled) == told(other)
    trail = [entry.action for entry in filled.audit_trail("deploy")]
    assert sorted(trail) == ["import", "import", "reveal", "tag", "tag"]
    assert filled.verify() == other.verify() == []
    bench.run_recording(bench.draft("a", "five"))
    assert filled.verify() == []


def test_a_history_that_is_there_already_changes_nothing(
    filled: Any, database: Path, tmp_path: Path
) -> None:
    path = export(filled, tmp_path)
    before = rows(database)

    assert add(filled, path) == AddedHistory("deploy", 3, 3, 0)
    assert rows(database) == before


def rows(database: Path) -> dict[str, list[Any]]:
    """Everything in a database but locks."""
    connection = apsw.Connection(str(database))
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    found = {
        name: connection.execute(f"SELECT * FROM {name}").fetchall()
        for (name,) in tables
        if name != "locks"
    }
    connection.close()
    return found


def short(store: Any, version: int) -> str:
    return str(store.version("deploy", version).hash)[:12]


def test_a_lower_or_another_history_is_refused(
    filled: Any, other: Any, bench: Any, database: Path, tmp_path: Path
) -> None:
    path = export(filled, tmp_path)
    add(other, path)
    there = type(bench)(other, bench.clock)
    bench.run_recording(bench.draft("a", "here"))
    there.run_recording(there.draft("a", "there"))
    before = rows(database)

    with pytest.raises(HistoryRefused) as lower:
        add(filled, path)
    with pytest.raises(HistoryRefused) as diverged:
        add(filled, export(other, tmp_path))

    assert lower.value.message == (
        f"deploy is at version 4 ({short(filled, 4)}) here, and the history that ends at version 3 "
        f"({short(filled, 3)}) does not go on from there"
    )
    assert f"version 4 ({short(other, 4)}) does not go on" in diverged.value.message
    assert lower.value.hint == "Import it as another workflow with: --as NEWNAME"
    assert rows(database) == before


def test_under_another_name_it_is_a_workflow_of_its_own(
    filled: Any, bench: Any, tmp_path: Path
) -> None:
    path = export(filled, tmp_path)
    before = told(filled)

    assert add(filled, path, "copy") == AddedHistory("copy", 0, 3, 3)

    assert told(filled) == before
    assert filled.verify() == []
    after = told(filled, "copy")
    ids = {each.run_id for each in (*before["versions"], *after["versions"])}
    assert len(ids) == 6
    for old, new in zip(before["versions"], after["versions"], strict=True):
        assert new._replace(workflow="deploy", run_id=old.run_id, hash=old.hash) == old
        assert filled.run(new.run_id).metadata == {
            "imported_from": f"deploy@{old.version} (run {old.run_id})"
        }
    assert [each._replace(id="") for each in filled.resources("copy")] == [
        each._replace(id="") for each in filled.resources("deploy")
    ]
    shared = {each.id for each in filled.resources("copy")} & {
        each.id for each in filled.resources("deploy")
    }
    assert shared == set()
    bench.run_recording(bench.draft("a", "on"), name="copy")
    assert filled.verify() == []
    with pytest.raises(HistoryRefused, match="there is a workflow copy already"):
        add(filled, path, "copy")


def drop(store: Any, bench: Any, *versions: int) -> None:
    lock = type(bench)(store, bench.clock).lock()
    store.drop_versions("deploy", versions, lock, "ada")
    store.release_lock(lock)


@pytest.mark.parametrize("dropped", [(1,), (2,), (1, 2)])
def test_a_pruned_history_stays_what_it_is(
    filled: Any, other: Any, bench: Any, tmp_path: Path, dropped: tuple[int, ...]
) -> None:
    drop(filled, bench, *dropped)
    before = told(filled)
    left = 3 - len(dropped)

    assert add(other, export(filled, tmp_path)) == AddedHistory("deploy", 0, 3, left)
    add(filled, tmp_path / "deploy.json", "copy")

    assert told(other) == before
    assert filled.verify() == other.verify() == []
    copies = filled.versions("copy")
    assert [each.version for each in copies] == [each.version for each in before["versions"]]
    there = type(bench)(other, bench.clock)
    there.run_recording(there.draft("a", "on"))
    assert other.verify() == []


@pytest.mark.parametrize(
    ("here", "there"), [((1,), ()), ((), (1,)), ((2,), (1, 4)), ((1, 2), (4,))]
)
def test_a_history_goes_on_whatever_was_pruned_on_either_side(
    filled: Any,
    other: Any,
    bench: Any,
    tmp_path: Path,
    here: tuple[int, ...],
    there: tuple[int, ...],
) -> None:
    add(other, export(filled, tmp_path))
    for content in ("four", "five"):
        deletion = bench.draft("b", action=Action.DELETE)
        bench.run_recording(bench.draft("a", content), *([deletion] if content == "four" else []))
    drop(other, bench, *here)
    drop(filled, bench, *there)

    added = add(other, export(filled, tmp_path))

    assert added == AddedHistory("deploy", 3, 5, 2 - (4 in there))
    assert other.verify() == []
    for version in {3, 4, 5}.difference(there):
        assert other.resources("deploy", version=version) == filled.resources(
            "deploy", version=version
        )


def test_a_dry_run_finds_out_everything_and_adds_nothing(
    filled: Any, other: Any, tmp_path: Path
) -> None:
    path = export(filled, tmp_path)
    before = rows(tmp_path / "other.db")

    assert add(other, path, dry_run=True) == AddedHistory("deploy", 0, 3, 3)
    assert rows(tmp_path / "other.db") == before


def test_a_workflow_that_is_being_run_is_not_exported(filled: Any, bench: Any) -> None:
    run, lock = bench.begin()

    with pytest.raises(LockHeld):
        list(filled.history("deploy"))
    bench.finish(run, lock)
    assert [
        record["run"]["id"] for section, record in filled.history("deploy") if section == "versions"
    ][-1] == run.id
    with pytest.raises(ReferenceNotFound):
        list(filled.history("nothing"))


def test_nothing_is_added_without_the_lock(
    filled: Any, other: Any, bench: Any, tmp_path: Path
) -> None:
    (history,) = histories_in(str(export(filled, tmp_path)), "f", NOON, "ada")
    lock = type(bench)(other, bench.clock).lock()
    other.release_lock(lock)

    with pytest.raises(LockLost):
        other.add_histories([(NewHistory("deploy", history), lock)], "ada")
    assert "deploy" not in other.workflow_names()


def test_a_run_that_another_workflow_has_already_is_refused(
    filled: Any, other: Any, tmp_path: Path
) -> None:
    path = export(filled, tmp_path)
    add(other, path, "copy")

    with pytest.raises(HistoryRefused, match="is here already, as one of copy"):
        add(other, path)
    assert other.verify() == []


DAMAGE: dict[str, tuple[str, str, str]] = {
    "a value": ('"content":"two"', '"content":"six"', "changed after it was written"),
    "a number": ('"attempts":2', '"attempts":3', "changed after it was written"),
    "cut off": ('\n"sha256"', "", "it is cut off"),
    "a newer form": ('"format_version":1', '"format_version":2', "knows up to 1"),
    "a section twice": ('"detections":[', '"versions":[', "does not belong there"),
    "the digest": ('"sha256":"', '"sha257":"', "does not belong there"),
    "the beginning": ('"workflow":"deploy"', '"workflow":3', "does not say what it is"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_refused_and_adds_nothing(
    filled: Any, other: Any, tmp_path: Path, damage: str
) -> None:
    old, new, why = DAMAGE[damage]
    path = export(filled, tmp_path)
    text = path.read_text()
    at = text.rindex(old)
    path.write_text(text[:at] + new + ("" if damage == "cut off" else text[at + len(old) :]))
    before = rows(tmp_path / "other.db")

    with pytest.raises(HistoryRefused, match=why):
        add(other, path)
    assert rows(tmp_path / "other.db") == before


FORGERIES: dict[str, tuple[str, str, str]] = {
    "a hashed value": ('"content":"two"', '"content":"six"', "does not have the hash"),
    "an output": ('"value":[1,', '"value":[2,', "does not have the hash"),
    "who did it": ('"created_by":"ada@build-7"', '"created_by":"eve@build-7"', "hash"),
    "a state": ('"valid_to":3', '"valid_to":4', "states of file/b are missing"),
    "a kept content": ('"base64":"AGtlcHQ="', '"base64":"AGtlcFQ="', "is another in the file"),
    "no base64": ('"base64":"AGtlcHQ="', '"base64":"AG tlcHQ="', "no history can hold"),
    "a type": ('"attempts":2', '"attempts":"two"', "no history can hold"),
    "a missing column": ('"attempts":2', '"attempt":2', "no history can hold"),
    "not a number": ('"attempts":2', '"attempts":NaN', "no history can hold"),
    "a time": ('"recorded_at":"2026', '"recorded_at":"20x6', "no history can hold"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_was_changed_with_its_digest_is_refused_too(
    filled: Any, other: Any, tmp_path: Path, forgery: str
) -> None:
    old, new, why = FORGERIES[forgery]
    path = export(filled, tmp_path)
    value = path.read_text().replace(old, new, 1)
    assert new in value
    path.write_text(value if "NaN" in new else resealed(value))
    before = rows(tmp_path / "other.db")

    with pytest.raises(HistoryRefused, match=why):
        add(other, path)
    assert rows(tmp_path / "other.db") == before


def resealed(text: str) -> str:
    """A document with a digest that fits what is in it."""
    value = json.loads(text)
    sections = ("contents", "versions", "resources", "detections", "audit_trail")
    return "".join(document("deploy", [(name, each) for name in sections for each in value[name]]))


def test_a_file_that_a_tool_has_formatted_anew_is_still_the_same(
    filled: Any, other: Any, tmp_path: Path
) -> None:
    path = export(filled, tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()), indent=3))

    assert add(other, path).added == 3
    assert told(other) == told(filled)


def test_every_table_that_belongs_to_a_workflow_is_in_its_history(
    database: Path, store: Any
) -> None:
    """Whoever adds a table has to say here that `history_reading` knows it."""
    connection = apsw.Connection(str(database))
    tables = connection.execute(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'table'"
    ).fetchall()
    connection.close()
    owners = r"REFERENCES (workflows|workflow_states|workflow_resources|contents)"
    assert {name for name, sql in tables if re.search(owners, sql)} == {
        "drift_detections",
        "events",
        "imported_versions",
        "kept_contents",
        "operations",
        "run_tags",
        "state_versions",
        "steps",
        "version_anchors",
        "version_modules",
        "workflow_outputs",
        "workflow_resource_history",
        "workflow_resources",
        "workflow_states",
        "workflow_tasks",
    }


class Slow(StringIO):
    """Hands out a few characters at a time."""

    def read(self, size: int | None = -1, /) -> str:
        return super().read(3)


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("{ }", ValueError),
        ('{"a":[]}', []),
        ('{"a": [ 1 , {"b":[2]} ], "c":"d"}\n ', [("a", 1), ("a", {"b": [2]}), ("c", "d")]),
        ('{"a":12345678}', [("a", 12345678)]),
        ('{"a":1}x', ValueError),
        ('{"a":1', ValueError),
        ('{"a":[1', ValueError),
        ('{"a" 1}', ValueError),
        ("{1:1}", ValueError),
        ("[1]", ValueError),
        ("", ValueError),
    ],
)
def test_json_is_read_in_pieces_of_any_size(text: str, members: Any) -> None:
    for stream in (StringIO(text), Slow(text)):
        if members is ValueError:
            with pytest.raises(ValueError, match=r"stands where|cut off|follows"):
                list(JsonStream(stream).members())
        else:
            assert list(JsonStream(stream).members()) == members
