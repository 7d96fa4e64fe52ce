"""Stores to test, with a clock that stands until it is moved and ids that count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from sloth_state.model import (
    Holder,
    Json,
    Lock,
    LockScope,
    NewRun,
    Resource,
    ResourceDraft,
    Run,
    RunStatus,
)
from sloth_state.open import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from sloth_state.store import Store

HOLDER = Holder("ada", "build-7", 4711, 99, "boot-1")


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **duration: float) -> None:
        self.time += timedelta(**duration)


class Ids:
    """Ids that count up, after those that a test has planned."""

    def __init__(self) -> None:
        self.planned: list[str] = []
        self._numbers = count(1)

    def __call__(self) -> str:
        return self.planned.pop(0) if self.planned else f"{next(self._numbers):012x}"


class Workbench:
    """A store, and short ways to do with it what runs do."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock

    def lock(
        self,
        name: str = "deploy",
        *,
        scope: LockScope = LockScope.WORKFLOW,
        holder: Holder = HOLDER,
        seconds: float = 60,
        is_dead: Callable[[Holder], bool] = lambda _: False,
    ) -> Lock:
        return self.store.acquire_lock(scope, name, holder, timedelta(seconds=seconds), is_dead)

    def begin(self, name: str = "deploy", **facts: Any) -> tuple[Run, Lock]:
        """A running run and the lock it runs under."""
        lock = self.lock(name)
        return self.store.begin_run(NewRun(name, facts.pop("metadata", {}), **facts), lock), lock

    def finish(self, run: Run, lock: Lock, status: RunStatus = RunStatus.SUCCESS) -> Run:
        finished = self.store.finish_run(run.id, status, lock)
        self.store.release_lock(lock)
        return finished

    def run_recording(self, *drafts: ResourceDraft, name: str = "deploy") -> Run:
        """A whole run that records these, one second after whatever was before."""
        self.clock.advance(seconds=1)
        run, lock = self.begin(name)
        self.store.record(run.id, drafts, lock)
        return self.finish(run, lock)

    @staticmethod
    def draft(name: str, content: Json = "x", **said: Any) -> ResourceDraft:
        return ResourceDraft("file", name, {"content": content}, **said)

    @staticmethod
    def seen(resources: Sequence[Resource]) -> list[tuple[str, str, Json]]:
        """Name, action and content of each resource."""
        return [(each.name, each.action.value, each.attributes["content"]) for each in resources]


def open_sqlite(folder: Path, clock: Clock, ids: Callable[[], str]) -> Store:
    return open_store(f"sqlite:///{folder}/state.db", clock=clock, ids=ids)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ids() -> Ids:
    return Ids()


@pytest.fixture(params=[open_sqlite])
def store(
    request: pytest.FixtureRequest, tmp_path: Path, clock: Clock, ids: Ids
) -> Iterator[Store]:
    """Every kind of store there is, new and empty; one contract holds for all of them."""
    with request.param(tmp_path, clock, ids) as opened:
        yield opened


@pytest.fixture
def bench(store: Store, clock: Clock) -> Workbench:
    return Workbench(store, clock)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Where the SQLite store of the `store` fixture is."""
    return tmp_path / "state.db"
