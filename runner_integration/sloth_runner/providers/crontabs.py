"""Entries in users' crontabs, each between two comments that say whose it is.

All other lines are kept byte for byte. crontab(1) is the only way in, so that a running cron
notices; it replaces a table as a whole and has no lock of its own. Changes therefore queue on a
lock on the program's file, which everybody can open and nobody has to make.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from sloth_runner.command import Command
from sloth_runner.errors import WorkflowError
from sloth_runner.providers.accounts import me
from sloth_runner.providers.accounts import user as find_user
from sloth_runner.providers.processes import find_program
from sloth_runner.subprocesses import run_command

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sloth_runner.command import CommandResult
    from sloth_runner.session import Session

LOCK_SECONDS = 30.0
"""How long to wait for others that change a crontab at this moment."""
_BETWEEN_TRIES = 0.02


async def entry(session: Session, user: str, marker: str) -> str | None:
    """The line of an entry as it is in the crontab; None if there is none."""
    lines = (await _table(session, user)).splitlines(keepends=True)
    place = _place(lines, marker)
    if place is None:
        return None
    inside = b"".join(lines[place.start + 1 : place.stop - 1])
    return inside.decode(errors="replace").rstrip("\n")


async def replace(session: Session, user: str, marker: str, line: str | None) -> None:
    """Make this the entry's line, at its place or else at the end; None removes the entry.

    Raises WorkflowError if the crontab cannot be read or written, or does not hold what was
    written although nobody was to change it meanwhile.
    """
    async with _alone():
        before = await _table(session, user)
        after = _with_entry(before, marker, line)
        if after == before:
            return
        if _is_missing(session, user):
            raise WorkflowError(
                f"there is no user {user!r} for a crontab",
                hint="Declare it before with resource.user.",
            )
        await _write(session, user, after)
        if await _table(session, user) != after:
            raise WorkflowError(
                f"the crontab of {user} was changed by somebody else at the same moment",
                hint="Run it again.",
            )


def _block(marker: str, line: str) -> bytes:
    return f"# sloth-runner begin {marker}\n{line}\n# sloth-runner end {marker}\n".encode()


def _with_entry(table: bytes, marker: str, line: str | None) -> bytes:
    block = b"" if line is None else _block(marker, line)
    lines = table.splitlines(keepends=True)
    place = _place(lines, marker)
    if place is None:
        return table + block
    return b"".join([*lines[: place.start], block, *lines[place.stop :]])


def _place(lines: list[bytes], marker: str) -> slice | None:
    """Where the entry is, with its comments."""
    begin, _, end = _block(marker, "").splitlines(keepends=True)
    if begin not in lines:
        return None
    first = lines.index(begin)
    return slice(first, lines.index(end, first) + 1) if end in lines[first:] else None


async def _table(session: Session, user: str) -> bytes:
    # Who does not exist yet has no entry, so that a plan can also make the user and a check for
    # drift finds the entry missing.
    if _is_missing(session, user):
        return b""
    result = await _crontab(session, user, "-l")
    if result.exit_code != 0 and b"no crontab for" in result.stderr:
        return b""
    return _checked(user, result).stdout


async def _write(session: Session, user: str, table: bytes) -> None:
    if table:
        _checked(user, await _crontab(session, user, "-", stdin=table))
    else:
        _checked(user, await _crontab(session, user, "-r"))


def _is_missing(session: Session, user: str) -> bool:
    return user != me(session) and find_user(session, user) is None


def _checked(user: str, result: CommandResult) -> CommandResult:
    if result.problem is not None:
        raise WorkflowError(f"crontab failed for the user {user}: {result.problem}")
    return result


async def _crontab(
    session: Session, user: str, argument: str, stdin: bytes | None = None
) -> CommandResult:
    whose = () if user == me(session) else ("-u", user)  # only root may say whose
    arguments = [find_program("crontab"), *whose, argument]
    command = Command(
        arguments,
        session.current.workdir,
        {"LC_ALL": "C.UTF-8"},
        stdin,
        secrets=session.secrets,
    )
    return await run_command(command)


@asynccontextmanager
async def _alone() -> AsyncIterator[None]:
    handle = os.open(find_program("crontab"), os.O_RDONLY)
    try:
        await _lock(handle)
        yield
    finally:
        os.close(handle)


async def _lock(handle: int) -> None:
    try:
        async with asyncio.timeout(LOCK_SECONDS):
            while not _try_lock(handle):
                await asyncio.sleep(_BETWEEN_TRIES)
    except TimeoutError:
        raise WorkflowError(f"others keep changing crontabs for {LOCK_SECONDS:.0f} s") from None


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
