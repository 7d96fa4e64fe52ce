"""`state workflow mv` and `rm`: changes of the records by hand, each a version that can be undone."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sloth_runner import Execution
from sloth_state.leases import acquire
from sloth_state.model import (
    Action,
    Holder,
    LockScope,
    NewOperation,
    NewRun,
    Output,
    ResourceDraft,
    Run,
    RunStatus,
)
from sloth_state.store import Store

Sloth = Callable[..., Any]

CONTENT = b"hello\n"
CONTENT_HASH = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"


def declared(name: str, **declaration: Any) -> ResourceDraft:
    about = {"depends_on": [], "task": "t", "key": f"/srv/{name}", "memory": {}, **declaration}
    return ResourceDraft(
        "file", name, {"path": f"/srv/{name}", "content_sha256": CONTENT_HASH}, declaration=about
    )


@pytest.fixture
def web(finished_run: Callable[..., Run]) -> Run:
    """A workflow with `app`, and with `conf`, which depends on it."""
    return finished_run(
        "web",
        resources=[declared("app"), declared("conf", depends_on=["file/app", "file/zone"])],
        contents=[CONTENT],
        outputs=[Output("url", "http://web"), Output("key", "s3cret", sensitive=True)],
    )


def live(store: Store, workflow: str, version: int | None = None) -> dict[str, str]:
    """Names and ids of what a workflow has."""
    return {
        each.name: each.id
        for each in store.resources(workflow, version=version)
        if each.action is not Action.DELETE
    }


def depends_on(store: Store, workflow: str, name: str) -> object:
    resource = store.resource(workflow, "file", name)
    assert resource is not None
    return (resource.declaration or {})["depends_on"]


def test_a_renamed_resource_keeps_its_id_and_all_that_is_known_of_it(
    web: Run, store: Store, sloth: Sloth
) -> None:
    before = store.resource("web", "file", "app")
    assert before is not None

    code, out, err = sloth("state", "workflow", "mv", "web", "file/app", "application")

    assert (code, err) == (0, "")
    assert out == (
        "Moved file/app to file/application in web\n"
        "Recorded as version 2 of web; undo it with: "
        "sloth-runner state workflow rollback web 1 --state-only\n"
    )
    after = store.resource("web", "file", "application")
    assert after == before._replace(name="application", updated_at=after.updated_at if after else 0)
    assert depends_on(store, "web", "conf") == ["file/application", "file/zone"]
    version = store.version("web", 2)
    assert version.description == "moved file/app to file/application"
    assert (version.status, version.changes[:3]) == (RunStatus.SUCCESS, (1, 1, 1))
    assert store.outputs(version.run_id) == store.outputs(web.id)
    (entry,) = store.audit_trail("web")
    assert (entry.action, entry.detail) == ("mv", "file/app to file/application")
    assert store.verify() == []


def test_a_rename_is_undone_by_a_rollback_of_the_state(
    web: Run, store: Store, sloth: Sloth
) -> None:
    then = {each.name: each for each in store.resources("web")}
    sloth("state", "workflow", "mv", "web", "file/app", "file/application")

    code, _, err = sloth("state", "workflow", "rollback", "web", "1", "--state-only", "--force")

    assert (code, err) == (0, "  + file/app\n  - file/application\n  ~ file/conf\n")
    now = {each.name: each for each in store.resources("web") if each.action is not Action.DELETE}
    assert now.keys() == then.keys()
    for name, resource in now.items():
        assert (resource.id, resource.attributes, resource.declaration) == (
            then[name].id,
            then[name].attributes,
            then[name].declaration,
        )
    assert store.verify() == []


def test_a_version_by_hand_of_runs_without_a_file_names_none(store: Store, sloth: Sloth) -> None:
    for size in (1, 2):
        with Execution(store, "web") as run:
            run.record("disk", "a", {"size": size})
    command = ("state", "workflow", "rollback", "web", "1", "--force")
    assert sloth(*command).code == 0
    metadata = store.runs(limit=1)[0].metadata
    assert "source_file" not in metadata
    assert store.resources("web")[0].attributes == {"size": 1}


def test_a_name_that_was_there_before_keeps_the_id_it_had(
    store: Store, sloth: Sloth, finished_run: Callable[..., Run]
) -> None:
    drafts = [ResourceDraft("file", "a", {"n": 1}), ResourceDraft("file", "b", {"n": 2})]
    finished_run("web", resources=drafts)
    first = live(store, "web")
    finished_run("web", removed=[("file", "b")])

    assert sloth("state", "workflow", "mv", "web", "file/a", "b").code == 0

    assert live(store, "web") == {"b": first["b"]}
    moved = store.resource("web", "file", "b")
    assert moved is not None
    assert moved.attributes == {"n": 1}
    assert store.verify() == []


def test_a_resource_moves_to_another_workflow_in_one_version_of_each(
    web: Run, store: Store, sloth: Sloth, finished_run: Callable[..., Run]
) -> None:
    finished_run("edge", outputs=[Output("zone", "eu")])
    id = live(store, "web")["app"]

    code, out, err = sloth(
        "state", "workflow", "mv", "web", "file/app", "main", "--to-workflow", "edge", "-o", "json"
    )

    assert (code, err) == (0, "")
    assert json.loads(out) == {
        "workflow": "web",
        "id": id,
        "type": "file",
        "name": "app",
        "to_workflow": "edge",
        "new_name": "main",
        "versions": {"web": 2, "edge": 2},
    }
    assert live(store, "web").keys() == {"conf"}
    assert live(store, "edge") == {"main": id}
    descriptions = [store.version(name, 2).description for name in ("web", "edge")]
    assert descriptions == [
        "moved file/app to edge as file/main",
        "took file/main over from web, where it was file/app",
    ]
    assert store.outputs(store.version("edge", 2).run_id)["zone"].value == "eu"
    store.delete_workflow("web", "ada")
    assert store.content(CONTENT_HASH) == CONTENT
    assert store.verify() == []


def test_a_move_may_begin_a_workflow(web: Run, store: Store, sloth: Sloth) -> None:
    moving = ("state", "workflow", "mv", "web", "file/app", "app", "--to-workflow", "apps")

    assert sloth(*moving, "--dry-run").out == (
        "Would move file/app to file/app from web to apps, which is new\n"
    )
    assert store.workflow_names() == ["web"]
    assert sloth(*moving).out == (
        "Moved file/app to file/app from web to apps, which is new\n"
        "Recorded as version 2 of web; undo it with: "
        "sloth-runner state workflow rollback web 1 --state-only\n"
        "Recorded as version 1 of apps\n"
    )
    assert live(store, "apps").keys() == {"app"}


def test_a_dry_run_makes_no_version(web: Run, store: Store, sloth: Sloth) -> None:
    for command in (("mv", "web", "file/app", "b"), ("rm", "web", "file/app")):
        assert sloth("state", "workflow", *command, "--dry-run").code == 0
    assert [version.version for version in store.versions("web")] == [1]
    assert store.audit_trail("web") == []


def test_what_is_forgotten_stays_as_it_is_and_can_be_remembered(
    store: Store, sloth: Sloth, finished_run: Callable[..., Run], tmp_path: Path
) -> None:
    real = tmp_path / "motd"
    real.write_text("hello\n")
    draft = ResourceDraft("file", "motd", {"path": str(real)})
    finished_run("web", resources=[draft], outputs=[Output("url", "http://web")])
    id = live(store, "web")["motd"]

    code, out, err = sloth("state", "workflow", "rm", "web", "file/motd")

    assert (code, err) == (0, "")
    assert out == (
        "Forgot file/motd of web; the thing itself stays as it is\n"
        "Recorded as version 2 of web; undo it with: "
        "sloth-runner state workflow rollback web 1 --state-only\n"
    )
    assert real.read_text() == "hello\n"
    assert live(store, "web") == {}
    assert store.version("web", 2).description == "forgot file/motd, which stays as it is"
    assert store.outputs(store.version("web", 2).run_id)["url"].value == "http://web"
    assert [entry.action for entry in store.audit_trail("web")] == ["rm"]
    assert sloth("state", "workflow", "rollback", "web", "1", "--state-only", "--force").code == 0
    assert live(store, "web") == {"motd": id}


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        (("mv", "web", "file/app", "conf"), 2, "web has a resource file/conf already"),
        (("mv", "web", "file/app", "app"), 2, "file/app already has this name"),
        (("mv", "web", "file/ap", "b"), 3, "web has no resource file/ap"),
        (("mv", "web", "app", "b"), 2, "'app' is not TYPE/NAME"),
        (("mv", "web", "file/app", ""), 2, "the resource's name is empty"),
        (("mv", "web", "file/app", "b", "--to-workflow", ""), 2, "the workflow's name is empty"),
        (
            ("mv", "web", "file/app", "b", "--to-workflow", "a\nb"),
            2,
            "the workflow's name 'a\\nb' has a control character in it",
        ),
        (("mv", "web", "file/\udcff", "b"), 2, "'\\udcff' is not valid UTF-8 text"),
        (("rm", "web", "file/\udcff"), 2, "'\\udcff' is not valid UTF-8 text"),
        (("adopt", "web", "file/\udcff"), 2, "'\\udcff' is not valid UTF-8 text"),
        (("backup", "\udcff"), 2, "the file's name is not valid UTF-8 text"),
        (("rm", "web", "file/ap"), 3, "web has no resource file/ap"),
        (("rm", "web@1", "file/app"), 2, "web is at version 2, and only that can be changed"),
    ],
)
def test_what_cannot_be_moved_or_forgotten_is_said(
    web: Run,
    store: Store,
    sloth: Sloth,
    finished_run: Callable[..., Run],
    command: tuple[str, ...],
    code: int,
    message: str,
) -> None:
    finished_run("web")

    result = sloth("state", "workflow", *command)

    assert (result.code, result.out) == (code, "")
    assert result.err.splitlines()[0] == f"Error: {message}"
    assert live(store, "web").keys() == {"app", "conf"}
    assert len(store.versions("web")) == 2


def test_what_is_gone_is_not_proposed(web: Run, sloth: Sloth) -> None:
    assert sloth("state", "workflow", "mv", "web", "file/conf", "config").code == 0
    assert sloth("state", "workflow", "mv", "web", "file/conf", "configuration").err == (
        "Error: web has no resource file/conf\nHint: Did you mean file/config?\n"
    )


@pytest.mark.parametrize("other", ["edge", "zone"])
def test_nothing_is_written_while_somebody_works_on_either_workflow(
    web: Run, store: Store, sloth: Sloth, finished_run: Callable[..., Run], other: str
) -> None:
    finished_run(other)
    before = store.versions("web")
    lock = acquire(store, LockScope.WORKFLOW, other, lease=timedelta(days=999))

    moving = sloth("state", "workflow", "mv", "web", "file/app", "a", "--to-workflow", other)

    assert (moving.code, moving.out) == (4, "")
    assert live(store, "web").keys() == {"app", "conf"}
    assert store.versions("web") == before
    assert [version.version for version in store.versions(other)] == [1]
    assert [each.name for each in store.locks()] == [other]
    store.release_lock(lock)


def test_what_a_killed_run_left_half_done_is_settled_first(
    web: Run, store: Store, sloth: Sloth, dead_holder: Holder
) -> None:
    lock = acquire(store, LockScope.WORKFLOW, "web", holder=dead_holder, lease=timedelta(days=999))
    run = store.begin_run(NewRun("web", {}), lock)
    operation = NewOperation("update", "file", "app", "/srv/app", "t", {}, {}, {})
    store.begin_operation(run.id, operation, lock)

    for command in (("mv", "web", "file/app", "b"), ("rm", "web", "file/app")):
        result = sloth("state", "workflow", *command)
        assert result.code == 2
        assert result.err.splitlines()[-2:] == [
            f"Error: run {run.id} began to update file/app and was killed",
            "Hint: Find out what was done of it first: sloth-runner state workflow recover web",
        ]
