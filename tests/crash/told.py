"""What a run was told is kept, and what a store has: both as facts that can be compared.

A fact is a name and a value. A run that tells writes down the facts of each write before it asks
for it, and again when the call has returned; only then do they count.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from sloth_state.sqlite.store import SqliteStore
from sloth_state.store import Store

Facts: TypeAlias = dict[str, Any]
LOG = "told"
WORKFLOW = "w"


# -- what a write would have kept ----------------------------------------------------------


def _begin_run(store: Any, new: Any, lock: Any) -> Facts:
    version = max((run.version for run in store.runs(name=new.name, limit=1)), default=0) + 1
    return {f"run {version}": True, **_metadata(version, new.metadata)}


def _finish_run(store: Any, run_id: str, status: Any, lock: Any, **_: Any) -> Facts:
    return {f"ended {store.run(run_id).version}": status}


def _record(store: Any, run_id: str, drafts: Any, lock: Any) -> Facts:
    return {f"resource {each.type} {each.name}": each.attributes for each in drafts}


def _remove(store: Any, run_id: str, type: str, name: str, lock: Any) -> Facts:
    return {f"resource {type} {name}": None}


def _begin_operation(store: Any, run_id: str, new: Any, lock: Any, **_: Any) -> Facts:
    number = max((each.number for each in store.operations(run_id)), default=0) + 1
    return {f"begun {store.run(run_id).version} {number}": [new.verb, new.type, new.name]}


def _end_operation(store: Any, run_id: str, number: int, lock: Any, **options: Any) -> Facts:
    begun_in = store.run(options.get("of_run") or run_id)
    facts: Facts = {f"over {begun_in.version} {number}": options.get("error")}
    if options.get("record"):
        facts |= _record(store, run_id, [options["record"]], lock)
    if options.get("remove"):
        facts["resource {} {}".format(*options["remove"])] = None
    return facts


def _end_and_begin_operation(
    store: Any, run_id: str, number: int, record: Any, new: Any, lock: Any, **_: Any
) -> Facts:
    ended = _end_operation(store, run_id, number, lock, record=record)
    return ended | _begin_operation(store, run_id, new, lock)


def _set_output(store: Any, run_id: str, output: Any, lock: Any) -> Facts:
    return {f"output {store.run(run_id).version} {output.key}": output.value}


def _set_metadata(store: Any, run_id: str, values: Any, lock: Any) -> Facts:
    return _metadata(store.run(run_id).version, values)


def _metadata(version: int, values: Any) -> Facts:
    return {f"metadata {version} {key}": value for key, value in values.items()}


def _save_tasks(store: Any, run_id: str, tasks: Any, lock: Any) -> Facts:
    version = store.run(run_id).version
    return {f"task {version} {task.name}": [task.status, task.output] for task in tasks}


def _save_step(
    store: Any, run_id: str, task: str, position: int, name: str, value: Any, lock: Any
) -> Facts:
    return {f"step {store.run(run_id).version} {task} {name}": value}


def _kv_set(store: Any, key: str, value: Any, **_: Any) -> Facts:
    return {f"key {key}": value}


def _kv_increment(store: Any, key: str, by: float = 1) -> Facts:
    return {f"key {key}": (store.kv_get(key)[1] or 0) + by}


WRITES: dict[str, Callable[..., Facts]] = {
    "begin_run": _begin_run,
    "finish_run": _finish_run,
    "record": _record,
    "remove_resource": _remove,
    "begin_operation": _begin_operation,
    "end_operation": _end_operation,
    "end_and_begin_operation": _end_and_begin_operation,
    "set_output": _set_output,
    "set_metadata": _set_metadata,
    "save_tasks": _save_tasks,
    "save_step": _save_step,
    "kv_set": _kv_set,
    "kv_increment": _kv_increment,
}


def tell_of_writes(folder: str) -> None:
    """From now on this process writes down what it asks its store to keep, and what it was told."""
    log = os.open(f"{folder}/{LOG}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def note(what: str, facts: Facts) -> None:
        # A killed process loses nothing that it has written, so there is no need for an fsync.
        os.write(log, f"{_text([what, facts])}\n".encode())

    def telling(write: Callable[..., Any], facts_of: Callable[..., Facts]) -> Callable[..., Any]:
        def write_and_tell(store: Any, *arguments: Any, **options: Any) -> Any:
            facts = facts_of(store, *arguments, **options)
            note("asked", facts)
            result = write(store, *arguments, **options)
            note("told", facts)
            return result

        return write_and_tell

    for name, facts_of in WRITES.items():
        setattr(SqliteStore, name, telling(getattr(SqliteStore, name), facts_of))


def _text(value: Any) -> str:
    return json.dumps(value, default=dict)  # maps of the product are no dicts


# -- comparing -----------------------------------------------------------------------------


def read_log(folder: Path) -> tuple[Facts, Facts]:
    """The facts that were told, and those of the one write that was asked for and not told."""
    told: Facts = {}
    asked: Facts = {}
    log = folder / LOG
    for line in log.read_text().splitlines() if log.exists() else []:
        what, facts = json.loads(line)
        asked = {} if what == "told" else facts
        told |= facts if what == "told" else {}
    return told, asked


def kept_facts(store: Store) -> Facts:
    """All facts that a store has about the workflow."""
    facts: Facts = {}
    for each in store.resources(WORKFLOW) if store.workflow_names() else []:
        if each.action != "delete":
            facts[f"resource {each.type} {each.name}"] = dict(each.attributes)
    for key in store.kv_keys():
        facts[f"key {key}"] = store.kv_get(key)[1]
    for run in store.runs(name=WORKFLOW):
        facts |= _facts_of_run(store, run)
    return json.loads(_text(facts))  # type: ignore[no-any-return]


def _facts_of_run(store: Store, run: Any) -> Facts:
    version, tasks, operations = run.version, store.tasks(run.id), store.operations(run.id)
    ended = [each for each in operations if each.ended_at is not None]
    return {
        f"run {version}": True,
        f"ended {version}": None if run.status == "running" else run.status,
        **_metadata(version, run.metadata),
        **{f"output {version} {key}": each.value for key, each in store.outputs(run.id).items()},
        **{f"task {version} {each.name}": [each.status, each.output] for each in tasks},
        **{
            f"step {version} {task.name} {each.name}": each.value
            for task in tasks
            for each in store.steps(run.id, task.name)
        },
        **{
            f"begun {version} {each.number}": [each.verb, each.type, each.name]
            for each in operations
        },
        **{f"over {version} {each.number}": each.error for each in ended},
    }


def lost(told: Facts, asked: Facts, kept: Facts) -> Facts:
    """The told facts that are not kept. The write that was not told may be there, whole, or not."""
    missing = _missing(told, kept)
    return missing and _missing(told | asked, kept) and missing


def _missing(facts: Facts, kept: Facts) -> Facts:
    absent = object()
    return {
        name: value
        for name, value in facts.items()
        if kept.get(name, None if name.startswith("resource ") else absent) != value
    }
