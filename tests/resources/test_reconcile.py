"""`reconcile`: put back what drifted from the newest version."""

from __future__ import annotations

import json
from typing import Any

THREE = (
    'local a = resource.thing{ name = "a", id = "a", size = 1 }',
    'resource.thing{ name = "b", id = "b", size = 1, depends_on = a }',
    'resource.thing{ name = "c", id = "c" }',
)


def drifted(things: Any) -> dict[str, Any]:
    """A world in which a is gone and b differs; what it was before."""
    things.declares(*THREE)
    world: dict[str, Any] = things.world
    things.set("b", size=2)
    things.remove("a")
    things.calls()
    return world


PLAN = """Reconcile w with v1

  ~ thing/b
      size: 2 → 1
  + thing/a

1 to create, 1 to update, 0 to delete, 1 unchanged
"""


def sorted_lines(text: str) -> list[str]:
    return sorted(text.splitlines())


def test_it_shows_what_it_would_do_and_does_it_only_if_told(things: Any) -> None:
    world = drifted(things)
    now = things.world
    assert sorted_lines(things.workflow("reconcile", "w", "--dry-run").out) == sorted_lines(PLAN)
    refused = things.workflow("reconcile", "w")
    assert refused.code == 2
    assert "reconciling w" in refused.err
    code, shown = things.at_a_terminal("n\n", "state", "workflow", "reconcile", "w")
    assert code == 1
    assert "size: 2 → 1" in shown
    assert (things.world, things.calls()) == (now, [])
    code, _ = things.at_a_terminal("y\n", "state", "workflow", "reconcile", "w")
    assert code == 0
    assert things.world == world
    assert things.calls() == ["create a", "update b"]
    assert things.versions() == [
        (2, "success", "reconciled with v1: 2 put back"),
        (1, "success", ""),
    ]


def test_where_nothing_drifted_no_version_is_made(things: Any) -> None:
    things.declares(*THREE)
    assert things.ok("state", "workflow", "reconcile", "w", "--force") == (
        "Reconcile w with v1\nNothing to do: 3 resources as they shall be\n"
    )
    assert [version for version, *_ in things.versions()] == [1]


def test_as_json(things: Any) -> None:
    drifted(things)
    plan = things.json("reconcile", "w", "--dry-run", "--target", "thing/b")
    step = {
        "type": "thing",
        "name": "b",
        "action": "update",
        "differences": [{"path": "size", "before": 2, "after": 1, "sensitive": False}],
        "record_only": False,
        "irreversible": None,
    }
    assert plan == {
        "workflow": "w",
        "from": 1,
        "to": 1,
        "steps": [step],
        "unchanged": 0,
        "unreadable": [],
    }
    result = things.workflow("reconcile", "w", "--force", "--target", "thing/b", "-o", "json")
    assert json.loads(result.out) == {**plan, "version": 2, "status": "success"}
    assert sorted(things.world) == ["b", "c"]


def test_only_the_newest_version_can_be_reconciled(things: Any) -> None:
    things.declares(*THREE)
    things.declares(THREE[0])
    result = things.workflow("reconcile", "w@1", "--force")
    assert result.code == 2
    assert result.err == (
        "Error: w is at version 2, and only that can be reconciled\n"
        "Hint: To go back to version 1: sloth-runner state workflow rollback w 1\n"
    )


def test_what_is_ignored_and_what_cannot_be_read_stays(things: Any) -> None:
    declare = (
        'resource.thing{ name = "a", id = "a", size = 1, unreadable = 1, replicas = 1, '
        'labels = { a = 1, b = 1 }, ignore = { "replicas", "labels.b" } }'
    )
    things.declares(declare)
    things.set("a", size=2, unreadable=2, replicas=7, labels={"a": 1, "b": 7})
    things.ok("state", "workflow", "reconcile", "w", "--force")
    assert things.world == {
        "a": {"id": "a", "size": 1, "unreadable": 1, "replicas": 7, "labels": {"a": 1, "b": 7}}
    }
    assert things.workflow("drift", "w", "--exit-code").code == 0


def test_if_something_cannot_be_read_nothing_is_done(things: Any) -> None:
    drifted(things)
    (things.folder / "world/c").write_text("no JSON")
    result = things.workflow("reconcile", "w", "--force")
    assert result.code == 1
    assert "thing/c cannot be read, so nothing was changed" in result.err
    assert things.calls() == []
    assert [version for version, *_ in things.versions()] == [1]
    things.ok("state", "workflow", "reconcile", "w", "--force", "--target", "thing/a")
    assert things.calls() == ["create a"]


def test_after_a_failure_it_can_be_done_again(things: Any) -> None:
    world = drifted(things)
    (things.folder / "world").chmod(0o755)
    (things.folder / "world/a").mkdir()  # so it can be neither read nor written
    assert things.workflow("reconcile", "w", "--force").code == 1
    (things.folder / "world/a").rmdir()
    things.ok("state", "workflow", "reconcile", "w", "--force")
    assert things.world == world


def test_a_rollback_that_failed_half_way_is_no_version_to_reconcile_with(things: Any) -> None:
    things.declares('resource.thing{ name = "a", id = "a", size = 1 }')
    things.declares('resource.thing{ name = "b", id = "b", clings = true }')
    things.script()
    things.remove("a")
    assert things.workflow("rollback", "w", "1", "--force").code == 1
    result = things.workflow("reconcile", "w", "--force")
    assert result.code == 2
    assert result.err == (
        "Error: version 3 of w is a rollback that failed half-way\n"
        "Hint: Finish it: sloth-runner state workflow rollback w --resume\n"
    )
