"""Histories of workflows on their way from one store to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HistoryRecord: TypeAlias = tuple[str, dict[str, Any]]
"""A record with the name of its section: contents, versions, resources, detections, audit_trail."""


class History(NamedTuple):
    """All that is known of one workflow, read from its source each time it is asked for."""

    workflow: str | None
    """What the workflow is called there; None if the source has no name for it."""
    origin: str
    """Where it comes from, in words: "a Terraform state"."""
    records: Callable[[], Iterator[HistoryRecord]]
    """All records, from the first on. Raises HistoryRefused where the source is damaged."""
    is_hashed: bool = False
    """Whether it has ids and hashes that prove it. Otherwise they are made when it is added."""


class NewHistory(NamedTuple):
    """A history that is to be added to a store under a name."""

    name: str
    history: History

    @property
    def keeps_identity(self) -> bool:
        """Whether it stays what it is: the same name, ids and hashes."""
        return self.history.is_hashed and self.name == self.history.workflow


class AddedHistory(NamedTuple):
    """What came of adding a history."""

    name: str
    before: int
    """The newest version that was there before; 0 if there was none."""
    newest: int
    added: int
    """How many versions were added."""
