"""Processes that contend for one lock, and tell a witness what they do while they have it.

`python lock_child.py PLAN` forks as many as the plan says, and ends when all of them have.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from lock_bugs import BUGS
from lock_witness import NAME, Log

from sloth_state.errors import LockHeld, LockLost
from sloth_state.leases import acquire
from sloth_state.model import Lock, LockScope, NewRun, Output, RunStatus
from sloth_state.open import open_store, utc_now
from sloth_state.store import Store


class Plan(NamedTuple):
    """What the processes do."""

    folder: str
    processes: int
    tries: int
    mortal: int = 0
    """So many more processes kill themselves when they have the lock."""
    wait: float = 60
    """Seconds that a try waits for the lock at most."""
    lease: float = 60
    jump: float = 0
    """Each process has a clock that jumps, by up to so many seconds to either side."""
    bug: str | None = None
    """Which one is planted."""


class JumpingClock:
    """A wall clock that is set anew every few times that somebody looks at it."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._error = timedelta(0)

    def __call__(self) -> datetime:
        if random.random() < 0.2:
            self._error = timedelta(seconds=random.uniform(-self._seconds, self._seconds))
        return utc_now() + self._error


class Contender:
    """One of the processes."""

    def __init__(self, plan: Plan, store: Store, *, mortal: bool) -> None:
        self._plan = plan
        self._store = store
        self._mortal = mortal
        self._log = Log(plan.folder)

    def contend(self) -> None:
        """Try to get the lock again and again, and log how each try ended."""
        for _ in range(self._plan.tries):
            started = time.monotonic()
            try:
                lock = self._acquire()
            except LockHeld as held:
                self._log.tried("held", time.monotonic() - started, str(held))
            else:
                self._log.tried("taken", time.monotonic() - started)
                self._work(lock)
                self._store.release_lock(lock)
        if (
            self._mortal
        ):  # where clocks jump, it may have lost each lock before it could die with it
            _die()

    def _acquire(self) -> Lock:
        wait, lease = timedelta(seconds=self._plan.wait), timedelta(seconds=self._plan.lease)
        return acquire(self._store, LockScope.WORKFLOW, NAME, wait=wait, lease=lease)

    def _work(self, lock: Lock) -> None:
        if not self._plan.jump:
            self._be_inside(lock)
            return
        try:
            self._run(lock)
        except LockLost as lost:
            self._log.tried("lost", message=str(lost))

    def _be_inside(self, lock: Lock) -> None:
        self._log.did("enter", lock.token)
        time.sleep(0.0005)
        if self._mortal:
            self._log.did("die", lock.token)
            _die()
        self._log.did("leave", lock.token)

    def _run(self, lock: Lock) -> None:
        """Make a version; the witness in the database sees its outputs."""
        run = self._store.begin_run(NewRun(NAME, {}), lock)
        self._store.set_output(run.id, Output("first", lock.token), lock)
        time.sleep(random.uniform(0, 0.01))
        if self._mortal:
            _die()
        self._store.set_output(run.id, Output("second", lock.token), lock)
        self._store.finish_run(run.id, RunStatus.SUCCESS, lock)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def contend(plan: Plan, *, mortal: bool) -> None:
    clock = JumpingClock(plan.jump) if plan.jump else utc_now
    with open_store(f"{plan.folder}/state.db", clock=clock) as store:
        Contender(plan, store, mortal=mortal).contend()


def fork(work: Callable[[], None]) -> int:
    """Do it in a process of its own, which ends with 0 if the work did; its id."""
    process = os.fork()
    if process:
        return process
    try:
        work()
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    os._exit(0)


def main(plan: Plan) -> dict[int, int]:
    """How many processes ended with which code."""
    if plan.bug is not None:
        BUGS[plan.bug]()
    children = [
        fork(lambda mortal=number < plan.mortal: contend(plan, mortal=mortal))  # type: ignore[misc]
        for number in range(plan.processes + plan.mortal)
    ]
    return Counter(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)


if __name__ == "__main__":
    print(json.dumps(main(Plan(**json.loads(sys.argv[1])))))
