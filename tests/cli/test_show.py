"""`state workflow show`, `versions` and `resources` show all that is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sloth_state.model import (
    Output,
    ResourceDraft,
    Run,
    RunStatus,
    TaskRecord,
    TaskStatus,
)
from sloth_state.store import Store

Record = Callable[..., Run]
Sloth = Callable[..., Any]

NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
WEB = ResourceDraft("docker_container", "web-1", {"image": "nginx:1.25"}, "running")
CONFIG = ResourceDraft("file", "/etc/app.conf", {"mode": "0644"})


@pytest.fixture
def deployed(finished_run: Record, store: Store) -> None:
    """Two versions: a good one with all there can be, then a failed one that removed a file."""
    first = finished_run(
        "deploy-prod",
        message="first try",
        metadata={"user": "ada", "git_commit": "a1b2c3d4"},
        resources=[WEB, CONFIG],
        outputs=[
            Output("url", "https://example.org"),
            Output("password", "hunter2", sensitive=True),
            Output("ports", [80, 443]),
        ],
        tasks=[
            TaskRecord("build", TaskStatus.SUCCESS, 1, NOON, NOON + timedelta(seconds=65)),
            TaskRecord(
                "push", TaskStatus.FAILED, 3, NOON, None, None, "refused\nby peer", "ci.sloth:12"
            ),
            TaskRecord("notify", TaskStatus.SKIPPED, 0, None, None),
        ],
        events=[("deploy.started", "build"), ("custom", None)],
    )
    store.add_tags(first.id, ["stable", "blue"], "ada@build-7")
    finished_run(
        "deploy-prod",
        removed=[("file", "/etc/app.conf")],
        resources=[WEB._replace(attributes={"image": "nginx:1.27"})],
        status=RunStatus.FAILED,
        error="ci.sloth:12: no such image\nafter 3 attempts",
    )


@pytest.mark.usefixtures("deployed")
def test_show_has_a_section_for_everything(sloth: Sloth) -> None:
    assert sloth("state", "workflow", "show", "deploy-prod@1") == (
        0,
        """\
Workflow: deploy-prod (v1)

Basic Information
  ID:           a00000000001
  Name:         deploy-prod
  Version:      1
  Status:       success
  Started:      2026-03-01 14:00:00
  Completed:    2026-03-01 14:00:01
  Duration:     1.2s
  Description:  first try
  Tags:         blue, stable

Metadata
  git_commit:  a1b2c3d4
  user:        ada

Tasks
  NAME    STATUS   ATTEMPTS  STARTED              DURATION  ERROR
  build   success  1         2026-03-01 14:00:00  1m 05s
  push    failed   3         2026-03-01 14:00:00  -         ci.sloth:12: refused
  notify  skipped  0         -                    -

Resources
  ID            TYPE              NAME           ACTION  STATUS   CREATED
  a00000000002  docker_container  web-1          create  running  2026-03-01 14:00:00
  a00000000003  file              /etc/app.conf  create  -        2026-03-01 14:00:00

  2 resources: 2 create

Outputs
  KEY       VALUE
  url       https://example.org
  password  (sensitive)
  ports     [80, 443]

Events
  TYPE            TASK   AT                   DATA
  deploy.started  build  2026-03-01 14:00:00  {"n": 1, "path": "/srv/a\\nb"}
  custom                 2026-03-01 14:00:00  {"n": 1, "path": "/srv/a\\nb"}
""",
        "",
    )


@pytest.mark.usefixtures("deployed")
def test_a_name_shows_its_newest_version_without_empty_sections(sloth: Sloth) -> None:
    assert sloth("state", "workflow", "show", "deploy-prod") == (
        0,
        """\
Workflow: deploy-prod (v2)

Basic Information
  ID:         a00000000004
  Name:       deploy-prod
  Version:    2
  Status:     failed
  Started:    2026-03-01 14:01:00
  Completed:  2026-03-01 14:01:01
  Duration:   1.2s

Resources
  ID            TYPE              NAME           ACTION  STATUS   CREATED
  a00000000002  docker_container  web-1          update  running  2026-03-01 14:00:00
  a00000000003  file              /etc/app.conf  delete  -        2026-03-01 14:00:00

  2 resources: 1 update, 1 delete

Error
  ci.sloth:12: no such image
  after 3 attempts
""",
        "",
    )


@pytest.mark.usefixtures("deployed")
def test_show_as_json_is_one_object(sloth: Sloth) -> None:
    code, out, err = sloth("state", "workflow", "show", "deploy-prod-v1", "-o", "json")

    assert (code, err) == (0, "")
    shown = json.loads(out)
    assert [task["name"] for task in shown["tasks"]] == ["build", "push", "notify"]
    assert shown.pop("tasks")[1] == {
        "name": "push",
        "status": "failed",
        "attempts": 3,
        "started_at": "2026-03-01T12:00:00Z",
        "ended_at": None,
        "output": None,
        "error_msg": "refused\nby peer",
        "location": "ci.sloth:12",
    }
    assert shown.pop("events")[0] == {
        "type": "deploy.started",
        "data": {"path": "/srv/a\nb", "n": 1},
        "task": "build",
        "dispatched_at": "2026-03-01T12:00:00Z",
    }
    assert shown == {
        "id": "a00000000001",
        "name": "deploy-prod",
        "version": 1,
        "status": "success",
        "started_at": "2026-03-01T12:00:00Z",
        "completed_at": "2026-03-01T12:00:01.200000Z",
        "duration_seconds": 1.2,
        "metadata": {"user": "ada", "git_commit": "a1b2c3d4"},
        "error_msg": None,
        "locked_by": None,
        "resource_count": 2,
        "description": "first try",
        "tags": ["blue", "stable"],
        "resources": [
            {
                "id": "a00000000002",
                "type": "docker_container",
                "name": "web-1",
                "action": "create",
                "status": "running",
                "attributes": {"image": "nginx:1.25"},
                "depends_on": [],
                "created_at": "2026-03-01T12:00:00Z",
                "updated_at": "2026-03-01T12:00:00Z",
            },
            {
                "id": "a00000000003",
                "type": "file",
                "name": "/etc/app.conf",
                "action": "create",
                "status": "",
                "attributes": {"mode": "0644"},
                "depends_on": [],
                "created_at": "2026-03-01T12:00:00Z",
                "updated_at": "2026-03-01T12:00:00Z",
            },
        ],
        "outputs": {
            "url": "https://example.org",
            "password": "(sensitive)",
            "ports": [80, 443],
        },
    }


@pytest.mark.usefixtures("deployed")
def test_seeing_a_sensitive_output_is_written_down(sloth: Sloth, store: Store) -> None:
    before = len(store.audit_trail())

    _, out, _ = sloth("state", "workflow", "show", "deploy-prod@1", "--show-sensitive")
    sloth("state", "workflow", "show", "deploy-prod@2", "--show-sensitive")

    assert "  password  hunter2\n" in out
    new = store.audit_trail()[: len(store.audit_trail()) - before]
    assert [(entry.action, entry.workflow, entry.detail) for entry in new] == [
        ("read sensitive outputs", "deploy-prod", "version 1: password")
    ]


def test_a_sensitive_attribute_is_shown_only_on_demand_and_that_is_written_down(
    sloth: Sloth, store: Store, finished_run: Record
) -> None:
    database = ResourceDraft(
        "database",
        "main",
        {"host": "db", "users": [{"name": "ann", "password": "hunter2"}]},
        declaration={"sensitive": ["users.*.password"], "depends_on": ["file/a"]},
    )
    finished_run("web", resources=[database, WEB])
    masked = {"host": "db", "users": [{"name": "ann", "password": "(sensitive)"}]}
    show = ("state", "workflow", "show", "web")

    for command in (show, ("state", "workflow", "resources", "web")):
        assert "hunter2" not in sloth(*command).out
        told = json.loads(sloth(*command, "-o", "json").out)
        resource = (told["resources"] if command is show else told)[0]
        assert (resource["attributes"], resource["depends_on"]) == (masked, ["file/a"])
    sloth(*show, "--show-sensitive")  # a table shows no attributes at all
    assert store.audit_trail() == []

    told = json.loads(sloth(*show, "-o", "json", "--show-sensitive").out)
    assert told["resources"][0]["attributes"] == database.attributes
    entries = [(entry.action, entry.workflow, entry.detail) for entry in store.audit_trail()]
    assert entries == [("read sensitive attributes", "web", "version 1: database/main")]


@pytest.mark.usefixtures("deployed")
def test_versions_say_who_changed_what(sloth: Sloth) -> None:
    assert sloth("state", "workflow", "versions", "deploy-prod@1") == (
        0,
        "VERSION  CREATED              BY           STATUS   CHANGES   DESCRIPTION\n"
        "2        2026-03-01 14:01:00  ada@build-7  failed   +0 ~1 -1\n"
        "1        2026-03-01 14:00:00  ada@build-7  success  +2 ~0 -0  first try\n"
        "\n"
        "2 versions\n",
        "",
    )


@pytest.mark.usefixtures("deployed")
def test_versions_as_json_are_an_array(sloth: Sloth, store: Store) -> None:
    code, out, err = sloth("state", "workflow", "versions", "deploy-prod", "-o", "json")

    assert (code, err) == (0, "")
    newest, first = json.loads(out)
    assert newest["version"] == 2
    assert first == {
        "version": 1,
        "workflow": "deploy-prod",
        "created_at": "2026-03-01T12:00:00Z",
        "created_by": "ada@build-7",
        "description": "first try",
        "status": "success",
        "run_id": "a00000000001",
        "parent": None,
        "changes": {"created": 2, "updated": 0, "deleted": 0, "read": 0, "unchanged": 0},
        "resource_count": 2,
        "source_hash": None,
        "values_hash": None,
        "hash": store.version("deploy-prod", 1).hash,
    }


@pytest.mark.usefixtures("deployed")
def test_resources_are_listed_with_counts_of_actions(sloth: Sloth) -> None:
    assert sloth("state", "workflow", "resources", "deploy-prod") == (
        0,
        "ID            TYPE              NAME           ACTION  STATUS   CREATED\n"
        "a00000000002  docker_container  web-1          update  running  2026-03-01 14:00:00\n"
        "a00000000003  file              /etc/app.conf  delete  -        2026-03-01 14:00:00\n"
        "\n"
        "2 resources: 1 update, 1 delete\n",
        "",
    )


@pytest.mark.usefixtures("deployed")
def test_resources_of_one_type_and_version(sloth: Sloth) -> None:
    arguments = ("state", "workflow", "resources", "deploy-prod@1", "--type")

    code, out, err = sloth(*arguments, "file", "-o", "json")

    assert (code, err) == (0, "")
    assert json.loads(out) == [
        {
            "id": "a00000000003",
            "type": "file",
            "name": "/etc/app.conf",
            "action": "create",
            "status": "",
            "attributes": {"mode": "0644"},
            "depends_on": [],
            "created_at": "2026-03-01T12:00:00Z",
            "updated_at": "2026-03-01T12:00:00Z",
        }
    ]
    assert sloth(*arguments, "package") == (0, "0 resources\n", "")


def test_names_from_a_script_cannot_write_to_the_terminal(
    sloth: Sloth, finished_run: Record
) -> None:
    finished_run(
        "evil",
        metadata={"note": "\x1b[2Jgone"},
        resources=[ResourceDraft("file", "a", {}, "up\x1b[31m")],
        outputs=[Output("title", "\x1b]0;owned\x07")],
        error="\x1b[31mred",
        status=RunStatus.FAILED,
    )

    for command in ("show", "resources", "outputs"):
        _, out, _ = sloth("state", "workflow", command, "evil")
        assert "\x1b" not in out
    _, out, _ = sloth("state", "workflow", "outputs", "evil", "title")
    assert out == "\\x1b]0;owned\\x07\n"
