"""State of other tools becomes workflows of ours, with every attribute, and secrets known as such."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
import pytest

from sloth_state.errors import HistoryRefused, InvalidValue, NotFound
from sloth_state.exchange.go_times import go_time
from sloth_state.exchange.sources import histories_in
from sloth_state.model import Changes, NewHistory, RunStatus
from sloth_state.open import open_store
from sloth_state.shapes import resource_shape

DATA = Path(__file__).parent / "data"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def go_database(tmp_path: Path) -> Path:
    path = tmp_path / "go.db"
    connection = apsw.Connection(str(path))
    connection.execute((DATA / "go-state.sql").read_text())
    connection.close()
    return path


def add(bench: Any, path: Path, name: str | None = None) -> list[str]:
    """Import all that is in a file; the names it got."""
    wanted = []
    for history in histories_in(str(path), path.name, NOON, "ada@here"):
        chosen = name or history.workflow
        assert chosen is not None
        wanted.append((NewHistory(chosen, history), bench.lock(chosen)))
    return [each.name for each in bench.store.add_histories(wanted, "ada")]


def resources(store: Any, name: str, version: int | None = None) -> dict[str, Any]:
    return {
        f"{each.type} {each.name}": (each.action.value, each.status, dict(each.attributes))
        for each in store.resources(name, version=version)
    }


def test_a_terraform_state_is_one_version_with_addresses_as_names(bench: Any, store: Any) -> None:
    add(bench, DATA / "terraform.tfstate", "infra")

    assert resources(store, "infra") == {
        "aws_ami data.debian": ("read", "", {"id": "ami-0abc", "most_recent": True}),
        'aws_instance module.web["eu"].front[0]': (
            "create",
            "",
            {"id": "i-1", "ami": "ami-0abc", "tags": {"app.name": "web"}},
        ),
        'aws_instance module.web["eu"].front[1]': (
            "create",
            "tainted",
            {"id": "i-2", "ami": "ami-0abc", "tags": None},
        ),
        'aws_db_instance main["prod"]': (
            "create",
            "",
            {
                "id": "db-1",
                "password": "hunter2",
                "replicas": [{"token": "abc"}],
                "sensitive_attributes": ["password", "replicas[0].token"],
            },
        ),
        'aws_db_instance main["prod"] (deposed 00aa11bb)': ("create", "", {"id": "db-0"}),
    }
    (version,) = store.versions("infra")
    assert version.changes == Changes(created=4, read=1)
    assert (version.created_by, version.created_at, version.resource_count) == ("ada@here", NOON, 5)
    outputs = store.outputs(version.run_id)
    assert {key: (each.value, each.sensitive) for key, each in outputs.items()} == {
        "endpoint": ("https://web.example.org", False),
        "db_password": ("hunter2", True),
    }
    assert store.run(version.run_id).metadata == {
        "imported_from": "Terraform state",
        "terraform_version": "1.9.5",
        "serial": "12",
        "lineage": "6f1c2a54-3b0e-4f0d-9f37-0c6a1f5a7e11",
    }
    assert store.verify() == []


def test_what_terraform_called_sensitive_is_not_shown(bench: Any, store: Any) -> None:
    add(bench, DATA / "terraform.tfstate", "infra")

    (database,) = (each for each in store.resources("infra") if each.name == 'main["prod"]')
    assert database.declaration is None
    assert resource_shape(database)["attributes"] == {
        "id": "db-1",
        "password": "(sensitive)",
        "replicas": [{"token": "(sensitive)"}],
        "sensitive_attributes": ["password", "replicas[0].token"],
    }


def test_an_imported_workflow_goes_on_with_runs(bench: Any, store: Any) -> None:
    add(bench, DATA / "terraform.tfstate", "infra")
    bench.store.release_lock(store.locks()[0])

    bench.run_recording(bench.draft("new"), name="infra")

    assert [each.resource_count for each in store.versions("infra")] == [6, 5]
    assert store.verify() == []


def test_a_pulumi_secret_that_is_no_json_is_refused(bench: Any, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    text = (DATA / "pulumi.json").read_text()
    broken.write_text(text.replace('"\\"hunter2\\""', '"hunter2"'))
    with pytest.raises(HistoryRefused, match="is not what it seems to be: JSONDecodeError"):
        add(bench, broken)


def test_a_pulumi_stack_is_one_version_with_its_secrets_marked(bench: Any, store: Any) -> None:
    assert add(bench, DATA / "pulumi.json") == ["shop-prod"]

    bucket, password = "aws:s3/bucket:Bucket", "random:index/randomPassword:RandomPassword"
    assert resources(store, "shop-prod") == {
        f"{bucket} assets": (
            "create",
            "",
            {"acl": "private", "arn": "arn:aws:s3:::assets-4f2a", "id": "assets-4f2a"},
        ),
        f"{bucket} shop:index:Site::assets": (
            "create",
            "",
            {
                "acl": "public-read",
                "file": {
                    "4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17",
                    "text": "hello",
                },
                "id": "assets-99",
            },
        ),
        f"{password} db": (
            "create",
            "",
            {
                "length": 16,
                "result": "AAABAJ3k",
                "hashes": {"bcrypt": "$2a$10"},
                "id": "none",
                "sensitive_attributes": ["result", "hashes.bcrypt"],
            },
        ),
    }
    (version,) = store.versions("shop-prod")
    assert version.created_at == datetime(2025, 11, 4, 8, 30, 15, 123456, UTC)
    outputs = store.outputs(version.run_id)
    assert {key: (each.value, each.sensitive) for key, each in outputs.items()} == {
        "url": ("https://shop.example.org", False),
        "dbPassword": ("hunter2", True),
    }
    assert store.run(version.run_id).metadata == {
        "imported_from": "Pulumi stack",
        "pulumi_version": "v3.140.0",
    }
    assert store.verify() == []


def test_the_older_runners_runs_are_versions_in_order(
    bench: Any, store: Any, go_database: Path
) -> None:
    before = go_database.read_bytes()

    assert add(bench, go_database) == ["deploy", "site"]

    third, second, first = store.versions("deploy")
    assert [each.status for each in (first, second, third)] == [
        RunStatus.SUCCESS,
        RunStatus.FAILED,
        RunStatus.FAILED,
    ]
    assert first.changes == Changes(created=2)
    assert second.changes == Changes(updated=1, deleted=1)
    assert third.changes == Changes()
    assert (first.created_by, first.description) == ("grace", "First deploy")
    assert (second.created_by, second.description) == ("unknown", "")
    runs = [store.run(each.run_id) for each in (first, second, third)]
    assert [(each.started_at, each.duration_seconds, each.error_msg) for each in runs] == [
        (datetime(2025, 3, 1, 10, 0, 0, 123456, UTC), 6.876544, None),
        (datetime(2025, 3, 2, 10, 0, tzinfo=UTC), 12.0, "deploy.sloth:4: no"),
        (
            datetime(2025, 3, 3, 9, 0, 0, 500000, UTC),
            0.0,
            "interrupted: it had not ended when it was imported",
        ),
    ]
    assert runs[0].metadata == {
        "env": "prod",
        "retries": "3",
        "imported_from": "sloth-runner state.db",
        "imported_id": "deploy-1",
    }
    web = ("running", {"image": "nginx:1.26"})
    assert resources(store, "deploy", 1) == {
        "container web": ("create", "running", {"image": "nginx:1.25"}),
        "file conf": ("create", "ok", {}),
    }
    assert resources(store, "deploy", 2) == {
        "container web": ("update", *web),
        "file conf": ("delete", "ok", {}),
    }
    assert resources(store, "deploy") == {"container web": ("noop", *web)}
    assert store.outputs(second.run_id)["url"].value == "http://two"
    (site,) = store.runs(name="site")
    assert (site.started_at, site.resource_count) == (datetime(1970, 1, 1, tzinfo=UTC), 0)
    assert store.verify() == []
    assert go_database.read_bytes() == before
    assert sorted(each.name for each in go_database.parent.glob("go.db*")) == ["go.db"]


def test_a_workflow_that_is_there_already_is_not_touched(
    bench: Any, store: Any, go_database: Path
) -> None:
    bench.run_recording(bench.draft("x"), name="site")

    with pytest.raises(HistoryRefused, match="there is a workflow site already"):
        add(bench, go_database)
    assert store.workflow_names() == ["site"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2025-03-01T10:00:00.123456789Z", datetime(2025, 3, 1, 10, 0, 0, 123456, UTC)),
        ("2025-03-01T10:00:00+02:00", datetime(2025, 3, 1, 8, tzinfo=UTC)),
        ("2025-03-01 10:00:00", datetime(2025, 3, 1, 10, tzinfo=UTC)),
        ("2025-03-01 10:00:00.5+00:00", datetime(2025, 3, 1, 10, 0, 0, 500000, UTC)),
        ("2025-03-01 10:00:00.1 -0330 NDT m=+1.5", datetime(2025, 3, 1, 13, 30, 0, 100000, UTC)),
        ("2025-03-01 10:00:00 +0300 +03", datetime(2025, 3, 1, 7, tzinfo=UTC)),
        (1740823200, datetime(2025, 3, 1, 10, tzinfo=UTC)),
        (1740823200000, datetime(2025, 3, 1, 10, tzinfo=UTC)),
        (1740823200000000000, datetime(2025, 3, 1, 10, tzinfo=UTC)),
        ("0001-01-01 00:00:00+00:00", None),
        ("2025-13-01 10:00:00", None),
        ("9999-12-31 23:59:59 -0800", None),
        ("soon", None),
        (float("inf"), None),
        (float("nan"), None),
        (0, None),
        (None, None),
    ],
)
def test_times_are_read_in_all_forms_that_go_writes(value: Any, expected: datetime | None) -> None:
    assert go_time(value) == expected


@pytest.mark.parametrize("value", [1e300, float("inf"), float("nan"), 10**15, "long", None])
def test_a_duration_that_cannot_be_is_none(go_database: Path, bench: Any, value: Any) -> None:
    database = apsw.Connection(str(go_database))
    database.execute(
        "UPDATE workflow_states SET duration_seconds = ?, completed_at = NULL", (value,)
    )
    database.close()
    add(bench, go_database)
    for run in bench.store.runs():
        assert run.completed_at == run.started_at


REFUSED: dict[str, tuple[str, str]] = {
    "no JSON": ("hello", "is no history that can be imported"),
    "no object": ("[1]", "is no history that can be imported"),
    "another object": ('{"version": 4}', "is no history that can be imported"),
    "bytes": ("\udcff\udcfe", "is no history that can be imported"),
    "an older Terraform": (
        '{"version": 3, "lineage": "x"}',
        "has version 3, and only 4 can be read",
    ),
    "no name": (
        '{"version": 4, "lineage": "x", "resources": [{"type": "t", "instances": [{}]}]}',
        "not what it seems to be: KeyError: 'name'",
    ),
    "no resources": ('{"deployment": {"resources": [1]}}', "not what it seems to be"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, kind: str) -> None:
    text, why = REFUSED[kind]
    path = tmp_path / "file"
    path.write_bytes(text.encode(errors="surrogateescape"))

    with pytest.raises(HistoryRefused, match=why):
        histories_in(str(path), "file", NOON, "ada")


def test_a_file_that_is_not_there_and_other_databases_are_refused(
    store: Any, database: Path, go_database: Path, tmp_path: Path
) -> None:
    other = tmp_path / "music.db"
    connection = apsw.Connection(str(other))
    connection.execute("CREATE TABLE songs (name TEXT)")
    connection.close()
    cut = tmp_path / "cut.db"
    cut.write_bytes(go_database.read_bytes()[:5000])
    overwritten = tmp_path / "overwritten.db"
    content = go_database.read_bytes()
    overwritten.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))

    with pytest.raises(NotFound, match="there is no file "):
        histories_in(str(tmp_path / "none"), "none", NOON, "ada")
    with pytest.raises(HistoryRefused, match="is not one of the older sloth-runner"):
        histories_in(str(other), "music.db", NOON, "ada")
    with pytest.raises(HistoryRefused, match=r"state\.db is a whole state store"):
        histories_in(str(database), "state.db", NOON, "ada")
    with pytest.raises(HistoryRefused, match=r"cut\.db was cut off: [\d,]+ bytes are missing"):
        histories_in(str(cut), "cut.db", NOON, "ada")
    with pytest.raises(HistoryRefused, match=r"overwritten\.db cannot be read: .*malformed"):
        histories_in(str(overwritten), "overwritten.db", NOON, "ada")


def test_what_no_store_can_keep_is_named(tmp_path: Path) -> None:
    state = json.loads((DATA / "terraform.tfstate").read_text())
    state["resources"][0]["instances"][0]["attributes"]["size"] = 2**60
    path = tmp_path / "state"
    path.write_text(json.dumps(state))

    with pytest.raises(InvalidValue, match=r"aws_ami/data\.debian\.size is \d+, an integer beyond"):
        histories_in(str(path), "state", NOON, "ada")


def test_a_history_of_another_tool_can_be_exported_and_imported_again(
    bench: Any, store: Any, go_database: Path, tmp_path: Path
) -> None:
    from sloth_state.exchange.document import document

    add(bench, go_database)
    path = tmp_path / "deploy.json"
    bench.clock.advance(hours=1)
    path.write_text("".join(document("deploy", store.history("deploy"))))

    with open_store(str(tmp_path / "other.db"), clock=bench.clock) as other:
        there = type(bench)(other, bench.clock)
        assert add(there, path) == ["deploy"]
        assert other.versions("deploy") == store.versions("deploy")
        assert other.verify() == []
