"""What the modules of one script share: its file, its values, the task at hand, the run."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sloth_runner.errors import WorkflowError
from sloth_runner.events import TaskOutput
from sloth_runner.secrets import Secrets, from_environment
from sloth_runner.time_limit import tighter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from sloth_runner.active_run import ActiveRun
    from sloth_runner.events import Event
    from sloth_runner.planning import Plan
    from sloth_runner.resources.contents import Contents
    from sloth_runner.resources.declared import Declarations
    from sloth_runner.resources.journal import Journal
    from sloth_runner.resources.known import KnownResources
    from sloth_runner.resources.python_providers import PythonProviders
    from sloth_runner.resources.reading import ReadingQueue
    from sloth_runner.script import Script
    from sloth_runner.steps import AttemptSteps
    from sloth_runner.task_records import TaskOutcome
    from sloth_runner.time_limit import TimeLimit
    from sloth_state.model import Json, Lock
    from sloth_state.store import Store


PLANNED_ID = "0" * 12
"""The id of every run that is only planned."""


class TaskContext:
    """The task on whose behalf Lua runs at this moment, or the top level of the file."""

    def __init__(
        self, name: str | None, workdir: str, user: str | None = None, host: str | None = None
    ) -> None:
        self.name = name
        self.workdir = workdir
        self.user = user
        self.host = host
        """The machine that its commands run on; None is the runner's own."""
        self.label = ""
        """What its output begins with, if it runs on several machines."""
        self.attempt = 1
        self.reading = False
        """A provider reads reality, which is done even while effects are not."""
        self.contents: dict[str, bytes] = {}
        """Held for the next change of a resource, by SHA-256; its record names them."""
        self.taken: dict[str, bytes] = {}
        """Those of the change that goes on, which needs them and should not ask the store."""
        self.limit: TimeLimit | None = None
        self.caller: TaskContext | None = None
        """The task that runs this one with `task:run()`, and whose time this one takes."""
        self.steps: AttemptSteps | None = None
        """The steps of the try that goes on, while one does."""
        self.held_locks: list[Lock] = []
        """Script locks (`state.with_lock`) that the task holds. In a plan nobody waits for a lock,
        so one of a name may be there more than once."""

    def folder(self, path: str | None) -> str:
        """The folder for a command that names one, or none."""
        if path is None:
            return self.workdir
        if self.host is not None and path.startswith("~"):
            return path
        return os.path.join(self.workdir, path)

    def take_contents(self) -> list[bytes]:
        """The contents held so far, for a change that keeps them; they are held for no other."""
        self.taken, self.contents = self.contents, {}
        return list(self.taken.values())


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
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        """`secrets`: further ones than those of the environment. `emit` is told of none."""
        self.script = script
        self.values = values
        self.store = store
        self.run: ActiveRun | None = None
        """The run, once there is one: after the file is loaded and the lock is taken."""
        self.state_name: str | None = None
        """The name of the state that the script has chosen (`stack("name")`)."""
        self.run_task: Callable[[Mapping[str, Any]], Awaitable[TaskOutcome]] | None = None
        """Runs a task at once that the script has described; None while nothing is run."""
        self.plan: Plan | None = None
        """Where to put what would be done, if this is a plan and nothing is done."""
        self.secrets = Secrets({**from_environment(os.environ), **(secrets or {})})
        self.emit = self.secrets.masking(emit)
        self.limit: TimeLimit | None = None
        """How long the tasks of the workflow may take, all together."""
        self.is_stopped: Callable[[], bool] = lambda: False
        """Whether all of it must end: it is interrupted, or the store is lost."""
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
        self.knows_type: Callable[[str], bool]
        """Whether there is a provider of a type; the module `resource` puts it here."""
        self.prunes = False
        """What is no longer declared is deleted."""
        self.plugin_providers: Callable[[], Sequence[Any]] = list
        """The providers that plugins offer."""
        self._closing: list[Callable[[], None]] = []

    # What declared resources need is made, and imported, when the first one is declared.

    @cached_property
    def known_resources(self) -> KnownResources:
        """What is recorded of the workflow's resources."""
        from sloth_runner.resources.known import KnownResources

        return KnownResources()

    @cached_property
    def declarations(self) -> Declarations:
        """What the script declares."""
        from sloth_runner.resources.declared import Declarations

        return Declarations(self, self.known_resources)

    @cached_property
    def journal(self) -> Journal:
        """Where each change of the world stands before it is made."""
        from sloth_runner.resources.journal import Journal

        return Journal(self, self.known_resources, self.declarations)

    @cached_property
    def contents(self) -> Contents:
        """Contents of files that resources name."""
        from sloth_runner.resources.contents import Contents

        return Contents(self)

    @cached_property
    def python_providers(self) -> PythonProviders:
        """The providers of plugins."""
        from sloth_runner.resources.python_providers import PythonProviders

        return PythonProviders(self)

    @cached_property
    def reading_queue(self) -> ReadingQueue:
        """What is to be read of reality, several things at the same time."""
        from sloth_runner.resources.reading import ReadingQueue

        return ReadingQueue(self)

    @property
    def known_after_run(self) -> str | None:
        """What stands in a plan for what only a run finds out; None if this is no plan."""
        if self.plan is None:
            return None
        from sloth_state.changes import KNOWN_AFTER_RUN

        return KNOWN_AFTER_RUN

    @property
    def is_inert(self) -> bool:
        """Whether operations with effects are not performed at this moment."""
        return self.inspecting and not (self.acting or self.current.reading)

    def limit_of(self, context: TaskContext) -> TimeLimit | None:
        """What is over first: a task's own time, that of those who wait for it, or all tasks'."""
        limit = self.limit
        waits: TaskContext | None = context
        while waits is not None:
            limit, waits = tighter(limit, waits.limit), waits.caller
        return limit

    def stop_asked_for(self) -> Callable[[], bool]:
        """What tells on any thread whether the task at hand must stop."""
        limit = self.limit_of(self.current)
        return lambda: self.is_stopped() or (limit is not None and limit.is_over)

    def output(self, level: str, text: str) -> None:
        """Tell views of a line from the task at hand."""
        label = self.current.label
        self.emit(TaskOutput(self.current.name, level, label + text.replace("\n", f"\n{label}")))

    def child_output(self) -> Callable[[str, list[str]], None]:
        """Who hears what a child of the task at hand writes.

        That is every line, or only the last of those that come together.
        """
        task, emit, every_line = self.current, self.emit, self.stream_children

        def on_lines(stream: str, lines: list[str]) -> None:
            for line in lines if every_line else lines[-1:]:
                emit(TaskOutput(task.name, stream, task.label + line))

        return on_lines

    def path(self, path: str) -> str:
        """A script's path, absolute: relative ones start at the folder of the task at hand."""
        return os.path.join(self.current.workdir, os.path.expanduser(path))

    def needs_this_machine(self, what: str) -> None:
        """Raises WorkflowError if the task at hand runs on another machine."""
        if self.current.host is not None:
            raise WorkflowError(
                f"{what} works on the machine that runs the workflow, "
                f"but this task runs on {self.current.host}; use exec.run there"
            )

    def on_close(self, callback: Callable[[], None]) -> None:
        """Call this when the script is over, before its run is finalised."""
        self._closing.append(callback)

    def close(self) -> None:
        """Call what `on_close` was given, the last one first."""
        while self._closing:
            self._closing.pop()()

    def write_kept_end(self) -> None:
        """Journal what is done before anybody can learn of it, see `ActiveRun.keep_end`."""
        if self.run is not None:
            self.run.write_kept_end()

    def active_run(self, call: str) -> ActiveRun:
        """The run, for an operation that needs one. Raises WorkflowError at the top level."""
        if self.run is None:
            raise WorkflowError(
                f"{call} needs a run, and while the file is loaded there is none",
                hint="Move it into a task's command.",
            )
        return self.run
