"""What a workflow file defines, as frozen values: tasks with functions known by number."""

from collections.abc import Mapping
from typing import NamedTuple

from sloth_state.model import Json


class Call(NamedTuple):
    """A function of the script, by the number the Lua host knows it by."""

    function: int


class Shell(NamedTuple):
    """A command for `bash -c`."""

    command: str


class Task(NamedTuple):
    """A task as the script describes it, defaults filled in."""

    name: str
    where: str
    """Where it is defined: "deploy.sloth:12"."""
    command: Call | Shell | None
    description: str = ""
    depends_on: tuple[str, ...] = ()
    workdir: str | None = None
    user: str | None = None
    timeout: float | None = None
    """Seconds, for each try."""
    retries: int = 0
    """Further tries after the first."""
    backoff: str = "fixed"
    run_if: Call | Shell | None = None
    abort_if: Call | Shell | None = None
    hooks: Mapping[str, tuple[Call, ...]] = {}
    tags: tuple[str, ...] = ()
    params: Mapping[str, Json] = {}
    """Values of its own that its functions get."""
    artifacts: tuple[str, ...] = ()
    """Patterns of files that it makes, relative to its folder."""
    consumes: tuple[str, ...] = ()
    """Patterns of artifacts that it needs."""
    delegate_to: tuple[str, ...] | Call = ()
    """Hosts that its commands run on; none means this one."""


class Workflow(NamedTuple):
    """A workflow: tasks in an order in which each comes after those it depends on."""

    name: str
    where: str
    tasks: tuple[Task, ...]
    description: str = ""
    version: str = ""
    """The author's own version text; not the version of the state."""
    timeout: float | None = None
    max_parallel_tasks: int | None = None
    continue_on_error: bool = True
    prune: bool = False
    """Whether resources that the script no longer declares are deleted at the end."""
    cleanup_on_failure: bool = False
    """Whether the tasks' own folders that a failed run has made are removed at its end."""
    workdir: str | None = None
    hooks: Mapping[str, tuple[Call, ...]] = {}
    metadata: Mapping[str, str] = {}
    """What each run has in its metadata."""
    problems: tuple[str, ...] = ()
    """Options that cannot be honoured, each with its line: why the workflow cannot run."""


def pause_before(task: Task, attempt: int) -> float:
    """Seconds to wait before this try (2 is the first one that waits); at most 30."""
    tries = attempt - 1
    growth = {"fixed": 1, "linear": tries, "exponential": 2 ** min(tries - 1, 10)}
    return float(min(growth[task.backoff], 30))
