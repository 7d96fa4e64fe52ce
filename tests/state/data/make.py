"""Makes the stored file of the newest schema. Run it once for each schema, before its release.

    python tests/state/data/make.py tests/state/data/schema-N.db

The tests expect the same content in the file of every schema.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from sloth_state.model import (
        Lock,
    )
    from sloth_state.store import Store

HOLDER = Holder("ada", "build-7", 4711, 99, "boot-1")
NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def make(path: str) -> None:
    """Three versions of a workflow, with something in every table that has rows by now."""
    minutes, ids = count(), count(1)
    store = open_store(
        path,
        clock=lambda: NOON + timedelta(seconds=next(minutes)),
        ids=lambda: f"{next(ids):012x}",
    )
    with store:
        lock = store.acquire_lock(
            LockScope.WORKFLOW, "deploy", HOLDER, timedelta(hours=1), lambda _: False
        )
        _first(store, lock)
        _second(store, lock)
        failed = store.begin_run(NewRun("deploy", {}), lock)
        store.finish_run(failed.id, RunStatus.FAILED, lock, error="deploy.sloth:3: no")
        store.release_lock(lock)
        store.kv_set("counter", 3)


def _first(store: Store, lock: Lock) -> None:
    source = b"-- deploy.sloth\n"
    run = store.begin_run(NewRun("deploy", {"user": "ada"}, "first", source, {"env": "prod"}), lock)
    for name, mode in (("app.conf", {"mode": "0644"}), ("motd", {})):
        attributes = {"path": f"/etc/{name}", **mode}
        store.record(run.id, [ResourceDraft("file", name, attributes)], lock)
    store.set_output(run.id, Output("url", "http://example.org"), lock)
    store.save_task(run.id, TaskRecord("configure", TaskStatus.SUCCESS, 1, NOON, NOON), lock)
    store.add_tags(run.id, ["stable"], "ada")
    store.finish_run(run.id, RunStatus.SUCCESS, lock)


def _second(store: Store, lock: Lock) -> None:
    run = store.begin_run(NewRun("deploy", {}), lock)
    changed = {"path": "/etc/app.conf", "mode": "0600"}
    store.record(run.id, [ResourceDraft("file", "app.conf", changed)], lock)
    store.remove_resource(run.id, "file", "motd", lock)
    store.finish_run(run.id, RunStatus.SUCCESS, lock)


if __name__ == "__main__":
    make(sys.argv[1])
