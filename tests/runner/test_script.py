"""Reading workflow files: what they are called, their lines, and files that are none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sloth_runner.errors import ScriptNotFound, ScriptUnreadable
from sloth_runner.script import Script, read_script


def test_a_script_knows_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sub").mkdir()
    Path("sub/deploy.prod.sloth").write_text("x = 1\n")
    script = read_script("sub/deploy.prod.sloth")
    assert script == Script("sub/deploy.prod.sloth", "sub/deploy.prod.sloth", b"x = 1\n")
    assert (script.folder, script.stem) == (f"{tmp_path}/sub", "deploy.prod")


@pytest.mark.parametrize(
    ("source", "lua"),
    [
        (b"x = 1", b"x = 1"),
        (b"", b""),
        (b"#!/usr/bin/env sloth-runner\nx = 1", b"--#!/usr/bin/env sloth-runner\nx = 1"),
        (b"#! sloth", b"--#! sloth"),
        (b"\xef\xbb\xbfx = 1", b"x = 1"),
        (b"\xef\xbb\xbf#!/bin/sloth\r\nx", b"--#!/bin/sloth\r\nx"),
        (b" #t", b" #t"),
    ],
)
def test_lua_sees_no_mark_and_no_interpreter_line(source: bytes, lua: bytes) -> None:
    assert Script("t", "t", source).lua == lua


SOURCE = b"one\r\n  two\nthree \xff\n\nfive"


@pytest.mark.parametrize(
    ("where", "excerpt"),
    [
        ("a/t.sloth:1", "    1 | one"),
        ("a/t.sloth:2", "    2 |   two"),
        ("a/t.sloth:3", "    3 | three \ufffd"),
        ("a/t.sloth:4", "    4 | "),
        ("a/t.sloth:5", "    5 | five"),
        ("a/t.sloth:0", None),
        ("a/t.sloth:6", None),
        ("a/t.sloth", None),
        ("t.sloth:1", None),
        ("other.lua:1", None),
        ("a/t.sloth:x", None),
        ("", None),
        (None, None),
    ],
)
def test_an_excerpt_is_the_line_with_its_number(where: str | None, excerpt: str | None) -> None:
    assert Script("a/t.sloth", "a/t.sloth", SOURCE).excerpt(where) == excerpt


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("deploy.sloth", "deploy.sloth"),
        ("d/" + "x" * 47 + ".sloth", "d/" + "x" * 47 + ".sloth"),
        ("d/" + "x" * 48 + ".sloth", "x" * 48 + ".sloth"),
        ("d" * 60 + "/deploy.sloth", "deploy.sloth"),
        ("x" * 60 + ".sloth", "x" * 49 + ".sloth"),
        ("ä" * 40 + ".sloth", "ä" * 24 + ".sloth"),
        ("\udcff.sloth", "\ufffd.sloth"),
    ],
)
def test_messages_call_the_file_by_its_path_or_the_end_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(path).parent.mkdir(exist_ok=True)
    Path(path).write_text("")
    assert read_script(path).name == name


# -- files that are none -----------------------------------------------------------------------------


def test_a_missing_file_is_named_with_its_neighbours(tmp_path: Path) -> None:
    for name in ("deploy.sloth", "deploy2.sloth", "notes.txt"):
        (tmp_path / name).write_text("")
    with pytest.raises(ScriptNotFound) as caught:
        read_script(f"{tmp_path}/deplyo.sloth")
    error = caught.value
    assert isinstance(error, FileNotFoundError)
    assert error.message == f"there is no file {tmp_path}/deplyo.sloth"
    assert error.hint == f"Did you mean {tmp_path}/deploy.sloth, {tmp_path}/deploy2.sloth?"
    assert error.exit_code == 3


@pytest.mark.parametrize("path", ["nothing/like/it.sloth", "zzzzz", ""])
def test_a_missing_file_without_neighbours_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ScriptNotFound) as caught:
        read_script(path)
    assert (caught.value.message, caught.value.hint) == (
        f"there is no file {path}",
        "Check the path.",
    )


@pytest.mark.parametrize(
    ("files", "hint"),
    [
        ([], "Name a .sloth file."),
        (["b.sloth", "a.lua", "c.txt"], "Name a file in it: PATH/a.lua, PATH/b.sloth"),
    ],
)
def test_a_folder_is_no_script(tmp_path: Path, files: list[str], hint: str) -> None:
    for name in files:
        (tmp_path / name).write_text("")
    with pytest.raises(ScriptUnreadable) as caught:
        read_script(str(tmp_path))
    assert caught.value.message == f"{tmp_path} is a folder"
    assert caught.value.hint == hint.replace("PATH", str(tmp_path))


def test_a_path_through_a_file_is_no_script(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ScriptUnreadable) as caught:
        read_script(f"{tmp_path}/file/x.sloth")
    assert caught.value.message == f"{tmp_path}/file/x.sloth cannot be read: Not a directory"


def test_a_file_without_permission_is_no_script(tmp_path: Path) -> None:
    path = tmp_path / "secret.sloth"
    path.write_text("x = 1")
    path.chmod(0)
    is_root = os.geteuid() == 0
    if is_root:  # whom permissions do not stop
        os.seteuid(65534)
    try:
        with pytest.raises(ScriptUnreadable) as caught:
            read_script(str(path))
    finally:
        if is_root:
            os.seteuid(0)
    assert caught.value.message == f"{path} cannot be read: Permission denied"
    assert caught.value.hint == "Run it as a user who may read it."


def test_a_file_that_is_too_long_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "t.sloth"
    with path.open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(ScriptUnreadable) as caught:
        read_script(str(path))
    assert caught.value.message == f"{path} has more than 10,000,000 bytes"


def test_of_a_long_line_the_beginning_is_shown() -> None:
    script = Script("t.sloth", "t.sloth", b"x = " + b"(" * 100_000)
    assert script.excerpt("t.sloth:1") == "    1 | x = " + "(" * 296 + "…"


@pytest.mark.parametrize(
    "content", [b"\x1bLJ\x02", b"x = 1\0", b"\x7fELF\0\0", b"\0", b"FeL\xa4\x16g6"]
)
def test_a_binary_file_is_no_script(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.sloth"
    path.write_bytes(content)
    with pytest.raises(ScriptUnreadable) as caught:
        read_script(str(path))
    assert caught.value.message == f"{path} is a binary file, not Lua text"
    assert caught.value.hint == "Workflow files are Lua source."
