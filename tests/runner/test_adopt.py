"""`state workflow adopt` takes things that exist into the state, through their providers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

SCRIPT = """
resource.define("note", {
  read = function(r)
    local text = fs.read(r.file)
    return text and { text = text, secret = "s3cret" } or nil
  end,
  create = function(r) fs.write(r.file, r.text) end,
  delete = function(r) fs.rm(r.file) end,
  natural_key = { "file" },
  sensitive = { "secret" },
})
task("t"):command(function()
  resource.file{ name = "one", path = values.folder .. "/one", content = "1\\n" }
  -- more
end)
"""

STATE = ("state", "workflow")


@pytest.fixture
def app(sloth: Any, tmp_path: Path) -> Path:
    """A workflow `app` with one file, and two more files that it does not know."""
    sloth.write("app.sloth", SCRIPT)
    ran = sloth("run", "app.sloth", "--set", f"folder={tmp_path}")
    assert ran.returncode == 0, ran.stderr
    (tmp_path / "two").write_text("hello\n")
    (tmp_path / "two").chmod(0o640)
    (tmp_path / "three").write_text("note")
    return tmp_path


def test_a_file_is_adopted_by_its_path_and_then_managed(sloth: Any, app: Path) -> None:
    two = app / "two"
    before = two.stat().st_mtime_ns

    adopted = sloth(*STATE, "adopt", "app", "file/two", str(two))

    assert (adopted.returncode, adopted.stderr) == (0, "")
    lines = adopted.stdout.splitlines()
    assert lines[0] == "Adopted file/two into app"
    assert '  mode = "0640"' in lines
    assert f'  path = "{two}"' in lines
    assert lines[-1] == (
        "Recorded as version 2 of app; undo it with: "
        "sloth-runner state workflow rollback app 1 --state-only"
    )
    assert two.stat().st_mtime_ns == before
    (newest, *_) = sloth.json(*STATE, "versions", "app")
    assert (newest["description"], newest["changes"]["read"]) == ("adopted file/two", 1)
    assert sloth(*STATE, "drift", "app", "--exit-code").returncode == 0
    two.write_text("changed\n")
    assert sloth(*STATE, "drift", "app", "--exit-code").returncode == 5
    assert sloth(*STATE, "reconcile", "app", "--force").returncode == 0
    assert two.read_text() == "hello\n"
    assert sloth(*STATE, "verify").returncode == 0


def test_an_adoption_is_undone_without_touching_the_thing(sloth: Any, app: Path) -> None:
    assert sloth(*STATE, "adopt", "app", "file/two", str(app / "two")).returncode == 0

    undone = sloth(*STATE, "rollback", "app", "1", "--state-only", "--force")

    assert undone.returncode == 0
    assert (app / "two").read_text() == "hello\n"
    shown = sloth.json(*STATE, "resources", "app")
    assert [(each["name"], each["action"]) for each in shown] == [
        ("one", "noop"),
        ("two", "delete"),
    ]


def test_a_type_of_ones_own_is_adopted_by_its_fields(sloth: Any, app: Path) -> None:
    three = app / "three"

    adopted = sloth.json(*STATE, "adopt", "app", "note/n", "--set", f"file={three}")

    assert adopted == {
        "workflow": "app",
        "type": "note",
        "name": "n",
        "attributes": {"file": str(three), "text": "note", "secret": "(sensitive)"},
        "version": 2,
    }
    shown = {each["name"]: each for each in sloth.json(*STATE, "resources", "app")}
    assert shown["n"]["attributes"] == adopted["attributes"]
    three.unlink()
    assert sloth(*STATE, "reconcile", "app", "--force").returncode == 0
    assert three.read_text() == "note"


def test_what_is_adopted_is_unchanged_when_the_file_declares_it(sloth: Any, app: Path) -> None:
    assert sloth(*STATE, "adopt", "app", "file/two", str(app / "two")).returncode == 0
    declaring = SCRIPT.replace(
        "  -- more\n",
        '  resource.file{ name = "two", path = values.folder .. "/two", content = "hello\\n" }\n',
    )
    sloth.write("app.sloth", declaring)

    planned = sloth("plan", "app.sloth", "--set", f"folder={app}")

    assert planned.returncode == 0
    assert "0 to create, 0 to update, 0 to delete, 2 unchanged" in planned.stdout


def test_a_dry_run_only_reads(sloth: Any, app: Path) -> None:
    done = sloth(*STATE, "adopt", "app", "file/two", str(app / "two"), "--dry-run")
    assert done.returncode == 0
    assert done.stdout.startswith("Would adopt file/two into app\n")
    assert len(sloth.json(*STATE, "versions", "app")) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["file/one", "one"], 2, "app has file/one already"),
        (
            ["note/n", "--set", "file=/none"],
            3,
            "the thing that would be note/n does not exist",
        ),
        (["file/none", "none"], 3, "the thing that would be file/none does not exist"),
        (["symlink/none", "none"], 3, "the thing that would be symlink/none does not exist"),
        (["fil/two", "two"], 1, "resource: there is no type 'fil'; did you mean 'file'?"),
        (
            ["note/n", "three"],
            1,
            "resource.note: its provider has no import, so its fields must be given",
        ),
    ],
)
def test_what_cannot_be_adopted_is_said(
    sloth: Any, app: Path, arguments: list[str], code: int, message: str
) -> None:
    result = sloth(*STATE, "adopt", "app", *arguments)
    assert (result.returncode, result.stdout) == (code, "")
    assert result.stderr.splitlines()[0] == f"Error: {message}"
    assert len(sloth.json(*STATE, "versions", "app")) == 1
