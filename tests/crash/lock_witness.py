"""What a lock's witnesses saw, and what must be true of it.

One witness is a log to which each process appends what it does while it has the lock. The other
sits in the database: triggers number each taking of the lock, and each write under it, in the order
in which they are committed. Neither looks at what the product thinks.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import apsw

NAME = "w"
"""The workflow whose lock it is."""


class Event(NamedTuple):
    what: str
    """`enter`, `write`, `leave`, or `die`: of a process that kills itself at once."""
    token: int


def faults(events: Iterable[Event]) -> list[str]:
    """Where tokens do not grow, and where somebody does anything after the next one entered."""
    found, newest = [], 0
    for event in events:
        if event.what == "enter":
            if event.token <= newest:
                found.append(f"token {event.token} was given out after {newest}")
            newest = event.token
        elif event.token != newest:
            found.append(
                f"the holder of token {event.token} did {event.what} after {newest} entered"
            )
    return found


# -- the log -------------------------------------------------------------------------------


class Try(NamedTuple):
    """How somebody fared who wanted the lock."""

    what: str
    """`taken`, `held`, or `lost` by one that had it."""
    pid: int
    seconds: float
    """How long the waiting took."""
    message: str


class Log:
    """Where processes write what they do. Each line is one write at the end, in true order."""

    def __init__(self, folder: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._events = os.open(f"{folder}/events", flags)
        self._tries = os.open(f"{folder}/tries", flags)

    def did(self, what: str, token: int) -> None:
        os.write(self._events, f"{what} {token}\n".encode())

    def tried(self, what: str, seconds: float = 0, message: str = "") -> None:
        os.write(self._tries, f"{what} {os.getpid()} {seconds} {message}\n".encode())


def logged_events(folder: Path) -> list[Event]:
    lines = (folder / "events").read_text().splitlines()
    return [Event(what, int(token)) for what, token in map(str.split, lines)]


def logged_tries(folder: Path) -> list[Try]:
    lines = (folder / "tries").read_text().splitlines()
    split = (line.split(" ", 3) for line in lines)
    return [Try(what, int(pid), float(seconds), text) for what, pid, seconds, text in split]


# -- the triggers --------------------------------------------------------------------------

_ENTERED = "INSERT INTO witness (what, token) VALUES ('enter', new.token);"
_TRIGGERS = f"""
CREATE TABLE witness (number INTEGER PRIMARY KEY, what TEXT, token INTEGER);
CREATE TRIGGER first_taking AFTER INSERT ON locks BEGIN {_ENTERED} END;
CREATE TRIGGER later_taking AFTER UPDATE ON locks
    WHEN new.user IS NOT NULL AND (old.user IS NULL OR new.acquired_at IS NOT old.acquired_at)
    BEGIN {_ENTERED} END;
CREATE TRIGGER writing AFTER INSERT ON workflow_outputs BEGIN
    INSERT INTO witness (what, token) VALUES ('write', CAST(new.value AS INTEGER));
END;
"""


def put_witness(database: Path) -> None:
    """From now on it sees who takes the lock of a store, and outputs, whose value is a token."""
    with apsw.Connection(str(database)) as connection:
        connection.execute(_TRIGGERS)
    connection.close()


def witnessed_events(database: Path) -> list[Event]:
    connection = apsw.Connection(str(database))
    rows = connection.execute("SELECT what, token FROM witness ORDER BY number").fetchall()
    connection.close()
    return [Event(str(what), int(str(token))) for what, token in rows]
