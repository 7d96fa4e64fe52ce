"""Runs of other workflows, which a script drives with `state.create_workflow`."""

from __future__ import annotations

import json
from contextlib import contextmanager, nullcontext
from itertools import count
from typing import TYPE_CHECKING, Any

from sloth_runner.errors import WorkflowError
from sloth_state.errors import InvalidValue, ReferenceNotFound
from sloth_state.values import check_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from sloth_runner.active_run import ActiveRun
    from sloth_runner.session import Session
    from sloth_state.store import Store


class OtherWorkflows:
    """Those that the script has started and not ended; the rest fails at its end."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._runs: dict[str, tuple[AbstractContextManager[object], ActiveRun]] = {}
        self._planned_ids = map("{:012}".format, count(1))
        session.on_close(self._fail_unfinished)

    def operations(self) -> dict[str, Callable[..., Any]]:
        """By name, in the form of `LuaModule.operations`."""
        return {
            "state.create_workflow": self.create,
            "state.complete_workflow": self.complete,
            "state.fail_workflow": self.fail,
        }

    def effects(self) -> dict[str, Callable[..., Any]]:
        """What stands in for them in a plan, in the form of `LuaModule.effects`."""
        return {**self.operations(), "state.create_workflow": self.plan}

    def run(self, call: str, run_id: str) -> ActiveRun:
        """The run of an id. Raises ReferenceNotFound."""
        if run_id not in self._runs:
            raise ReferenceNotFound(
                run_id, detail=f"{call}: this script has no running workflow with the id {run_id!r}"
            )
        return self._runs[run_id][1]

    def create(self, encoded: str) -> str:
        from sloth_runner.execution import Execution

        store, given = self._store(), json.loads(encoded)
        secrets = self._session.secrets
        metadata = secrets.masked(given.get("metadata") or {})
        execution = Execution(store, given["name"], metadata=metadata, secrets=secrets)
        with naming("state.create_workflow"):
            run = execution.__enter__()
        self._runs[run.id] = execution, run
        return run.id

    def plan(self, encoded: str) -> str:
        """Let a run be there that nothing is written of. What it records is in no plan."""
        from sloth_runner.planned_run import PlannedRun
        from sloth_runner.planning import Plan

        store, name = self._store(), json.loads(encoded)["name"]
        with naming("state.create_workflow"):
            check_name(name, "the workflow's name")
        run = PlannedRun(store, name, Plan(), self._session)
        run.id = next(self._planned_ids)
        self._runs[run.id] = nullcontext(), run
        return run.id

    def complete(self, run_id: str) -> None:
        self._end("state.complete_workflow", run_id)

    def fail(self, run_id: str, failure: str) -> None:
        self._end("state.fail_workflow", run_id, failure)

    def _end(self, call: str, run_id: str, failure: str | None = None) -> None:
        run = self._session.active_run(call)
        if run_id == run.id:
            raise WorkflowError(
                f"{call}: the run of this file ends by itself, only others can be ended",
                hint="To make it fail, raise an error or return false.",
            )
        self.run(call, run_id)
        run.write_kept_end()  # before how the other one ends shows how far this one is
        self._finish(run_id, failure)

    def _finish(self, run_id: str, failure: str | None) -> None:
        execution, run = self._runs.pop(run_id)
        if failure is not None:
            run.fail(failure)
        execution.__exit__(None, None, None)

    def _fail_unfinished(self) -> None:
        for run_id in list(self._runs):
            self._finish(run_id, "the script neither completed nor failed it")

    def _store(self) -> Store:
        self._session.active_run("state.create_workflow")
        if self._session.store is None:
            raise WorkflowError("state.create_workflow needs a store")
        return self._session.store


@contextmanager
def naming(call: str) -> Iterator[None]:
    """What is wrong with a value is told with the function that got it."""
    try:
        yield
    except InvalidValue as error:
        raise named(call, error) from None


def named(call: str, error: InvalidValue) -> InvalidValue:
    """The same error, of a function of the script."""
    return InvalidValue(f"{call}: {error.message}", hint=error.hint)
