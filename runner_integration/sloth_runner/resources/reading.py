"""Reading many resources through their providers, several at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from sloth_runner.errors import WorkflowError
from sloth_runner.providers import direct_reader
from sloth_runner.session import TaskContext
from sloth_runner.together import together
from sloth_runner.workflow import Call
from sloth_state.json_map import JsonMap, text_of
from sloth_state.sensitive import declared_list, without_sensitive

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sloth_runner.driver import Driver
    from sloth_runner.providers import DirectReader
    from sloth_runner.session import Session
    from sloth_state.drift import Reading
    from sloth_state.model import Resource

READERS = 16
"""How many resources are read at the same time, if reading them waits."""
PAUSE_EVERY = 100
"""Resources that are read without Lua between two looks at whether to stop."""
NO_FUNCTION = Call(0)


class ReadingQueue:
    """Hands resources out to Lua one by one and takes what was found. Belongs to one script."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._resources: Sequence[Resource] = ()
        self._next = 0
        self.readings: dict[int, Reading] = {}

    def fill(self, resources: Sequence[Resource]) -> None:
        """Begin anew with these."""
        self._resources, self._next, self.readings = resources, 0, {}

    def next(
        self,
        index: int | None = None,
        succeeded: bool = False,
        found: str | None = None,
        irreversible: str | None = None,
        undeletable: str | None = None,
    ) -> tuple[str | int | None, ...]:
        """Take what was found of one resource, if one was read, and hand out the next.

        That is its number, type, name, and as JSON its attributes and declaration; None if there
        are no more. `found` are attributes as JSON, nothing, or the message of an error.
        """
        if index is not None:
            self._note(int(index), succeeded, found, irreversible, undeletable)
        index = self._next
        if index >= len(self._resources):
            return (None,)
        self._next += 1
        resource = self._resources[index]
        self._session.current.workdir = workdir_of(resource, self._session)
        declaration = text_of(resource.declaration or {})
        return index, resource.type, resource.name, text_of(resource.attributes), declaration

    def _note(
        self,
        index: int,
        succeeded: bool,
        found: str | None,
        irreversible: str | None,
        undeletable: str | None,
    ) -> None:
        from sloth_state.drift import Reading  # most scripts are run and not read

        resource = self._resources[index]
        if succeeded:
            actual = None if found is None else JsonMap(found)
            self.readings[index] = Reading(resource, actual, irreversible, undeletable)
        else:
            sensitive = declared_list(resource, "sensitive")
            error = without_sensitive(found or "", resource.attributes, sensitive)
            self.readings[index] = Reading(resource, error=error)


def workdir_of(resource: Resource, session: Session) -> str:
    """The folder that its provider's hooks work in: that of the task that declared it."""
    declaration = resource.declaration or {}
    if '"workdir"' not in text_of(declaration):  # taking the text apart would take longer
        return session.script.folder
    return str(declaration.get("workdir", session.script.folder))


def subject(resource: Resource) -> dict[str, Any]:
    """A recorded resource in the form that Lua takes it."""
    return {
        "type": resource.type,
        "name": resource.name,
        "attributes": dict(resource.attributes),
        "memory": (resource.declaration or {}).get("memory", {}),
        "sensitive": list(declared_list(resource, "sensitive")),
    }


async def read_all(driver: Driver, resources: Sequence[Resource]) -> list[Reading]:
    """What all of them are now, in their order. Changes nothing; an error is part of a reading."""
    from sloth_state.drift import Reading

    def read(reader: DirectReader, resource: Resource) -> Reading:
        try:
            text = reader(driver.session, resource.attributes)
        except WorkflowError as error:
            return Reading(resource, error=error.message)
        return Reading(resource, None if text is None else JsonMap(text))

    found: dict[int, Reading] = {}
    for number, resource in enumerate(resources):
        reader = direct_reader(resource.type)
        if reader is not None:
            found[number] = read(reader, resource)
            if number % PAUSE_EVERY == 0:
                await asyncio.sleep(0)  # where an interruption ends it
    numbers = [number for number in range(len(resources)) if number not in found]
    readings = await _read_in_lua(driver, [resources[number] for number in numbers])
    found.update(zip(numbers, readings, strict=True))
    return [found[number] for number in range(len(resources))]


async def _read_in_lua(driver: Driver, resources: Sequence[Resource]) -> list[Reading]:
    queue = driver.session.reading_queue
    queue.fill(resources)

    async def read_some() -> None:
        context = TaskContext(None, driver.session.script.folder)
        context.reading = True
        await driver.call("read_resources", NO_FUNCTION, context, {})

    await together(read_some() for _ in range(min(READERS, len(resources))))
    return [queue.readings[index] for index in range(len(resources))]


async def prepared(driver: Driver, resource: Resource, actual: Mapping[str, Any] | None) -> Any:
    """What the provider remembers, after it kept what it needs to make the thing as it is now."""
    facts = {**subject(resource), "actual": dict(actual or {})}
    return await driver.call("prepare", NO_FUNCTION, driver.session.top_level, facts)
