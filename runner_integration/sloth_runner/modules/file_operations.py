"""What `file_ops` does: files brought into a state, on threads, so that other tasks go on."""

from __future__ import annotations

import json
import os
import re
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING, Any

from sloth_runner.blocking import on_thread
from sloth_runner.errors import WorkflowError
from sloth_runner.modules import edits
from sloth_runner.modules.placing import copy_file, facts_of, place, refusals
from sloth_runner.providers import templates, unpacking
from sloth_state.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Callable

    from sloth_runner.modules.placing import Options
    from sloth_runner.session import Session

    Edit = Callable[[str, Options], dict[str, Any]]


class FileOperations:
    """The operations of `file_ops`: the path that is changed comes first, then options as JSON.

    A result is a dict with `changed`, or None and what the system refused.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    async def copy(self, target: str, encoded: str, content: bytes | None = None) -> Any:
        options = json.loads(encoded)
        if content is not None:
            return await _result_of(place, BytesIO(content), self._session.path(target), options)
        source = self._session.path(options["src"])
        return await _result_of(copy_file, source, self._session.path(target), options)

    async def template(self, target: str, encoded: str) -> Any:
        options, target = json.loads(encoded), self._session.path(target)
        source = options.get("src")
        variables = json.dumps(options.get("vars") or {})
        try:
            text = templates.render(self._session, source, options.get("content"), variables)
        except WorkflowError as error:
            return None, error.message
        content = text.encode("utf-8", "surrogateescape")
        return await _result_of(place, BytesIO(content), target, options)

    async def unarchive(self, target: str, encoded: str) -> Any:
        options = json.loads(encoded)
        source, folder = self._session.path(options["src"]), self._session.path(target)
        creates = options.get("creates")
        if creates and os.path.lexists(os.path.join(folder, creates)):
            return {"changed": False}
        try:
            with refusals(folder):
                folder = os.path.realpath(folder)
            return await self._unpack(folder, source, options.get("strip", 0))
        except WorkflowError as error:
            return None, error.message

    async def _unpack(self, folder: str, source: str, strip: int) -> dict[str, Any]:
        if not os.path.isfile(source):
            raise WorkflowError(f"{source}: No such file or directory")
        if os.path.exists(folder) and not os.path.isdir(folder):
            raise WorkflowError(f"{folder} is no folder")
        archive_hash, listing, _ = await unpacking.describe(self._session, source, folder, strip)
        listing_hash = sha256(listing.encode("utf-8", "surrogateescape")).hexdigest()
        changed = await unpacking.found(self._session, folder, listing) != listing_hash
        if changed:
            await unpacking.unpack(self._session, folder, source, archive_hash, strip, listing)
        return {"changed": changed}

    async def lineinfile(self, path: str, encoded: str) -> Any:
        return await self._edit("lineinfile", edits.edit_line, path, encoded)

    async def blockinfile(self, path: str, encoded: str) -> Any:
        return await self._edit("blockinfile", edits.edit_block, path, encoded)

    async def replace(self, path: str, encoded: str) -> Any:
        return await self._edit("replace", edits.replace_matches, path, encoded)

    async def _edit(self, name: str, edit: Edit, path: str, encoded: str) -> Any:
        options = json.loads(encoded)
        for field in ("regexp", "pattern", "insertafter", "insertbefore"):
            _check_pattern(f"file_ops.{name}: {field}", options.get(field))
        return await _result_of(edit, self._session.path(path), options)

    async def stat(self, path: str) -> Any:
        return await _result_of(facts_of, self._session.path(path))


async def _result_of(work: Callable[..., Any], *arguments: Any) -> Any:
    """What it returns, or None and what the system refused."""
    try:
        return await on_thread(work, *arguments)
    except WorkflowError as error:
        return None, error.message
    except re.error as error:
        problem = f"replacement {error.pattern!r}: {error.msg}"
        raise InvalidValue(f"file_ops.replace: {problem}") from None


def _check_pattern(what: str, pattern: str | None) -> None:
    try:
        re.compile(pattern or "")
    except re.error as error:
        raise InvalidValue(f"{what} {pattern!r} is no regular expression: {error}") from None
