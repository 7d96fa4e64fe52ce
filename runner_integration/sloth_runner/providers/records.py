"""What providers ask of the state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sloth_state.model import Action

if TYPE_CHECKING:
    from sloth_runner.session import Session


def attributes(session: Session, type: str, name: str) -> dict[str, Any] | None:
    """A resource as the run at hand has it recorded; None if it has not, or without a run."""
    resource = session.run.resource(type, name) if session.run else None
    if resource is None or resource.action is Action.DELETE:
        return None
    return dict(resource.attributes)


def memories(session: Session, type: str) -> list[dict[str, Any]]:
    """Path and memory of all resources of a type, as the run at hand has them recorded."""
    return [
        {
            "path": each.attributes.get("path"),
            "memory": (each.declaration or {}).get("memory") or {},
        }
        for each in (session.run.resources(type) if session.run else ())
    ]


def workflow(session: Session, call: str) -> str:
    """The name under which the workflow at hand has its state."""
    return session.active_run(call).name
