"""What `-o json` prints of each thing: the model's fields, times as RFC 3339 in UTC.

The field names are stable; new ones may be added.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_state.times import rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sloth_state.changes import ResourceChange, VisibleDifference
    from sloth_state.differences import Difference
    from sloth_state.model import (
        Detection,
        DispatchedEvent,
        Json,
        Lock,
        Output,
        Problem,
        Resource,
        Run,
        TaskRecord,
        Version,
    )


def _time(at: datetime | None) -> str | None:
    return rfc3339(at) if at else None


def run_shape(run: Run) -> dict[str, Json]:
    """A run, with how many resources it has rather than the resources themselves."""
    return {
        "id": run.id,
        "name": run.name,
        "version": run.version,
        "status": run.status.value,
        "started_at": _time(run.started_at),
        "completed_at": _time(run.completed_at),
        "duration_seconds": run.duration_seconds,
        "metadata": dict(run.metadata),
        "error_msg": run.error_msg,
        "locked_by": run.locked_by,
        "resource_count": run.resource_count,
    }


def version_shape(version: Version) -> dict[str, Json]:
    """A version of a workflow, with the counts of what it changed."""
    return {
        "version": version.version,
        "workflow": version.workflow,
        "created_at": _time(version.created_at),
        "created_by": version.created_by,
        "description": version.description,
        "status": version.status.value,
        "run_id": version.run_id,
        "parent": version.parent,
        "changes": dict(version.changes._asdict()),
        "resource_count": version.resource_count,
        "source_hash": version.source_hash,
        "values_hash": version.values_hash,
        "hash": version.hash,
    }


def resource_shape(resource: Resource, *, show_sensitive: bool = False) -> dict[str, Json]:
    """A resource with all its attributes; sensitive ones as the word that stands for them."""
    from sloth_state.sensitive import declared_list, masked

    sensitive = () if show_sensitive else declared_list(resource, "sensitive")
    return {
        "id": resource.id,
        "type": resource.type,
        "name": resource.name,
        "action": resource.action.value,
        "status": resource.status,
        "attributes": masked(dict(resource.attributes), sensitive),
        "depends_on": list(declared_list(resource, "depends_on")),
        "created_at": _time(resource.created_at),
        "updated_at": _time(resource.updated_at),
    }


def change_shape(change: ResourceChange) -> dict[str, Json]:
    """A change of a resource. `before` and `after` are missing where there is no value.

    So is `status` where the resource's own status does not differ.
    """
    from sloth_state.changes import visible_differences

    shape: dict[str, Json] = {
        "type": change.type,
        "name": change.name,
        "action": change.action,
        "differences": [
            {"path": each.path, **_sides(each), "sensitive": each.sensitive}
            for each in visible_differences(change)
        ],
    }
    if change.status is not None:
        shape["status"] = _sides(change.status)
    return shape


def output_change_shape(change: VisibleDifference) -> dict[str, Json]:
    """A change of an output."""
    return {"key": change.path, **_sides(change), "sensitive": change.sensitive}


def _sides(difference: Difference | VisibleDifference) -> dict[str, Json]:
    from sloth_state.differences import Absent

    sides = {"before": difference.before, "after": difference.after}
    return {name: side for name, side in sides.items() if not isinstance(side, Absent)}


def task_shape(task: TaskRecord) -> dict[str, Json]:
    """One task of a run."""
    return {
        "name": task.name,
        "status": task.status.value,
        "attempts": task.attempts,
        "started_at": _time(task.started_at),
        "ended_at": _time(task.ended_at),
        "output": task.output,
        "error_msg": task.error_msg,
        "location": task.location,
    }


def event_shape(event: DispatchedEvent) -> dict[str, Json]:
    """An event that a script dispatched."""
    return {
        "type": event.type,
        "data": dict(event.data),
        "task": event.task,
        "dispatched_at": _time(event.dispatched_at),
    }


def outputs_shape(outputs: Mapping[str, Output], *, show_sensitive: bool) -> dict[str, Json]:
    """Outputs as key to value."""
    return {key: output_value(output, show_sensitive) for key, output in outputs.items()}


def output_value(output: Output, show_sensitive: bool) -> Json:
    """An output's value, or the word that stands for a sensitive one."""
    from sloth_state.sensitive import SENSITIVE

    return SENSITIVE if output.sensitive and not show_sensitive else output.value


def detection_shape(detection: Detection, resource: Resource | None) -> dict[str, Json]:
    """What a check for drift found; what the resource, if it is known, declares sensitive is
    masked."""
    from sloth_state.sensitive import declared_list, masked

    sensitive = declared_list(resource, "sensitive") if resource else ()
    actual = detection.actual
    return {
        "resource_id": detection.resource_id,
        "resource_type": detection.resource_type,
        "resource_name": detection.resource_name,
        "version": detection.version,
        "detected_at": _time(detection.detected_at),
        "expected": masked(dict(detection.expected), sensitive),
        "actual": None if actual is None else masked(dict(actual), sensitive),
        "drifted": detection.drifted,
        "state": detection.state.value,
        "error": detection.error,
    }


def lock_shape(lock: Lock) -> dict[str, Json]:
    """A lock with its holder as an object."""
    return {
        "scope": lock.scope.value,
        "name": lock.name,
        "holder": {
            "user": lock.holder.user,
            "host": lock.holder.host,
            "pid": lock.holder.pid,
            "run_id": lock.holder.run_id,
        },
        "token": lock.token,
        "acquired_at": _time(lock.acquired_at),
        "heartbeat_at": _time(lock.heartbeat_at),
        "expires_at": _time(lock.expires_at),
    }


def problem_shape(problem: Problem) -> dict[str, Json]:
    """Something that `verify` found."""
    return {"place": problem.place, "what": problem.what}
