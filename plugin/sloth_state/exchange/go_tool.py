"""The database of the older sloth-runner, which was written in Go.

Its runs become versions in the order they started. The numbers they had there do not count: one
run got several.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sloth_state.errors import HistoryRefused
from sloth_state.exchange.go_times import go_time
from sloth_state.exchange.timeline import PastRun, Timeline
from sloth_state.model import Action, History, Output, ResourceDraft, RunStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Row = dict[str, Any]

TABLES = ("workflow_states", "workflow_resources", "workflow_outputs", "state_versions")
_STATUSES = {
    "success": RunStatus.SUCCESS,
    "completed": RunStatus.SUCCESS,
    "rolled_back": RunStatus.ROLLED_BACK,
}
_ACTIONS = {"delete": Action.DELETE, "read": Action.READ}
_UNFINISHED = ("", "pending", "running")
_START_OF_TIME = datetime(1970, 1, 1, tzinfo=UTC)


def go_histories(tables: Mapping[str, list[Row]]) -> list[History]:
    """A history for each workflow. `tables`: rows by the names of TABLES that are there, with
    whatever columns they have.

    Raises HistoryRefused for another database, InvalidValue for what cannot be kept.
    """
    if TABLES[0] not in tables:
        raise HistoryRefused("this SQLite database is not one of the older sloth-runner")
    runs: dict[str, list[Row]] = {}
    for run in sorted(tables[TABLES[0]], key=_start):
        runs.setdefault(str(run.get("name") or "unnamed"), []).append(run)
    of_runs = [_by_run(tables.get(table, ())) for table in TABLES[1:]]
    return [_history(name, of_one, of_runs) for name, of_one in sorted(runs.items())]


def _by_run(rows: Iterable[Row]) -> dict[Any, list[Row]]:
    by_run: dict[Any, list[Row]] = {}
    for row in rows:
        by_run.setdefault(row.get("workflow_id"), []).append(row)
    return by_run


def _start(run: Row) -> datetime:
    times = (go_time(run.get(name)) for name in ("started_at", "created_at", "completed_at"))
    return next((time for time in times if time is not None), _START_OF_TIME)


def _history(name: str, runs: list[Row], of_runs: list[dict[Any, list[Row]]]) -> History:
    """`of_runs`: the rows of TABLES after the first, by the run's id."""
    timeline = Timeline()
    for run in runs:
        resources, outputs, versions = (by_run.get(run.get("id"), []) for by_run in of_runs)
        timeline.add(_past_run(run, versions), list(_drafts(resources)), list(_outputs(outputs)))
    return History(name, "an older sloth-runner's database", timeline.records)


def _past_run(run: Row, versions: list[Row]) -> PastRun:
    started = _start(run)
    status = str(run.get("status") or "").lower()
    error = run.get("error_msg") or None
    if status in _UNFINISHED:
        error = error or "interrupted: it had not ended when it was imported"
    newest = versions[-1] if versions else {}
    return PastRun(
        started,
        go_time(run.get("completed_at")) or _later(started, run.get("duration_seconds")),
        str(newest.get("created_by") or "unknown"),
        str(newest.get("description") or ""),
        _metadata(run),
        _STATUSES.get(status, RunStatus.FAILED),
        None if error is None else str(error),
    )


def _later(started: datetime, seconds: Any) -> datetime:
    try:
        return started + timedelta(seconds=seconds)
    except (TypeError, ValueError, OverflowError):  # no number, NaN, or beyond all calendars
        return started


def _metadata(run: Row) -> dict[str, str]:
    kept = _json_map(run.get("metadata"))
    origin = {"imported_from": "sloth-runner state.db", "imported_id": str(run.get("id"))}
    return {key: _text(value) for key, value in kept.items() if key} | origin


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _json_map(text: Any) -> dict[str, Any]:
    """A column of JSON; what is no map, or no JSON, is kept as text under "value"."""
    if not text:
        return {}
    try:
        value = json.loads(text)
    except (TypeError, ValueError):
        value = str(text)
    if value is None:
        return {}
    return value if isinstance(value, dict) else {"value": value}


def _drafts(resources: list[Row]) -> Iterator[ResourceDraft]:
    for row in resources:
        attributes = _json_map(row.get("attributes"))
        action = _ACTIONS.get(str(row.get("action")).lower())
        type, name = str(row.get("type") or "unknown"), str(row.get("name") or row.get("id"))
        yield ResourceDraft(type, name, attributes, str(row.get("status") or ""), action)


def _outputs(outputs: list[Row]) -> Iterator[Output]:
    for row in outputs:
        yield Output(str(row.get("key")), row.get("value"), bool(row.get("sensitive")))
