"""`state workflow export` and `import`, as a user has them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import apsw
import pytest

from sloth_state.cli.exporting import _write_file
from sloth_state.errors import StoreBusy
from sloth_state.leases import acquire
from sloth_state.model import LockScope, NewRun, Output, ResourceDraft, Run
from sloth_state.open import open_store
from sloth_state.processes import current_holder
from sloth_state.store import Store

Record = Callable[..., Run]
Sloth = Callable[..., Any]

EXPORT = ("state", "workflow", "export")
IMPORT = ("state", "workflow", "import")
DATA = Path(__file__).parents[1] / "state/data"


@pytest.fixture(autouse=True)
def recorded(finished_run: Record) -> None:
    """Two versions; in the second there are secrets."""
    finished_run("web", resources=[ResourceDraft("file", "a", {"mode": "0644"})])
    secret = ResourceDraft("db", "b", {"password": "x"}, declaration={"sensitive": ["password"]})
    finished_run("web", resources=[secret], outputs=[Output("token", "hunter2", True)])


@pytest.fixture
def elsewhere(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/elsewhere/state.db"


def test_an_exported_workflow_shows_the_same_elsewhere(
    sloth: Sloth, tmp_path: Path, elsewhere: str
) -> None:
    file = str(tmp_path / "web.json")
    told = [("show", f"web@{version}", "--show-sensitive") for version in (1, 2)] + [
        (name, f"web@{version}") for name in ("resources", "outputs") for version in (1, 2)
    ]
    told += [("versions", "web"), ("list",), ("diff", "web", "1", "2")]
    here = [sloth("state", "workflow", *words, "-o", "json") for words in told]

    exported = sloth(*EXPORT, "web", "-O", file)
    imported = sloth(*IMPORT, file, "--state", elsewhere)

    note = "Note: sensitive values can be read in it, in 1 output and 1 resource\n"
    assert exported == (0, f"Exported web: 2 versions to {file}\n", note)
    assert os.stat(file).st_mode & 0o777 == 0o600
    assert imported == (0, "Imported web: 2 versions\n", "")
    there = [
        sloth("state", "workflow", *words, "-o", "json", "--state", elsewhere) for words in told
    ]
    assert there == here
    assert {result.code for result in here} == {0}
    assert sloth("state", "workflow", "verify", "--state", elsewhere).code == 0


def test_an_export_is_a_document_on_stdout_and_is_audited(sloth: Sloth, store: Store) -> None:
    code, out, err = sloth(*EXPORT, "web@1")

    assert code == 0
    document = json.loads(out)
    assert (document["format"], document["format_version"]) == ("sloth-runner-history", 1)
    assert [record["run"]["version"] for record in document["versions"]] == [1, 2]
    assert err == "Note: sensitive values can be read in it, in 1 output and 1 resource\n"
    entry = store.audit_trail("web")[0]
    assert (entry.action, entry.detail) == ("export", "to standard output")


def test_a_second_export_replaces_the_first_and_is_equal_to_it(
    sloth: Sloth, tmp_path: Path
) -> None:
    file = tmp_path / "web.json"
    file.write_text("old")
    file.chmod(0o644)

    for _ in range(2):
        assert sloth(*EXPORT, "web", "-O", str(file)).code == 0
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.read_text() == sloth(*EXPORT, "web").out
    assert [path.name for path in tmp_path.glob("web*")] == ["web.json"]


def test_those_who_wait_for_a_workflow_are_not_exported_and_an_import_does_not_overtake_them(
    sloth: Sloth, tmp_path: Path, store_path: Path
) -> None:
    file = tmp_path / "web.json"
    with open_store(str(store_path)) as live:
        live.take_ticket(LockScope.WORKFLOW, "web", current_holder(), timedelta(days=1))
    before = sloth(*EXPORT, "web", "-O", str(file))
    refused = sloth(*IMPORT, str(file))

    assert before.code == 0
    assert "ticket" not in file.read_text()
    assert refused.code == 4
    assert refused.err.startswith(f"Error: web is free, but {current_holder()} is next and has ")


def test_a_place_that_cannot_be_written_is_an_error(sloth: Sloth, tmp_path: Path) -> None:
    assert sloth(*EXPORT, "web", "-O", f"{tmp_path}/none/web.json") == (
        1,
        "",
        f"Error: {tmp_path}/none/web.json cannot be written: No such file or directory\n",
    )


def test_a_store_that_fails_while_it_is_exported_says_so_itself(tmp_path: Path) -> None:
    """Some errors of the store are errors of the system too, and not those of the file."""

    def pieces() -> Iterator[str]:
        yield "{"
        raise StoreBusy("state.db", "is being written to")

    for path in (f"{tmp_path}/web.json", "/dev/null"):
        with pytest.raises(StoreBusy, match="is being written to"):
            _write_file(path, pieces())
    assert not list(tmp_path.glob("web.json*"))


def test_a_device_is_written_to_and_not_replaced(sloth: Sloth, tmp_path: Path) -> None:
    device = tmp_path / "null"
    device.symlink_to("/dev/null")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    assert sloth(*EXPORT, "web", "-O", str(device)).code == 0
    assert sloth(*EXPORT, "web", "-O", str(pipe)).code == 0

    assert device.is_symlink()
    assert pipe.is_fifo()
    assert os.read(reader, 1) == b"{"
    os.close(reader)


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (signal.SIGINT, "Ctrl-C"),
        (signal.SIGTERM, "SIGTERM"),
        (signal.SIGHUP, "SIGHUP"),
    ],
)
def test_an_export_that_is_interrupted_says_just_that(
    finished_run: Record, number: int, name: str
) -> None:
    finished_run("big", resources=[ResourceDraft("f", str(i), {"a": "x" * 999}) for i in range(99)])
    command = (sys.executable, "-m", "sloth_runner", *EXPORT, "big")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as export:
        assert export.stdout is not None
        export.stdout.read(1)  # what follows is more than the pipe takes
        time.sleep(0.2)
        export.send_signal(number)
        export.stdout.close()
        assert export.stderr is not None
        said = export.stderr.read().decode()
        assert (export.wait(), said) == (130, f"Error: interrupted by {name}\n")


def test_a_workflow_in_the_middle_of_a_run_is_not_exported(sloth: Sloth) -> None:
    with open_store(None) as now:
        now.begin_run(NewRun("web", {}), acquire(now, LockScope.WORKFLOW, "web"))

        code, out, err = sloth(*EXPORT, "web")

    assert (code, out) == (4, "")
    assert err.startswith("Error: web is locked by ")


def test_import_reads_standard_input(sloth: Sloth, elsewhere: str, store: Store) -> None:
    document = sloth(*EXPORT, "web").out
    command = [sys.executable, "-m", "sloth_runner", *IMPORT, "-", "--state", elsewhere]

    result = subprocess.run(command, input=document, capture_output=True, text=True, check=False)

    assert (result.returncode, result.stdout, result.stderr) == (
        0,
        "Imported web: 2 versions\n",
        "",
    )
    with open_store(elsewhere) as there:
        assert there.versions("web") == store.versions("web")


def test_import_says_what_it_does_to_a_workflow_that_is_there(
    sloth: Sloth, tmp_path: Path, elsewhere: str, finished_run: Record
) -> None:
    file = str(tmp_path / "web.json")
    sloth(*EXPORT, "web", "-O", file)
    sloth(*IMPORT, file, "--state", elsewhere)
    again = sloth(*IMPORT, file, "--state", elsewhere)
    finished_run("web")
    sloth(*EXPORT, "web", "-O", file)
    dry = sloth(*IMPORT, file, "--dry-run", "--state", elsewhere)
    goes_on = sloth(*IMPORT, file, "--state", elsewhere, "-o", "json")
    copy = sloth(*IMPORT, file, "--as", "copy", "--state", elsewhere)
    taken = sloth(*IMPORT, file, "--as", "copy", "--state", elsewhere)

    assert again == (0, "web is here already, up to version 2; nothing to do\n", "")
    assert dry == (0, "Would import web: 1 version after version 2\n", "")
    assert json.loads(goes_on.out) == [
        {"name": "web", "before": 2, "newest": 3, "added": 1, "dry_run": False}
    ]
    assert copy == (0, "Imported copy: 3 versions\n", "")
    assert taken == (
        1,
        "",
        "Error: there is a workflow copy already, and the history of web is another\n"
        "Hint: Import it under a name that is free with: --as NEWNAME\n",
    )
    with open_store(elsewhere) as there:
        assert there.locks() == []
        assert there.verify() == []


def test_a_lower_history_is_refused(
    sloth: Sloth, store: Store, tmp_path: Path, finished_run: Record
) -> None:
    file = str(tmp_path / "web.json")
    sloth(*EXPORT, "web", "-O", file)
    finished_run("web")
    third, second, _ = (str(version.hash)[:12] for version in store.versions("web"))

    assert sloth(*IMPORT, file) == (
        1,
        "",
        f"Error: web is at version 3 ({third}) here, and the history that ends at version 2 "
        f"({second}) does not go on from there\n"
        "Hint: Import it as another workflow with: --as NEWNAME\n",
    )


def test_nothing_is_imported_into_a_workflow_that_somebody_works_on(
    sloth: Sloth, store: Store, tmp_path: Path
) -> None:
    file = str(tmp_path / "web.json")
    sloth(*EXPORT, "web", "-O", file)
    acquire(store, LockScope.WORKFLOW, "web")

    # The store's clock stands in the past, so only a lock that lasts until now is one.
    assert sloth(*IMPORT, file).code == 0
    with open_store(None) as now:
        acquire(now, LockScope.WORKFLOW, "web")
        code, out, err = sloth(*IMPORT, file)
    assert (code, out) == (4, "")
    assert err.startswith("Error: web is locked by ")


def test_a_damaged_file_is_refused(sloth: Sloth, tmp_path: Path, elsewhere: str) -> None:
    file = tmp_path / "web.json"
    file.write_text(sloth(*EXPORT, "web").out.replace("hunter2", "hunter3"))

    assert sloth(*IMPORT, str(file), "--state", elsewhere) == (
        1,
        "",
        f"Error: {file} is damaged: it was changed after it was written\n"
        "Hint: Export it again where it comes from, and copy it whole.\n",
    )
    with open_store(elsewhere) as there:
        assert there.workflow_names() == []


def test_a_terraform_state_needs_a_name_and_keeps_its_secrets(sloth: Sloth) -> None:
    file = str(DATA / "terraform.tfstate")

    assert sloth(*IMPORT, file) == (
        2,
        "",
        f"Error: {file} does not say what the workflow is called\nHint: Add --as NEWNAME.\n",
    )
    assert sloth(*IMPORT, file, "--as", "infra") == (0, "Imported infra: 1 version\n", "")
    shown = json.loads(sloth("state", "workflow", "show", "infra", "-o", "json").out)
    assert shown["outputs"] == {
        "endpoint": "https://web.example.org",
        "db_password": "(sensitive)",
    }
    assert "hunter2" not in json.dumps(shown)
    drift = json.loads(sloth("state", "workflow", "drift", "infra", "-o", "json").out)
    assert {row["state"] for row in drift} == {"unknown"}


def test_a_name_that_no_workflow_can_have_is_refused(sloth: Sloth, store: Store) -> None:
    file = str(DATA / "terraform.tfstate")

    assert sloth(*IMPORT, file, "--as", "infra@3") == (
        2,
        "",
        "Error: the workflow's name 'infra@3' would mean version 3 of 'infra'\n"
        "Hint: Call it something that does not end in @ and a number\n",
    )
    assert store.workflow_names() == ["web"]


def test_the_older_runners_workflows_are_imported_together_under_their_names(
    sloth: Sloth, store: Store, tmp_path: Path
) -> None:
    file = str(tmp_path / "go.db")
    database = apsw.Connection(file)
    database.execute((DATA / "go-state.sql").read_text())
    database.close()

    assert sloth(*IMPORT, file, "--as", "one") == (
        2,
        "",
        f"Error: {file} holds 2 workflows, and --as names one\n",
    )
    lines = "Imported deploy: 3 versions\nImported site: 1 version\n"
    assert sloth(*IMPORT, file) == (0, lines, "")
    assert store.workflow_names() == ["deploy", "site", "web"]


def test_a_device_without_end_is_no_history(sloth: Sloth) -> None:
    command = "ulimit -v 2000000; exec $0 -m sloth_runner state workflow import /dev/zero --as z"
    ran = subprocess.run(
        ["bash", "-c", command, sys.executable], check=False, capture_output=True, text=True
    )
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("Error: /dev/zero is no history that can be imported\n")


def test_a_file_that_is_nothing_is_refused(sloth: Sloth, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("hello")

    code, out, err = sloth(*IMPORT, str(file))

    assert (code, out) == (1, "")
    assert err.splitlines()[0] == f"Error: {file} is no history that can be imported"
