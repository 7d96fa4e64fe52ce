"""`state workflow audit` shows who did what to the state beside what runs do."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sloth_state.model import Output, Run
from sloth_state.store import Store

Sloth = Callable[..., Any]
AUDIT = ("state", "workflow", "audit")


def test_the_audit_trail_says_who_did_what_newest_first(
    sloth: Sloth, store: Store, finished_run: Callable[..., Run]
) -> None:
    run = finished_run("web", outputs=[Output("key", "s3cret", sensitive=True)])
    finished_run("db")
    workflow = ("state", "workflow")
    assert sloth(*workflow, "tags", "add", "web", "good")[0] == 0
    assert sloth(*workflow, "outputs", "web", "key", "--show-sensitive")[0] == 0
    assert sloth(*workflow, "delete", "db", "--force")[0] == 0

    code, out, _ = sloth(*AUDIT)
    _, printed, _ = sloth(*AUDIT, "-o", "json")
    _, of_one, _ = sloth(*AUDIT, "web", "--limit", "1")
    _, all_of_one, _ = sloth(*AUDIT, "web", "--limit", "2")
    _, of_the_deleted, _ = sloth(*AUDIT, "db", "-o", "json")

    entries = json.loads(printed)
    assert code == 0
    assert out.splitlines()[0].split() == ["AT", "ACTOR", "ACTION", "WORKFLOW", "DETAIL"]
    assert out.splitlines()[-1] == "3 actions"
    assert [(each["action"], each["workflow"]) for each in entries] == [
        ("delete", "db"),
        ("read sensitive outputs", "web"),
        ("tag", "web"),
    ]
    assert entries[2]["detail"] == f"{run.id}: good"
    assert set(entries[0]) == {"at", "actor", "action", "workflow", "detail"}
    assert "read sensitive outputs" in of_one
    assert of_one.splitlines()[-1] == "1 action; --limit shows more"
    assert all_of_one.splitlines()[-1] == "2 actions"
    assert [each["action"] for each in json.loads(of_the_deleted)] == ["delete"]


def test_the_audit_trail_of_a_workflow_that_never_was_names_the_nearest(
    sloth: Sloth, finished_run: Callable[..., Run]
) -> None:
    finished_run("web")
    assert sloth(*AUDIT, "web")[1] == "0 actions\n"
    code, _, err = sloth(*AUDIT, "wep")
    assert code == 3
    assert "'wep'" in err
    assert "web" in err.splitlines()[-1]
