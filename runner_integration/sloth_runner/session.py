"""What the modules of one script share: its file, its values, the task at hand, the run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sloth_runner.errors import WorkflowError
from sloth_runner.events import TaskOutput

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sloth_runner.active_run import ActiveRun
    from sloth_runner.events import Event
    from sloth_runner.planning import Plan
    from sloth_runner.resources.declared import Declarations
    from sloth_runner.resources.known import KnownResources
    from sloth_runner.resources.reading import ReadingQueue
    from sloth_runner.script import Script
    from sloth_runner.steps import AttemptSteps
    from sloth_runner.time_limit import TimeLimit
    from sloth_state.model import Json
    from sloth_state.store import Store


PLANNED_ID = "0" * 12
"""The id of every run that is only planned."""


class TaskContext:
    """The task on whose behalf Lua runs at this moment, or the top level of the file."""

    def __init__(self, name: str | None, workdir: str, user: str | None = None) -> None:
        self.name = name
        self.workdir = workdir
        self.user = user
        self.attempt = 1
        self.reading = False
        """A provider reads reality, which is done even while effects are not."""
        self.contents: dict[str, bytes] = {}
        """Held for the next change of a resource, by SHA-256; its record names them."""
        self.limit: TimeLimit | None = None
        self.steps: AttemptSteps | None = None
        """The steps of the try that goes on, while one does."""
        self.held_locks: dict[str, Any] = {}
        """Script locks (`state.with_lock`) that the task holds, by name."""

    def take_contents(self) -> list[bytes]:
        """The contents held so far; from now on they are held no more."""
        contents = list(self.contents.values())
        self.contents.clear()
        return contents


class Session:
    """Shared by the modules of one script; everything in it is the runner's, not the script's."""

    def __init__(
        self,
        script: Script,
        *,
        values: Json = None,
        store: Store | None = None,
        emit: Callable[[Event], None],
        inspecting: bool = False,
        stream_children: bool = False,
    ) -> None:
        self.script = script
        self.values = values
        self.store = store
        self.run: ActiveRun | None = None
        """The run, once there is one: after the file is loaded and the lock is taken."""
        self.plan: Plan | None = None
        """Where to put what would be done, if this is a plan and nothing is done."""
        self.emit = emit
        self.limit: TimeLimit | None = None
        """How long the tasks of the workflow may take, all together."""
        self.inspecting = inspecting
        """The file is only looked at, or planned, so operations with effects are not performed."""
        self.acting = False
        """A file that was only looked at now has its providers and hooks change things."""
        self.stream_children = stream_children
        self.top_level = TaskContext(None, os.getcwd())
        self.current = self.top_level
        self.modules: dict[str, bytes] = {}
        """Lua files that the script has required, by the name it gave; those of a recorded version
        are here before it is loaded."""
        self.known_resources: KnownResources
        self.declarations: Declarations
        """What the script declares; the module `resource` puts it here."""
        self.reading_queue: ReadingQueue
        self.plugin_providers: Callable[[], Sequence[Any]] = list
        """The providers that plugins offer."""
        self._closing: list[Callable[[], None]] = []

    @property
    def is_inert(self) -> bool:
        """Whether operations with effects are not performed at this moment."""
        return self.inspecting and not (self.acting or self.current.reading)

    def output(self, level: str, text: str) -> None:
        """Tell views of a line from the task at hand."""
        self.emit(TaskOutput(self.current.name, level, text))

    def child_output(self) -> Callable[[str, bytes], None]:
        """Where a child of the task at hand writes: every line, or only the last of each piece."""
        task, emit, every_line = self.current.name, self.emit, self.stream_children

        def on_data(stream: str, data: bytes) -> None:
            lines = [line for line in data.decode(errors="replace").splitlines() if line.strip()]
            for line in lines if every_line else lines[-1:]:
                emit(TaskOutput(task, stream, line))

        return on_data

    def path(self, path: str) -> str:
        """A script's path, absolute: relative ones start at the folder of the task at hand."""
        return os.path.join(self.current.workdir, os.path.expanduser(path))

    def on_close(self, callback: Callable[[], None]) -> None:
        """Call this when the script is over, before its run is finalised."""
        self._closing.append(callback)

    def close(self) -> None:
        """Call what `on_close` was given, the last one first."""
        while self._closing:
            self._closing.pop()()

    def active_run(self, call: str) -> ActiveRun:
        """The run, for an operation that needs one. Raises WorkflowError at the top level."""
        if self.run is None:
            raise WorkflowError(
                f"{call} needs a run, and while the file is loaded there is none",
                hint="Move it into a task's command.",
            )
        return self.run
