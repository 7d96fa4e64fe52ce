"""A large JSON object read piece by piece, whatever white space its author used."""

from __future__ import annotations

from json import JSONDecodeError, JSONDecoder
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK = 1 << 18
"""Characters read at first; twice as many each time a value does not end in them."""
_SPACE = " \t\r\n"


class JsonStream:
    """The members of the object that a text consists of.

    Never holds more than a few of them. Raises ValueError where the text is no such object, and
    UnicodeDecodeError, which is one, for bytes that are no text.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._buffer = ""
        self._at = 0
        self._decode = JSONDecoder().raw_decode

    def members(self) -> Iterator[tuple[str, Any]]:
        """Each member's name and value; of a list of objects each item by itself, with its name."""
        self._expect("{")
        while True:
            name = self._value()
            if not isinstance(name, str):
                raise ValueError(f"{name!r} stands where a name belongs")
            self._expect(":")
            if self._next() == "[":
                yield from ((name, item) for item in self._items())
            else:
                yield name, self._value()
            if self._expect(",}") == "}":
                break
        if self._next():
            raise ValueError("something follows after the end")

    def _items(self) -> Iterator[Any]:
        self._expect("[")
        if self._next() == "]":
            self._expect("]")
            return
        while True:
            yield self._value()
            if self._expect(",]") == "]":
                return

    def _next(self) -> str:
        """The next character that is no space, which stays; empty at the end."""
        while True:
            while self._at < len(self._buffer):
                character = self._buffer[self._at]
                if character not in _SPACE:
                    return character
                self._at += 1
            if not self._read(_CHUNK):
                return ""

    def _expect(self, characters: str) -> str:
        found = self._next()
        if not found:
            raise ValueError("it is cut off")
        if found not in characters:
            raise ValueError(f"{found!r} stands where {' or '.join(characters)} belongs")
        self._at += 1
        return found

    def _value(self) -> Any:
        self._next()
        size = _CHUNK
        while True:
            try:
                value, end = self._decode(self._buffer, self._at)
            except JSONDecodeError as error:
                if not self._read(size):
                    raise ValueError("it is cut off, or no JSON from some place on") from error
            else:
                # A number that ends with the buffer may go on behind it.
                if end < len(self._buffer) or not self._read(size):
                    self._at = end
                    return value
            size *= 2

    def _read(self, size: int) -> bool:
        """Whether there was more."""
        more = self._file.read(size)
        self._buffer = self._buffer[self._at :] + more
        self._at = 0
        return bool(more)
