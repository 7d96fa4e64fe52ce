"""The contract of every store: steps of tasks, and what a run takes over from a failed one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sloth_state.errors import InvalidValue, LockLost, ReferenceNotFound, UsageError
from sloth_state.model import (
    NewOperation,
    NewRun,
    Output,
    RunStatus,
    Step,
    TaskRecord,
    TaskStatus,
)

if TYPE_CHECKING:
    from sloth_state.model import Json, Lock, Run
    from sloth_state.store import Store


def ran(store: Store, run: Run, lock: Lock, key: str, **end: Any) -> None:
    """Journal a command with a key; without an end if none is given."""
    said: dict[str, Json] = {"command": f"deploy {key}"}
    new = NewOperation("run", "exec", key, None, "push", None, said, {})
    number = store.begin_operation(run.id, new, lock)
    if end:
        store.end_operation(run.id, number, lock, **end)


def resumed(bench: Any, earlier: Run) -> tuple[Run, Lock]:
    bench.clock.advance(seconds=1)
    run: tuple[Run, Lock] = bench.begin(resumes=earlier.id)
    return run


# -- steps -------------------------------------------------------------------------------------


def test_steps_of_a_task_are_kept_in_their_order(bench: Any, store: Store) -> None:
    run, lock = bench.begin()
    store.save_step(run.id, "build", 2, "push", None, lock)
    store.save_step(run.id, "build", 1, "image", {"tag": ["a", 1]}, lock)
    store.save_step(run.id, "other", 1, "image", "x", lock)
    now = bench.clock()
    assert store.steps(run.id, "build") == [
        Step("build", 1, "image", {"tag": ["a", 1]}, now),
        Step("build", 2, "push", None, now),
    ]
    assert store.steps(run.id, "nothing") == []
    assert store.verify() == []
    with pytest.raises(ReferenceNotFound):
        store.steps("f" * 12, "build")


def test_a_step_is_written_under_the_lock_of_the_run(bench: Any, store: Store) -> None:
    run, lock = bench.begin()
    bench.clock.advance(minutes=2)
    with pytest.raises(LockLost):
        store.save_step(run.id, "build", 1, "image", 1, lock)
    assert store.steps(run.id, "build") == []


@pytest.mark.parametrize(("name", "value"), [("", 1), ("x" * 201, 1), ("image", float("nan"))])
def test_a_step_that_cannot_be_kept_is_refused(
    bench: Any, store: Store, name: str, value: Any
) -> None:
    run, lock = bench.begin()
    with pytest.raises(InvalidValue):
        store.save_step(run.id, "build", 1, name, value, lock)
    assert store.steps(run.id, "build") == []


# -- going on with a failed run ----------------------------------------------------------------


def test_a_run_takes_over_what_the_one_before_has_done(bench: Any, store: Store) -> None:
    first, lock = bench.begin()
    done = TaskRecord("fetch", TaskStatus.SUCCESS, 2, bench.clock(), bench.clock(), {"n": 1})
    store.save_tasks(first.id, [done], lock)
    store.save_tasks(
        first.id, [TaskRecord("push", TaskStatus.RUNNING, 1, bench.clock(), None)], lock
    )
    store.save_tasks(first.id, [TaskRecord("tell", TaskStatus.SKIPPED, 0, None, None)], lock)
    store.save_step(first.id, "fetch", 1, "download", 1, lock)
    store.save_step(first.id, "push", 1, "login", 2, lock)
    store.set_output(first.id, Output("token", "t", sensitive=True), lock)
    ran(store, first, lock, "failed", error="exit code 1")
    ran(store, first, lock, "done", result={"exit_code": 0})
    ran(store, first, lock, "interrupted")
    failed = bench.finish(first, lock, RunStatus.FAILED)
    step_at = bench.clock()

    second, lock = resumed(bench, failed)
    assert store.tasks(second.id) == [
        TaskRecord(
            "fetch",
            TaskStatus.SKIPPED,
            0,
            None,
            bench.clock(),
            {"n": 1},
            f"done by run {first.id}",
            None,
            first.id,
        )
    ]
    assert store.steps(second.id, "fetch") == []
    assert store.steps(second.id, "push") == [Step("push", 1, "login", 2, step_at)]
    assert store.outputs(second.id) == {"token": Output("token", "t", sensitive=True)}
    assert [(each.number, each.name, each.result) for each in store.operations(second.id)] == [
        (1, "done", {"exit_code": 0})
    ]
    assert [each.name for _, each in store.unfinished_operations("deploy")] == ["interrupted"]

    third, _ = resumed(bench, bench.finish(second, lock, RunStatus.FAILED))
    assert [(each.name, each.done_by) for each in store.tasks(third.id)] == [("fetch", first.id)]
    assert [each.name for each in store.steps(third.id, "push")] == ["login"]
    assert store.verify() == []


def test_a_run_that_goes_on_with_none_takes_nothing_over(bench: Any, store: Store) -> None:
    first, lock = bench.begin()
    store.save_tasks(first.id, [TaskRecord("a", TaskStatus.SUCCESS, 1, None, None)], lock)
    bench.finish(first, lock, RunStatus.FAILED)
    second, _ = bench.begin()
    assert store.tasks(second.id) == []


def test_a_run_goes_on_only_with_one_of_its_own_workflow(bench: Any, store: Store) -> None:
    other = bench.finish(*bench.begin("other"), RunStatus.FAILED)
    lock = bench.lock("deploy")
    with pytest.raises(UsageError) as error:
        store.begin_run(NewRun("deploy", {}, resumes=other.id), lock)
    assert error.value.message == f"run {other.id} of other is no run of this workflow"
    with pytest.raises(ReferenceNotFound):
        store.begin_run(NewRun("deploy", {}, resumes="f" * 12), lock)
    assert [run.name for run in store.runs()] == ["other"]
    assert store.workflow_names() == ["other"]
