"""The world as the providers of recorded versions see it and change it."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import ExitStack, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sloth_runner.errors import ScriptError, WorkflowError
from sloth_runner.events import TaskOutput
from sloth_runner.execution import Execution
from sloth_runner.host.limits import Limits
from sloth_runner.loading import Loading
from sloth_runner.resources.reading import NO_FUNCTION, prepared, read_all
from sloth_runner.script import LONGEST_CHUNK_NAME, Script
from sloth_runner.session import Session
from sloth_runner.stopping import StopSignals
from sloth_runner.supervisor import Supervisor
from sloth_state.drift import unread

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence

    from sloth_runner.driver import Driver
    from sloth_runner.events import Event, Listener
    from sloth_runner.plugins import Plugins
    from sloth_runner.supervisor import Result
    from sloth_state.drift import Reading
    from sloth_state.model import Json, Resource, Version
    from sloth_state.store import Store


class World:
    """Loads the scripts that versions were made from, for their providers and hooks.

    A context manager that must be entered on the main thread (signals). A script is loaded as
    `validate` does it: its top level runs without effects, its tasks do not run. One that cannot
    be loaded whole is told of, and what it defined until then counts.
    """

    def __init__(self, store: Store, listeners: Sequence[Listener] = ()) -> None:
        self._store = store
        self._loading = Loading(listeners)
        self._limits = Limits()
        self._drivers: dict[tuple[str | None, str | None, str], Driver] = {}
        self._driver_of: dict[str, Driver] = {}
        """By run, because it is asked for at each step of a rollback."""
        self._cleanup = ExitStack()
        self.supervisor: Supervisor

    def __enter__(self) -> World:
        signals = self._cleanup.enter_context(StopSignals())
        loop = self._cleanup.enter_context(asyncio.Runner())
        self.supervisor = Supervisor(loop, signals, self._limits)
        return self

    def __exit__(self, *error: object) -> None:
        self._cleanup.close()

    def emit(self, event: Event) -> None:
        """Tell listeners and plugins of an event."""
        self._loading.emit(event)

    @property
    def plugins(self) -> Plugins:
        """The plugins of this process."""
        return self._loading.plugins

    def version(self, version: Version) -> Driver:
        """The script of a version, loaded once for all versions with the same file and values."""
        driver = self._driver_of.get(version.run_id)
        if driver is None:
            modules = self._store.modules(version.run_id)
            key = version.source_hash, version.values_hash, repr(sorted(modules.items()))
            if key not in self._drivers:
                self._drivers[key] = self._load(version, modules)
            driver = self._driver_of[version.run_id] = self._drivers[key]
        return driver

    def execution(
        self,
        base: Version,
        *,
        message: str,
        metadata: Mapping[str, str] | None = None,
        lock_timeout: float = 0.0,
        **options: Any,
    ) -> Execution:
        """A version that is made by hand: it has the file, values and modules of `base`.

        `lock_timeout` is in seconds; `options` are further ones of `Execution`.
        """
        session = self.version(base).session
        return Execution(
            self._store,
            base.workflow,
            metadata=metadata,
            message=message,
            source=session.script.source if base.source_hash else None,
            source_path=session.script.path if base.source_hash else None,
            values=session.values,
            modules=session.modules,
            lock_timeout=timedelta(seconds=lock_timeout),
            on_lock_lost=self.supervisor.stop,
            **options,
        )

    def _load(self, version: Version, modules: dict[str, bytes]) -> Driver:
        script = stored_script(self._store, version)
        loud = False
        session = Session(
            script,
            values=_values(self._store, version),
            store=self._store,
            emit=lambda event: self._loading.emit(event) if loud else None,
            inspecting=True,
        )
        session.modules = modules
        driver = self._loading.driver(session, self._limits)
        try:
            self.run(driver.load())
        except ScriptError as error:
            text = f"the file of version {version.version} cannot be loaded whole: {error.message}"
            self.emit(TaskOutput(None, "warn", text))
        loud = True
        return driver

    def read(self, driver: Driver, resources: Sequence[Resource]) -> list[Reading]:
        """What these resources are now, in their order; of what was only recorded, nothing."""
        declared = [each for each in resources if each.declaration is not None]
        readings = self.run(read_all(driver, declared)) if declared else []
        found = {id(reading.resource): reading for reading in readings}
        return [found.get(id(each)) or unread(each) for each in resources]

    def contents(
        self, driver: Driver, found: Iterable[tuple[Resource, Mapping[str, Json] | None]]
    ) -> dict[str, bytes]:
        """What is in things now that were read, by SHA-256, as far as providers keep contents."""

        async def prepare() -> None:
            for resource, actual in found:
                with suppress(WorkflowError):  # it is only for showing
                    await prepared(driver, resource, actual)

        self.run(prepare())
        contents = dict(driver.session.top_level.contents)
        driver.session.top_level.contents.clear()
        return contents

    def run(
        self, work: Coroutine[Any, Any, Result], last_words: Callable[[], None] | None = None
    ) -> Result:
        """Run a coroutine to its end; what it returns. Signals stop it."""
        return self.supervisor.run(work, last_words)

    async def tell(self, driver: Driver, event: str, facts: dict[str, Any]) -> str | None:
        """Tell a script's `state.on` of an event; why it is refused, if it can be and is."""
        kind = "refusable_event" if event.startswith("before_") else "event"
        context = driver.session.top_level
        answer = await driver.call(kind, NO_FUNCTION, context, {"event": event, "facts": facts})
        refused: str | None = answer.get("refused")
        return refused


def stored_script(store: Store, version: Version) -> Script:
    """The file that a version was made from, as it was then; empty if it was made from none."""
    source = store.content(version.source_hash) if version.source_hash else b""
    path = store.run(version.run_id).metadata.get("source_file", f"{version.workflow}.sloth")
    name = f"{os.path.basename(path)}@{version.version}"
    return Script(path, name.encode()[-LONGEST_CHUNK_NAME:].decode(errors="ignore"), source)


def _values(store: Store, version: Version) -> Any:
    return json.loads(store.content(version.values_hash)) if version.values_hash else None
