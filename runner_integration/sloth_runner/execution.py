"""One execution of a workflow, from its lock to its final status.

It is the only place that begins and finalises runs, for the command line, for scripts that drive
several workflows, and for Python programs alike.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

from sloth_runner.active_run import ActiveRun
from sloth_runner.interruption import signals_held_back, sigterm_raises
from sloth_runner.provenance import KEYS as PROVENANCE
from sloth_runner.provenance import provenance
from sloth_runner.secrets import NO_SECRETS
from sloth_state.errors import LockLost, SlothError, UsageError, interrupted
from sloth_state.leases import LEASE, Heartbeat, acquire
from sloth_state.model import LockScope, NewRun, RunStatus
from sloth_state.values import check_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from sloth_runner.secrets import Secrets
    from sloth_state.errors import LockHeld
    from sloth_state.model import Json, Lock, Run
    from sloth_state.store import Store


class Execution:
    """Runs what is inside its `with` block as the next version of a workflow.

    >>> from sloth_runner.execution import Execution
    >>> from sloth_state.open import open_store
    >>> with open_store() as store:
    ...     execution = Execution(store, "deploy-prod", metadata={"team": "web"})
    ...     with execution as run:
    ...         resource = run.record("file", "app.conf", {"path": "/etc/app.conf"})
    ...         run.set_output("url", "https://example.org")
    >>> print(execution.finished.version, execution.finished.status, resource.action)
    1 success create

    Entering takes the workflow's lock, waiting at most `lock_timeout` for it, and begins the run;
    a process that stays alive keeps the lock, whatever it is busy with. Leaving finalises the run
    with its status, duration and error and releases all locks, however the block is left: the
    end, an exception, Ctrl-C or SIGTERM. An exception goes on unchanged. `sys.exit(0)` is success.
    SIGTERM raises Interrupted in the block, unless the program handles that signal itself.

    `on_lock_lost` is called, on another thread, if the workflow's lock is lost inside the block:
    whatever goes on there is no longer alone.

    Raises LockHeld, LockLost and what the store raises. If the run cannot be finalised while an
    exception goes by, that exception carries a note of it. Enter it once, and leave it on the
    same thread. Does not roll anything back and does not catch anything.
    """

    def __init__(
        self,
        store: Store,
        workflow: str,
        *,
        metadata: Mapping[str, str] | None = None,
        message: str | None = None,
        source: bytes | None = None,
        source_path: str | None = None,
        values: Json = None,
        modules: Mapping[str, bytes] | None = None,
        lock_timeout: timedelta = timedelta(0),
        on_waiting: Callable[[LockHeld], None] | None = None,
        on_lock_lost: Callable[[LockLost], None] | None = None,
        lease: timedelta = LEASE,
        status: RunStatus = RunStatus.SUCCESS,
        after_run: str | None = None,
        resume: Callable[[], Run | None] = lambda: None,
        secrets: Secrets = NO_SECRETS,
    ) -> None:
        """`status` is how the run ends if nothing fails: `rolled_back` for a rollback.

        `after_run`: the run that must be the workflow's newest, "" for none at all; under the lock
        StateMoved is raised for another one. `resume` is asked there which earlier run this one
        goes on with. Both come before there is a run. `secrets`: what the run must not keep.
        """
        self.finished: Run | None = None
        """The run as it was finalised, after the block."""
        self._store = store
        self._workflow = workflow
        self._metadata = metadata or {}
        self._message = message
        self._source = source
        self._source_path = source_path
        self._values = values
        self._modules = modules or {}
        self._lock_timeout = lock_timeout
        self._on_waiting = on_waiting
        self._on_lock_lost = on_lock_lost
        self._lease = lease
        self._status = status
        self._after_run = after_run
        self._resume = resume
        self._secrets = secrets
        self._cleanup = ExitStack()
        self._lock: Lock | None = None
        self._entered = False

    def take_lock(self) -> None:
        """Take the workflow's lock before the block is entered, which keeps it.

        For those who need several locks before they write anything: they promise to call
        `__exit__`, which gives it up also if the block was never entered. Raises LockHeld, and
        StateMoved if another run is the newest than must be.
        """
        self._cleanup.enter_context(sigterm_raises())
        self._lock = lock = self._acquire_lock()
        self._heartbeat = Heartbeat(self._store, on_lost=self._tell_of_lost_lock)
        self._heartbeat.add(lock)
        self._cleanup.callback(self._heartbeat.stop)
        if self._after_run is not None:
            from sloth_state.references import check_newest

            check_newest(self._store, self._workflow, self._after_run)

    def __enter__(self) -> ActiveRun:
        if self._entered:
            raise UsageError("an Execution can be entered only once; make another one")
        self._entered = True
        try:
            return self._begin()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with signals_held_back():
            self._cleanup.__exit__(kind, error, traceback)

    def _begin(self) -> ActiveRun:
        new = self._new_run()
        if self._lock is None:
            self.take_lock()
        lock = self._lock
        assert lock is not None
        resumed = self._resume()
        if resumed is not None:
            new = _resuming(new, resumed)
        # A signal must not come between the run's beginning and the promise to finalise it.
        with signals_held_back():
            begun = self._store.begin_run(new, lock)
            run = ActiveRun(
                self._store, begun, lock, self._heartbeat, resumes=resumed, secrets=self._secrets
            )
            self._on_leaving(lambda error: run.close())
            self._on_leaving(lambda error: self._finalise(run, lock, error))
        return run

    def _tell_of_lost_lock(self, lock: Lock) -> None:
        if lock.scope is LockScope.WORKFLOW and self._on_lock_lost is not None:
            self._on_lock_lost(LockLost(lock.name))

    def _new_run(self) -> NewRun:
        metadata = provenance(self._source_path, self._source) | dict(self._metadata)
        return NewRun(
            self._workflow, metadata, self._message, self._source, self._values, self._modules
        )

    def _acquire_lock(self) -> Lock:
        check_name(self._workflow, "the workflow's name")
        lock = acquire(
            self._store,
            LockScope.WORKFLOW,
            self._workflow,
            wait=self._lock_timeout,
            lease=self._lease,
            on_waiting=self._on_waiting,
        )
        self._on_leaving(lambda error: self._store.release_lock(lock))
        return lock

    def _finalise(self, run: ActiveRun, lock: Lock, error: BaseException | None) -> None:
        reason = _failure(error)
        if reason is None:
            reason = run.failure
        self.finished = self._store.finish_run(
            run.id,
            self._status if reason is None else RunStatus.FAILED,
            lock,
            error=self._secrets.masked(reason),
            unchanged=run.touched.unchanged,
        )

    def _on_leaving(self, step: Callable[[BaseException | None], None]) -> None:
        """Take this step when the block is left; its failure does not hide an earlier one."""

        def leave(
            kind: type[BaseException] | None,
            error: BaseException | None,
            traceback: TracebackType | None,
        ) -> None:
            try:
                step(error)
            except SlothError as failure:
                if error is None:
                    raise
                error.add_note(f"While the run was being finalised: {failure}")

        self._cleanup.push(leave)


def _resuming(new: NewRun, earlier: Run) -> NewRun:
    """The same as one that goes on with an earlier run, whose tasks set metadata that they will
    not set again."""
    own = PROVENANCE | {"recovered"}
    kept = {key: text for key, text in earlier.metadata.items() if key not in own}
    metadata = {**kept, **new.metadata, "resumes": earlier.id}
    return new._replace(metadata=metadata, resumes=earlier.id)


def _failure(error: BaseException | None) -> str | None:
    """What the state keeps about an exception; None if it is none."""
    if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
        return None
    if isinstance(error, KeyboardInterrupt):
        return interrupted(error).message
    text = str(error)
    if isinstance(error, SlothError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
