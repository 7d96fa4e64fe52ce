"""The words of the state, as values: runs, versions, resources, outputs, tasks, locks.

Every store takes and returns these and nothing else. They are frozen and compare by content.
They are named tuples, and each module is imported when one of its names is used: a command that
only lists runs would otherwise spend a tenth of its start-up on words it does not say
(docs/decisions/0001).

Times are aware UTC datetimes, durations are seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_state.lazy_names import importer

if TYPE_CHECKING:
    from sloth_state.model.drift import Detection as Detection
    from sloth_state.model.drift import DriftState as DriftState
    from sloth_state.model.drift import NewDetection as NewDetection
    from sloth_state.model.events import DispatchedEvent as DispatchedEvent
    from sloth_state.model.histories import AddedHistory as AddedHistory
    from sloth_state.model.histories import History as History
    from sloth_state.model.histories import HistoryRecord as HistoryRecord
    from sloth_state.model.histories import NewHistory as NewHistory
    from sloth_state.model.json import Json as Json
    from sloth_state.model.locks import Holder as Holder
    from sloth_state.model.locks import Lock as Lock
    from sloth_state.model.locks import LockScope as LockScope
    from sloth_state.model.locks import Ticket as Ticket
    from sloth_state.model.operations import NewOperation as NewOperation
    from sloth_state.model.operations import Operation as Operation
    from sloth_state.model.records import AuditEntry as AuditEntry
    from sloth_state.model.records import KeyValueStats as KeyValueStats
    from sloth_state.model.records import Problem as Problem
    from sloth_state.model.records import Repair as Repair
    from sloth_state.model.records import StoreStats as StoreStats
    from sloth_state.model.resources import Action as Action
    from sloth_state.model.resources import Resource as Resource
    from sloth_state.model.resources import ResourceDraft as ResourceDraft
    from sloth_state.model.runs import NewRun as NewRun
    from sloth_state.model.runs import Run as Run
    from sloth_state.model.runs import RunStatus as RunStatus
    from sloth_state.model.steps import Step as Step
    from sloth_state.model.tasks import Output as Output
    from sloth_state.model.tasks import TaskRecord as TaskRecord
    from sloth_state.model.tasks import TaskStatus as TaskStatus
    from sloth_state.model.versions import Changes as Changes
    from sloth_state.model.versions import Version as Version

_HOMES = {
    "Action": "resources",
    "AddedHistory": "histories",
    "AuditEntry": "records",
    "Changes": "versions",
    "Detection": "drift",
    "DispatchedEvent": "events",
    "DriftState": "drift",
    "History": "histories",
    "HistoryRecord": "histories",
    "Holder": "locks",
    "Json": "json",
    "KeyValueStats": "records",
    "Lock": "locks",
    "LockScope": "locks",
    "NewDetection": "drift",
    "NewHistory": "histories",
    "NewOperation": "operations",
    "NewRun": "runs",
    "Operation": "operations",
    "Output": "tasks",
    "Problem": "records",
    "Repair": "records",
    "Resource": "resources",
    "ResourceDraft": "resources",
    "Run": "runs",
    "RunStatus": "runs",
    "StoreStats": "records",
    "Step": "steps",
    "TaskRecord": "tasks",
    "TaskStatus": "tasks",
    "Ticket": "locks",
    "Version": "versions",
}

__all__ = [  # noqa: PLE0604 - the names are strings
    *_HOMES
]


__getattr__ = importer(__name__, _HOMES)
