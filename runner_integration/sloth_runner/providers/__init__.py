"""What the built-in providers (`lua/sloth_lua/providers`) need of Python; imported when used."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from sloth_runner.host.module import LuaModule

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sloth_runner.session import Session
    from sloth_state.model import Json

    DirectReader: TypeAlias = Callable[[Session, Mapping[str, Json]], str | None]

OPERATIONS: dict[str, str] = {
    "account.group": "accounts:group",
    "account.is_root": "accounts:is_root",
    "account.me": "accounts:me",
    "account.remove_untouched_home": "accounts:remove_untouched_home",
    "account.user": "accounts:user",
    "crontab.schedule": "schedules:normalised",
    "directory.make": "folders:make",
    "directory.missing_parents": "folders:missing_parents",
    "directory.read": "folders:read",
    "directory.remove": "folders:remove",
    "file.absolute": "files:absolute",
    "file.group": "files:normal_group",
    "file.mode": "files:normal_mode",
    "file.owner": "files:normal_owner",
    "file.read": "files:read",
    "file.read_and_compare": "files:read_and_compare",
    "file.remove": "files:remove_file",
    "file.set_permissions": "files:set_permissions",
    "file.write": "files:write",
    "line.check": "lines:check",
    "line.insert": "lines:insert",
    "line.matching": "lines:matching",
    "line.put_back": "lines:put_back",
    "line.read": "lines:read",
    "line.remove": "lines:remove",
    "line.remove_all": "lines:remove_all",
    "line.replace": "lines:replace",
    "git.remove": "git:remove",
    "git.settings": "git:settings",
    "process.is_installed": "processes:is_installed",
    "resource.memories": "records:memories",
    "resource.recorded": "records:attributes",
    "sql.locate": "sql:locate",
    "symlink.read": "folders:read_link",
    "symlink.replace": "folders:replace_link",
    "template.render": "templates:render",
    "workflow.name": "records:workflow",
}
"""For `host.call`: operation to "module:function" in this package; it gets the session first."""

WAITING: dict[str, str] = {
    "archive.describe": "unpacking:describe",
    "archive.found": "unpacking:found",
    "archive.remove": "unpacking:remove",
    "archive.replaced": "unpacking:replaced",
    "archive.unpack": "unpacking:unpack",
    "crontab.entry": "crontabs:entry",
    "crontab.replace": "crontabs:replace",
    "docker.container": "docker:container",
    "docker.run": "docker:run",
    "git.check_out": "git:check_out",
    "git.clone": "git:clone",
    "git.look": "git:look",
    "git.resolve": "git:resolve",
    "git.unpushed": "git:unpushed",
    "git.unsaved": "git:unsaved",
    "http.request": "http:request",
    "process.run": "processes:run",
    "sql.applied": "sql:applied",
    "sql.apply": "sql:apply",
    "sql.revert": "sql:revert",
}
"""The same for `host.wait`; these are coroutine functions."""

RAW: dict[str, frozenset[int]] = {
    "file.read_and_compare": frozenset({2}),
    "process.run": frozenset({2}),
}
"""Positions of arguments that stay bytes, the session not counted."""


ANYWHERE = {"crontab.schedule", "http.request", "resource.memories", "resource.recorded"}
ANYWHERE |= {"template.render", "workflow.name"}
"""Those that do not work on the files and programs of the machine that runs the workflow."""

SILENT = {"directory.missing_parents", "directory.read", "file.absolute", "file.group", "file.mode"}
SILENT |= {"file.owner", "file.read", "file.read_and_compare", "symlink.read"}
"""Those that change nothing and tell nobody anything, of types of which a file has many."""

DIRECT_READERS = {"file": "files:read_recorded"}
"""Types of which there may be thousands, and how they are read without asking Lua for each: from
recorded attributes, as JSON."""


@lru_cache
def direct_reader(type: str) -> DirectReader | None:
    """How resources of a type are read without Lua; None if they are not."""
    target = DIRECT_READERS.get(type)
    return None if target is None else _found(target)


def _found(target: str) -> Any:
    from importlib import import_module

    module, _, name = target.partition(":")
    return getattr(import_module(f"{__name__}.{module}"), name)


def providers_module(session: Session) -> LuaModule:
    """The operations, without a module that scripts could name."""

    def bound(target: str) -> Callable[..., Any]:
        found: Callable[..., Any] | None = None

        def call(*arguments: Any) -> Any:
            nonlocal found
            if found is None:
                found = _found(target)
            return found(session, *arguments)

        return call

    return LuaModule(
        "providers",
        b"",
        {name: bound(target) for name, target in OPERATIONS.items()},
        {name: bound(target) for name, target in WAITING.items()},
        raw=RAW,
        here_only=(OPERATIONS.keys() | WAITING.keys()) - ANYWHERE,
        silent=SILENT,
    )
