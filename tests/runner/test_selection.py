"""Which workflow of a file, and which of its tasks."""

from __future__ import annotations

import pytest

from sloth_runner.selection import choose_workflow, left_out
from sloth_runner.workflow import Shell, Task, Workflow
from sloth_state.errors import UsageError


def workflow(name: str, **tasks: tuple[str, ...]) -> Workflow:
    made = (Task(each, "t:1", Shell("x"), depends_on=needs) for each, needs in tasks.items())
    return Workflow(name, "t:1", tuple(made))


WEB, DB = workflow("web", a=()), workflow("db", b=())


def test_the_only_workflow_needs_no_name() -> None:
    assert choose_workflow([WEB], "t.sloth", None) is WEB
    assert choose_workflow([WEB], "t.sloth", "web") is WEB


def test_one_of_several_is_chosen_by_name() -> None:
    assert choose_workflow([WEB, DB], "t.sloth", "db") is DB


def test_several_without_a_name_are_listed() -> None:
    with pytest.raises(UsageError) as caught:
        choose_workflow([WEB, DB], "t.sloth", None)
    assert caught.value.message == "t.sloth defines 2 workflows: web, db"
    assert caught.value.hint == "Choose one: --workflow web"
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("wanted", "hint"), [("wbe", "Did you mean web?"), ("", "It has: web, db")]
)
def test_an_unknown_name_is_refused(wanted: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        choose_workflow([WEB, DB], "t.sloth", wanted)
    assert caught.value.message == f"t.sloth defines no workflow {wanted!r}"
    assert caught.value.hint == hint


CI = workflow(
    "ci", fetch=(), build=("fetch",), lint=("fetch",), test=("build", "lint"), ship=("test",)
)


@pytest.mark.parametrize(
    ("only", "skip", "expected"),
    [
        ([], [], set()),
        (["fetch"], [], {"build", "lint", "test", "ship"}),
        (["build"], [], {"lint", "test", "ship"}),
        (["test"], [], {"ship"}),
        (["ship"], [], set()),
        (["build", "lint"], [], {"test", "ship"}),
        ([], ["lint"], {"lint"}),
        ([], ["fetch", "ship"], {"fetch", "ship"}),
        (["test"], ["lint"], {"ship", "lint"}),
        (["lint"], ["lint"], {"build", "test", "ship", "lint"}),
    ],
)
def test_only_takes_dependencies_along_and_skip_leaves_out(
    only: list[str], skip: list[str], expected: set[str]
) -> None:
    assert left_out(CI, only, skip) == expected


@pytest.mark.parametrize(
    ("only", "skip"), [(["biuld"], []), ([], ["biuld"]), (["ship", "biuld"], ["lint"])]
)
def test_an_unknown_task_is_refused(only: list[str], skip: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        left_out(CI, only, skip)
    assert caught.value.message == "the workflow ci has no task 'biuld'"
    assert caught.value.hint == "Did you mean build?"
    with pytest.raises(UsageError) as caught:
        left_out(CI, ["zzz"], [])
    assert caught.value.hint == "Its tasks are: fetch, build, lint, test, ship"


def test_of_very_many_tasks_a_hint_lists_only_some() -> None:
    many = workflow("many", **{f"t{number}": () for number in range(1000)})
    with pytest.raises(UsageError) as caught:
        left_out(many, ["zzz"], [])
    assert caught.value.hint is not None
    assert caught.value.hint.endswith(", t18, t19, …")
