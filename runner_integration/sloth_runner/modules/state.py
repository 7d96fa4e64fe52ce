"""The module `state`: the script's view of its run, its workflow and the key-value state."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sloth_lua
from sloth_runner.errors import WorkflowError
from sloth_runner.host.module import LuaModule
from sloth_runner.modules.key_values import KeyValues
from sloth_runner.modules.other_workflows import OtherWorkflows, named, naming
from sloth_state.errors import InvalidValue, LockLost, ResourceNotFound
from sloth_state.json_map import JsonMap
from sloth_state.model import Action, ResourceDraft

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sloth_runner.active_run import ActiveRun
    from sloth_runner.session import Session
    from sloth_state.model import Json, Resource

_ACTIONS = {action.value: action for action in Action}


def state_module(session: Session) -> LuaModule:
    """`state`, with its key-value part."""
    others, key_values = OtherWorkflows(session), KeyValues(session)
    state = StateOperations(session, others)
    names = (
        "record update remove get_resource resources set_output output outputs output_of "
        "set_metadata previous workflow resuming unlock"
    )
    operations = {f"state.{name}": getattr(state, name) for name in names.split()}
    operations |= {**key_values.operations(), **others.operations()}
    return LuaModule(
        "state",
        sloth_lua.source("state"),
        operations,
        waiting={"state.lock": state.lock},
        effects={**key_values.effects(), **others.effects()},
        silent=("state.record",),
    )


class StateOperations:
    """The operations of `state`, in the form of `LuaModule.operations`."""

    def __init__(self, session: Session, others: OtherWorkflows) -> None:
        self._session = session
        self._others = others

    # -- resources -------------------------------------------------------------------------

    def record(
        self,
        type: str,
        name: str,
        attributes: str | None,
        status: str | None,
        action: str | None,
        run_id: str | None,
    ) -> tuple[str, ...]:
        run = self._run("state.resource" if run_id is None else "state.add_resource", run_id)
        value = None if attributes is None else _attributes(attributes)
        try:
            recorded = run.record(type, name, value, status=status or "", action=_action(action))
        except InvalidValue as error:  # without `naming`, which costs as much as all of this
            call = "state.resource" if run_id is None else "state.add_resource"
            raise named(call, error) from None
        if run_id is not None and run is not self._session.run:
            self._note_in_plan("state.add_resource", f"{type}/{name}")
        return _brief(recorded)

    def _note_in_plan(self, call: str, detail: str) -> None:
        """What another workflow would record is for this one an effect like others."""
        if self._session.plan is not None:
            masked = self._session.secrets.masked([detail])
            self._session.plan.add_effect(self._session.current, call, masked)

    def update(self, type: str, name: str, encoded: str) -> tuple[str, ...]:
        run = self._run("state.update_resource")
        known = run.resource(type, name)
        if known is None:
            raise ResourceNotFound(run.name, type, name)
        change = json.loads(encoded)
        attributes = {**known.attributes, **(change.get("attributes") or {})}
        status = change.get("status", known.status)
        action = _action(change.get("action"))
        draft = ResourceDraft(type, name, attributes, status, action, known.declaration)
        return _brief(run.record_all([draft])[0])

    def remove(self, type: str, name: str) -> None:
        self._run("state.remove_resource").remove(type, name)

    def get_resource(self, type: str, name: str) -> dict[str, Any] | None:
        found = self._run("state.get_resource").resource(type, name)
        return _shape(found) if found else None

    def resources(self, type: str | None) -> list[dict[str, Any]]:
        return [_shape(each) for each in self._run("state.resources").resources(type)]

    # -- outputs and metadata --------------------------------------------------------------

    def set_output(self, key: str, encoded: str, sensitive: bool) -> None:
        with naming("state.set_output"):
            self._run("state.set_output").set_output(key, json.loads(encoded), sensitive=sensitive)

    def output(self, key: str) -> Json:
        found = self._run("state.get_output").outputs().get(key)
        return found.value if found else None

    def outputs(self) -> dict[str, Json]:
        run = self._run("state.outputs")
        return {key: output.value for key, output in run.outputs().items()}

    def output_of(self, workflow: str, key: str) -> Json:
        return self._run("state.output_of").output_of(workflow, key)

    def set_metadata(self, key: str, value: str) -> None:
        with naming("state.set_metadata"):
            self._run("state.set_metadata").set_metadata({key: value})

    def previous(self) -> dict[str, Any] | None:
        found = self._run("state.previous").previous()
        if found is None:
            return None
        return {
            "version": found.version,
            "resources": [_shape(each) for each in found.resources],
            "outputs": {key: output.value for key, output in found.outputs.items()},
        }

    def workflow(self) -> dict[str, Any]:
        run = self._run("state.workflow")
        return {"id": run.id, "name": run.name, "version": run.version, "status": "running"}

    def resuming(self) -> dict[str, Any] | None:
        earlier = self._run("state.resuming").resumes
        return None if earlier is None else {"run_id": earlier.id, "version": earlier.version}

    # -- locks -----------------------------------------------------------------------------

    async def lock(self, name: str, ttl: float, wait: float) -> None:
        run, context = self._run("state.with_lock"), self._session.current
        ttl_span, wait_span = timedelta(seconds=ttl), timedelta(seconds=wait)
        with naming("state.with_lock"):
            lock = await run.acquire_async(name, ttl_span, wait=wait_span)
        context.held_locks.append(lock)

    def unlock(self, name: str) -> None:
        run, held = self._run("state.with_lock"), self._session.current.held_locks
        lock = next(each for each in held if each.name == name)
        held.remove(lock)
        try:
            run.release(lock)
        except LockLost as error:  # the script's own lock; the run still holds its workflow's
            raise WorkflowError(error.message, hint=error.hint) from None

    def _run(self, call: str, run_id: str | None = None) -> ActiveRun:
        run = self._session.active_run(call)
        if run_id is None or run_id == run.id:
            return run
        other = self._others.run(call, run_id)
        run.write_kept_end()  # before what the other one records shows how far this one is
        return other


def _attributes(encoded: str) -> Mapping[str, Json]:
    # To Lua an empty list and an empty map are both an empty table. The text is canonical already.
    return {} if encoded == "[]" else JsonMap(encoded)


def _action(name: str | None) -> Action | None:
    if name is None:
        return None
    if name not in _ACTIONS:
        raise InvalidValue(f"action must be one of {', '.join(Action)}, not {name!r}")
    return _ACTIONS[name]


def _shape(resource: Resource) -> dict[str, Any]:
    from sloth_state.shapes import resource_shape

    return resource_shape(resource, show_sensitive=True)


def _brief(resource: Resource) -> tuple[str, str, str]:
    return resource.id, resource.action, resource.status
