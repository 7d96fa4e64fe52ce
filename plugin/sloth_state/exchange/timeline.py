"""Making a history out of what another tool knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sloth_state.model import Action, RunStatus
from sloth_state.sqlite import intervals
from sloth_state.sqlite.history_shapes import STATE
from sloth_state.sqlite.timestamps import to_microseconds
from sloth_state.times import rfc3339
from sloth_state.values import canonical, check_name, check_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from sloth_state.model import HistoryRecord, Output, ResourceDraft
    from sloth_state.sqlite.intervals import State

_NO_KEY = 0


class PastRun(NamedTuple):
    """A run that another tool has made, or the import itself if that tool has no runs."""

    started_at: datetime
    completed_at: datetime
    created_by: str
    """user@host"""
    description: str
    metadata: Mapping[str, str]
    status: RunStatus = RunStatus.SUCCESS
    error: str | None = None


class Timeline:
    """Takes runs one after the other, each with its resources and outputs, and numbers them."""

    def __init__(self) -> None:
        self._versions: list[dict[str, Any]] = []
        self._states: dict[tuple[str, str], list[State]] = {}

    def add(
        self, run: PastRun, resources: Sequence[ResourceDraft], outputs: Sequence[Output]
    ) -> None:
        """Make the next version. What a run does not say of a resource stays as it was.

        Raises InvalidValue for what no store can keep.
        """
        number = len(self._versions) + 1
        now = to_microseconds(run.completed_at)
        for draft in resources:
            self._record(draft, number, now)
        self._versions.append(_version(run, number, outputs))

    def records(self) -> Iterator[HistoryRecord]:
        """All of it, as a history without ids and hashes."""
        yield from (("versions", version) for version in self._versions)
        for (type, name), states in self._states.items():
            if states:
                yield "resources", _resource(type, name, states)

    def _record(self, draft: ResourceDraft, version: int, now: int) -> None:
        check_name(draft.type, "the resource's type")
        check_name(draft.name, f"the name of a {draft.type}")
        check_text(draft.status, f"the status of {draft.type}/{draft.name}")
        content = intervals.Content(
            canonical(dict(draft.attributes), f"{draft.type}/{draft.name}"), None
        )
        states = self._states.setdefault((draft.type, draft.name), [])
        before = states[-1] if states else None
        after = _next_state(before, draft, content, version, now)
        if after is None or after is before:
            return
        if before is not None and before.valid_from == version:
            states.pop()
        if not intervals.is_undone(after):
            states.append(after)


def _next_state(
    before: State | None, draft: ResourceDraft, content: intervals.Content, version: int, now: int
) -> State | None:
    if before is None:
        if draft.action is Action.DELETE:
            return None
        return intervals.born(_NO_KEY, "", draft, content, version, now)
    if draft.action is Action.DELETE:
        return intervals.deleted(before, version, now) if intervals.is_live(before) else before
    change = intervals.recorded if intervals.is_live(before) else intervals.revived
    return change(before, draft, content, version, now)


def _resource(type: str, name: str, states: Sequence[State]) -> dict[str, Any]:
    ends = [*(state.valid_from for state in states[1:]), None]
    return {
        "id": None,
        "type": type,
        "name": name,
        "states": [
            {**STATE.record(state), "valid_to": end}
            for state, end in zip(states, ends, strict=True)
        ],
    }


def _version(run: PastRun, number: int, outputs: Sequence[Output]) -> dict[str, Any]:
    metadata = dict(run.metadata)
    canonical(metadata, "metadata")
    return {
        "run": {
            "id": None,
            "version": number,
            "status": run.status.value,
            "started_at": rfc3339(run.started_at),
            "completed_at": rfc3339(max(run.started_at, run.completed_at)),
            "metadata": metadata,
            "error_msg": run.error,
            "resource_count": None,
        },
        "version": {
            "created_at": rfc3339(run.started_at),
            "created_by": run.created_by,
            "description": run.description,
            "parent": number - 1 or None,
            **dict.fromkeys(("created", "updated", "deleted", "read", "hash")),
            "unchanged": 0,
        },
        "source": None,
        "values": None,
        "modules": {},
        "anchor": None,
        "outputs": [_output(each) for each in outputs],
        **{name: [] for name in ("tasks", "steps", "events", "operations", "tags")},
    }


def _output(output: Output) -> dict[str, Any]:
    check_name(output.key, "the output's key")
    canonical(output.value, f"output {output.key}")
    return dict(output._asdict())
