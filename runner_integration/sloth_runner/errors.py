"""The runner's branch of the error tree (the trunk is `sloth_state.errors`).

SlothError
├── NotFound                    3
│   └── ScriptNotFound (FileNotFoundError)
└── WorkflowError               1   the workflow cannot be loaded or did not succeed
    ├── ScriptUnreadable            a folder, not text, no permission
    ├── ScriptError                 raised by the script, or by Lua, at a line
    │   └── ScriptSyntaxError
    ├── DefinitionError             what the script defines makes no sense
    ├── TaskTimeout
    ├── TaskFailed                  a command that said so itself
    ├── MemoryExceeded
    ├── RollbackRefused             a hook says no
    ├── ResumeRefused               the newest run did not fail, or something changed since
    └── WorkflowFailed              the run ended; its tasks say why
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_state.errors import NotFound, SlothError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sloth_state.model import Json


class WorkflowError(SlothError):
    """The workflow cannot be loaded, or did not succeed."""

    code = "workflow"


class ScriptNotFound(NotFound, FileNotFoundError):
    """There is no such workflow file."""

    code = "script_not_found"

    def __init__(self, path: str, nearest: Sequence[str] = ()) -> None:
        super().__init__(
            f"there is no file {path}",
            hint=f"Did you mean {', '.join(nearest)}?" if nearest else "Check the path.",
        )
        self.path = path


class ScriptUnreadable(WorkflowError):
    """The workflow file is a folder, not text, or may not be read."""

    code = "script_unreadable"

    def __init__(self, path: str, what: str, *, hint: str | None = None) -> None:
        super().__init__(f"{path} {what}", hint=hint)
        self.path = path


class ScriptError(WorkflowError):
    """Something raised by the script or by Lua itself.

    `where` is "deploy.sloth:12", `excerpt` that line of the file with its number, `trace` Lua's
    own traceback; each may be missing.
    """

    code = "script_error"

    def __init__(
        self,
        message: str,
        *,
        where: str | None = None,
        excerpt: str | None = None,
        trace: str = "",
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.where = where
        self.excerpt = excerpt
        self.trace = trace


class ScriptSyntaxError(ScriptError):
    """The file is not Lua."""

    code = "syntax_error"


class DefinitionError(WorkflowError):
    """Tasks and workflows that make no sense: unknown dependency, cycle, duplicate name."""

    code = "definition"


class TaskTimeout(WorkflowError):
    """A task, or the whole workflow, took longer than it may."""

    code = "timeout"

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(
            f"{what} took longer than its timeout of {seconds:g} s",
            hint='Raise it, for instance to "10m", or leave it out.',
        )
        self.seconds = seconds


class TaskFailed(WorkflowError):
    """A task's command returned false, or exited with another code than 0."""

    code = "task_failed"
    output: Json = None
    """What the command returned behind false and a message."""


class MemoryExceeded(WorkflowError):
    """The script holds more memory than it may."""

    code = "memory"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(
            f"the script holds more than {limit_bytes // 2**20} MiB of memory",
            hint="Let a command or a file hold large data, not a Lua table.",
        )


class RollbackRefused(WorkflowError):
    """A `before_rollback` hook of the workflow or of a plugin refused."""

    code = "rollback_refused"

    def __init__(self, workflow: str, reason: str) -> None:
        super().__init__(f"the rollback of {workflow} was refused: {reason}")


class ResumeRefused(WorkflowError):
    """There is no failed run to go on with, or the workflow is another one by now."""

    code = "resume_refused"


class WorkflowFailed(WorkflowError):
    """The run is over and failed; the message names the task that failed first.

    `failures` says of each task that failed why.
    """

    code = "workflow_failed"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        excerpt: str | None = None,
        failures: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.excerpt = excerpt
        self.failures = failures or {}
