"""Lines of what a child writes, which comes in pieces that end anywhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sloth_runner.secrets import Secrets

LONGEST_LINE = 2**14
"""Bytes after which a line that does not end is told in parts."""

# A carriage return ends one too: a progress bar writes itself anew with it.
_END = re.compile(rb"[\r\n]")


class ChildLines:
    """The lines of one stream, told when they are whole: a secret in halves is not recognised."""

    def __init__(self, tell: Callable[[list[str]], None], secrets: Secrets) -> None:
        """`tell` gets the lines that a piece has made whole, without empty ones."""
        self._tell = tell
        self._secrets = secrets
        self._rest = b""

    def take(self, data: bytes) -> None:
        """A piece has come."""
        *whole, self._rest = _END.split(self._rest + data)
        if len(self._rest) > LONGEST_LINE + self._secrets.longest:
            whole.append(self._first_part())
        self._tell_all(whole)

    def end(self) -> None:
        """Nothing more comes, so the last line is whole without an end."""
        rest, self._rest = self._rest, b""
        self._tell_all([rest])

    def _first_part(self) -> bytes:
        """Most of the line so far, but for what may be the beginning of a secret."""
        masked = self._secrets.masked(self._rest)
        place = len(masked) - self._secrets.longest
        self._rest = masked[place:]
        return masked[:place]

    def _tell_all(self, lines: list[bytes]) -> None:
        if told := [line.decode(errors="replace") for line in lines if line.strip()]:
            self._tell(told)
