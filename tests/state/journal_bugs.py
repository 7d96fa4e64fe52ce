"""Mistakes that a journal could have, to show that the check of its prefixes would find them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sloth_state.sqlite.operations import Operations
from sloth_state.sqlite.resource_writer import ResourceWriter


def _loses_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Operations, "_close", lambda *_: None)


def _records_nothing_new(monkeypatch: pytest.MonkeyPatch) -> None:
    def insert(self: Any, run: Any, draft: Any, content: Any) -> Any:
        from sloth_state.sqlite import intervals

        about = self._new_id(), draft, content, run.version, run.now
        return intervals.born(run.workflow_key, *about)

    monkeypatch.setattr(ResourceWriter, "_insert", insert)


def _records_no_removal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ResourceWriter, "remove", lambda *_: None)


def _records_after_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of an operation is one transaction, what it made of the resource the next."""
    end = Operations.end_operation

    def in_two(self: Any, run_id: str, number: int, lock: Any, **said: Any) -> Any:
        record, remove = said.pop("record", None), said.pop("remove", None)
        end(self, run_id, number, lock, **said)
        if record is not None:
            return self.record(run_id, [record], lock)[0]
        return self.remove_resource(run_id, *remove, lock) if remove else None

    monkeypatch.setattr(Operations, "end_operation", in_two)


def _begins_with_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is begun stays in memory until it is ended."""
    begin, end = Operations.begin_operation, Operations.end_operation
    begun: list[Any] = []

    def note(self: Any, run_id: str, *said: Any, **contents: Any) -> int:
        begun.append((said, contents))
        return len(self.operations(run_id)) + 1

    def both(self: Any, run_id: str, *said: Any, **about: Any) -> Any:
        beginning, contents = begun.pop()
        with self._db.transaction():
            begin(self, run_id, *beginning, **contents)
            return end(self, run_id, *said, **about)

    monkeypatch.setattr(Operations, "begin_operation", note)
    monkeypatch.setattr(Operations, "end_operation", both)


BUGS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "an end of an operation that is lost": _loses_ends,
    "a record that is not written": _records_nothing_new,
    "a removal that is not written": _records_no_removal,
    "a record that is written after the end": _records_after_the_end,
    "a beginning that is written with the end": _begins_with_the_end,
}
