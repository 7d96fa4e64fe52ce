"""`state workflow prune` says which versions go, asks, and drops them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from sloth_state.cli.prune import ranges
from sloth_state.leases import acquire
from sloth_state.model import LockScope, Output, ResourceDraft, Run, RunStatus
from sloth_state.store import Store

Sloth = Callable[..., Any]
PRUNE = ("state", "workflow", "prune")


@pytest.fixture
def five(store: Store, finished_run: Callable[..., Run]) -> Store:
    """Five versions of `web`, the second tagged, and one of `db`."""
    for number in range(1, 6):
        draft = ResourceDraft("file", "motd", {"content": number})
        finished_run("web", resources=[draft], outputs=[Output("number", number)])
    store.add_tags(store.version("web", 2).run_id, ["stable"], "ada")
    finished_run("db")
    return store


def versions(store: Store, name: str = "web") -> list[int]:
    return [version.version for version in store.versions(name)]


def test_old_versions_go_and_the_others_show_what_they_showed(five: Store, sloth: Sloth) -> None:
    showing = [("show", "web@2"), ("show", "web"), ("outputs", "web@4"), ("diff", "web", "2", "5")]
    shown = [sloth("state", "workflow", *command) for command in showing]

    code, out, err = sloth(*PRUNE, "web", "--keep", "2", "--force")

    assert (code, err) == (0, "")
    assert out == (
        "web: dropped: 1, 3; 3 versions kept\n  2 stays: tagged stable\n2 versions dropped\n"
    )
    assert versions(five) == [5, 4, 2]
    assert [sloth("state", "workflow", *command) for command in showing] == shown
    assert sloth("state", "workflow", "verify").code == 0
    back = sloth("state", "workflow", "rollback", "web", "2", "--state-only", "--force")
    assert back.code == 0
    resource = five.resource("web", "file", "motd")
    assert resource is not None
    assert resource.attributes == {"content": 2}
    assert sloth("state", "workflow", "verify").code == 0


def test_a_version_whose_predecessor_was_pruned_is_compared_with_the_one_before_that(
    five: Store, sloth: Sloth
) -> None:
    sloth(*PRUNE, "web", "--keep", "2", "--force")
    assert versions(five) == [5, 4, 2]
    diff = "state", "workflow", "diff", "web@4"
    assert sloth(*diff) == sloth("state", "workflow", "diff", "web", "2", "4")
    assert sloth(*diff).out.startswith("--- web@2 ")
    five.remove_tags(five.version("web", 2).run_id, ["stable"], "ada")
    sloth(*PRUNE, "web", "--keep", "2", "--force")
    assert versions(five) == [5, 4]
    assert sloth(*diff) == (
        3,
        "",
        "Error: version 4 of web is the first that is kept; those before it were pruned\n"
        "Hint: List its versions with: sloth-runner state workflow versions web\n",
    )


def test_a_dry_run_drops_nothing(five: Store, sloth: Sloth) -> None:
    code, out, err = sloth(*PRUNE, "--keep", "3", "--dry-run", "-o", "json")

    assert (code, err) == (0, "")
    assert json.loads(out) == [
        {"workflow": "db", "dropped": [], "kept": 1, "spared": {}},
        {"workflow": "web", "dropped": [1], "kept": 4, "spared": {"2": "tagged stable"}},
    ]
    assert versions(five) == [5, 4, 3, 2, 1]


def test_age_alone_decides_too(five: Store, sloth: Sloth, finished_run: Any, clock: Any) -> None:
    clock.forward(40 * 365 * 86400)  # the clock of the store is ahead of that of the command
    finished_run("web")

    assert sloth(*PRUNE, "--older-than", "99999w", "--force").out == (
        "No version is old enough to go\n"
    )
    assert sloth(*PRUNE, "web", "--older-than", "1m", "--force").code == 0
    assert versions(five) == [6, 2]


def test_it_asks_and_where_nobody_can_answer_it_refuses(five: Store, sloth: Sloth) -> None:
    code, out, err = sloth(*PRUNE, "--keep", "1")

    assert (code, out) == (2, "")
    assert err == (
        "Error: dropping versions needs a confirmation, and there is no terminal to ask at\n"
        "Hint: Add --force to do it without being asked.\n"
    )
    assert versions(five) == [5, 4, 3, 2, 1]


def test_a_locked_workflow_is_left_alone(five: Store, sloth: Sloth, finished_run: Any) -> None:
    finished_run("db")
    lock = acquire(five, LockScope.WORKFLOW, "web", lease=timedelta(days=9999))

    alone = sloth(*PRUNE, "web", "--keep", "1", "--force")
    every = sloth(*PRUNE, "--keep", "1", "--force")

    assert (alone.code, alone.out) == (4, "")
    assert (every.code, every.out) == (
        0,
        "db: dropped: 1; 1 version kept\n1 version dropped\n",
    )
    assert every.err.startswith("Note: web is locked by ")
    assert every.err.endswith("; nothing of it goes\n")
    assert (versions(five), versions(five, "db")) == ([5, 4, 3, 2, 1], [2])
    five.release_lock(lock)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "say what may go, with --keep or --older-than or both"),
        (("--older-than", "old"), 2, "'old' is no age"),
        (("web@2", "--keep", "1"), 2, "web@2 is one version"),
        (("wbe", "--keep", "1"), 3, "no workflow or run is called 'wbe'"),
    ],
)
def test_wrong_use_is_said(
    five: Store, sloth: Sloth, arguments: tuple[str, ...], code: int, message: str
) -> None:
    result = sloth(*PRUNE, *arguments, "--force")
    assert (result.code, result.out) == (code, "")
    assert result.err.splitlines()[0] == f"Error: {message}"


def test_the_last_success_stays_behind_failures(
    store: Store, sloth: Sloth, finished_run: Callable[..., Run]
) -> None:
    finished_run("web")
    for _ in range(3):
        finished_run("web", status=RunStatus.FAILED, error="no")

    assert sloth(*PRUNE, "web", "--keep", "1", "--force").out == (
        "web: dropped: 2-3; 2 versions kept\n  1 stays: the last that succeeded\n"
        "2 versions dropped\n"
    )


def test_runs_of_numbers_are_short() -> None:
    assert ranges([1, 2, 3, 5, 7, 8]) == "1-3, 5, 7-8"
