"""`state workflow list` shows runs, newest first, and how many there are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sloth_state.cli import list_runs
from sloth_state.leases import acquire
from sloth_state.model import LockScope, NewRun, ResourceDraft, Run, RunStatus
from sloth_state.open import open_store

Record = Callable[..., Run]
Sloth = Callable[..., Any]


def test_runs_are_listed_newest_first_in_local_time(sloth: Sloth, finished_run: Record) -> None:
    finished_run("deploy-prod", resources=[ResourceDraft("file", "a", {})], seconds=0.25)
    finished_run("deploy-prod", status=RunStatus.FAILED, seconds=59.96)
    finished_run("nightly", status=RunStatus.ROLLED_BACK)

    assert sloth("state", "workflow", "list") == (
        0,
        "NAME         VERSION  STATUS       STARTED              DURATION  RESOURCES\n"
        "nightly      1        rolled_back  2026-03-01 14:02:00  1.2s      0\n"
        "deploy-prod  2        failed       2026-03-01 14:01:00  1m 00s    1\n"
        "deploy-prod  1        success      2026-03-01 14:00:00  0.2s      1\n"
        "\n"
        "3 runs\n",
        "",
    )


def test_json_is_an_array_of_runs_in_utc(sloth: Sloth, finished_run: Record) -> None:
    finished_run(
        "deploy-prod", metadata={"commit": "a1b2"}, status=RunStatus.FAILED, error="no such image"
    )

    code, out, err = sloth("state", "workflow", "list", "-o", "json")

    assert (code, err) == (0, "")
    assert json.loads(out) == [
        {
            "id": "a00000000001",
            "name": "deploy-prod",
            "version": 1,
            "status": "failed",
            "started_at": "2026-03-01T12:00:00Z",
            "completed_at": "2026-03-01T12:00:01.200000Z",
            "duration_seconds": 1.2,
            "metadata": {"commit": "a1b2"},
            "error_msg": "no such image",
            "locked_by": None,
            "resource_count": 0,
        }
    ]


def test_a_running_run_has_no_duration_yet(sloth: Sloth, store_path: Path) -> None:
    with open_store(None) as store:
        lock = acquire(store, LockScope.WORKFLOW, "deploy-prod")
        store.begin_run(NewRun("deploy-prod", {}), lock)

    code, out, err = sloth("state", "workflow", "list")

    assert (code, err) == (0, "")
    name, version, status, *_, duration, resources = out.splitlines()[1].split()
    assert (name, version, status, duration, resources) == (
        "deploy-prod",
        "1",
        "running",
        "-",
        "0",
    )


def test_each_filter_leaves_what_it_says(sloth: Sloth, finished_run: Record) -> None:
    first = finished_run("deploy-prod")
    finished_run("deploy-prod", status=RunStatus.FAILED)
    finished_run("nightly")
    sloth("state", "workflow", "tags", "add", first.id, "stable")

    def listed(*filters: str) -> list[tuple[str, int]]:
        _, out, _ = sloth("state", "workflow", "list", "-o", "json", *filters)
        return [(run["name"], run["version"]) for run in json.loads(out)]

    assert listed("--name", "deploy-prod") == [("deploy-prod", 2), ("deploy-prod", 1)]
    assert listed("--status", "failed") == [("deploy-prod", 2)]
    assert listed("--tag", "stable") == [("deploy-prod", 1)]
    assert listed("--latest") == [("nightly", 1), ("deploy-prod", 2)]
    assert listed("--latest", "--status", "success") == [("nightly", 1)]
    assert listed("--limit", "1") == [("nightly", 1)]
    assert listed("--name", "nobody") == []


def test_a_limit_says_how_many_there_are(sloth: Sloth, finished_run: Record) -> None:
    for _ in range(3):
        finished_run("nightly")

    _, limited, _ = sloth("state", "workflow", "list", "--limit", "2")
    _, exact, _ = sloth("state", "workflow", "list", "--limit", "3")
    _, unlimited, _ = sloth("state", "workflow", "list", "--limit", "0")

    assert limited.splitlines()[-1] == "2 of 3 runs; --limit shows more"
    assert exact.splitlines()[-1] == "3 runs"
    assert unlimited.splitlines()[-1] == "3 runs"


def test_very_many_are_not_counted(
    sloth: Sloth, finished_run: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_runs, "MOST_COUNTED", 3)
    for _ in range(4):
        finished_run("nightly")

    _, out, _ = sloth("state", "workflow", "list", "--limit", "2")

    assert out.splitlines()[-1] == "2 of more than 3 runs; --limit shows more"


def test_fifty_are_listed_by_default(sloth: Sloth, finished_run: Record) -> None:
    for _ in range(51):
        finished_run("nightly")

    _, out, _ = sloth("state", "workflow", "list")

    assert len(out.splitlines()) == 53
    assert out.splitlines()[-1] == "50 of 51 runs; --limit shows more"


def test_on_a_new_machine_there_is_nothing(sloth: Sloth, tmp_path: Path) -> None:
    assert sloth("state", "workflow", "list") == (0, "0 runs\n", "")
    assert sloth("state", "workflow", "list", "-o", "json") == (0, "[]\n", "")
    assert (tmp_path / "home" / ".sloth-runner" / "state.db").exists()


def test_a_store_that_was_named_has_to_exist(sloth: Sloth, tmp_path: Path) -> None:
    missing = tmp_path / "misspelt.db"

    assert sloth("state", "workflow", "list", "--state", f"sqlite:///{missing}") == (
        6,
        "",
        f"Error: the state store {missing} does not exist\n"
        "Hint: Run a workflow first, or name another store with --state\n",
    )
    assert not missing.exists()


def test_the_store_can_be_named_before_and_after_the_command(
    sloth: Sloth, finished_run: Record, store_path: Path, tmp_path: Path
) -> None:
    finished_run("nightly")
    other = f"sqlite:///{tmp_path}/other.db"
    open_store(other).close()

    assert sloth("--state", other, "state", "workflow", "list").out == "0 runs\n"
    assert sloth("state", "workflow", "list", "--state", other).out == "0 runs\n"
    nearer = sloth("--state", other, "state", "workflow", "list", "--state", str(store_path))
    assert nearer[1].splitlines()[-1] == "1 run"
