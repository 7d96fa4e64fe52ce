"""Changes of the world, each between a durable beginning and a durable end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from sloth_runner.resources.decisions import FAILED, Verb
from sloth_state.differences import differences
from sloth_state.model import Action, NewOperation, ResourceDraft
from sloth_state.sensitive import without_sensitive

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sloth_runner.active_run import ActiveRun
    from sloth_runner.resources.declared import Declarations
    from sloth_runner.resources.known import KnownResources
    from sloth_runner.session import Session


class Journal:
    """What the providers of one script do, journaled and recorded. Its methods are for Lua."""

    def __init__(self, session: Session, known: KnownResources, declarations: Declarations) -> None:
        self._session = session
        self._known = known
        self._declarations = declarations
        self._operations: dict[int, tuple[NewOperation, ActiveRun]] = {}

    def begin(
        self,
        verb: str,
        type: str,
        name: str,
        attributes: str,
        actual: str | None,
        memory: str,
        key: str | None,
    ) -> int:
        """Journal that a change to the world begins; it is durable when this returns."""
        run = self._session.active_run(f"resource.{type}")
        operation = NewOperation(
            verb=verb,
            type=type,
            name=name,
            key=key,
            task=self._session.current.name,
            before=None if actual is None else json.loads(actual),
            wanted=json.loads(attributes),
            declaration=self._declarations.declaration(run, (type, name))
            | {"memory": json.loads(memory)},
        )
        number = run.begin_operation(operation, self._session.current.take_contents())
        self._operations[number] = operation, run
        return number

    def finish(self, number: int, after: str | None, memory: str) -> dict[str, Any]:
        """Journal that a change is done and record it, in one transaction; its attributes."""
        operation, run = self._operations.pop(number)
        identity = operation.type, operation.name
        if operation.verb == Verb.DELETE:
            is_recorded = identity in self._known.of(run)
            run.end_operation(number, remove=identity if is_recorded else None)
            self._known.drop(run, identity)
            return {}
        found = json.loads(after or "{}")
        self._warn_of_mismatch(operation, found)
        attributes = {**operation.wanted, **found}
        declaration = {**operation.declaration, "memory": json.loads(memory)}
        action = Action.CREATE if operation.verb == Verb.CREATE else Action.UPDATE
        draft = ResourceDraft(*identity, attributes, action=action, declaration=declaration)
        resource = run.end_operation(number, record=draft)
        assert resource is not None
        self._known.note(run, resource)
        return dict(resource.attributes)

    def _warn_of_mismatch(self, operation: NewOperation, found: Mapping[str, Any]) -> None:
        """A hook that says it is done and leaves another thing would be called again for ever."""
        readable = {name: value for name, value in operation.wanted.items() if name in found}
        left = differences(
            {name: found[name] for name in readable},
            readable,
            ignore=cast("Sequence[str]", operation.declaration.get("ignore", ())),
        )
        if left:
            paths = ", ".join(each.path for each in left)
            thing = f"{operation.type}/{operation.name}"
            self._session.output("warn", f"{thing} was {operation.verb}d, and yet differs: {paths}")

    def fail(self, number: int, message: str, actual: str | None, memory: str) -> str:
        """Journal that a change failed, and record what is there all the same.

        Returns the message without what is sensitive.
        """
        operation, run = self._operations.pop(number)
        sensitive = cast("Sequence[str]", operation.declaration.get("sensitive", ()))
        message = message.encode(errors="surrogateescape").decode(errors="replace")
        message = without_sensitive(message, operation.wanted, sensitive)
        if actual is None or operation.verb == Verb.DELETE:
            run.end_operation(number, error=message)
            return message
        identity = operation.type, operation.name
        draft = ResourceDraft(
            *identity,
            {**operation.wanted, **json.loads(actual)},
            status=FAILED,
            action=Action.UPDATE if identity in self._known.of(run) else Action.CREATE,
            declaration={**operation.declaration, "memory": json.loads(memory)},
        )
        resource = run.end_operation(number, record=draft, error=message)
        assert resource is not None
        self._known.note(run, resource)
        return message

    def forget(self, type: str, name: str) -> None:
        """Record that a thing is gone which somebody else deleted."""
        run = self._session.active_run(f"resource.{type}")
        if (type, name) in self._known.of(run):
            run.remove(type, name)
            self._known.drop(run, (type, name))
