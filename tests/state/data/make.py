"""Makes the stored file of the newest schema. Run it once for each schema, before its release.

    python tests/state/data/make.py tests/state/data/schema-N.db

The tests expect of the file of each schema what the files of earlier ones have, and what is new.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import TYPE_CHECKING

from sloth_state.model import (
    Holder,
    LockScope,
    NewDetection,
    NewOperation,
    NewRun,
    Output,
    ResourceDraft,
    RunStatus,
    TaskRecord,
    TaskStatus,
)
from sloth_state.open import open_store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sloth_state.model import Json, Lock
    from sloth_state.store import Store

HOLDER = Holder("ada", "build-7", 4711, 99, "boot-1")
NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
CONTENT = b"<h1>Hello</h1>\n"


def make(path: str) -> None:
    """Versions of two workflows, with something in every table that has rows by now."""
    minutes, ids = count(), count(1)
    store = open_store(
        path,
        clock=lambda: NOON + timedelta(seconds=next(minutes)),
        ids=lambda: f"{next(ids):012x}",
    )
    with store:
        lock = _lock(store, "deploy")
        _first(store, lock)
        _second(store, lock)
        failed = store.begin_run(NewRun("deploy", {}), lock)
        store.save_step(failed.id, "configure", 1, "build image", "sha256:1f", lock)
        store.save_event(failed.id, "deploy.started", {"by": ["ada"]}, lock, task="configure")
        store.save_event(failed.id, "custom", {}, lock)
        store.finish_run(failed.id, RunStatus.FAILED, lock, error="deploy.sloth:3: no")
        store.release_lock(lock)
        store.kv_set("counter", 3)
        lock = _lock(store, "site")
        _declared(store, lock)
        store.release_lock(lock)
        lock = _lock(store, "pruned")
        _pruned(store, lock)
        store.take_ticket(LockScope.WORKFLOW, "pruned", HOLDER, timedelta(seconds=15))
        store.release_lock(lock)


def _lock(store: Store, workflow: str) -> Lock:
    lease = timedelta(hours=1)
    return store.acquire_lock(LockScope.WORKFLOW, workflow, HOLDER, lease, lambda _: False)


def _first(store: Store, lock: Lock) -> None:
    source = b"-- deploy.sloth\n"
    run = store.begin_run(NewRun("deploy", {"user": "ada"}, "first", source, {"env": "prod"}), lock)
    for name, mode in (("app.conf", {"mode": "0644"}), ("motd", {})):
        attributes = {"path": f"/etc/{name}", **mode}
        store.record(run.id, [ResourceDraft("file", name, attributes)], lock)
    store.set_output(run.id, Output("url", "http://example.org"), lock)
    store.save_tasks(run.id, [TaskRecord("configure", TaskStatus.SUCCESS, 1, NOON, NOON)], lock)
    store.add_tags(run.id, ["stable"], "ada")
    store.finish_run(run.id, RunStatus.SUCCESS, lock)


def _second(store: Store, lock: Lock) -> None:
    run = store.begin_run(NewRun("deploy", {}), lock)
    changed = {"path": "/etc/app.conf", "mode": "0600"}
    store.record(run.id, [ResourceDraft("file", "app.conf", changed)], lock)
    store.remove_resource(run.id, "file", "motd", lock)
    store.finish_run(run.id, RunStatus.SUCCESS, lock)


def _declared(store: Store, lock: Lock) -> None:
    """A file that was made, one that a killed run had begun to make, and a check for drift."""
    source, modules = b'require("pages")\n', {"pages": b"return {}\n"}
    run = store.begin_run(NewRun("site", {}, source=source, modules=modules), lock)
    made = _page("index.html", {"made": True})
    number = store.begin_operation(run.id, _making(made), lock, contents=[CONTENT])
    store.end_operation(run.id, number, lock, record=made)
    store.begin_operation(run.id, _making(_page("about.html", {})), lock)
    store.finish_run(run.id, RunStatus.FAILED, lock, error="interrupted")
    actual = {**made.attributes, "mode": "0600"}
    detection = NewDetection(made.type, made.name, made.attributes, actual, True)
    store.record_detections("site", 1, [detection])


def _pruned(store: Store, lock: Lock) -> None:
    """Two versions, of which the first was dropped."""
    for number in (1, 2):
        run = store.begin_run(NewRun("pruned", {}), lock)
        store.record(run.id, [ResourceDraft("file", "motd", {"number": number})], lock)
        store.finish_run(run.id, RunStatus.SUCCESS, lock)
    store.drop_versions("pruned", [1], lock, "ada")


def _page(name: str, memory: Mapping[str, Json]) -> ResourceDraft:
    path = f"/srv/{name}"
    attributes = {"path": path, "mode": "0644", "content_sha256": sha256(CONTENT).hexdigest()}
    declaration: dict[str, Json] = {
        "depends_on": [],
        "ignore": [],
        "sensitive": [],
        "task": "publish",
        "key": path,
        "memory": memory,
    }
    return ResourceDraft("file", name, attributes, declaration=declaration)


def _making(page: ResourceDraft) -> NewOperation:
    assert page.declaration is not None
    return NewOperation(
        "create",
        page.type,
        page.name,
        str(page.attributes["path"]),
        "publish",
        None,
        page.attributes,
        page.declaration,
    )


if __name__ == "__main__":
    make(sys.argv[1])
