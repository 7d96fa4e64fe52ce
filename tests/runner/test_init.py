"""`init`: a first workflow that works, and what editors need."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


def test_the_starter_runs_and_changes_nothing_the_second_time(sloth: Any) -> None:
    result = sloth("init", "my site")
    assert (result.returncode, result.stdout) == (
        0,
        "wrote my site/my-site.sloth\nwrote my site/.luarc.json\nTry: sloth-runner run 'my site/my-site.sloth'\n",
    )
    assert sloth("run", "my site/my-site.sloth").returncode == 0
    assert (sloth.folder / "my site/greeting.txt").read_text() == "Hello\n"
    second = sloth("run", "my site/my-site.sloth")
    assert "0 created, 0 updated, 0 deleted, 1 unchanged" in second.stdout
    assert sloth.json("state", "workflow", "outputs", "my-site") == {"bytes": 6}


def test_editors_are_pointed_at_the_definitions(sloth: Any) -> None:
    assert sloth("init").returncode == 0
    settings = json.loads((sloth.folder / ".luarc.json").read_text())
    (library,) = settings["workspace.library"]
    assert settings["runtime.version"] == "LuaJIT"
    assert "function fs.read(path) end" in (Path(library) / "fs.lua").read_text()


def test_what_is_there_is_kept(sloth: Any) -> None:
    sloth.write(".luarc.json", "{}")
    result = sloth("init")
    assert (result.returncode, result.stderr) == (
        2,
        "Error: ./.luarc.json is there already\nHint: Name another folder, or write over it: --force\n",
    )
    assert (sloth.folder / ".luarc.json").read_text() == "{}"
    assert not list(sloth.folder.glob("*.sloth"))
    assert sloth("init", "--force").returncode == 0
    assert (sloth.folder / ".luarc.json").read_text() != "{}"


def test_a_folder_that_cannot_be_made_is_one_clear_error(sloth: Any) -> None:
    sloth.write("file", "")
    result = sloth("init", "file/x")
    assert (result.returncode, result.stderr.splitlines()[0]) == (
        2,
        "Error: file/x cannot be written: Not a directory",
    )


@pytest.mark.parametrize("folder", ["file", ""])
def test_what_is_no_folder_is_refused(sloth: Any, folder: str) -> None:
    sloth.write("file", "")
    result = sloth("init", folder)
    assert (result.returncode, result.stderr) == (
        2,
        f"Error: {folder!r} is no folder\nHint: Name a folder; it is made if need be.\n",
    )


def test_a_folder_that_cannot_be_written_to_is_one_clear_error(sloth: Any) -> None:
    """/proc/self is such a one for everybody, also for root."""
    result = sloth("init", "/proc/self")
    assert result.returncode == 2
    assert "cannot be written: " in result.stderr
    assert result.stderr.endswith("\nHint: Name another folder.\n")
