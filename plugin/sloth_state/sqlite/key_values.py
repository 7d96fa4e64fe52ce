"""Key-value state: what scripts keep between runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_state import model
from sloth_state.sqlite.base import StoreBase
from sloth_state.sqlite.tables import KEY_VALUES
from sloth_state.sqlite.timestamps import to_microseconds
from sloth_state.values import canonical, check_name, from_json, incremented, to_json

if TYPE_CHECKING:
    from datetime import timedelta

    from sloth_state.model import Json, KeyValueStats

_LIVE = "(expires_at IS NULL OR expires_at > ?)"
# Keys are compared as the bytes they are; LIKE and GLOB would give some characters a meaning.
_BEGINS = "key >= ?1 AND substr(key, 1, length(?1)) = ?1"


class KeyValues(StoreBase):
    """The part of `Store` about key-value state."""

    def kv_get(self, key: str) -> tuple[bool, Json]:
        found = self._live(check_name(key, "the key"))
        return (False, None) if found is None else (True, from_json(found[0]))

    def kv_set(self, key: str, value: Json, *, ttl: timedelta | None = None) -> None:
        check_name(key, "the key")
        text = canonical(value, "the value")
        with self._db.transaction():
            if ttl is not None:
                # Keys that are used once, one for each request say, would fill the store for ever.
                self._db.write("DELETE FROM key_values WHERE expires_at <= ?", (self._now(),))
            expires_at = None if ttl is None else to_microseconds(self._clock() + ttl)
            KEY_VALUES.save(self._db, key, text, expires_at)

    def kv_delete(self, key: str) -> bool:
        with self._db.transaction():
            existed = self._live(key) is not None
            self._db.write("DELETE FROM key_values WHERE key = ?", (key,))
            return existed

    def kv_keys(self, prefix: str = "") -> list[str]:
        _check_prefix(prefix)
        rows = self._db.select(
            f"SELECT key FROM key_values WHERE {_BEGINS} "
            "AND (expires_at IS NULL OR expires_at > ?2) ORDER BY key",
            (prefix, self._now()),
        )
        return [key for (key,) in rows]

    def kv_clear(self, prefix: str = "") -> int:
        _check_prefix(prefix)
        with self._db.transaction():
            live = len(self.kv_keys(prefix))
            self._db.write(f"DELETE FROM key_values WHERE {_BEGINS}", (prefix,))
            return live

    def kv_increment(self, key: str, by: int | float = 1) -> int | float:
        check_name(key, "the key")
        with self._db.transaction():
            text, expires_at = self._live(key) or ("0", None)
            total = incremented(key, from_json(text), by)
            KEY_VALUES.save(self._db, key, to_json(total), expires_at)
            return total

    def kv_compare_swap(self, key: str, expected: Json, value: Json) -> bool:
        check_name(key, "the key")
        text = canonical(value, "the value")
        wanted = None if expected is None else canonical(expected, "the expected value")
        with self._db.transaction():
            found, expires_at = self._live(key) or (None, None)
            if found != wanted:
                return False
            KEY_VALUES.save(self._db, key, text, expires_at)
            return True

    def kv_stats(self) -> KeyValueStats:
        row = self._db.first(
            "SELECT count(*), count(expires_at), coalesce(sum(octet_length(value)), 0) "
            f"FROM key_values WHERE {_LIVE}",
            (self._now(),),
        )
        assert row is not None
        return model.KeyValueStats(*row)

    def _live(self, key: str) -> tuple[str, int | None] | None:
        """The JSON text and the expiry of a key that has not expired."""
        rows = KEY_VALUES.select(self._db, "key = ?", key)
        if not rows:
            return None
        _, _, text, expires_at = rows[0]
        return None if expires_at is not None and expires_at <= self._now() else (text, expires_at)


def _check_prefix(prefix: str) -> None:
    if prefix:
        check_name(prefix, "the prefix")
