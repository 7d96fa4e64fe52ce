"""Groups the rows of tasks: those that begin or end at the same moment share one transaction."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sloth_state.errors import InvalidValue

if TYPE_CHECKING:
    from sloth_runner.active_run import ActiveRun
    from sloth_state.model import TaskRecord


class RecordQueue:
    """Writes rows when the event loop has given all that are ready their turn."""

    def __init__(self, run: ActiveRun) -> None:
        self._run = run
        self._waiting: list[tuple[TaskRecord, asyncio.Future[None]]] = []

    def add(self, record: TaskRecord) -> asyncio.Future[None]:
        """Done when the row is durable, or raises what the store does. Cancel it to write none."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._write)
        written: asyncio.Future[None] = loop.create_future()
        self._waiting.append((record, written))
        return written

    def _write(self) -> None:
        waiting = [each for each in self._waiting if not each[1].cancelled()]
        self._waiting = []
        if len(waiting) > 1:
            try:
                self._run.save_tasks([record for record, _ in waiting])
            except InvalidValue:  # it is the fault of one of them
                for each in waiting:
                    self._write_alone(*each)
            except Exception as error:
                for _, written in waiting:
                    _fail(written, error)
            else:
                for _, written in waiting:
                    written.set_result(None)
        elif waiting:
            self._write_alone(*waiting[0])

    def _write_alone(self, record: TaskRecord, written: asyncio.Future[None]) -> None:
        try:
            self._run.save_tasks([record])
        except Exception as error:
            _fail(written, error)
        else:
            written.set_result(None)


def _fail(written: asyncio.Future[None], error: Exception) -> None:
    written.set_exception(error)
    written.exception()  # seen, or asyncio would complain if its task is cancelled just now
