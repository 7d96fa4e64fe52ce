"""How the tasks of a workflow depend on each other, checked, and the order that follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_runner.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sloth_runner.workflow import Task


def in_order(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """Tasks after those they depend on, otherwise in the order of their definition.

    A task also depends on those whose artifacts it consumes. Raises DefinitionError: a name that
    is defined twice, an unknown dependency, artifacts that nobody makes, a circle.
    """
    tasks = [_after_its_producers(task, tasks) for task in tasks]
    _check_names(tasks)
    return tuple(_sorted(tasks))


def _check_names(tasks: Sequence[Task]) -> None:
    known: dict[str, Task] = {}
    for task in tasks:
        if first := known.get(task.name):
            raise DefinitionError(
                f"{task.where}: the task {task.name!r} is defined twice",
                hint=f"The first one is at {first.where}.",
            )
        known[task.name] = task
    for task in tasks:
        for name in task.depends_on:
            if name not in known:
                raise _unknown_dependency(task, name, list(known))


def _after_its_producers(task: Task, tasks: Sequence[Task]) -> Task:
    """A task with those among its dependencies whose artifacts it consumes."""
    if not task.consumes:
        return task
    from sloth_runner.artifacts import producers

    names = list(task.depends_on)
    for pattern in task.consumes:
        found = producers(task, tasks, pattern)
        if not found:
            raise DefinitionError(
                f"{task.where}: the task {task.name!r} consumes {pattern!r}, "
                "which no other task has among its artifacts",
                hint=f'Let the task that makes it say so: :artifacts({{ "{pattern}" }})',
            )
        names += found
    return task._replace(depends_on=tuple(dict.fromkeys(names)))


def _unknown_dependency(task: Task, name: str, known: Sequence[str]) -> DefinitionError:
    import difflib

    nearest = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {nearest[0]!r}?" if nearest else f"Its tasks are: {', '.join(known)}"
    return DefinitionError(
        f"{task.where}: the task {task.name!r} depends on {name!r}, which is not in its workflow",
        hint=hint,
    )


def _sorted(tasks: Sequence[Task]) -> list[Task]:
    """Dependencies first, otherwise in the order of definition (Kahn's algorithm)."""
    remaining = {task.name: task for task in tasks}
    waiting_for = {task.name: set(task.depends_on) for task in tasks}
    dependents: dict[str, list[str]] = {task.name: [] for task in tasks}
    for task in tasks:
        for name in task.depends_on:
            dependents[name].append(task.name)
    position = {task.name: index for index, task in enumerate(tasks)}
    import heapq

    ready = [position[name] for name, needs in waiting_for.items() if not needs]
    heapq.heapify(ready)
    order: list[Task] = []
    while ready:
        task = tasks[heapq.heappop(ready)]
        order.append(remaining.pop(task.name))
        for name in dependents[task.name]:
            waiting_for[name].discard(task.name)
            if not waiting_for[name]:
                heapq.heappush(ready, position[name])
    if remaining:
        raise _cycle(remaining)
    return order


def _cycle(remaining: Mapping[str, Task]) -> DefinitionError:
    """Follow dependencies among the tasks left over until one comes back."""
    path = [next(iter(remaining))]
    while path[-1] not in path[:-1]:
        task = remaining[path[-1]]
        path.append(next(name for name in task.depends_on if name in remaining))
    loop = path[path.index(path[-1]) :]
    lines = ", ".join(f"{name} at {remaining[name].where}" for name in loop[:-1])
    return DefinitionError(
        f"tasks depend on each other in a circle: {' -> '.join(loop)}",
        hint=f"Break it at one of: {lines}",
    )
