"""Bugs that a product like this may have, each planted in a process that is then killed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sloth_runner import keyed_commands
from sloth_runner.resources.journal import Journal
from sloth_runner.subprocesses import run_command
from sloth_state.model import Action, Resource
from sloth_state.sqlite import repair
from sloth_state.sqlite.store import SqliteStore


def records_late() -> None:
    """`record` says it is done, and writes what it was given with the next record or at the end."""
    record, finish = SqliteStore.record, SqliteStore.finish_run
    waiting: list[tuple[Any, ...]] = []

    def write_those_waiting(self: Any) -> None:
        while waiting:
            record(self, *waiting.pop(0))

    def late_record(self: Any, run_id: str, drafts: Any, lock: Any) -> list[Any]:
        write_those_waiting(self)
        waiting.append((run_id, drafts, lock))
        now = datetime.now(UTC)
        return [
            Resource("", each.type, each.name, Action.CREATE, "", each.attributes, now, now)
            for each in drafts
        ]

    def finish_after_all(self: Any, *arguments: Any, **options: Any) -> Any:
        write_those_waiting(self)
        return finish(self, *arguments, **options)

    _plant(SqliteStore, record=late_record, finish_run=finish_after_all)


def begins_late() -> None:
    """The beginning of a change is journaled when the change has been made."""
    begin, finish = Journal.begin, Journal.finish
    waiting: list[tuple[Any, ...]] = []

    def late_begin(self: Journal, *arguments: Any) -> int:
        waiting.append(arguments)
        return 0

    def begin_and_finish(self: Journal, number: int, *arguments: Any) -> Any:
        return finish(self, begin(self, *waiting.pop()), *arguments)

    _plant(Journal, begin=late_begin, finish=begin_and_finish)


def ends_early() -> None:
    """The end of a change is journaled before the change is made."""
    begin, finish = Journal.begin, Journal.finish
    ended: list[Any] = []

    def begin_and_end(self: Journal, verb: str, *arguments: Any) -> int:
        number = begin(self, verb, *arguments)
        memory = arguments[4]
        ended.append(finish(self, number, None if verb == "delete" else "{}", memory))
        return number

    _plant(Journal, begin=begin_and_end, finish=lambda *_: ended.pop())


def runs_before_it_begins() -> None:
    """A command with a key is run before the journal has its beginning."""
    really_run = keyed_commands._run

    async def run(active: Any, task: Any, key: str, command: Any) -> Any:
        result = await run_command(command)

        async def done(_: Any) -> Any:
            return result

        keyed_commands.run_command = done  # type: ignore[attr-defined]
        return await really_run(active, task, key, command)

    keyed_commands._run = run


def copies_backups_in_place() -> None:
    """A backup has its name before it is whole."""
    copy = repair._copy

    def copy_in_place(path: str, target: str) -> None:
        copy(path, f"{path}.backup-x" if target.endswith("/backup") else target)

    _plant(repair, _copy=copy_in_place, _rename=lambda copy, name: None)


def backs_up_late() -> None:
    """The store is swapped before its backup has a name."""
    swap, rename = repair.Repairer._swap_in, repair._rename
    waiting: list[tuple[str, str]] = []

    def swap_and_rename(self: Any, copy: str) -> None:
        swap(self, copy)
        rename(*waiting.pop())

    _plant(repair, _rename=lambda *names: waiting.append(names))
    _plant(repair.Repairer, _swap_in=swap_and_rename)


def _plant(owner: Any, **methods: Callable[..., Any]) -> None:
    for name, method in methods.items():
        setattr(owner, name, method)


BUGS = {
    each.__name__: each
    for each in (
        records_late,
        begins_late,
        ends_early,
        runs_before_it_begins,
        copies_backups_in_place,
        backs_up_late,
    )
}
