"""Tasks on other machines: which ones they are, and what several of them make of one task."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

from sloth_runner.errors import WorkflowError
from sloth_runner.task_records import TaskOutcome, says_unchanged
from sloth_runner.together import together
from sloth_runner.workflow import Call
from sloth_state.model import TaskStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence

    from sloth_runner.driver import Driver
    from sloth_runner.session import TaskContext
    from sloth_runner.workflow import Task
    from sloth_state.model import Json

    Host: TypeAlias = str | None

LOCAL = "local"
"""How the runner's own machine is called."""

_HERE = ("", LOCAL, "localhost")
_REFERENCE = re.compile(r"\$\{([^}]*)\}")
_HOST = re.compile(r"[^\s\0-\x1f-][^\s\0-\x1f]*")


async def hosts_of(
    task: Task, driver: Driver, context: TaskContext, facts: dict[str, Any]
) -> list[Host]:
    """The machines that a task runs on, each once; None is the runner's own.

    Raises WorkflowError for what is no host or refers to an unknown value, and what the task's own
    function raises.
    """
    targets: Sequence[str]
    if isinstance(task.delegate_to, Call):
        targets = (await driver.call("hosts", task.delegate_to, context, facts))["hosts"]
    else:
        targets = task.delegate_to
    values = driver.session.values or {}
    found = [_host(each) for target in targets for each in _resolved(target, values)]
    _check_files(task, found)
    return list(dict.fromkeys(found)) or [None]


def _resolved(target: str, values: Json) -> Iterator[str]:
    """A target with the values it refers to; if it is nothing but one, that may be a list."""
    whole = _REFERENCE.fullmatch(target)
    value = _value(whole[1], values) if whole else None
    if isinstance(value, list):
        yield from (_text(each, target) for each in value)
    else:
        yield _REFERENCE.sub(lambda part: _text(_value(part[1], values), target), target)


def _value(path: str, values: Json) -> Json:
    """A value by its path: "values.web.host", "values.hosts.1"."""
    root, *names = path.strip().split(".")
    found = values if root == "values" and names else None
    for name in names:
        if isinstance(found, dict):
            found = found.get(name)
        elif isinstance(found, list) and name.isdigit() and 1 <= int(name) <= len(found):
            found = found[int(name) - 1]
        else:
            found = None
    if found is None:
        raise WorkflowError(
            f"delegate_to: there is no ${{{path}}}",
            hint="It names one of the run's values: --values and --set give them.",
        )
    return found


def _text(value: Json, target: str) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise WorkflowError(f"delegate_to: {target!r} stands for no name of a host")
    return str(value)


def _host(name: str) -> Host:
    if name in _HERE:
        return None
    if not _HOST.fullmatch(name):
        raise WorkflowError(f"delegate_to: {name!r} is no name of a host")
    return name


def _check_files(task: Task, hosts: Sequence[Host]) -> None:
    elsewhere = next((host for host in hosts if host is not None), None)
    if elsewhere is not None and (task.artifacts or task.consumes):
        raise WorkflowError(
            "artifacts and consumes name files of the machine that runs the workflow, "
            f"but this task runs on {elsewhere}",
            hint="Let another task, which is not delegated, fetch or bring them.",
        )


async def on_all(
    hosts: Sequence[Host], run: Callable[[Host], Coroutine[Any, Any, TaskOutcome]]
) -> dict[Host, TaskOutcome]:
    """What becomes of a task on each of them; when one is stopped, all are."""
    outcomes = await together(run(host) for host in hosts)
    return dict(zip(hosts, outcomes, strict=True))


def outcome_of(outcomes: Mapping[Host, TaskOutcome]) -> TaskOutcome:
    """What became of a task, by what became of it on each machine. A failure names those."""
    if failed := {host: each for host, each in outcomes.items() if each.error is not None}:
        return _failure(failed, is_single=len(outcomes) == 1)
    if len(outcomes) == 1:
        return next(iter(outcomes.values()))
    attempts = max(each.attempts for each in outcomes.values())
    messages = {_name(host): each.message for host, each in outcomes.items() if each.message}
    if all(each.status is TaskStatus.SKIPPED for each in outcomes.values()):
        return TaskOutcome(TaskStatus.SKIPPED, next(iter(messages.values())))
    said = "; ".join(f"{host}: {message}" for host, message in messages.items()) or None
    outputs: dict[str, Json] = {
        _name(host): each.output for host, each in outcomes.items() if each.output is not None
    }
    return TaskOutcome(
        TaskStatus.SUCCESS,
        said,
        outputs or None,
        attempts=attempts,
        unchanged=all(says_unchanged(each.output) for each in outcomes.values()),
    )


def _failure(failed: Mapping[Host, TaskOutcome], *, is_single: bool) -> TaskOutcome:
    first = next(iter(failed.values()))
    error = first.error
    assert error is not None
    if not (is_single and None in failed):
        error.message = "; ".join(f"{_name(host)}: {each.error}" for host, each in failed.items())
    attempts = max(each.attempts for each in failed.values())
    aborts = any(each.aborts for each in failed.values())
    return TaskOutcome(TaskStatus.FAILED, error=error, attempts=attempts, aborts=aborts)


def _name(host: Host) -> str:
    return host or LOCAL
