"""Plans on disk: `plan --out FILE` writes one, `run --plan FILE` does exactly what it says.

A plan holds the workflow file and the values it was made with, so it is written readable by its
owner alone.
"""

from __future__ import annotations

import base64
import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from sloth_runner.errors import WorkflowError
from sloth_runner.runner import RunRequest
from sloth_runner.script import Script, chunk_name
from sloth_state.errors import NotFound, UsageError
from sloth_state.references import check_newest
from sloth_state.shapes import change_shape

if TYPE_CHECKING:
    from sloth_runner.planner import Planned
    from sloth_runner.planning import Plan
    from sloth_state.store import Store

FORMAT = "sloth-runner plan 1"
_MOST_BYTES = 10**9
"""So much of a device that never ends can still be read."""


class SavedPlan(NamedTuple):
    """A plan as it was read from its file."""

    request: RunRequest
    workflow: str
    after_run: str | None
    """The newest run when the plan was made, if there was one."""
    changes: list[Any]
    path: str


def save_plan(path: str, request: RunRequest, planned: Planned) -> None:
    """Write a plan. Raises WorkflowError if it is not whole or cannot be written."""
    from sloth_runner.modules.files import write_atomically

    if planned.failure is not None:
        raise WorkflowError(
            f"the plan is not whole, so it is not written: {planned.failure.message}",
            hint=planned.failure.hint,
        )
    content = {
        "format": FORMAT,
        "workflow": planned.workflow,
        "after_run": planned.newest.id if planned.newest else None,
        "path": os.path.abspath(request.path),
        "name": request.name,
        "chosen": request.workflow,
        "values": request.values,
        "only": list(request.only),
        "skip": list(request.skip),
        "prune": request.prune,
        "source": base64.b64encode(planned.source).decode(),
        "modules": {
            name: base64.b64encode(source).decode() for name, source in planned.modules.items()
        },
        "changes": changes_of(planned.plan),
    }
    try:
        saved = json.dumps(content | {"sha256": _digest(content)}).encode()
        write_atomically(path, saved, mode=0o600)
    except OSError as error:
        raise WorkflowError(f"the plan cannot be written to {path}: {error.strerror}") from None


def read_plan(path: str) -> SavedPlan:
    """A plan from its file. Raises NotFound or UsageError."""
    try:
        with open(path, "rb") as file:
            return _saved(json.loads(file.read(_MOST_BYTES)), path)
    except FileNotFoundError:
        raise NotFound(f"there is no plan {path}", hint="Make one: plan FILE --out PLAN") from None
    except OSError as error:
        raise UsageError(f"the plan {path} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise UsageError(
            f"{path} is no plan of this release of sloth-runner",
            hint="Make one: plan FILE --out PLAN",
        ) from None


def _saved(content: Any, path: str) -> SavedPlan:
    """What is in a plan's file. Raises ValueError, KeyError or TypeError for what is no plan."""
    if content["format"] != FORMAT:
        raise KeyError("format")
    if content.pop("sha256") != _digest(content):
        raise UsageError(f"the plan {path} is damaged", hint="Make the plan again.")
    script_path = content["path"]
    source = base64.b64decode(content["source"], validate=True)
    request = RunRequest(
        script_path,
        content["name"],
        content["chosen"],
        content["values"],
        only=tuple(content["only"]),
        skip=tuple(content["skip"]),
        prune=content["prune"],
        script=Script(script_path, chunk_name(script_path), source),
        modules={
            name: base64.b64decode(source, validate=True)
            for name, source in content["modules"].items()
        },
    )
    return SavedPlan(
        request,
        content["workflow"],
        content["after_run"],
        content["changes"],
        path,
    )


def check_state(store: Store, saved: SavedPlan) -> None:
    """Raise StateMoved if the workflow has another newest version than when the plan was made."""
    check_newest(store, saved.workflow, saved.after_run or "")


def check_reality(saved: SavedPlan, plan: Plan) -> None:
    """Raise WorkflowError if a run would do anything else now than the plan says."""
    now = changes_of(plan)
    if now == saved.changes:
        return
    planned = {(each["type"], each["name"]): each for each in saved.changes}
    found = {(each["type"], each["name"]): each for each in now}
    differing = sorted(
        identity for identity in {*planned, *found} if planned.get(identity) != found.get(identity)
    )
    names = ", ".join("/".join(identity) for identity in differing[:3]) or "their order"
    raise WorkflowError(
        f"the plan {saved.path} is out of date, and nothing was changed; it differs in {names}",
        hint="Make the plan again.",
    )


def changes_of(plan: Plan) -> list[Any]:
    """The changes in a form that can be compared, ordered: tasks that overlap have no order."""
    shapes = [
        {**change_shape(each.change), "hash": _hash(each.change.differences)}
        for each in plan.changes
    ]
    plain: list[Any] = json.loads(json.dumps(shapes))
    return sorted(plain, key=lambda each: (each["type"], each["name"]))


def _digest(content: Any) -> str:
    """Of all that is in a plan, so that one that was damaged or written by hand is not run."""
    import hashlib

    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _hash(differences: Any) -> str:
    """Covers sensitive values too, which a plan must not show."""
    import hashlib

    return hashlib.sha256(repr(differences).encode()).hexdigest()
