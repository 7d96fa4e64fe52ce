"""Changes of records made by hand, each a version of its own. No real thing is touched."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from sloth_runner.earlier_runs import copy_outputs
from sloth_runner.execution import Execution
from sloth_state.errors import ResourceNotFound, UsageError
from sloth_state.references import newest_run
from sloth_state.values import check_name

if TYPE_CHECKING:
    from types import TracebackType

    from sloth_runner.active_run import ActiveRun
    from sloth_state.model import Resource, Run, Version
    from sloth_state.store import Store


class HandMade:
    """The next version of a workflow, made by hand: with the file, the values and the outputs of
    the newest one, so that what it says of resources can be read and undone like that one.

    A context manager. Raises LockHeld, and StateMoved if the newest version is no longer `base`
    (None: the workflow does not exist yet).
    """

    def __init__(
        self, store: Store, workflow: str, base: Version | None, message: str, lock_timeout: float
    ) -> None:
        self._store = store
        self._base = base
        self._execution = Execution(
            store,
            workflow,
            message=message,
            source=_content(store, base.source_hash if base else None),
            source_path=_source_path(store, base),
            values=json.loads(_content(store, base.values_hash if base else None) or "null"),
            modules=store.modules(base.run_id) if base else {},
            lock_timeout=timedelta(seconds=lock_timeout),
            after_run=base.run_id if base else "",
        )

    def take_lock(self) -> None:
        """See `Execution.take_lock`."""
        self._execution.take_lock()

    def __enter__(self) -> ActiveRun:
        run = self._execution.__enter__()
        try:
            if self._base is not None:
                copy_outputs(self._store, self._base.run_id, run)
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return run

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._execution.__exit__(kind, error, traceback)

    @property
    def finished(self) -> Run:
        """The finalised run, after the block."""
        assert self._execution.finished is not None
        return self._execution.finished


class Move(NamedTuple):
    """A record on its way to another name or workflow."""

    resource: Resource
    source: Version
    """The newest version of the workflow that has it."""
    new_name: str
    workflow: str
    """The workflow that gets it."""
    target: Version | None
    """Its newest version; None if there is no such workflow yet."""

    @property
    def stays(self) -> bool:
        """Whether it stays in its workflow."""
        return self.workflow == self.source.workflow

    @property
    def old_identity(self) -> str:
        return f"{self.resource.type}/{self.resource.name}"

    @property
    def new_identity(self) -> str:
        return f"{self.resource.type}/{self.new_name}"


def plan_move(
    store: Store, source: Version, identity: tuple[str, str], new_name: str, workflow: str
) -> Move:
    """Find out whether a resource can be moved. Changes nothing.

    Raises ResourceNotFound, InvalidValue for what is no name, and UsageError if the new name is
    taken or the old one, or if a killed run left a change of the resource half-done.
    """
    check_name(new_name, "the resource's name")
    check_name(workflow, "the workflow's name")
    resource = settled_resource(store, source, identity)
    newest = newest_run(store, workflow)
    target = None if newest is None else store.version(workflow, newest.version)
    move = Move(resource, source, new_name, workflow, target)
    if move.stays and new_name == resource.name:
        raise UsageError(f"{move.old_identity} already has this name")
    if target is not None and store.resource(workflow, resource.type, new_name) is not None:
        raise UsageError(f"{workflow} has a resource {move.new_identity} already")
    return move


def settled_resource(store: Store, version: Version, identity: tuple[str, str]) -> Resource:
    """A recorded resource of which nothing is half-done. Raises ResourceNotFound, UsageError."""
    resource = store.resource(version.workflow, *identity, version=version.version)
    if resource is None:
        from sloth_state.references import nearest

        known = [f"{type}/{name}" for type, name in store.recorded(version.workflow)]
        raise ResourceNotFound(version.workflow, *identity, nearest("/".join(identity), known))
    for run_id, operation in store.unfinished_operations(version.workflow):
        if (operation.type, operation.name) == identity:
            raise UsageError(
                f"run {run_id} began to {operation.verb} {'/'.join(identity)} and was killed",
                hint="Find out what was done of it first: "
                f"sloth-runner state workflow recover {version.workflow}",
            )
    return resource


def move_resource(store: Store, move: Move, actor: str, *, lock_timeout: float = 0.0) -> list[Run]:
    """Carry a move out; the versions it made, that of the workflow with the resource first.

    Both workflows are locked before anything is written, and the record moves in one transaction.
    Raises LockHeld, and StateMoved if somebody made a version since it was planned.
    """
    kind, here = move.resource.type, move.source.workflow
    if move.stays:
        message = f"moved {move.old_identity} to {move.new_identity}"
        versions = {here: HandMade(store, here, move.source, message, lock_timeout)}
    else:
        away = f"moved {move.old_identity} to {move.workflow} as {move.new_identity}"
        taken = f"took {move.new_identity} over from {here}, where it was {move.old_identity}"
        versions = {
            here: HandMade(store, here, move.source, away, lock_timeout),
            move.workflow: HandMade(store, move.workflow, move.target, taken, lock_timeout),
        }
    with ExitStack() as stack:
        # In the order of their names, so that two moves never wait for each other.
        for name in sorted(versions):
            stack.push(versions[name])
            versions[name].take_lock()
        runs = {name: version.__enter__() for name, version in versions.items()}
        store.audit(actor, "mv", here, f"{move.old_identity} to {_destination(move)}")
        to = None if move.stays else runs[move.workflow]
        runs[here].move(kind, move.resource.name, move.new_name, to)
    return [version.finished for version in versions.values()]


def _destination(move: Move) -> str:
    return move.new_identity if move.stays else f"{move.new_identity} of {move.workflow}"


def forget_resource(
    store: Store, version: Version, resource: Resource, actor: str, *, lock_timeout: float = 0.0
) -> Run:
    """Take a resource out of the records; the version that says so. The real thing stays.

    Raises LockHeld, and StateMoved if somebody made a version since `version`.
    """
    identity = f"{resource.type}/{resource.name}"
    message = f"forgot {identity}, which stays as it is"
    made = HandMade(store, version.workflow, version, message, lock_timeout)
    with made as run:
        store.audit(actor, "rm", version.workflow, identity)
        run.remove(resource.type, resource.name)
    return made.finished


def _content(store: Store, hash: str | None) -> bytes | None:
    return None if hash is None else store.content(hash)


def _source_path(store: Store, version: Version | None) -> str | None:
    if version is None or version.source_hash is None:
        return None
    return store.run(version.run_id).metadata.get("source_file")
