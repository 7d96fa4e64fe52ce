"""Secrets of a script: where they come from, and that what it says and keeps is without them.

They come from the environment and from files that `--secrets` names, never from the store. A text
counts as one from 4 characters on; a secret of several lines counts line by line too.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

from sloth_runner.errors import WorkflowError
from sloth_state.errors import NotFound, SlothError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sloth_runner.events import Event
    from sloth_state.model import Json, Resource, ResourceDraft

MASK = "***"
"""What stands where a secret was."""
SHORTEST = 4
"""Characters. Of shorter ones every line would be full by chance."""
PREFIX = "SLOTH_SECRET_"
_FORM = 'For instance: db_password: "…"'

Value = TypeVar("Value")


def from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """SLOTH_SECRET_DB_PASSWORD is the secret `db_password`."""
    return {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(PREFIX) and name != PREFIX
    }


def read_secrets(paths: Iterable[str]) -> dict[str, str]:
    """The secrets in YAML files, each a map of names to texts; the later file wins.

    Raises NotFound or UsageError, without anything of what is in the file.
    """
    found: dict[str, str] = {}
    for path in paths:
        found |= _read(path)
    return found


def _read(path: str) -> dict[str, str]:
    import yaml

    try:
        with open(path, encoding="utf-8") as file:
            content = yaml.safe_load(file)
    except FileNotFoundError:
        raise NotFound(f"there is no secrets file {path}", hint="Check the path.") from None
    except OSError as error:
        raise UsageError(
            f"the secrets file {path} cannot be read: {error.strerror}", hint="Name a YAML file."
        ) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f", at line {mark.line + 1}" if mark else ""
        raise UsageError(f"the secrets file {path} is not YAML{place}", hint=_FORM) from None
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise UsageError(f"the secrets file {path} must hold a map of names to texts", hint=_FORM)
    for name, value in content.items():
        if not isinstance(value, str):
            raise UsageError(
                f"the secret {name!r} in {path} is no text", hint="Put its value into quotes."
            )
    return content


class Secrets:
    """The secrets of one script, by name."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values
        texts = {
            text: name
            for name, value in values.items()
            for text in (*value.splitlines(), value)
            if len(text) >= SHORTEST
        }
        # The longest first: one may be part of another.
        self._texts = sorted(texts.items(), key=lambda pair: len(pair[0]), reverse=True)
        sizes = (len(text.encode(errors="surrogateescape")) for text in texts)
        self.longest = max(sizes, default=0)
        """Bytes of the longest one."""

    # -- taking them out -------------------------------------------------------------------

    def masked(self, value: Value) -> Value:
        """A text, or a value with texts in it, with the mask where it has secrets."""
        if not self._texts or value is None:
            return value
        return self._masked(value)  # type: ignore[no-any-return]

    def _masked(self, value: Any) -> Any:
        if isinstance(value, str):
            return value if isinstance(value, Enum) else self._masked_text(value)
        if isinstance(value, bytes):
            return self._masked_text(value.decode(errors="surrogateescape")).encode(
                errors="surrogateescape"
            )
        if isinstance(value, Mapping):
            return {self._masked(key): self._masked(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            make = getattr(type(value), "_make", type(value))  # a named tuple stays one
            return make(map(self._masked, value))
        return value

    def _masked_text(self, text: str) -> str:
        for secret, _ in self._texts:
            if secret in text:
                text = text.replace(secret, MASK)
        return text

    def masking(self, emit: Callable[[Event], None]) -> Callable[[Event], None]:
        """The same listener, told of events without secrets."""
        if not self._texts:
            return emit
        return lambda event: emit(self._masked(event))

    @contextmanager
    def kept_out_of_errors(self) -> Iterator[None]:
        """An error that leaves the block has the mask where its sentences had secrets."""
        try:
            yield
        except SlothError as error:
            if self._texts:
                vars(error).update(self._masked(vars(error)))
                error.args = self._masked(error.args)
            raise

    # -- finding them ----------------------------------------------------------------------

    def found_in(self, value: object) -> str | None:
        """The name of a secret that a JSON value has in it, or None."""
        return next((name for _, name in self._found(value, "")), None)

    def refuse_in(self, value: Json, what: str) -> None:
        """Raise WorkflowError if a value that would be kept as it is has a secret in it."""
        if name := self.found_in(value):
            raise WorkflowError(
                f"{what} has the secret {name!r} in it, which is not kept",
                hint="Keep what is not secret, and ask secrets for the rest each time.",
            )

    def refuse_in_clear(
        self, resource: Resource | ResourceDraft, contents: Sequence[bytes] = ()
    ) -> None:
        """Raise WorkflowError if an attribute has a secret in it that is not declared sensitive.

        `contents`: what the attribute `content_sha256` stands for.
        """
        if not self._texts:
            return
        from sloth_state.sensitive import declared_list, is_sensitive

        sensitive = declared_list(resource, "sensitive")
        kept = [content.decode(errors="replace") for content in contents]
        found = [*self._found(resource.attributes, "")]
        found += [("content", name) for _, name in self._found(kept, "")]
        for path, name in found:
            if not is_sensitive(path, sensitive):
                field = "sensitive" if resource.declaration is not None else "sensitive_attributes"
                raise WorkflowError(
                    f"the attribute {path} of {resource.type}/{resource.name} has the secret "
                    f"{name!r} in it, and is not declared sensitive",
                    hint=f'Add {field} = {{ "{path}" }}, so that it is never shown',
                )

    def _found(self, value: object, path: str) -> Iterator[tuple[str, str]]:
        """Paths of texts in a value that have a secret in them, and its name."""
        from sloth_state.differences import step

        if not self._texts:
            return
        if isinstance(value, str):
            yield from ((path, name) for secret, name in self._texts if secret in value)
        elif isinstance(value, Mapping):
            for key, item in value.items():
                yield from self._found(key, path)
                yield from self._found(item, step(path, key))
        elif isinstance(value, list):
            for at, item in enumerate(value):
                yield from self._found(item, step(path, at))


NO_SECRETS = Secrets({})
