"""A map that is kept as the JSON text it came as."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sloth_state.values import (
    MAX_BYTES,
    canonical,
    check_size,
    check_text,
    from_json,
    to_json,
    utf8_size,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def text_of(values: Mapping[str, Any]) -> str:
    """The canonical JSON text of a map that is known to be sound."""
    return values.text if type(values) is JsonMap else to_json(dict(values))


def checked_text(values: Mapping[str, Any], where: str) -> str:
    """The canonical JSON text of a map, for keeping. Raises InvalidValue; see `canonical`.

    Of a JsonMap only size and encoding are checked.
    """
    if type(values) is JsonMap:
        text = values.text
        if text.isascii() and len(text) <= MAX_BYTES:
            return text  # as nearly all are; what follows finds out what is wrong
        return check_size(check_text(text, where), utf8_size(text), where)
    return canonical(dict(values), where)


def json_maps(texts: Sequence[str]) -> list[JsonMap]:
    """Maps that are decoded all at once, when somebody looks into one of them.

    That takes less time for each, and names that recur are one string each.
    """
    together = _Together(texts)
    return [JsonMap(text, None, together, place) for place, text in enumerate(texts)]


class _Together:
    """The texts of many maps, and the maps once they are decoded."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts

    @cached_property
    def decoded(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = from_json(f"[{','.join(self._texts)}]")
        return found


class JsonMap(Mapping[str, Any]):
    """Canonical JSON text of a map, decoded when somebody looks into it.

    The text is trusted: it must be what `sloth_state.values.canonical` would write. Nobody can
    change it, and what was decoded must not be changed.
    """

    __slots__ = ("_decoded", "_place", "_together", "text")

    def __init__(
        self,
        text: str,
        decoded: dict[str, Any] | None = None,
        together: _Together | None = None,
        place: int = 0,
    ) -> None:
        """`decoded`: its value, if somebody has it already. Or it is decoded with others."""
        self.text = text
        self._decoded = decoded
        self._together = together
        self._place = place

    def _map(self) -> dict[str, Any]:
        if self._decoded is None:
            if self._together is None:
                self._decoded = from_json(self.text)
            else:
                self._decoded = self._together.decoded[self._place]
                self._together = None
        return self._decoded

    def __getitem__(self, name: str) -> Any:
        return self._map()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._map())

    def __len__(self) -> int:
        return len(self._map())

    def __bool__(self) -> bool:
        return self.text != "{}"  # what `or {}` asks, which is no reason to decode it

    def __eq__(self, other: object) -> bool:
        if isinstance(other, JsonMap):
            return self.text == other.text
        return self._map() == other

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"JsonMap({self.text!r})"
