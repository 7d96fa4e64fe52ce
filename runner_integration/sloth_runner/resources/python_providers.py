"""Providers that are written in Python and come in through plugins."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from sloth_runner.blocking import on_thread
from sloth_runner.errors import WorkflowError
from sloth_state.errors import InvalidValue, SlothError
from sloth_state.values import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sloth_runner.session import Session
    from sloth_state.model import Json

VERBS = ("read", "create", "update", "delete")
_SETTINGS = ("ignore", "sensitive", "natural_key", "irreversible")


class Provider(Protocol):
    """What a plugin offers for one type of resource; `sloth_providers` returns a list of these.

    Hooks are called on a thread of their own, with the declared attributes and the resource's
    name. `update` and `delete` may be missing, as in Lua, and so may the class attributes
    `ignore`, `sensitive`, `natural_key` (lists of attributes' paths) and `irreversible` (a reason).
    What a hook raises fails the task.
    """

    type: str

    def read(self, name: str, attributes: Mapping[str, Json]) -> Mapping[str, Json] | None:
        """What the thing is now, None if it is not there. Must change nothing."""

    def create(self, name: str, attributes: Mapping[str, Json]) -> Mapping[str, Json] | None:
        """Make it; may return further attributes."""


class PythonProviders:
    """The providers of all plugins, asked for when a script first uses a type that Lua lacks."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._found: dict[str, Any] | None = None

    def types(self) -> list[str]:
        """The types that plugins offer."""
        return list(self._providers())

    def _providers(self) -> dict[str, Any]:
        if self._found is None:
            self._found = {}
            for provider in self._session.plugin_providers():
                self._found.setdefault(provider.type, provider)
        return self._found

    def describe(self, type: str) -> dict[str, Any]:
        """Which hooks a provider has, and its settings."""
        provider = self._providers()[type]
        described: dict[str, Any] = {
            "verbs": [verb for verb in VERBS if callable(getattr(provider, verb, None))]
        }
        for name in _SETTINGS:
            value = getattr(provider, name, None)
            if value is not None:
                described[name] = list(value) if isinstance(value, list | tuple | set) else value
        return described

    async def call(self, type: str, verb: str, encoded: str) -> dict[str, Any] | None:
        """Call a hook on a thread. Raises WorkflowError for whatever it raises."""
        given = json.loads(encoded)
        provider = self._providers()[type]
        arguments = [given["name"], given["attributes"]]
        if verb == "update":
            arguments.append(given["before"])
        try:
            result = await on_thread(getattr(provider, verb), *arguments)
        except SlothError:
            raise
        except Exception as error:  # somebody else's code
            raise WorkflowError(f"the provider of {type} failed: {error!r}") from error
        return _checked(type, verb, result)


def _checked(type: str, verb: str, result: object) -> dict[str, Any] | None:
    if result is None:
        return None
    try:
        plain: dict[str, Any] = dict(result)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        raise InvalidValue(
            f"the provider of {type} must return a map or None from {verb}, not {result!r}"
        ) from None
    canonical(plain, f"what the provider of {type} returned")
    return plain
