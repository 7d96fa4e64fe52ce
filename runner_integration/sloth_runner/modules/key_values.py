"""The key-value part of `state`: shared by all workflows of a store, for idempotency."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from sloth_runner.errors import WorkflowError
from sloth_state.values import incremented

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sloth_runner.session import Session
    from sloth_state.store import Store


class KeyValues:
    """Its operations, in the form of `LuaModule.operations`. They need a store, but no run."""

    # When a file is only looked at there is no store, so this state looks empty.
    EFFECTS: ClassVar[Mapping[str, Any]] = {
        "state.get": (False, None),
        "state.set": None,
        "state.delete": False,
        "state.keys": [],
        "state.clear": 0,
        "state.compare_swap": True,
        "state.stats": {"keys": 0, "expiring": 0, "bytes": 0},
    }

    _READING = ("state.get", "state.keys", "state.stats")

    def __init__(self, session: Session) -> None:
        self._session = session

    def effects(self) -> dict[str, Any]:
        """Results of those that do nothing when a file is looked at; a plan reads the store."""
        left_out = self._READING if self._session.store is not None else ()
        results = {name: result for name, result in self.EFFECTS.items() if name not in left_out}
        return {**results, "state.increment": self._would_be_incremented}

    def operations(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        names = [*self.EFFECTS, "state.increment"]
        return {name: getattr(self, name.removeprefix("state.")) for name in names}

    @property
    def _store(self) -> Store:
        if self._session.store is None:
            raise WorkflowError("key-value state needs a store")
        return self._session.store

    def get(self, key: str) -> tuple[bool, str | None]:
        exists, value = self._store.kv_get(key)
        return exists, json.dumps(
            value, ensure_ascii=False, separators=(",", ":")
        ) if exists else None

    def set(self, key: str, encoded: str, ttl: float | None = None) -> None:
        expires_in = None if ttl is None else timedelta(seconds=ttl)
        value = json.loads(encoded)
        self._session.secrets.refuse_in(value, f"the value of {key!r}")
        self._store.kv_set(key, value, ttl=expires_in)

    def delete(self, key: str) -> bool:
        return self._store.kv_delete(key)

    def keys(self, prefix: str) -> list[str]:
        return self._store.kv_keys(prefix)

    def clear(self, prefix: str) -> int:
        return self._store.kv_clear(prefix)

    def increment(self, key: str, by: float) -> int | float:
        return self._store.kv_increment(key, by)

    def _would_be_incremented(self, key: str, by: float) -> int | float:
        """What `increment` would give, as far as the store knows: not what a plan would set."""
        exists, number = (False, None) if self._session.store is None else self._store.kv_get(key)
        return incremented(key, number if exists else 0, by)

    def compare_swap(self, key: str, expected: str, value: str) -> bool:
        new = json.loads(value)
        self._session.secrets.refuse_in(new, f"the value of {key!r}")
        return self._store.kv_compare_swap(key, json.loads(expected), new)

    def stats(self) -> dict[str, int]:
        return self._store.kv_stats()._asdict()
