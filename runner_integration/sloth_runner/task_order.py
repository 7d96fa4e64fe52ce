"""Which tasks can start: those whose dependencies are over, in the order of their definition."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sloth_runner.workflow import Task


class TaskOrder:
    """The tasks that can start now. Each is taken once; it does not know how they end."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._tasks = tasks
        self._position = {task.name: index for index, task in enumerate(tasks)}
        self._unmet = [len(task.depends_on) for task in tasks]
        self._dependents: dict[str, list[int]] = {task.name: [] for task in tasks}
        for index, task in enumerate(tasks):
            for name in task.depends_on:
                self._dependents[name].append(index)
        self._ready = [index for index, count in enumerate(self._unmet) if not count]

    def __bool__(self) -> bool:
        """Whether one can start."""
        return bool(self._ready)

    def __getitem__(self, name: str) -> Task:
        return self._tasks[self._position[name]]

    def position(self, task: Task) -> int:
        """Where it stands in the file's order."""
        return self._position[task.name]

    def take(self) -> Task:
        """The first of those that can start."""
        return self._tasks[heapq.heappop(self._ready)]

    def put_back(self, task: Task) -> None:
        """It cannot start yet after all."""
        heapq.heappush(self._ready, self._position[task.name])

    def over(self, task: Task) -> None:
        """Nobody needs to wait for it any more."""
        for index in self._dependents[task.name]:
            self._unmet[index] -= 1
            if not self._unmet[index]:
                heapq.heappush(self._ready, index)
