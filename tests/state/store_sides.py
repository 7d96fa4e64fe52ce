"""A real store on a disk beside its model, and what a crash leaves of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from store_model import StoreModel, Workflow, all_told
from version_model import Identity, Refused, Told

from sloth_state.errors import SlothError
from sloth_state.exchange.document import document
from sloth_state.model import Holder, Lock, LockScope, NewRun, Resource, RunStatus, Version
from sloth_state.open import open_store
from sloth_state.store import Store

HOLDER = Holder("ada", "build-7", 4711, 99, "boot-1")
GONE = f"interrupted: {HOLDER} is gone"
LEASE = timedelta(days=1)
T = TypeVar("T")


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def tick(self) -> None:
        self.now += timedelta(seconds=1)


class Side:
    """One of the stores, what it must say, and the runs that go on in it."""

    def __init__(self, folder: Path, name: str, clock: Clock) -> None:
        self.model = StoreModel()
        self.locks: dict[str, Lock] = {}
        """Of the runs that go on, by workflow."""
        self._folder = folder
        self._name = name
        self._clock = clock
        self._given: set[str] = set()
        """All ids that this store ever gave."""
        self._crashes = 0
        self.store = self._open()

    @property
    def path(self) -> Path:
        return self._folder / f"{self._name}-{self._crashes}.db"

    def _open(self) -> Store:
        return open_store(str(self.path), clock=self._clock, ids=self._new_id)

    def _new_id(self) -> str:
        given = f"{self._name}{len(self._given) + 1:011x}"
        self._given.add(given)
        return given

    # -- runs --------------------------------------------------------------------------------

    def lock(self, name: str) -> Lock:
        scope = LockScope.WORKFLOW
        return self.store.acquire_lock(scope, name, HOLDER, LEASE, lambda _: False)

    def begin(self, name: str, source: bytes | None) -> None:
        lock = self.locks[name] = self.lock(name)
        run = self.store.begin_run(NewRun(name, {}, source=source), lock)
        self.model.workflow(name).begin(run.id, source, {})

    def run_of(self, name: str) -> tuple[str, Lock]:
        """The run that goes on in a workflow; it begins now if there is none."""
        if name not in self.locks:
            self.begin(name, None)
        return self.model.workflows[name].newest.run_id, self.locks[name]

    def newest(self, name: str) -> Version:
        return self.store.version(name, self.model.workflows[name].newest.number)

    def export(self, name: str) -> Path:
        path = self._folder / "exported.json"
        path.write_text("".join(document(name, self.store.history(name))))
        return path

    def copied(self, name: str, exported: Workflow) -> None:
        """Let the model have a copy of a history, with the ids that the store has given it."""
        known_runs, known_resources = self.model.run_ids, self.model.resource_ids
        told = told_by(self.store)[name]
        ids = {
            (each.type, each.name): each.id
            for version in told.values()
            for each in version.resources
        }

        def run_id(number: int, original: str) -> str:
            given = told[number].run_id
            assert given not in known_runs
            assert original in known_runs or given == original
            return given

        def resource_id(identity: Identity, original: str) -> str:
            given = ids[identity]
            assert given not in known_resources
            # Rows of a pruned resource may be left, which the model does not know.
            assert given == original or original in known_resources | self._given
            return given

        self.model.copy_as(name, exported, run_id, resource_id)

    # -- crashes -----------------------------------------------------------------------------

    def crash(self, unfinished: Callable[[], object] | None) -> None:
        """The process is gone, its files are found as they lie.

        `unfinished` writes what is not committed then, although it is in the log already.
        """
        before = self.path
        if unfinished is None:
            self._leave_files_of(before)
        else:
            with suppress(_Abandoned), self._database.transaction():
                unfinished()
                self._database._database.cache_flush()
                self._leave_files_of(before)
                raise _Abandoned
        self.store.close()
        self.store = self._open()

    def recover(self) -> None:
        """Find the runs that the crash interrupted, as the next command does."""
        for name in self.locks:
            lock = self.store.acquire_lock(
                LockScope.WORKFLOW, name, HOLDER, LEASE, lambda holder: holder[:5] == HOLDER[:5]
            )
            self.store.release_lock(lock)
            self.model.workflows[name].finish(RunStatus.FAILED, GONE)
        self.locks.clear()

    @property
    def _database(self) -> Any:
        return self.store._db  # type: ignore[attr-defined]

    def _leave_files_of(self, before: Path) -> None:
        self._crashes += 1
        for suffix in ("", "-wal"):
            with suppress(FileNotFoundError):  # no log: nothing was written since the last close
                shutil.copyfile(f"{before}{suffix}", f"{self.path}{suffix}")

    # -- checks ------------------------------------------------------------------------------

    def check(self) -> None:
        """The store says what the model says, and finds nothing wrong with itself."""
        assert self.store.verify() == []
        assert told_by(self.store) == all_told(self.model.workflows.items())
        keys = self.store.kv_keys()
        assert {key: self.store.kv_get(key) for key in keys} == {
            key: (True, value) for key, value in self.model.pairs.items()
        }
        for name, workflow in self.model.workflows.items():
            current = [plain(each) for each in self.store.resources(name)]
            assert current == [each for _, each in sorted(workflow.newest.resources.items())]
        assert [lock.name for lock in self.store.locks()] == sorted(self.locks)
        assert self.model.running == sorted(self.locks)


class _Abandoned(Exception):
    """The transaction that the process died in."""


def told_by(store: Store) -> dict[str, dict[int, Told]]:
    """All that a store says of its workflows."""
    return {
        name: {each.version: _told(store, each) for each in reversed(store.versions(name))}
        for name in store.workflow_names()
    }


def _told(store: Store, version: Version) -> Told:
    run = store.run(version.run_id)
    assert (run.name, run.version, run.status, run.resource_count) == (
        version.workflow,
        version.version,
        version.status,
        version.resource_count,
    )
    return Told(
        run.id,
        version.parent,
        run.status,
        run.error_msg,
        store.content(version.source_hash) if version.source_hash else None,
        version.changes,
        run.resource_count,
        [plain(each) for each in store.resources(run.name, version=run.version)],
        list(store.outputs(run.id).values()),
        store.tags(run.id),
    )


def plain(resource: Resource) -> Resource:
    """The same with dicts that can be compared."""
    declaration = resource.declaration
    return resource._replace(
        attributes=dict(resource.attributes),
        declaration=None if declaration is None else dict(declaration),
    )


def outcome(deed: Callable[[], T]) -> T | type[Exception]:
    """What a deed returns, or the error that refuses it."""
    try:
        return deed()
    except Refused as refused:
        return refused.error
    except SlothError as error:
        return type(error)
