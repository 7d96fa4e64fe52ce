"""From what a script said (`workflows.lua`) to workflows that make sense, or one clear error."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from sloth_runner.dependencies import in_order
from sloth_runner.errors import DefinitionError
from sloth_runner.workflow import Call, Shell, Task, Workflow
from sloth_state.errors import InvalidValue
from sloth_state.values import check_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sloth_runner.script import Script


def workflows_of(description: Mapping[str, Any], script: Script) -> list[Workflow]:
    """All workflows of a file; the implicit one, named after the file, if it defines only tasks.

    Raises DefinitionError: no tasks, unknown dependency, duplicate or bad name, cycle, no command.
    """
    specs = description["workflows"]
    _check_all_have_names(description["tasks"], script)
    if len(specs) == 1 and not specs[0]["tasks"]:  # it means all tasks of the file
        specs = [{**specs[0], "tasks": description["tasks"]}]
    explicit = [_workflow(spec, script) for spec in specs]
    if explicit:
        _check_unique_workflows(explicit)
        return explicit
    if not description["tasks"]:
        raise _no_tasks(script)
    implicit = {"name": script.stem, "where": f"{script.name}:1", "tasks": description["tasks"]}
    return [_workflow({**implicit, "config": {}, "hooks": {}}, script)]


def _no_tasks(script: Script) -> DefinitionError:
    hint = 'Define one: task("hello"):command(function() log.info("hello") end):build()'
    if b"TaskDefinitions" in script.source:
        hint = 'Instead of TaskDefinitions write: workflow.define("name", { tasks = { … } })'
    return DefinitionError(f"{script.path} defines no tasks", hint=hint)


def _check_unique_workflows(workflows: Sequence[Workflow]) -> None:
    seen: dict[str, Workflow] = {}
    for workflow in workflows:
        if first := seen.get(workflow.name):
            raise DefinitionError(
                f"{workflow.where}: the workflow {workflow.name!r} is defined twice",
                hint=f"The first one is at {first.where}.",
            )
        seen[workflow.name] = workflow


def _check_all_have_names(specs: Iterable[Mapping[str, Any]], script: Script) -> None:
    """`task({ … })` without a name gets it from its key in a workflow's tasks."""
    for spec in specs:
        if "name" not in spec:
            raise DefinitionError(
                f"{_where(spec, script)}: a task has no name",
                hint='Give it one, task({ name = "build", … }), '
                "or a key in its workflow's tasks: tasks = { build = task({ … }) }",
            )


def _workflow(spec: Mapping[str, Any], script: Script) -> Workflow:
    config, where = spec["config"], _where(spec, script)
    name = _name(spec, "workflow", where)
    tasks = [task_of(each, config, script) for each in _in_source_order(spec, script)]
    if not tasks:
        if problems := spec.get("problems"):  # "tasks" may be misspelt
            raise DefinitionError(problems[0])
        raise DefinitionError(
            f"{where}: the workflow {name!r} has no tasks", hint="Give it some: :tasks({ … })"
        )
    names = _names_of_keys(spec["tasks"])
    tasks = [_by_name(task, names) for task in tasks]
    return Workflow(
        name=name,
        where=where,
        tasks=in_order(tasks),
        description=spec.get("description", ""),
        version=spec.get("version", ""),
        timeout=config.get("timeout"),
        max_parallel_tasks=config.get("max_parallel_tasks"),
        continue_on_error=config.get("continue_on_error", not config.get("fail_fast", False)),
        prune=config.get("prune", False),
        cleanup_on_failure=config.get("cleanup_on_failure", False),
        workdir=_absolute(config.get("workdir"), script),
        hooks=_hooks(spec["hooks"]),
        metadata=spec.get("metadata", {}),
        problems=tuple(_problems(spec)),
    )


def _names_of_keys(specs: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Others can depend on a task by its key, too, and by the one whose command it alone takes.

    `build = task("compile")`, `build = { command = compile }`.
    """
    taken = Counter(spec["of"] for spec in specs if "of" in spec)
    keys = {spec["of"]: spec["name"] for spec in specs if taken[spec.get("of", "")] == 1}
    keys |= {spec["key"]: spec["name"] for spec in specs if "key" in spec}
    names = {spec["name"] for spec in specs}
    return {key: name for key, name in keys.items() if key not in names}


def _by_name(task: Task, names: Mapping[str, str]) -> Task:
    if names.keys().isdisjoint(task.depends_on):
        return task
    found = (names.get(each, each) for each in task.depends_on)
    return task._replace(depends_on=tuple(dict.fromkeys(found)))


def _problems(spec: Mapping[str, Any]) -> Iterator[str]:
    """What a workflow and its tasks ask for and nobody can do."""
    for each in (spec, *spec["tasks"]):
        yield from each.get("problems", ())


def _where(spec: Mapping[str, Any], script: Script) -> str:
    """The line of a definition, or just the file after a tail call, which hides its line."""
    return str(spec.get("where", script.name))


def _name(spec: Mapping[str, Any], kind: str, where: str) -> str:
    try:
        return check_name(spec["name"], f"the {kind}'s name")
    except InvalidValue as error:
        raise DefinitionError(f"{where}: {error.message}") from None


def _absolute(workdir: str | None, script: Script) -> str | None:
    import os

    return None if workdir is None else os.path.join(script.folder, os.path.expanduser(workdir))


def _in_source_order(spec: Mapping[str, Any], script: Script) -> list[Mapping[str, Any]]:
    """Tasks given by key come in the order of the text; Lua's own order is arbitrary."""
    keyed = [task for task in spec["tasks"] if "key" in task]
    listed = [task for task in spec["tasks"] if "key" not in task]
    if not keyed:
        return listed
    text = _without_comments(script.source.decode(errors="replace"))
    line = _where(spec, script).rpartition(":")[2]
    start = _offset(text, int(line) if line.isdigit() else 1)

    def place(task: Mapping[str, Any]) -> tuple[int, int]:
        return _position(task, text, start), task.get("line", 0)

    return listed + sorted(keyed, key=place)


_COMMENT_OR_TEXT = (
    r"""--\[(=*)\[.*?\]\1\]|--[^\n]*|\[(=*)\[.*?\]\2\]|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'"""
)


def _without_comments(text: str) -> str:
    """The text of a script with spaces for its comments, where a task may have stood once."""

    def blank(found: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", found[0]) if found[0].startswith("--") else found[0]

    return re.sub(_COMMENT_OR_TEXT, blank, text, flags=re.DOTALL)


def _position(task: Mapping[str, Any], text: str, start: int) -> int:
    """Where the key of a task stands: the last place before its function's end, or else the first.

    What stands before the workflow's own definition, at `start`, is only looked at if need be.
    """
    key = rf"(?<!\w){re.escape(task['key'])}['\"]?\s*\]?\s*="
    places = [found.start() for found in re.finditer(rf"{key}\s*\{{", text)]
    places = places or [found.start() for found in re.finditer(rf"{key}(?!=)", text)]
    places = [place for place in places if place >= start] or places or [len(text)]
    end = _offset(text, task.get("line", 0) + 1)
    return max((place for place in places if place < end), default=places[0])


def _offset(text: str, line: int) -> int:
    """Where a line begins; 0 for those that do not exist."""
    return sum(len(each) + 1 for each in text.split("\n")[: max(0, line - 1)])


def task_of(spec: Mapping[str, Any], config: Mapping[str, Any], script: Script) -> Task:
    """A task as the script described it; `config` is that of its workflow.

    Raises DefinitionError: a bad name, no command.
    """
    where = _where(spec, script)
    name = _name(spec, "task", where)
    command = _action(spec.get("command"))
    if command is None:
        hint = 'Give it one: :command(function() … end) or :command("make")'
        misspelt = sorted(spec.get("problems", ()))
        raise DefinitionError(
            f"{where}: the task {name!r} has no command", hint=misspelt[0] if misspelt else hint
        )
    return Task(
        name=name,
        where=where,
        command=command,
        description=spec.get("description", ""),
        depends_on=tuple(dict.fromkeys(spec["depends_on"])),
        workdir=spec.get("workdir"),
        user=spec.get("user"),
        timeout=spec.get("timeout"),
        retries=spec.get("retries", config.get("max_retries", 0)),
        backoff=spec.get("backoff", config.get("retry_policy", "fixed")),
        run_if=_action(spec.get("run_if")),
        abort_if=_action(spec.get("abort_if")),
        hooks=_hooks(spec["hooks"]),
        tags=tuple(spec["tags"]),
        params=spec.get("params", {}),
        artifacts=tuple(spec.get("artifacts", ())),
        consumes=tuple(spec.get("consumes", ())),
        delegate_to=_hosts(spec.get("delegate_to")),
    )


def _action(spec: Mapping[str, Any] | None) -> Call | Shell | None:
    if spec is None:
        return None
    return Call(spec["call"]) if "call" in spec else Shell(spec["shell"])


def _hosts(spec: Mapping[str, Any] | None) -> tuple[str, ...] | Call:
    if spec is None:
        return ()
    return Call(spec["call"]) if "call" in spec else tuple(spec["hosts"])


def _hooks(spec: Mapping[str, Sequence[int]]) -> dict[str, tuple[Call, ...]]:
    return {name: tuple(Call(number) for number in numbers) for name, numbers in spec.items()}
