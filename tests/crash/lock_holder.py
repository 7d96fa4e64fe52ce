"""A process that has the lock, does not renew it, and writes when it is told to.

`python lock_holder.py DATABASE LEASE CLOCK BUG`: LEASE in seconds, CLOCK is how many seconds its
wall clock is fast, and a BUG that is "-" is none.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta

from lock_bugs import BUGS
from lock_witness import NAME

from sloth_state.errors import LockLost
from sloth_state.leases import acquire
from sloth_state.model import LockScope, NewRun, Output, RunStatus
from sloth_state.open import open_store, utc_now
from sloth_state.store import Store


def attempt(write: Callable[[], object]) -> None:
    try:
        write()
        print("written")
    except LockLost as error:
        print("refused:", error)


def hold(store: Store, lease: timedelta) -> None:
    lock = acquire(store, LockScope.WORKFLOW, NAME, lease=lease)
    run = store.begin_run(NewRun(NAME, {}), lock)
    print("holds", flush=True)
    sys.stdin.readline()
    attempt(lambda: store.set_output(run.id, Output("late", lock.token), lock))
    attempt(lambda: store.renew_lock(lock, lease))
    attempt(lambda: store.finish_run(run.id, RunStatus.SUCCESS, lock))


def main(database: str, lease: str, clock: str, bug: str) -> None:
    if bug != "-":
        BUGS[bug]()
    error = timedelta(seconds=float(clock))
    with open_store(database, clock=lambda: utc_now() + error) as store:
        hold(store, timedelta(seconds=float(lease)))


if __name__ == "__main__":
    main(*sys.argv[1:])
