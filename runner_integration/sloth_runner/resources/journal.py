"""Changes of the world, each between a durable beginning and a durable end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from sloth_runner.resources.decisions import FAILED, Verb
from sloth_state.differences import differences
from sloth_state.json_map import JsonMap, checked_text
from sloth_state.model import Action, NewOperation, ResourceDraft
from sloth_state.sensitive import without_sensitive
from sloth_state.values import from_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sloth_runner.active_run import ActiveRun
    from sloth_runner.resources.declared import Declarations
    from sloth_runner.resources.known import KnownResources
    from sloth_runner.session import Session


class _Begun(NamedTuple):
    """A change that goes on."""

    run: ActiveRun
    operation: NewOperation
    wanted: dict[str, Any]
    memory: str
    """What its provider remembered when it began, as JSON."""


class Journal:
    """What the providers of one script do, journaled and recorded. Its methods are for Lua."""

    def __init__(self, session: Session, known: KnownResources, declarations: Declarations) -> None:
        self._session = session
        self._known = known
        self._declarations = declarations
        self._operations: dict[int, _Begun] = {}

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
        declaration = self._declarations.declaration(run, (type, name))
        operation = NewOperation(
            verb=verb,
            type=type,
            name=name,
            key=key,
            task=self._session.current.name,
            before=None if actual is None else JsonMap(actual),
            wanted=JsonMap(attributes),
            declaration=_with_memory(declaration, memory),
        )
        number = run.begin_operation(operation, self._session.current.take_contents())
        self._operations[number] = _Begun(run, operation, from_json(attributes), memory)
        return number

    def finish(self, number: int, after: str | None, memory: str) -> str:
        """Journal that a change is done and record it, in one transaction: at once, or with the
        beginning of the next change; see `ActiveRun.keep_end`.

        Returns the attributes of the thing now, as JSON.
        """
        run, operation, wanted, remembered = self._ended(number)
        identity = operation.type, operation.name
        if operation.verb == Verb.DELETE:
            is_recorded = identity in self._known.of(run)
            run.end_operation(number, remove=identity if is_recorded else None)
            self._known.drop(run, identity)
            return "{}"
        found = from_json(after or "{}")
        self._warn_of_mismatch(operation, wanted, found)
        attributes = _checked({**wanted, **found}, f"attributes of {'/'.join(identity)}")
        declaration = operation.declaration
        if memory != remembered:  # seldom; making JSON of it takes as long as of the attributes
            declaration = _with_memory(declaration, memory)
        action = Action.CREATE if operation.verb == Verb.CREATE else Action.UPDATE
        draft = ResourceDraft(*identity, attributes, action=action, declaration=declaration)
        run.keep_end(number, draft, lambda resource: self._known.note(run, resource))
        self._known.expect(run, draft)
        self._known.index(*identity, operation.key)
        return attributes.text

    def _ended(self, number: int) -> _Begun:
        self._session.current.taken = {}
        return self._operations.pop(number)

    def _warn_of_mismatch(
        self, operation: NewOperation, wanted: Mapping[str, Any], found: Mapping[str, Any]
    ) -> None:
        """A hook that says it is done and leaves another thing would be called again for ever."""
        readable = {name: value for name, value in wanted.items() if name in found}
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
        run, operation, wanted, _ = self._ended(number)
        sensitive = cast("Sequence[str]", operation.declaration.get("sensitive", ()))
        message = message.encode(errors="surrogateescape").decode(errors="replace")
        message = without_sensitive(message, wanted, sensitive)
        if actual is None or operation.verb == Verb.DELETE:
            run.end_operation(number, error=message)
            return message
        identity = operation.type, operation.name
        is_new = operation.verb == Verb.CREATE and identity not in self._known.of(run)
        draft = ResourceDraft(
            *identity,
            {**wanted, **from_json(actual)},
            status=FAILED,
            # Counted as looked at: what failed is no update, even if something was changed.
            action=Action.CREATE if is_new else Action.READ,
            declaration=_with_memory(operation.declaration, memory),
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


def _with_memory(declaration: Mapping[str, Any], memory: str) -> JsonMap:
    """A declaration with what the provider remembers, which Lua gave as JSON."""
    return _checked({**declaration, "memory": from_json(memory)}, "declaration")


def _checked(values: dict[str, Any], where: str) -> JsonMap:
    """A map whose text is made only once, here, and not again by the store."""
    return JsonMap(checked_text(values, where), values)
