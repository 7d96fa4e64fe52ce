"""The output of a command on another machine, out of all that comes through ssh."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sloth_runner.subprocesses import Capture

if TYPE_CHECKING:
    from sloth_runner.command import Command

_KEPT_BEFORE = 2**16
"""Bytes that are kept of what comes before the command's own output."""


class MarkedStream:
    """What a command wrote, out of what came from ssh: between the marks of the program."""

    def __init__(self, token: str) -> None:
        self.before = b""
        """The last of what came before it."""
        self.has_begun = False
        self.exit_code: int | None = None
        self._mark = f"\036{token} ".encode()
        self._rest = b""
        """The beginning of what may become a mark."""

    def take(self, data: bytes) -> bytes:
        """The command's part of what just came."""
        data, output = self._rest + data, b""
        while (place := data.find(self._mark)) >= 0 and b";" in data[place:]:
            output += self._own(data[:place])
            word, _, data = data[place + len(self._mark) :].partition(b";")
            self.has_begun = True
            if word != b"begin":
                self.exit_code = int(word)
        place = place if place >= 0 else self._place_of_part(data)
        self._rest = data[place:]
        return output + self._own(data[:place])

    def _own(self, data: bytes) -> bytes:
        if self.has_begun:
            return data
        self.before = (self.before + data)[-_KEPT_BEFORE:]
        return b""

    def _place_of_part(self, data: bytes) -> int:
        place = data.rfind(self._mark[:1])
        return place if place >= 0 and self._mark.startswith(data[place:]) else len(data)


class RemoteCapture(Capture):
    """Collects what a command on another machine writes, and its exit code."""

    def __init__(self, token: str, command: Command) -> None:
        super().__init__(command)
        self.gone = asyncio.Event()
        """ssh has exited."""
        self._marked = {1: MarkedStream(token), 2: MarkedStream(token)}

    @property
    def has_begun(self) -> bool:
        return any(stream.has_begun for stream in self._marked.values())

    @property
    def exit_code(self) -> int | None:
        """The command's own; None as long as it is not over."""
        return self._marked[1].exit_code

    @property
    def said_before(self) -> str:
        """What ssh, login scripts and the program said on stderr before the command began."""
        return self._marked[2].before.decode(errors="replace")

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if own := self._marked[fd].take(data):
            super().pipe_data_received(fd, own)
        if all(stream.exit_code is not None for stream in self._marked.values()):
            self.exited.set()

    def process_exited(self) -> None:
        self.gone.set()
        super().process_exited()
