"""`state workflow verify` finds damage and says so with exit code 6."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

from sloth_state.leases import acquire
from sloth_state.model import LockScope, NewOperation, NewRun, ResourceDraft, Run, RunStatus
from sloth_state.open import open_store

Sloth = Callable[..., Any]

VERIFY = ("state", "workflow", "verify")


@pytest.fixture(autouse=True)
def recorded(finished_run: Callable[..., Run]) -> None:
    finished_run("web", resources=[ResourceDraft("file", "a", {"mode": "0644"})])


def _damage(path: Path) -> None:
    database = apsw.Connection(str(path))
    database.execute('UPDATE workflow_resources SET attributes = \'{"mode":"0777"}\'')
    database.close()


def test_a_sound_store_is_ok(sloth: Sloth, store_path: Path) -> None:
    url = f"sqlite:///{store_path}"

    assert sloth(*VERIFY) == (0, f"OK: nothing is wrong with {url}\n", "")
    code, out, err = sloth(*VERIFY, "-o", "json")
    assert (code, err) == (0, "")
    assert json.loads(out) == {"ok": True, "url": url, "problems": [], "unsettled": {}}


def test_changed_bytes_are_a_table_of_problems(sloth: Sloth, store_path: Path) -> None:
    _damage(store_path)

    code, out, err = sloth(*VERIFY)
    json_code, json_out, json_err = sloth(*VERIFY, "-o", "json")

    assert (code, err, json_code, json_err) == (6, "", 6, "")
    shown = json.loads(json_out)
    assert shown["ok"] is False
    problems = shown["problems"]
    heading, *rows, empty, footer = out.splitlines()
    assert heading.split() == ["PLACE", "PROBLEM"]
    assert [row.split(maxsplit=1)[1].strip() for row in rows] != []
    assert len(rows) == len(problems) >= 1
    for row, problem in zip(rows, problems, strict=True):
        assert row.startswith(problem["place"])
        assert row.endswith(problem["what"])
    assert (empty, footer.split(" in ")[1]) == ("", f"sqlite:///{store_path}")


def test_verify_changes_nothing_not_even_a_dead_run(sloth: Sloth, dead_holder: Any) -> None:
    with open_store(None) as store:
        lock = acquire(store, LockScope.WORKFLOW, "late", holder=dead_holder)
        run = store.begin_run(NewRun("late", {}), lock)

        assert sloth(*VERIFY).err == ""
        assert store.run(run.id).status is RunStatus.RUNNING


def test_what_killed_runs_left_half_done_is_no_damage_and_is_said(
    sloth: Sloth, finished_run: Callable[..., Run]
) -> None:
    with open_store(None) as store:
        lock = acquire(store, LockScope.WORKFLOW, "late")
        run = store.begin_run(NewRun("late", {}), lock)
        operation = NewOperation("create", "file", "a", None, None, None, {}, {})
        store.begin_operation(run.id, operation, lock)
        store.finish_run(run.id, RunStatus.FAILED, lock)
        store.release_lock(lock)

    code, out, err = sloth(*VERIFY)

    assert (code, out[:3]) == (0, "OK:")
    assert err == (
        "Note: killed runs of late left 1 operation half-done; "
        "settle that with: sloth-runner state workflow recover late\n"
    )
    assert json.loads(sloth(*VERIFY, "-o", "json").out)["unsettled"] == {"late": 1}


@pytest.mark.parametrize("command", ["verify", "list"])
def test_a_file_that_is_no_store_exits_with_6(sloth: Sloth, tmp_path: Path, command: str) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a database")

    code, out, err = sloth("state", "workflow", command, "--state", str(text), "-o", "json")

    assert (code, out) == (6, "")
    error = json.loads(err)["error"]
    assert (error["code"], error["exit_code"]) == ("store_foreign", 6)


@pytest.mark.parametrize(
    ("size", "hint"),
    [
        (50, "Hint: Bring back a backup with: sloth-runner state workflow restore FILE\n"),
        (8192, "Hint: See what can be mended with: sloth-runner state workflow repair --dry-run. "),
    ],
)
def test_a_store_that_was_cut_off_is_told_with_what_can_still_be_done(
    sloth: Sloth, store_path: Path, size: int, hint: str
) -> None:
    os.truncate(store_path, size)

    code, out, err = sloth("state", "workflow", "list")

    assert (code, out) == (6, "")
    assert hint in err
