"""The module `resource`: what a script declares, and the providers that make it so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sloth_lua
from sloth_runner.errors import WorkflowError
from sloth_runner.host.module import LuaModule
from sloth_runner.resources.declared import Declarations
from sloth_runner.resources.journal import Journal
from sloth_runner.resources.known import KnownResources
from sloth_runner.resources.python_providers import PythonProviders
from sloth_runner.resources.reading import ReadingQueue
from sloth_state.errors import InvalidValue, NotFound

if TYPE_CHECKING:
    from sloth_runner.session import Session

LARGEST_CONTENT = 64 * 2**20
"""Bytes of a file that a resource keeps."""


def resource_module(session: Session) -> LuaModule:
    """`resource`, whole: SPEC.md 6."""
    known, queue = KnownResources(), ReadingQueue(session)
    declarations = Declarations(session, known)
    journal = Journal(session, known, declarations)
    contents, python = Contents(session), PythonProviders(session)
    session.known_resources, session.declarations = known, declarations
    session.reading_queue = queue

    def top_level(call: str) -> None:
        if session.current is not session.top_level:
            raise WorkflowError(
                f"{call}: types must be defined at the top level of the file, because drift and "
                "rollback load it without running its tasks"
            )

    def reading(is_on: bool) -> None:
        session.current.reading = is_on

    def origin(type: str) -> str | None:
        if type in sloth_lua.providers():
            return "lua"
        return "python" if type in python.types() else None

    def planned(type: str, name: str) -> None:
        assert session.plan is not None
        session.plan.tell(type, name)

    deciding = ("provider", "decide", "adopt", "take_over")
    operations = {f"resource.{name}": getattr(declarations, name) for name in deciding}
    doing = ("begin", "finish", "fail", "forget")
    operations |= {f"resource.{name}": getattr(journal, name) for name in doing}
    operations |= {
        "resource.planned": planned,
        "resource.top_level": top_level,
        "resource.reading": reading,
        "resource.origin": origin,
        "resource.types": lambda: [*sloth_lua.providers(), *python.types()],
        "resource.python_provider": python.describe,
        "world.next": queue.next,
        "content.hold": contents.hold,
        "content.hold_file": contents.hold_file,
        "content.get": contents.get,
    }
    return LuaModule(
        "resource",
        sloth_lua.source("resource"),
        operations,
        waiting={"resource.python": python.call},
        raw={
            "content.hold": frozenset({0}),
            "resource.decide": frozenset({6}),
        },
    )


class Contents:
    """Contents of files, known by their SHA-256, which the state keeps with a resource."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def hold(self, content: bytes) -> str:
        """Keep a content with the next change of a resource; its SHA-256 in hex."""
        import hashlib

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
        held = self._session.current.contents.get(hash)
        if held is not None:
            return held
        if self._session.store is None:
            return None, f"there is no store to take the content {hash} from"
        try:
            return self._session.store.content(hash)
        except NotFound as error:
            return None, error.message
