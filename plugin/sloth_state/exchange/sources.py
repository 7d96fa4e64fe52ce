"""Finding out what kind of history a file holds."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sloth_state.errors import HistoryRefused, NotFound, SlothError
from sloth_state.exchange.document import is_document, records_of, workflow_of
from sloth_state.model import History

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sloth_state.model import HistoryRecord

_SQLITE = b"SQLite format 3\0"
_MOST_CHARACTERS = 10**9
"""Of a history of another tool; so much of a device that never ends can still be read."""


def histories_in(path: str, name: str, now: datetime, actor: str) -> list[History]:
    """The histories that a file holds: one, but for a database of the older sloth-runner.

    `name` is what the user calls the file. What has no times of its own was made `now` by `actor`
    (user@host). Raises NotFound, or HistoryRefused for a file that is none that can be read.
    """
    try:
        with open(path, "rb") as file:
            is_database = file.read(len(_SQLITE)) == _SQLITE
        if is_database:
            return _in_database(path, name)
        with open(path, encoding="utf-8") as text:
            ours = is_document(text)
        return [_document(path, name)] if ours else [_of_another_tool(path, name, now, actor)]
    except FileNotFoundError:
        raise NotFound(f"there is no file {name}", hint="Check the path.") from None
    except OSError as error:
        raise HistoryRefused(f"{name} cannot be read: {error.strerror}") from error


def _in_database(path: str, name: str) -> list[History]:
    from sloth_state.exchange.go_tool import TABLES, go_histories
    from sloth_state.sqlite.files import is_store
    from sloth_state.sqlite.foreign import foreign_tables

    if is_store(path):
        raise HistoryRefused(
            f"{name} is a whole state store",
            hint=f"Bring it back with: sloth-runner state workflow restore {name}. Or export one "
            f"workflow of it with: sloth-runner state workflow export NAME --state {name}",
        )
    with _refusals(name):
        return go_histories(foreign_tables(path, TABLES))


def _document(path: str, name: str) -> History:
    def records() -> Iterator[HistoryRecord]:
        with open(path, encoding="utf-8") as file:
            yield from records_of(file, name)

    with open(path, encoding="utf-8") as file:
        workflow = workflow_of(file, name)
    return History(workflow, f"the history of {workflow}", records, is_hashed=True)


def _of_another_tool(path: str, name: str, now: datetime, actor: str) -> History:
    from sloth_state.exchange.pulumi import is_pulumi, pulumi_history
    from sloth_state.exchange.terraform import is_terraform, terraform_history

    value = _object(path, name)
    with _refusals(name):
        if is_terraform(value):
            return terraform_history(value, now, actor)
        if is_pulumi(value):
            return pulumi_history(value, now, actor)
    raise _unknown(name)


@contextmanager
def _refusals(name: str) -> Iterator[None]:
    """Raise HistoryRefused for what is not where another tool would have it."""
    try:
        yield
    except SlothError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise HistoryRefused(
            f"{name} is not what it seems to be: {type(error).__name__}: {error}"
        ) from error
    except RecursionError:
        raise HistoryRefused(f"{name} is nested too deeply") from None


def _object(path: str, name: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            value = json.loads(file.read(_MOST_CHARACTERS))
    except (ValueError, RecursionError) as error:
        raise _unknown(name) from error
    except MemoryError:
        raise HistoryRefused(f"{name} is too large for the memory there is") from None
    if not isinstance(value, dict):
        raise _unknown(name)
    return value


def _unknown(name: str) -> HistoryRefused:
    return HistoryRefused(
        f"{name} is no history that can be imported",
        hint="It must come from `state workflow export`, be a Terraform or OpenTofu state, come "
        "from `pulumi stack export`, or be a state.db of the older sloth-runner.",
    )
