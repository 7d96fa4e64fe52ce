"""From definitions to workflows: order, defaults, and every reason for which there is none.

What scripts may write is tested in tests/lua/test_dsl.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloth_runner import inspect_file
from sloth_runner.definitions import workflows_of
from sloth_runner.errors import DefinitionError
from sloth_runner.script import Script
from sloth_runner.workflow import Shell, Task, pause_before


@pytest.fixture
def inspect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)

    def load(source: str, name: str = "t.sloth") -> Any:
        Path(name).write_text(source)
        return inspect_file(name)

    return load


NO_COMMAND = 'Give it one: :command(function() … end) or :command("make")'

# A script, the message and the hint.
MISTAKES = {
    "local x = 1": (
        "t.sloth defines no tasks",
        'Define one: task("hello"):command(function() log.info("hello") end):build()',
    ),
    "workflow('w')": ("t.sloth:1: the workflow 'w' has no tasks", "Give it some: :tasks({ … })"),
    "workflow.define('w', { taks = {} })": (
        "t.sloth:1: workflow.define: there is no option 'taks'; did you mean 'tasks'?",
        None,
    ),
    "\nworkflow('w'):tasks({})": ("t.sloth:2: the workflow 'w' has no tasks", "Give it some: :tasks({ … })"),
    "task('a')": ("t.sloth:1: the task 'a' has no command", NO_COMMAND),
    "\nworkflow('w'):tasks({ { name = 'a' } })": ("t.sloth:2: the task 'a' has no command", NO_COMMAND),
    "task('a'):command(task('b'))": ("t.sloth:1: the task 'a' has no command", NO_COMMAND),
    "task('a'):command('x')\ntask('a'):command('y')": (
        "t.sloth:2: the task 'a' is defined twice", "The first one is at t.sloth:1.",
    ),
    "local a = task('a'):command('x')\nworkflow('w'):tasks({ a, a })": (
        "t.sloth:1: the task 'a' is defined twice", "The first one is at t.sloth:1.",
    ),
    "local t = { { name = 'a', command = 'x' } }\nworkflow('w'):tasks(t)\n\nworkflow('w'):tasks(t)": (
        "t.sloth:4: the workflow 'w' is defined twice", "The first one is at t.sloth:2.",
    ),
    "task('build'):command('x')\ntask('test'):command('y'):depends_on('biuld')": (
        "t.sloth:2: the task 'test' depends on 'biuld', which is not in its workflow", "Did you mean 'build'?",
    ),
    "task('build'):command('x')\ntask('test'):command('y'):depends_on('zzz')": (
        "t.sloth:2: the task 'test' depends on 'zzz', which is not in its workflow", "Its tasks are: build, test",
    ),
    "local a = task('a'):command('x')\nlocal b = task('b'):command('y'):depends_on(a)\nworkflow('w'):tasks({ b })": (
        "t.sloth:2: the task 'b' depends on 'a', which is not in its workflow", "Its tasks are: b",
    ),
    "task('a'):command('x'):depends_on('a')": (
        "tasks depend on each other in a circle: a -> a", "Break it at one of: a at t.sloth:1",
    ),
    "task('a'):command('x'):depends_on('b')\ntask('b'):command('y'):depends_on('a')": (
        "tasks depend on each other in a circle: a -> b -> a", "Break it at one of: a at t.sloth:1, b at t.sloth:2",
    ),
    """task('start'):command('x')
       task('after'):command('x'):depends_on('a', 'start')
       task('a'):command('x'):depends_on('start', 'b')
       task('b'):command('x'):depends_on('c')
       task('c'):command('x'):depends_on('a', 'start')""": (
        "tasks depend on each other in a circle: a -> b -> c -> a",
        "Break it at one of: a at t.sloth:3, b at t.sloth:4, c at t.sloth:5",
    ),
    "task(''):command('x')": ("t.sloth:1: the task's name is empty", None),
    "task(('x'):rep(201)):command('x')": ("t.sloth:1: the task's name has 201 characters, and the most is 200", None),
    "task('a\\nb'):command('x')": ("t.sloth:1: the task's name 'a\\nb' has a control character in it", None),
    "\nworkflow('\\0'):tasks({ { name = 'a', command = 'x' } })": (
        "t.sloth:2: the workflow's name '\\x00' has a control character in it", None,
    ),
    "return workflow('')": ("t.sloth: the workflow's name is empty", None),
}  # fmt: skip


@pytest.mark.parametrize("source", MISTAKES, ids=range(len(MISTAKES)))
def test_definitions_that_make_no_sense_are_one_clear_error(inspect: Any, source: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        inspect(source)
    assert (caught.value.message, caught.value.hint) == MISTAKES[source]
    assert caught.value.exit_code == 1


def test_the_file_may_not_be_named_as_no_workflow_can_be(inspect: Any) -> None:
    with pytest.raises(DefinitionError) as caught:
        inspect("task('a'):command('x')", name="a\tb.sloth")
    assert (
        caught.value.message
        == "a\tb.sloth:1: the workflow's name 'a\\tb' has a control character in it"
    )


def test_a_retry_of_the_workflow_is_the_default_of_its_tasks(inspect: Any) -> None:
    (workflow,) = inspect("""
        local a, b = task("a"):command("x"), task("b"):command("x"):retries(0)
        workflow("w"):config({ max_retries = 4 }):tasks({ a, b })
    """)
    assert [task.retries for task in workflow.tasks] == [4, 0]


@pytest.mark.parametrize(
    ("workdir", "expected"),
    [("/srv", "/srv"), ("build", "PWD/sub/build"), (".", "PWD/sub/."), ("~/x", "HOME/x")],
)
def test_a_workflows_folder_starts_at_its_file(
    inspect: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workdir: str, expected: str
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    (tmp_path / "sub").mkdir()
    source = f"workflow('w'):config({{ workdir = '{workdir}' }}):tasks({{ {{ name = 'a', command = 'x' }} }})"
    (workflow,) = inspect(source, name="sub/t.sloth")
    assert workflow.workdir == expected.replace("PWD", str(tmp_path)).replace("HOME", "/home/me")


# -- order -----------------------------------------------------------------------------------------


def description(tasks: list[tuple[str, list[str]]]) -> dict[str, Any]:
    return {
        "workflows": [],
        "tasks": [
            {"name": name, "where": "t:1", "depends_on": depends_on, "hooks": {}, "tags": [], "command": {"shell": name}}
            for name, depends_on in tasks
        ],
    }  # fmt: skip


SCRIPT = Script("t", "t", b"")


def order(tasks: list[tuple[str, list[str]]]) -> list[str]:
    (workflow,) = workflows_of(description(tasks), SCRIPT)
    return [task.name for task in workflow.tasks]


def test_dependencies_come_first_and_else_the_order_of_definition() -> None:
    assert order(
        [("deploy", ["test", "lint"]), ("test", ["build"]), ("lint", []), ("build", [])]
    ) == [
        "lint",
        "build",
        "test",
        "deploy",
    ]
    assert order([("c", []), ("b", []), ("a", [])]) == ["c", "b", "a"]


@given(st.data())
def test_every_graph_without_a_circle_has_an_order(data: st.DataObject) -> None:
    names = [f"t{number}" for number in range(data.draw(st.integers(1, 12)))]
    edges = {name: data.draw(st.lists(st.sampled_from(names[:at]), unique=True)) if at else [] for at, name in enumerate(names)}  # fmt: skip
    shuffled = data.draw(st.permutations(names))
    found = order([(name, edges[name]) for name in shuffled])
    assert sorted(found) == sorted(names)
    position = {name: at for at, name in enumerate(found)}
    assert all(position[below] < position[name] for name in names for below in edges[name])


@given(st.integers(1, 8), st.data())
def test_every_circle_is_found_and_named(length: int, data: st.DataObject) -> None:
    circle = [f"c{number}" for number in range(length)]
    tasks = [(name, [circle[(at + 1) % length]]) for at, name in enumerate(circle)]
    tasks += [("before", []), ("after", ["c0", "before"])]
    with pytest.raises(DefinitionError) as caught:
        order(data.draw(st.permutations(tasks)))
    path = caught.value.message.removeprefix("tasks depend on each other in a circle: ").split(
        " -> "
    )
    assert path[0] == path[-1]
    assert sorted(path[:-1]) == sorted(circle)


def test_ten_thousand_tasks_are_sorted_in_no_time() -> None:
    tasks = [(f"t{number}", [f"t{number - 1}"] if number else []) for number in range(10_000)]
    assert order(list(reversed(tasks)))[:2] == ["t0", "t1"]


def test_pauses_grow_as_the_task_says() -> None:
    task = Task("t", "t:1", Shell("x"))
    assert {
        backoff: [pause_before(task._replace(backoff=backoff), attempt) for attempt in (2, 3, 4, 5, 40, 2000)]
        for backoff in ("fixed", "linear", "exponential")
    } == {
        "fixed": [1, 1, 1, 1, 1, 1],
        "linear": [1, 2, 3, 4, 30, 30],
        "exponential": [1, 2, 4, 8, 30, 30],
    }  # fmt: skip


def test_a_workflow_without_tasks_has_all_of_the_file(inspect: Any) -> None:
    (workflow,) = inspect(
        "workflow({ name = 'w' })\ntask('a'):command('x')\ntask('b'):command('y')"
    )
    assert [task.name for task in workflow.tasks] == ["a", "b"]
