"""Mistakes that a store could have, to show that its checks would find them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sloth_state.sqlite import intervals, retention
from sloth_state.sqlite.connection import Connection
from sloth_state.sqlite.key_values import KeyValues
from sloth_state.sqlite.locks import Locks
from sloth_state.sqlite.resource_states import INSERT_PAST, past_bindings
from sloth_state.sqlite.resource_writer import ResourceWriter
from sloth_state.sqlite.tables import RESOURCES, Table


def _loses_the_past(monkeypatch: pytest.MonkeyPatch) -> None:
    def replace(self: Any, run: Any, stored: Any, after: Any) -> None:
        RESOURCES.update(self._db, stored.key, *after)

    monkeypatch.setattr(ResourceWriter, "_replace", replace)


def _leaves_removed_things_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """The interval before a removal goes on into the version that removed the thing."""

    def replace(self: Any, run: Any, stored: Any, after: Any) -> None:
        if stored.state.valid_from < run.version:
            end = run.version + (not intervals.is_live(after))
            self._db.write(INSERT_PAST, past_bindings(stored, end))
        RESOURCES.update(self._db, stored.key, *after)

    monkeypatch.setattr(ResourceWriter, "_replace", replace)


def _prunes_the_current_version(monkeypatch: pytest.MonkeyPatch) -> None:
    drop_versions = retention.drop_versions

    def drop_too_much(db: Any, name: str, key: int, versions: set[int]) -> None:
        drop_versions(db, name, key, versions)
        db.write(
            "DELETE FROM workflow_states WHERE workflow_key = ?1 AND version = "
            "(SELECT max(version) FROM workflow_states WHERE workflow_key = ?1)",
            (key,),
        )

    monkeypatch.setattr(retention, "drop_versions", drop_too_much)


def _keeps_old_checksums(monkeypatch: pytest.MonkeyPatch) -> None:
    def update(self: Table, db: Any, key: int, *values: Any) -> None:
        db.write(
            self._update.replace("checksum = ?", "checksum = checksum + 0 * ?"), (*values, 0, key)
        )

    monkeypatch.setattr(Table, "update", update)


def _commits_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was acknowledged becomes durable with the next transaction only."""
    run = Connection._run

    def late(self: Any, sql: str) -> None:
        if sql == "BEGIN IMMEDIATE" and self._database.in_transaction:
            run(self, "COMMIT")
        if sql != "COMMIT":
            run(self, sql)

    monkeypatch.setattr(Connection, "_run", late)


def _swaps_whatever_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def swap(self: Any, key: str, expected: Any, value: Any) -> bool:
        self.kv_set(key, value)
        return True

    monkeypatch.setattr(KeyValues, "kv_compare_swap", swap)


def _forgets_interrupted_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Locks, "_interrupt_run_of", lambda *_: None)


BUGS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "a record that is not written to the history": _loses_the_past,
    "a removal that does not close the interval": _leaves_removed_things_open,
    "a prune that drops the current version": _prunes_the_current_version,
    "a checksum that is not updated": _keeps_old_checksums,
    "a commit that comes too late": _commits_later,
    "a swap that does not compare": _swaps_whatever_is_there,
    "a run that stays running after a crash": _forgets_interrupted_runs,
}
