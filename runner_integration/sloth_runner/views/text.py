"""The lines that tell of a run's events; the plain and the live view share them."""

from __future__ import annotations

import json
import re
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
from sloth_state.cli.text import duration, printable, width
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
# Escape sequences that are no colour, also those without an end.
_NO_COLOUR = r"(?s)\x1b(?!\[[0-9;]*m)(\[[0-?]*[ -/]*[@-~]?|\][^\x07\x1b]*(\x07|\x1b\\)?|.)?"
_NEW_LINE = "\n"
_NO_STYLE = "\x1b[0m"


def shown(line: str) -> str:
    """A line of a script or a command that does nothing to a terminal but be read, in colours."""
    if line.isprintable():
        return line
    line = printable(re.sub(_NO_COLOUR, "", line).expandtabs(), keep="\x1b")
    return line + _NO_STYLE if "\x1b" in line else line


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
            yield f"  {style('Hint:', 'yellow')} {printable(event.hint)}"
    elif isinstance(event, ResourcesUndeclared):
        yield from _undeclared_lines(event, style)
    elif isinstance(event, AfterRollback):
        yield _rolled_back_line(event, style)
    elif isinstance(event, RunFinished):
        yield from summary(event, style)


def _output_lines(event: TaskOutput, style: Style, verbose: bool) -> Iterator[str]:
    if event.level in ("debug", "stdout", "stderr") and not verbose:
        return
    prefix = style(f"{printable(event.task)} | " if event.task else "| ", "bright_black")
    colour = _LEVEL_COLOURS.get(event.level)
    for line in map(shown, event.text.splitlines() or [""]):
        yield prefix + (style(line, colour) if colour else line)


def _resource_lines(event: ResourceChanged, style: Style) -> Iterator[str]:
    if mark := _RESOURCE_MARKS.get(event.resource.action):
        name = printable(f"{event.resource.type}/{event.resource.name}")
        yield f"  {style(f'{mark[0]} {name}', mark[1])}"


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
    line = f"{style(sign, colour)} {printable(event.task)}"
    message = printable(event.message or "", keep=_NEW_LINE)
    if event.status is TaskStatus.SKIPPED:
        return line + style(f"  skipped: {message}", "bright_black")
    line += style(f"  {duration(event.duration_seconds)}", "bright_black")
    if event.attempts > 1:
        line += style(f"  {event.attempts} tries", "yellow")
    if event.error_msg:
        return f"{line}  {style(printable(event.error_msg, keep=_NEW_LINE), 'red')}"
    if not event.changed:
        line += style("  unchanged", "bright_black")
    return f"{line}  {message}" if message else line


def summary(event: RunFinished, style: Style) -> Iterator[str]:
    """The last lines of a run: status, tasks, resources, outputs."""
    yield ""
    yield summary_heading(event, style)
    yield f"  Tasks      {task_counts(event.tasks)}"
    yield f"  Resources  {resource_counts(event.resources)}"
    if event.outputs:
        yield "  Outputs"
        names = [printable(key) for key in event.outputs]
        column = max(map(width, names))
        for name, output in zip(names, event.outputs.values(), strict=True):
            yield f"    {name}{' ' * (column - width(name))}  {output_text(output)}"


def summary_heading(event: RunFinished, style: Style) -> str:
    """What ended, how, and after how long."""
    status = style(event.status.value, STATUS_COLOURS[event.status])
    name = f"{printable(event.workflow)} v{event.version}"
    return f"{name}  {status}  in {duration(event.duration_seconds)}"


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
        return printable(output.value)
    return printable(json.dumps(output.value, ensure_ascii=False))
