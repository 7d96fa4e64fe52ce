"""`state workflow delete` forgets a whole workflow, after asking."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sloth_state.leases import acquire
from sloth_state.model import LockScope, ResourceDraft, Run
from sloth_state.store import Store

Record = Callable[..., Run]
Sloth = Callable[..., Any]

DELETE = ("state", "workflow", "delete")


def test_force_deletes_a_workflow_and_nothing_else(
    sloth: Sloth, store: Store, finished_run: Record
) -> None:
    finished_run("old", resources=[ResourceDraft("file", "a", {})])
    finished_run("old")
    finished_run("kept")

    assert sloth(*DELETE, "old", "--force") == (0, "Deleted old: 2 versions, 1 resource\n", "")
    assert store.workflow_names() == ["kept"]
    entry = store.audit_trail()[0]
    assert (entry.action, entry.workflow) == ("delete", "old")


def test_json_says_what_went(sloth: Sloth, finished_run: Record) -> None:
    finished_run("old")

    code, out, err = sloth(*DELETE, "old", "--force", "-o", "json")

    assert (code, err) == (0, "")
    assert json.loads(out) == {"name": "old", "versions": 1, "resources": 0}


def test_without_a_terminal_and_without_force_nothing_is_deleted(
    sloth: Sloth, store: Store, finished_run: Record
) -> None:
    finished_run("old")

    assert sloth(*DELETE, "old") == (
        2,
        "",
        "Error: deleting old needs a confirmation, and there is no terminal to ask at\n"
        "Hint: Add --force to do it without being asked.\n",
    )
    assert store.workflow_names() == ["old"]


def test_one_version_cannot_be_deleted(sloth: Sloth, store: Store, finished_run: Record) -> None:
    run = finished_run("old")
    hint = "Hint: Delete all of it with: sloth-runner state workflow delete old\n"

    for ref in ("old@1", "old-v1", run.id, run.id[:4]):
        assert sloth(*DELETE, ref, "--force") == (
            2,
            "",
            f"Error: {ref} is one version of old, and only a whole workflow can be deleted\n{hint}",
        )
    assert store.workflow_names() == ["old"]


def test_an_unknown_workflow_is_not_found(sloth: Sloth, finished_run: Record) -> None:
    finished_run("deploy-prod")

    assert sloth(*DELETE, "deploy-prd", "--force") == (
        3,
        "",
        "Error: no workflow or run is called 'deploy-prd'\nHint: Did you mean deploy-prod?\n",
    )


def test_a_workflow_that_somebody_works_on_is_not_deleted(
    sloth: Sloth, store: Store, finished_run: Record, clock: Any
) -> None:
    finished_run("busy")
    lock = acquire(store, LockScope.WORKFLOW, "busy", lease=timedelta(days=100_000))

    assert sloth(*DELETE, "busy", "--force") == (
        4,
        "",
        f"Error: busy is locked by {lock.holder} since 2026-03-01 14:01:00\n"
        "Hint: Try again later. See who holds what with: "
        "sloth-runner state workflow locks\n",
    )
    assert store.workflow_names() == ["busy"]


def test_the_lock_of_a_dead_process_does_not_keep_a_workflow(
    sloth: Sloth, store: Store, finished_run: Record, dead_holder: Any
) -> None:
    finished_run("abandoned")
    acquire(
        store,
        LockScope.WORKFLOW,
        "abandoned",
        holder=dead_holder,
        lease=timedelta(days=100_000),
    )

    assert sloth(*DELETE, "abandoned", "--force").code == 0
    assert store.workflow_names() == []
    assert [entry.action for entry in store.audit_trail()] == ["delete", "break lock"]
