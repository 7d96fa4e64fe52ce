"""The lines that tell of a run's events; the plain and the live view share them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from sloth_runner.events import (
    AfterRollback,
    ResourceChanged,
    ResourcesUndeclared,
    RunFinished,
    RunStarted,
    TaskFinished,
    TaskOutput,
)
from sloth_state.cli.text import duration, printable
from sloth_state.model import Action, RunStatus, TaskStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sloth_runner.events import (
        Event,
    )
    from sloth_state.model import Changes, Output

Style: TypeAlias = Callable[[str, str], str]
"""Gives a text a colour by name."""

STATUS_COLOURS = {
    RunStatus.SUCCESS: "green",
    RunStatus.FAILED: "red",
    RunStatus.RUNNING: "yellow",
    RunStatus.ROLLED_BACK: "magenta",
    RunStatus.PENDING: "blue",
}
_MOST_UNDECLARED = 20
_MARKS = {
    TaskStatus.SUCCESS: ("✓", "green"),
    TaskStatus.FAILED: ("✗", "red"),
    TaskStatus.SKIPPED: ("-", "bright_black"),
}
_RESOURCE_MARKS = {
    Action.CREATE: ("+", "green"),
    Action.UPDATE: ("~", "yellow"),
    Action.DELETE: ("-", "red"),
}
_LEVEL_COLOURS = {
    "debug": "bright_black",
    "success": "green",
    "warn": "yellow",
    "error": "red",
    "stdout": "bright_black",
    "stderr": "bright_black",
}


def lines_of(event: Event, style: Style, *, verbose: bool) -> Iterator[str]:
    """The lines that an event is worth; none for some."""
    if isinstance(event, RunStarted):
        yield style(f"{event.workflow} v{event.version}", "bold") + f"  run {event.run_id}"
    elif isinstance(event, TaskOutput):
        yield from _output_lines(event, style, verbose)
    elif isinstance(event, ResourceChanged):
        yield from _resource_lines(event, style)
    elif isinstance(event, TaskFinished):
        yield _finished_line(event, style)
        if event.hint:
            yield f"  {style('Hint:', 'yellow')} {event.hint}"
    elif isinstance(event, ResourcesUndeclared):
        yield from _undeclared_lines(event, style)
    elif isinstance(event, AfterRollback):
        yield _rolled_back_line(event, style)
    elif isinstance(event, RunFinished):
        yield from summary(event, style)


def _output_lines(event: TaskOutput, style: Style, verbose: bool) -> Iterator[str]:
    if event.level in ("debug", "stdout", "stderr") and not verbose:
        return
    prefix = style(f"{event.task} | " if event.task else "| ", "bright_black")
    colour = _LEVEL_COLOURS.get(event.level)
    for line in event.text.splitlines() or [""]:
        yield prefix + (style(line, colour) if colour else line)


def _resource_lines(event: ResourceChanged, style: Style) -> Iterator[str]:
    if mark := _RESOURCE_MARKS.get(event.resource.action):
        yield "  " + style(f"{mark[0]} {event.resource.type}/{event.resource.name}", mark[1])


def _undeclared_lines(event: ResourcesUndeclared, style: Style) -> Iterator[str]:
    """Those that are deleted tell of themselves when that is done."""
    names = [f"{each.type}/{each.name}" for each in event.resources]
    told = [each for each in names if not event.pruned or each in event.notes]
    yield ""
    yield "No longer declared:" if event.pruned else "No longer declared (--prune deletes them):"
    for name in told[:_MOST_UNDECLARED]:
        line = printable(f"{name}  {event.notes.get(name, '')}".rstrip())
        yield f"  {style('-', 'bright_black')} {line}"
    if len(told) > _MOST_UNDECLARED:
        yield f"  … and {len(told) - _MOST_UNDECLARED:,} more"


def _rolled_back_line(event: AfterRollback, style: Style) -> str:
    status = style(event.status.value, STATUS_COLOURS[event.status])
    return f"Rollback to v{event.to_version}, recorded as v{event.version}: {status}"


def _finished_line(event: TaskFinished, style: Style) -> str:
    sign, colour = _MARKS[event.status]
    line = f"{style(sign, colour)} {event.task}"
    if event.status is TaskStatus.SKIPPED:
        return line + style(f"  skipped: {event.message}", "bright_black")
    line += style(f"  {duration(event.duration_seconds)}", "bright_black")
    if event.attempts > 1:
        line += style(f"  {event.attempts} tries", "yellow")
    if event.error_msg:
        return f"{line}  {style(event.error_msg, 'red')}"
    if not event.changed:
        line += style("  unchanged", "bright_black")
    return f"{line}  {event.message}" if event.message else line


def summary(event: RunFinished, style: Style) -> Iterator[str]:
    """The last lines of a run: status, tasks, resources, outputs."""
    status = style(event.status.value, STATUS_COLOURS[event.status])
    yield ""
    yield f"{event.workflow} v{event.version}  {status}  in {duration(event.duration_seconds)}"
    yield f"  Tasks      {task_counts(event.tasks)}"
    yield f"  Resources  {resource_counts(event.resources)}"
    if event.outputs:
        yield "  Outputs"
        width = max(len(key) for key in event.outputs)
        for key, output in event.outputs.items():
            yield f"    {key:<{width}}  {output_text(output)}"


def task_counts(counts: Mapping[TaskStatus, int]) -> str:
    """ "3 succeeded, 1 failed, 2 skipped", those that are not zero."""
    words = {
        TaskStatus.SUCCESS: "succeeded",
        TaskStatus.FAILED: "failed",
        TaskStatus.SKIPPED: "skipped",
    }
    parts = [f"{counts[status]} {word}" for status, word in words.items() if counts.get(status)]
    return ", ".join(parts) or "none finished"


def resource_counts(changes: Changes) -> str:
    """ "2 created, 1 updated, 0 deleted, 4 unchanged"."""
    text = (
        f"{changes.created} created, {changes.updated} updated, "
        f"{changes.deleted} deleted, {changes.unchanged} unchanged"
    )
    return f"{text}, {changes.read} read" if changes.read else text


def output_text(output: Output) -> str:
    """An output's value on one line; a sensitive one is not shown."""
    if output.sensitive:
        return "(sensitive)"
    if isinstance(output.value, str):
        return output.value.replace("\n", "\\n")
    return json.dumps(output.value, ensure_ascii=False)
