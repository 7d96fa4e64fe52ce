"""The module `template`: text made from Jinja2 templates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sloth_lua
from sloth_runner.errors import WorkflowError
from sloth_runner.host.module import LuaModule

if TYPE_CHECKING:
    from sloth_runner.session import Session


def template_module(session: Session) -> LuaModule:
    """`template`, as the provider of that name renders."""

    def render(path: str | None, text: str | None, variables: str) -> str | tuple[None, str]:
        """The text, or None and what is wrong with the template."""
        from sloth_runner.providers import templates

        try:
            return templates.render(session, path, text, variables)
        except WorkflowError as error:
            return None, error.message

    return LuaModule("template", sloth_lua.on_first_use("template"), {"template.text": render})
