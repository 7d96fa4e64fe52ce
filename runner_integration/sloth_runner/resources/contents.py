"""Contents of files, known by their SHA-256, which the state keeps with a resource."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sloth_state.errors import InvalidValue, NotFound

if TYPE_CHECKING:
    from sloth_runner.session import Session

LARGEST_CONTENT = 64 * 2**20
"""Bytes of a file that a resource keeps."""


class Contents:
    """Those that the task at hand holds for its next change, and those that the state has."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def hold(self, content: bytes) -> str:
        """Keep a content with the next change of a resource; its SHA-256 in hex."""
        if len(content) > LARGEST_CONTENT:
            raise InvalidValue(
                f"a content has {len(content):,} bytes, and the state keeps {LARGEST_CONTENT:,}"
            )
        hash = hashlib.sha256(content).hexdigest()
        self._session.current.contents[hash] = content
        if self._session.plan is not None:
            self._session.plan.contents[hash] = content
        return hash

    def hold_file(self, path: str) -> str | tuple[None, str]:
        """The same for what a file has in it now."""
        try:
            with open(self._session.path(path), "rb") as file:
                return self.hold(file.read(LARGEST_CONTENT + 1))
        except OSError as error:
            return None, f"{path}: {error.strerror}"

    def get(self, hash: str) -> bytes | tuple[None, str]:
        """A content that is held or kept; None and a message if it is not."""
        context = self._session.current
        for held in (context.contents, context.taken):
            if hash in held:
                return held[hash]
        if self._session.store is None:
            return None, f"there is no store to take the content {hash} from"
        try:
            return self._session.store.content(hash)
        except NotFound as error:
            return None, error.message
