"""Rows of tasks share transactions, and each is told of its own fate."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sloth_runner.active_run import ActiveRun
from sloth_runner.execution import Execution
from sloth_runner.task_records import RecordQueue
from sloth_state.errors import InvalidValue, SlothError
from sloth_state.model import TaskRecord, TaskStatus
from sloth_state.open import open_store


def row(name: str, error: str | None = None) -> TaskRecord:
    return TaskRecord(name, TaskStatus.RUNNING, 1, datetime.now(UTC), None, error_msg=error)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[ActiveRun]:
    with open_store(f"sqlite:///{tmp_path}/state.db") as store, Execution(store, "w") as run:
        yield run


@pytest.fixture
def written(run: ActiveRun, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The names in each transaction that was tried, besides writing them."""
    transactions: list[list[str]] = []
    save = run.save_tasks

    def save_and_note(tasks: Sequence[TaskRecord]) -> None:
        transactions.append([task.name for task in tasks])
        save(tasks)

    monkeypatch.setattr(run, "save_tasks", save_and_note)
    return transactions


def names(run: ActiveRun) -> list[str]:
    return [task.name for task in run.tasks()]


def test_those_of_one_moment_share_a_transaction(run: ActiveRun, written: list[list[str]]) -> None:
    async def main() -> None:
        queue = RecordQueue(run)
        await asyncio.gather(*(queue.add(row(name)) for name in "abc"))
        assert names(run) == ["a", "b", "c"]  # durable when they are told so
        await queue.add(row("d"))

    asyncio.run(main())
    assert (names(run), written) == (["a", "b", "c", "d"], [["a", "b", "c"], ["d"]])


def test_the_fault_of_one_is_not_that_of_the_others(run: ActiveRun) -> None:
    async def main() -> list[BaseException | None]:
        queue = RecordQueue(run)
        rows = [row("a"), row("b", error="\ud800"), row("c")]
        return await asyncio.gather(*map(queue.add, rows), return_exceptions=True)

    fates = asyncio.run(main())
    assert [type(fate) for fate in fates] == [type(None), InvalidValue, type(None)]
    assert names(run) == ["a", "c"]


def test_one_that_is_cancelled_in_time_is_not_written(run: ActiveRun) -> None:
    async def main() -> None:
        queue = RecordQueue(run)
        rows = [queue.add(row(name)) for name in "abc"]
        rows[1].cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*rows)
        await asyncio.sleep(0)

    asyncio.run(main())
    assert names(run) == ["a", "c"]


@pytest.mark.parametrize("together", [1, 3])
def test_a_store_that_fails_is_everybodys_error(
    run: ActiveRun, monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    def fail(_tasks: Sequence[TaskRecord]) -> None:
        raise SlothError("the disk is full")

    monkeypatch.setattr(run, "save_tasks", fail)

    async def main() -> list[BaseException | None]:
        queue = RecordQueue(run)
        rows = [queue.add(row(str(number))) for number in range(together)]
        return await asyncio.gather(*rows, return_exceptions=True)

    assert [str(fate) for fate in asyncio.run(main())] == ["the disk is full"] * together
