"""Text made from Jinja2 templates."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from sloth_runner.errors import WorkflowError
from sloth_runner.stoppable import stoppable

if TYPE_CHECKING:
    from jinja2 import BaseLoader, Environment

    from sloth_runner.session import Session

_INLINE = "<template>"
"""What Jinja2 calls a template that is in no file."""


def render(session: Session, source: str | None, content: str | None, variables: str) -> str:
    """Render a file or a text with variables (JSON) and the run's `values`.

    Raises WorkflowError for an undefined variable and all else that is wrong, with the template's
    name and line.
    """
    folder, name = os.path.split(session.path(source or _INLINE))
    environment = _environment(_loader(session, folder))
    known: dict[str, Any] = {"values": session.values or {}, **json.loads(variables)}

    def rendered() -> str:
        if content is not None:
            return environment.from_string(content).render(known)
        return environment.get_template(name).render(known)

    try:
        return stoppable(rendered, session.stop_asked_for())
    except Exception as error:  # a template is a program, which can fail in any way
        place = _place(error, folder) or source or _INLINE
        raise WorkflowError(f"{place}: {_message(error)}") from error


def _loader(session: Session, folder: str) -> BaseLoader:
    """Of what a template includes. The folder of a task on another machine is there."""
    from jinja2 import FileSystemLoader, FunctionLoader

    if session.current.host is None:
        return FileSystemLoader(folder)
    return FunctionLoader(lambda name: session.needs_this_machine(f"the include of {name!r}"))


def _environment(loader: BaseLoader) -> Environment:
    """Without access to Python's objects, which scripts do not have either."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(
        loader=loader,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )


def _place(error: Exception, folder: str) -> str | None:
    """The line of a template in `folder`, or of the inline one, in which something is wrong."""
    from traceback import walk_tb

    from jinja2 import TemplateSyntaxError

    if isinstance(error, TemplateSyntaxError):
        return f"{error.name or _INLINE}:{error.lineno}"
    places = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]
    for path, line in reversed(places):
        if path == _INLINE or path.startswith(folder + os.sep):
            return f"{os.path.relpath(path, folder) if path != _INLINE else path}:{line}"
    return None


def _message(error: Exception) -> str:
    from jinja2 import TemplateError, TemplateNotFound

    if isinstance(error, WorkflowError):
        return error.message
    if isinstance(error, TemplateNotFound):
        return f"there is no template {error.name!r}"
    if isinstance(error, TemplateError):
        return str(error.message)
    if isinstance(error, OSError):
        return str(error.strerror)
    return f"{type(error).__name__}: {error}"
