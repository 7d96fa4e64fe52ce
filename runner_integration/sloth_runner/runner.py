"""Runs a workflow file from beginning to end, and looks at one without running it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal, NamedTuple

from sloth_runner.definitions import workflows_of
from sloth_runner.errors import ScriptError
from sloth_runner.file_run import FileRun
from sloth_runner.loading import Loading, hint_of_left_undone
from sloth_runner.script import read_script
from sloth_runner.session import Session
from sloth_runner.stopping import StopSignals
from sloth_runner.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sloth_runner.events import Listener
    from sloth_runner.script import Script
    from sloth_runner.workflow import Workflow
    from sloth_state.errors import LockHeld
    from sloth_state.model import Json, Run
    from sloth_state.store import Store


class RunRequest(NamedTuple):
    """What to run, and how."""

    path: str
    name: str | None = None
    """The name of the state, if it is not the workflow's own."""
    workflow: str | None = None
    """Which workflow of the file, if it has several."""
    values: Json = None
    metadata: Mapping[str, str] = {}
    message: str | None = None
    lock_timeout: float = 0.0
    """Seconds to wait for a workflow that somebody else runs."""
    max_parallel: int | None = None
    only: tuple[str, ...] = ()
    """Run these tasks and those they depend on."""
    skip: tuple[str, ...] = ()
    """Leave these tasks out, as if they had been done."""
    script: Script | None = None
    """The file's content, if it is not to be read again from `path`."""
    modules: Mapping[str, bytes] = {}
    """Lua files that it requires, likewise, by the name it gives them."""
    after_run: str | None = None
    """The run that must be the workflow's newest when this one begins, "" for none at all."""
    resume: Literal["same", "force"] | None = None
    """Go on with the newest run, which failed: "force" even if file or values changed since."""
    prune: bool = False
    """Delete resources that the file no longer declares, as its `prune` setting does."""
    stream_children: bool = False
    """Tell of every line that commands write, not only of the last ones."""
    secrets: Mapping[str, str] = {}
    """Further secrets than those of the environment. They are kept nowhere."""


def inspect_file(
    path: str,
    *,
    values: Json = None,
    secrets: Mapping[str, str] | None = None,
    listeners: Sequence[Listener] = (),
) -> list[Workflow]:
    """Load a file without running its tasks and without effects; what it defines.

    Its top-level code runs, but what would change something (exec, writing files, state) does
    nothing there. `listeners` hear what it logs, and of plugins that fail. Raises the errors of
    `sloth_runner.errors`.
    """
    script = read_script(path)
    loading = Loading(listeners)
    session = Session(script, values=values, emit=loading.emit, inspecting=True, secrets=secrets)
    driver = loading.driver(session)
    left_undone: list[str] = []
    driver.host.left_undone = lambda name, _arguments: left_undone.append(name)
    hidden = session.secrets.kept_out_of_errors()
    with hidden, StopSignals() as signals, asyncio.Runner() as loop:
        try:
            Supervisor(loop, signals, driver.limits).run(driver.load())
        except ScriptError as error:
            error.hint = error.hint or hint_of_left_undone("Looking at a file", left_undone)
            raise
    return workflows_of(driver.host.describe(), script)


def run_file(
    store: Store,
    request: RunRequest,
    listeners: Sequence[Listener] = (),
    *,
    on_waiting: Callable[[LockHeld], None] | None = None,
) -> Run:
    """Run a workflow file; the finalised run.

    Must be called on the main thread (signals). Raises WorkflowFailed and the other errors of
    `sloth_runner.errors`, LockHeld, Interrupted, and what the store raises; in all cases the run,
    if it was begun, is finalised.
    """
    script = request.script or read_script(request.path)
    loading = Loading(listeners)
    session = Session(
        script,
        values=request.values,
        store=store,
        emit=loading.emit,
        stream_children=request.stream_children,
        secrets=request.secrets,
    )
    session.modules = dict(request.modules)
    driver = loading.driver(session)
    with StopSignals() as signals, asyncio.Runner() as loop:
        supervisor = Supervisor(loop, signals, driver.limits)
        return FileRun(store, request, loading, driver, supervisor, on_waiting).to_its_end()
