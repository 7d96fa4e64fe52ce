"""An Execution begins a run and finalises it, however its block is left."""

from __future__ import annotations

import doctest
import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sloth_runner import execution as execution_module
from sloth_runner.execution import Execution
from sloth_state.errors import (
    Interrupted,
    InvalidValue,
    LockHeld,
    LockLost,
    ResourceNotFound,
    UsageError,
)
from sloth_state.model import LockScope, RunStatus
from sloth_state.open import open_store
from sloth_state.store import Store

LOST = "this process lost the lock of deploy: its lease ran out or somebody broke it"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path}/state.db") as opened:
        yield opened


def test_the_documented_example_does_what_it_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SLOTH_RUNNER_STATE", f"sqlite:///{tmp_path}/state.db")
    (example,) = doctest.DocTestFinder(recurse=False).find(
        Execution, "Execution", module=execution_module
    )
    report: list[str] = []
    result = doctest.DocTestRunner().run(example, out=report.append)

    assert (result.attempted, "".join(report)) == (4, "")
    with open_store() as store:
        (run,) = store.runs()
        assert run.metadata["team"] == "web"
        assert {key: each.value for key, each in store.outputs(run.id).items()} == {
            "url": "https://example.org"
        }


def test_a_run_is_running_inside_and_successful_after_the_block(store: Store) -> None:
    before = datetime.now(UTC)
    execution = Execution(store, "deploy")
    assert execution.finished is None
    with execution as run:
        time.sleep(0.01)
        inside = store.run(run.id)
        assert (run.name, run.version) == ("deploy", 1)
        assert execution.finished is None
    finished = execution.finished

    assert inside.status is RunStatus.RUNNING
    assert inside.completed_at is None
    assert inside.locked_by == str(store_holder(inside.metadata))
    assert finished == store.run(run.id)
    assert finished is not None
    assert finished.status is RunStatus.SUCCESS
    assert finished.completed_at is not None
    assert before <= finished.started_at < finished.completed_at <= datetime.now(UTC)
    assert finished.duration_seconds == pytest.approx(
        (finished.completed_at - finished.started_at).total_seconds(), abs=0.001
    )
    assert (finished.error_msg, finished.locked_by) == (None, None)
    assert store.locks() == []


def store_holder(metadata: object) -> str:
    assert isinstance(metadata, dict)
    return f"{metadata['user']}@{metadata['host']} pid {os.getpid()}"


def test_what_the_caller_says_is_kept_with_the_version(store: Store) -> None:
    source = b"task('x')\n"
    with Execution(
        store,
        "deploy",
        metadata={"team": "web", "host": "build-7"},
        message="the first one",
        source=source,
        source_path="deploy.sloth",
        values={"replicas": 3},
    ) as run:
        pass
    version = store.version("deploy", 1)

    metadata = store.run(run.id).metadata
    assert (metadata["team"], metadata["host"]) == ("web", "build-7")
    assert metadata["source_file"] == os.path.abspath("deploy.sloth")
    assert version.description == "the first one"
    assert version.source_hash == metadata["source_hash"]
    assert version.source_hash is not None
    assert store.content(version.source_hash) == source
    assert version.values_hash is not None
    assert store.content(version.values_hash) == b'{"replicas":3}'


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        (ValueError("bad port"), "ValueError: bad port"),
        (TypeError(), "TypeError"),
        (ResourceNotFound("deploy", "file", "x"), "deploy has no resource file/x"),
        (
            OSError(f"cannot read {os.fsdecode(b'a' + bytes([255]))}"),
            "OSError: cannot read a\\udcff",
        ),
        (KeyboardInterrupt(), "interrupted by Ctrl-C"),
        (Interrupted("SIGTERM"), "interrupted by SIGTERM"),
        (SystemExit(3), "SystemExit: 3"),
        (SystemExit("no disk"), "SystemExit: no disk"),
        (GeneratorExit(), "GeneratorExit"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_an_exception_fails_the_run_and_goes_on_unchanged(
    store: Store, error: BaseException, kept: str
) -> None:
    execution = Execution(store, "deploy")

    def block() -> None:
        with execution as run:
            run.record("file", "app.conf")
            raise error

    with pytest.raises(type(error)) as raised:
        block()

    assert raised.value is error
    assert not hasattr(error, "__notes__")
    assert (error.__cause__, error.__context__) == (None, None)
    assert execution.finished is not None
    assert (execution.finished.status, execution.finished.error_msg) == (RunStatus.FAILED, kept)
    assert execution.finished == store.run(execution.finished.id)
    assert execution.finished.resource_count == 1
    assert store.locks() == []


@pytest.mark.parametrize("code", [None, 0])
def test_a_program_that_exits_with_success_has_a_successful_run(
    store: Store, code: int | None
) -> None:
    execution = Execution(store, "deploy")
    with pytest.raises(SystemExit), execution:
        raise SystemExit(code)

    assert execution.finished is not None
    assert (execution.finished.status, execution.finished.error_msg) == (RunStatus.SUCCESS, None)


@pytest.mark.parametrize("message", ["the disk is nearly full", ""])
def test_a_run_can_fail_without_an_exception(store: Store, message: str) -> None:
    execution = Execution(store, "deploy")
    with execution as run:
        run.fail(message)
        run.fail("and more")
        run.record("file", "app.conf")

    assert execution.finished is not None
    assert (execution.finished.status, execution.finished.error_msg) == (RunStatus.FAILED, message)


def test_an_exception_says_more_than_an_earlier_fail(store: Store) -> None:
    execution = Execution(store, "deploy")

    def block() -> None:
        with execution as run:
            run.fail("the disk is nearly full")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        block()

    assert execution.finished is not None
    assert execution.finished.error_msg == "interrupted by Ctrl-C"


# -- finalising that fails ---------------------------------------------------------------------


def test_a_run_that_cannot_be_finalised_is_an_error(store: Store) -> None:
    execution = Execution(store, "deploy")
    with pytest.raises(LockLost) as raised, execution:
        store.break_lock(LockScope.WORKFLOW, "deploy", "ops@desk")

    assert str(raised.value) == LOST
    assert execution.finished is None


def test_an_exception_is_not_hidden_by_finalising_that_fails(store: Store) -> None:
    execution = Execution(store, "deploy")
    error = ValueError("bad port")

    def block() -> None:
        with execution:
            store.break_lock(LockScope.WORKFLOW, "deploy", "ops@desk")
            raise error

    with pytest.raises(ValueError, match="bad port") as raised:
        block()

    assert raised.value is error
    assert error.__notes__ == [f"While the run was being finalised: {LOST}"]
    assert execution.finished is None


# -- locks -------------------------------------------------------------------------------------


def test_a_workflow_is_run_by_one_at_a_time(store: Store) -> None:
    with Execution(store, "deploy") as run:
        (lock,) = store.locks()
        with pytest.raises(LockHeld) as refused, Execution(store, "deploy"):
            pytest.fail("entered twice")
        assert lock.holder.run_id == run.id
        assert refused.value.lock == lock

    with Execution(store, "deploy") as later:
        assert later.version == 2


def test_a_name_that_is_none_is_said_to_be_the_workflows(store: Store) -> None:
    too_long = "the workflow's name has 201 characters, and the most is 200"
    with pytest.raises(InvalidValue, match=too_long), Execution(store, "x" * 201):
        pass
    assert store.locks() == []


def test_executions_of_different_workflows_nest(store: Store) -> None:
    outer, inner = Execution(store, "outer"), Execution(store, "inner")

    def inner_block() -> None:
        with inner as run:
            run.record("file", "b")
            raise ValueError("only the inner one")

    with outer as run:
        with pytest.raises(ValueError, match="only the inner one"):
            inner_block()
        run.record("file", "a")

    assert outer.finished is not None
    assert inner.finished is not None
    assert (outer.finished.status, inner.finished.status) == (RunStatus.SUCCESS, RunStatus.FAILED)
    assert [each.name for each in store.resources("outer")] == ["a"]
    assert [each.name for each in store.resources("inner")] == ["b"]


def test_waiting_for_the_lock_ends_with_it(store: Store) -> None:
    other = Execution(store, "deploy", lease=timedelta(seconds=0.3))
    other.__enter__()
    told: list[LockHeld] = []

    def leave_the_other(held: LockHeld) -> None:
        told.append(held)
        other.__exit__(None, None, None)

    with Execution(
        store, "deploy", lock_timeout=timedelta(seconds=5), on_waiting=leave_the_other
    ) as run:
        assert run.version == 2
    assert len(told) == 1


def test_a_process_keeps_its_run_beyond_the_lease(store: Store) -> None:
    execution = Execution(store, "deploy", lease=timedelta(seconds=0.6))
    with execution as run:
        time.sleep(1.2)
        run.record("file", "app.conf")

    assert execution.finished is not None
    assert execution.finished.status is RunStatus.SUCCESS


def test_a_lock_that_the_heartbeat_lost_stops_all_writing(store: Store) -> None:
    execution = Execution(store, "deploy", lease=timedelta(seconds=0.2))
    run = execution.__enter__()
    store.break_lock(LockScope.WORKFLOW, "deploy", "ops@desk")
    time.sleep(0.2)
    with pytest.raises(LockLost) as refused:
        run.record("file", "app.conf")
    with pytest.raises(LockLost):
        execution.__exit__(None, None, None)

    assert str(refused.value) == LOST
    assert store.resources("deploy") == []


def test_a_lock_known_as_lost_is_not_tried_at_the_store(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    execution = Execution(store, "deploy", lease=timedelta(seconds=0.2))
    run = execution.__enter__()
    store.break_lock(LockScope.WORKFLOW, "deploy", "ops@desk")
    tried: list[str] = []
    monkeypatch.setattr(type(store), "set_output", lambda *arguments: tried.append("set_output"))

    def write_until_it_is_known() -> None:
        for _ in range(100):
            tried.clear()
            run.set_output("url", "https://example.org")
            time.sleep(0.02)

    with pytest.raises(LockLost):
        write_until_it_is_known()
    with pytest.raises(LockLost):
        execution.__exit__(None, None, None)

    assert tried == []


def test_no_thread_is_left_behind(store: Store) -> None:
    with Execution(store, "deploy"):
        inside = [thread.name for thread in threading.enumerate()]
    after = [thread.name for thread in threading.enumerate()]

    assert "heartbeat" in inside
    assert "heartbeat" not in after


# -- entering ----------------------------------------------------------------------------------


def test_an_execution_is_entered_once(store: Store) -> None:
    execution = Execution(store, "deploy")
    with execution:
        pass

    with pytest.raises(UsageError) as refused, execution:
        pytest.fail("entered twice")
    assert str(refused.value) == "an Execution can be entered only once; make another one"
    assert len(store.runs()) == 1


def test_entering_again_inside_leaves_the_run_alone(store: Store) -> None:
    execution = Execution(store, "deploy")
    with execution as run:
        with pytest.raises(UsageError):
            execution.__enter__()
        run.record("file", "app.conf")

    assert execution.finished is not None
    assert execution.finished.status is RunStatus.SUCCESS


@pytest.mark.parametrize(
    "begin",
    [
        lambda store: Execution(store, ""),
        lambda store: Execution(store, "deploy", values=float("nan")),
        lambda store: Execution(store, "deploy", lease=timedelta(0)),
    ],
    ids=["name", "values", "lease"],
)
def test_a_run_that_cannot_begin_leaves_no_lock(
    store: Store, begin: Callable[[Store], Execution]
) -> None:
    execution = begin(store)
    with pytest.raises(InvalidValue):
        execution.__enter__()

    assert (store.locks(), store.runs(), execution.finished) == ([], [], None)
