"""Mending versions: runs that are lost or never ended, states of resources, counts and hashes."""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from sloth_state.model import RunStatus
from sloth_state.sqlite.anchors import anchors
from sloth_state.sqlite.chain import Replay, link_of, recounted, write_link, wrong_with
from sloth_state.sqlite.checksums import closed_row_checksum
from sloth_state.sqlite.integrity import any_between, follows, version_numbers
from sloth_state.sqlite.resource_rows import COLUMNS, HISTORY, SELECT_PAST
from sloth_state.sqlite.run_rows import SELECT_RUNS, checked_run, update_run
from sloth_state.sqlite.tables import RESOURCES, RUNS, VERSIONS
from sloth_state.sqlite.version_rows import close_run, update_version, version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sloth_state.sqlite.chain import Link
    from sloth_state.sqlite.connection import Row
    from sloth_state.sqlite.mending import Mending
    from sloth_state.sqlite.run_rows import RunRow

_INTERRUPTED = "interrupted: its process is gone"
_LOST = "the record of this run was lost; `repair` put this one in its place"
_MOST_LOST = 1000
"""A gap of more versions is no loss but a number that was changed."""


def replace_lost_versions(mending: Mending) -> None:
    """Give runs that have no version one again, as far as it is known."""
    known = {key for (key,) in mending.db.select("SELECT run_key FROM state_versions")}
    for run in _runs(mending):
        if run.run_key not in known:
            _insert_version(mending, run.run_key, run.started_at, run.version)
            mending.note(f"run {run.id}", "its version was lost; made anew as far as it is known")


def replace_lost_runs(mending: Mending, new_id: Callable[[], str]) -> None:
    """Put failed runs in the place of those that resources and later versions know of."""
    db = mending.db
    for workflow_key, name in db.select("SELECT workflow_key, name FROM workflows"):
        missing = _missing_versions(mending, workflow_key)
        for version in missing if len(missing) <= _MOST_LOST else ():
            at = _time_of(mending, workflow_key, version)
            said = RunStatus.FAILED.value, at, at, "{}", _LOST, None, 0
            run_key = RUNS.insert(db, new_id(), workflow_key, version, *said)
            _insert_version(mending, run_key, at, version)
            mending.note(f"{name} version {version}", "was lost; a failed run stands in its place")


def _missing_versions(mending: Mending, workflow_key: int) -> list[int]:
    """Numbers of versions that were never pruned and are not there."""
    db = mending.db
    known = version_numbers(db).get(workflow_key, [])
    row = db.first(
        "SELECT max(valid_from) FROM workflow_resources WHERE workflow_key = ?", (workflow_key,)
    )
    newest = max([*known, row[0] or 0 if row else 0])
    anchored = {
        version
        for (version,) in db.select(
            "SELECT version FROM version_anchors JOIN workflow_states USING (run_key) "
            "WHERE workflow_key = ?",
            (workflow_key,),
        )
    }
    return [
        number
        for before, after in pairwise([0, *known, newest + 1])
        if after not in anchored
        for number in range(before + 1, min(after, before + _MOST_LOST + 2))
    ]


def _time_of(mending: Mending, workflow_key: int, version: int) -> int:
    """When a lost version was made, as far as its resources or its neighbours say."""
    row = mending.db.first(
        "SELECT coalesce((SELECT min(updated_at) FROM workflow_resources "
        "WHERE workflow_key = ?1 AND valid_from = ?2), "
        "(SELECT started_at FROM workflow_states WHERE workflow_key = ?1 "
        "ORDER BY abs(version - ?2) LIMIT 1), 0)",
        (workflow_key, version),
    )
    assert row is not None
    return int(row[0])


def _insert_version(mending: Mending, run_key: int, at: int, version: int) -> None:
    about = at, "unknown", "", version - 1 or None, None, None
    VERSIONS.insert(mending.db, *about, 0, 0, 0, 0, 0, "", key=run_key)


def end_runs(mending: Mending, now: int) -> None:
    """End runs that say they run, which nobody does, and those that do not say when they ended."""
    for run in _runs(mending):
        version = version_of(mending.db, run)
        place = f"{run.name} version {run.version}"
        if run.status in (RunStatus.RUNNING, RunStatus.PENDING):
            close_run(mending.db, run, RunStatus.FAILED, now, error=_INTERRUPTED)
            mending.note(place, f"said {run.status} and nobody runs it; marked as failed")
        elif run.completed_at is None or run.resource_count is None or version.hash is None:
            ended = run.completed_at or run.started_at
            counted = run.resource_count or 0
            update_run(mending.db, run._replace(completed_at=ended, resource_count=counted))
            update_version(mending.db, version._replace(hash=""))
            mending.note(place, "did not say when it ended; taken for ended when it began")


def _runs(mending: Mending) -> list[RunRow]:
    """All runs, the versions of each workflow in order."""
    rows = mending.db.select(f"{SELECT_RUNS} ORDER BY r.workflow_key, r.version")
    return [checked_run(mending.db, row) for row in rows]


def join_states(mending: Mending) -> None:
    """Let the states of each resource follow each other, and take away those no version has."""
    versions = version_numbers(mending.db)
    rows = mending.db.select(
        "SELECT resource_key, workflow_key, type || '/' || name, valid_from, NULL, 0, 0 "
        "FROM workflow_resources UNION ALL SELECT h.resource_key, h.workflow_key, "
        "r.type || '/' || r.name, h.valid_from, h.valid_to, h.history_key, 1 "
        "FROM workflow_resource_history h JOIN workflow_resources r USING (resource_key) "
        "ORDER BY 1, 4, 7 DESC"
    )
    for (_, workflow_key), states in groupby(rows, key=lambda row: row[:2]):
        _join(mending, versions.get(workflow_key, []), list(states))


def _join(mending: Mending, versions: list[int], states: list[Row]) -> None:
    for earlier, later in pairwise(states):
        *_, identity, start, end, history_key, _ = earlier
        following = later[3]
        if start >= following or not any_between(versions, start, following):
            mending.db.write(f"DELETE FROM {HISTORY} WHERE history_key = ?", (history_key,))
            mending.note(
                identity, f"its state from version {start} was one that no version has; removed"
            )
        elif not follows(versions, end, following) or not any_between(versions, start, end):
            _end_at(mending, history_key, following)
            mending.note(
                identity,
                f"its state from version {start} ended at {end}, and now at {following}",
            )


def _end_at(mending: Mending, history_key: int, valid_to: int) -> None:
    row = mending.db.first(f"{SELECT_PAST} WHERE h.history_key = ?", (history_key,))
    assert row is not None, "a key that was just read"
    checksum = closed_row_checksum(RESOURCES.checksum(row[COLUMNS]), valid_to)
    sql = f"UPDATE {HISTORY} SET valid_to = ?, checksum = ? WHERE history_key = ?"
    mending.db.write(sql, (valid_to, checksum, history_key))


def remake_hashes(mending: Mending) -> None:
    """Count anew what versions changed, and make their hashes anew from the first wrong one on."""
    db = mending.db
    replay, known = Replay(db), anchors(db)
    for _, runs in groupby(_runs(mending), key=lambda run: run.workflow_key):
        before: Link | None = None
        remade: list[int] = []
        for run in runs:
            anchor = known.get(run.run_key)
            if anchor is not None:
                replay.add_pruned(run, anchor)
            link = link_of(db, replay, run, before, anchor)
            if any(wrong_with(db, replay, link, None if anchor else before)):
                link = recounted(db, replay, link)
                write_link(db, link)
                remade.append(run.version)
            before = link
        _note_remade(mending, before, remade)


def _note_remade(mending: Mending, last: Link | None, remade: Iterable[int]) -> None:
    numbers = list(remade)
    if last is not None and numbers:
        what = (
            "the hash of this version was"
            if len(numbers) == 1
            else (f"the hashes of this version and of {len(numbers) - 1} later ones were")
        )
        place = f"{last.run.name} version {numbers[0]}"
        mending.note(place, f"{what} made anew, from what is there now")
