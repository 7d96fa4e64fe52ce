"""Every error this product raises on purpose, built from facts.

    SlothError
    ├── UsageError                  2   the command or call itself is wrong
    │   └── InvalidValue (ValueError)   a value that cannot be kept
    ├── NotFound (LookupError)      3
    │   ├── ReferenceNotFound           no such workflow, version or run
    │   ├── AmbiguousReference          a prefix of several run ids
    │   ├── ResourceNotFound
    │   └── OutputNotFound
    ├── StateMoved                  1   the state is no longer what a plan was made for
    ├── HistoryRefused              1   a history that cannot be exported or imported
    ├── LockError                   4
    │   ├── LockHeld                    somebody else works on it
    │   │   └── LockAwaited             it is free, and others wait for it
    │   └── LockLost                    this process was taken for dead, or its lock was broken
    ├── StoreError                  6
    │   ├── StoreMissing (FileNotFoundError)
    │   ├── StoreForeign                a file of another kind, or of zero length
    │   ├── StoreDamaged
    │   ├── StoreNewer                  written by a newer release
    │   ├── StoreReadOnly (PermissionError)
    │   ├── StoreFull                   no room left
    │   ├── StoreBusy (TimeoutError)
    │   └── StoreUnreadable             anything else the system or SQLite refuses
    └── Interrupted               130   Ctrl-C, SIGTERM or SIGHUP

The number is the exit code of the command line (stable), inherited downwards. The runner adds
its own branch, see `sloth_runner.errors`; so does the command line, see `sloth_state.cli.failures`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from typing import Self

    from sloth_state.model import Lock, Ticket


class SlothError(Exception):
    """Base of all. `message` is one sentence, `hint` says what to do about it."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message


class UsageError(SlothError):
    """The command or the call is wrong, whatever the state is."""

    code = "usage"
    exit_code = 2


class InvalidValue(UsageError, ValueError):
    """A value that cannot be kept: not JSON, too large, too deep, of the wrong type."""

    code = "invalid_value"


class NotFound(SlothError, LookupError):
    """Something that was named does not exist."""

    code = "not_found"
    exit_code = 3


def _did_you_mean(nearest: Sequence[str], otherwise: str) -> str:
    return f"Did you mean {', '.join(nearest)}?" if nearest else otherwise


class ReferenceNotFound(NotFound):
    """A REF that is no workflow, version, run id or prefix of one."""

    def __init__(self, ref: str, nearest: Sequence[str] = (), *, detail: str | None = None) -> None:
        super().__init__(
            detail or f"no workflow or run is called {ref!r}",
            hint=_did_you_mean(
                nearest, "List what there is with: sloth-runner state workflow list"
            ),
        )
        self.ref = ref
        self.nearest = tuple(nearest)


class AmbiguousReference(NotFound):
    """A prefix that several run ids share."""

    code = "ambiguous"

    def __init__(self, ref: str, candidates: Sequence[str]) -> None:
        more = " …" if len(candidates) > 5 else ""
        super().__init__(
            f"{ref!r} is the beginning of several run ids",
            hint=f"Give more digits: {', '.join(candidates[:5])}{more}",
        )
        self.ref = ref
        self.candidates = tuple(candidates)


class ResourceNotFound(NotFound):
    """The workflow has no such resource."""

    def __init__(self, workflow: str, type: str, name: str, nearest: Sequence[str] = ()) -> None:
        super().__init__(
            f"{workflow} has no resource {type}/{name}",
            hint=_did_you_mean(
                nearest, f"List them with: sloth-runner state workflow resources {workflow}"
            ),
        )
        self.workflow, self.type, self.name = workflow, type, name


class OutputNotFound(NotFound):
    """The run has published no such output."""

    def __init__(self, workflow: str, key: str, nearest: Sequence[str] = ()) -> None:
        super().__init__(
            f"{workflow} has no output {key!r}",
            hint=_did_you_mean(
                nearest, f"List them with: sloth-runner state workflow outputs {workflow}"
            ),
        )
        self.workflow, self.key = workflow, key


class StateMoved(SlothError):
    """Somebody else made a version since the plan was made."""

    code = "state_moved"

    def __init__(self, workflow: str, newest: int) -> None:
        """`newest`: the version it is at now, 0 for none."""
        now = f"is at version {newest} now, and" if newest else "was deleted, and"
        super().__init__(
            f"{workflow} {now} the plan was made before that; nothing was changed",
            hint="Make the plan again.",
        )


class HistoryRefused(SlothError):
    """A history that cannot be written to a file, or a file that cannot be added to the store."""

    code = "history_refused"


class LockError(SlothError):
    """A lock stands in the way."""

    code = "locked"
    exit_code = 4


class LockHeld(LockError):
    """Somebody alive holds the lock, and did so for as long as the caller would wait."""

    lock: Lock | None
    """None if nobody holds it, see LockAwaited."""
    ahead: int
    """How many wait for it that came before the caller."""

    def __init__(self, lock: Lock, ahead: int = 0) -> None:
        self._refuse(f"{lock.name} is locked by {lock.holder} since {_local(lock.acquired_at)}")
        self.lock, self.ahead = lock, ahead

    def _refuse(self, message: str) -> None:
        super().__init__(
            message,
            hint="Try again later. See who holds what with: sloth-runner state workflow locks",
        )

    def after(self, seconds: float) -> Self:
        """The same, as the end of a wait."""
        if seconds >= 1:
            self.message += f" after waiting {seconds:.0f} s"
        return self


class LockAwaited(LockHeld):
    """Nobody holds the lock, but others wait for it, and came before the caller."""

    def __init__(self, first: Ticket, ahead: int) -> None:
        more = f", the first of {ahead}" if ahead > 1 else ""
        self._refuse(
            f"{first.name} is free, but {first.holder} is next and has waited for it since "
            f"{_local(first.came_at)}{more}"
        )
        self.lock, self.ahead = None, ahead

    def after(self, seconds: float) -> Self:
        if seconds >= 1:
            self.message += f"; gave up after waiting {seconds:.0f} s"
        return self


def _local(moment: datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


class LockLost(LockError):
    """This process no longer holds the lock, so nothing more is written."""

    code = "lock_lost"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"this process lost the lock of {name}: its lease ran out or somebody broke it",
            hint="Nothing was written after that. See who took over with: "
            f"sloth-runner state workflow versions {name}",
        )
        self.name = name


class StoreError(SlothError):
    """The store cannot be used."""

    code = "store"
    exit_code = 6

    def __init__(self, path: str, what: str, *, hint: str | None = None) -> None:
        super().__init__(f"the state store {path} {what}", hint=hint)
        self.path = path


class StoreMissing(StoreError, FileNotFoundError):
    """There is no such file, and the caller only wanted to read."""

    code = "store_missing"


class StoreForeign(StoreError):
    """The file is not a store of this product; it is left as it is."""

    code = "store_foreign"


class StoreDamaged(StoreError):
    """What is in the file is not what was written."""

    code = "store_damaged"


class StoreNewer(StoreError):
    """The store was written by a newer release."""

    code = "store_newer"

    def __init__(self, path: str, found: int, known: int) -> None:
        super().__init__(
            path,
            f"has schema {found}, and this release knows up to {known}",
            hint="Upgrade with: pip install --upgrade sloth-runner",
        )


class StoreReadOnly(StoreError, PermissionError):
    """A write to a file, folder or medium that does not allow it."""

    code = "store_read_only"


class StoreFull(StoreError):
    """No room left on the device. What was acknowledged before is kept."""

    code = "store_full"


class StoreBusy(StoreError, TimeoutError):
    """Another process holds the write queue for too long, most likely a stopped one."""

    code = "store_busy"


class StoreUnreadable(StoreError):
    """The system or SQLite refuses the file, with its own words."""

    code = "store_unreadable"


class Interrupted(SlothError):
    """A signal ended the work: Ctrl-C, SIGTERM or SIGHUP. A run that had begun was finalised as
    failed."""

    code = "interrupted"
    exit_code = 130

    def __init__(self, by: str) -> None:
        super().__init__(f"interrupted by {by}")
        self.by = by


def interrupted(cause: KeyboardInterrupt) -> Interrupted:
    """By Ctrl-C, or by the signal that it names."""
    return Interrupted(str(cause) or "Ctrl-C")
