"""The module `stow`: links, conflicts, and what GNU stow has made before."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

VIM = '{ package = "vim", dir = "dotfiles", target = "home" }'


@pytest.fixture
def folder(told: Any) -> Path:
    """Packages `vim` (.vimrc, .config/vim/rc, what is ignored) and `zsh` (.zshrc), and a home."""
    found: Path = told.sloth.folder
    for path in (
        "vim/.vimrc",
        "vim/.config/vim/rc",
        "vim/README.md",
        "vim/.git/x",
        "vim/a~",
        "zsh/.zshrc",
    ):
        file = found / "dotfiles" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(path)
    (found / "home").mkdir()
    return found


def tree(home: Path) -> dict[str, str | None]:
    """Links with what they say, files with what is in them, and folders."""
    found: dict[str, str | None] = {}
    for path in sorted(home.rglob("*")):
        name = str(path.relative_to(home))
        found[name] = (
            os.readlink(path) if path.is_symlink() else path.read_text() if path.is_file() else None
        )
    return found


STOWED = {
    ".config": None,
    ".config/vim": None,
    ".config/vim/rc": "../../../dotfiles/vim/.config/vim/rc",
    ".vimrc": "../dotfiles/vim/.vimrc",
}


def done(changed: bool, message: str) -> list[Any]:
    return [True, {"changed": changed, "message": message}]


def test_a_path_that_cannot_be_one_is_a_result_not_a_crash(told: Any) -> None:
    path = r'"a\0b"'
    assert told(f"stow.list_packages({path})", f"stow.is_stowed({path})", f"stow.stow({path})") == [
        [None, "embedded null byte"],
        [False],
        [False, "embedded null byte"],
    ]


def test_files_are_linked_once_and_unlinked_once(told: Any, folder: Path) -> None:
    first, second = told(
        f"stow.stow{VIM}", 'stow.stow("vim", { source_dir = "dotfiles", target_dir = "home" })'
    )
    assert (first, second) == (done(True, "vim is stowed"), done(False, "vim is stowed already"))
    assert tree(folder / "home") == STOWED
    assert (folder / "home/.vimrc").read_text() == "vim/.vimrc"
    (folder / "home/.config/own").write_text("mine")
    first, second = told(f"stow.unstow{VIM}", f"stow.unlink{VIM}")
    assert (first, second) == (
        done(True, "vim is unstowed"),
        done(False, "vim is unstowed already"),
    )
    assert tree(folder / "home") == {".config": None, ".config/own": "mine"}


def test_several_packages_share_folders_and_the_default_target_is_above_them(
    told: Any, folder: Path
) -> None:
    (folder / "dotfiles/zsh/.config").mkdir()
    (folder / "dotfiles/zsh/.config/z").touch()
    (folder / "home").rmdir()
    assert told('stow.stow{ packages = { "vim", "zsh" }, dir = "dotfiles" }') == [
        done(True, "vim, zsh is stowed")
    ]
    assert os.readlink(folder / ".config/z") == "../dotfiles/zsh/.config/z"
    assert os.readlink(folder / ".vimrc") == "dotfiles/vim/.vimrc"
    assert told('stow.unstow{ package = "zsh", dir = "dotfiles" }') == [
        done(True, "zsh is unstowed")
    ]
    assert os.listdir(folder / ".config") == ["vim"]


def test_what_is_in_the_way_changes_nothing(told: Any, folder: Path) -> None:
    (folder / "home/.vimrc").write_text("mine")
    (folder / "home/.config").symlink_to("/nowhere")
    before = tree(folder / "home")
    ways = ".vimrc (a file), .config (a link to /nowhere, where a folder has to be)"
    stowed, restowed, unstowed = told(f"stow.stow{VIM}", f"stow.restow{VIM}", f"stow.unstow{VIM}")
    assert stowed == restowed == [False, f"vim: in the way in home: {ways}"]
    assert unstowed == done(False, "vim is unstowed already")
    assert tree(folder / "home") == before


def test_what_a_folded_link_of_gnu_stow_shows_counts_as_stowed(told: Any, folder: Path) -> None:
    (folder / "home/.config").symlink_to("../dotfiles/vim/.config")
    (folder / "home/.vimrc").symlink_to(folder / "dotfiles/vim/.vimrc")
    stowed, checked, restowed = told(f"stow.stow{VIM}", f"stow.check{VIM}", f"stow.restow{VIM}")
    assert stowed == done(False, "vim is stowed already")
    assert checked[0]["is_valid"]
    assert restowed == done(True, "vim is stowed anew")
    assert tree(folder / "home") == STOWED
    assert (folder / "dotfiles/vim/.config/vim/rc").read_text() == "vim/.config/vim/rc"


def test_a_link_of_the_user_s_own_is_gone_through_and_kept(told: Any, folder: Path) -> None:
    (folder / "elsewhere").mkdir()
    (folder / "home/.config").symlink_to("../elsewhere")
    assert told(f"stow.stow{VIM}") == [done(True, "vim is stowed")]
    assert (folder / "elsewhere/vim/rc").read_text() == "vim/.config/vim/rc"
    assert told(f"stow.unstow{VIM}") == [done(True, "vim is unstowed")]
    assert os.readlink(folder / "home/.config") == "../elsewhere"
    assert os.listdir(folder / "elsewhere") == []


def test_questions_are_answered(told: Any, folder: Path) -> None:
    (folder / "home/.vimrc").write_text("mine")
    told('stow.stow{ package = "zsh", dir = "dotfiles", target = "home" }')
    checked, is_stowed, other, names, missing = told(
        f"stow.verify{VIM}",
        f"stow.is_stowed{VIM}",
        'stow.is_stowed("zsh", { dir = "dotfiles", target = "home" })',
        'stow.list_packages("dotfiles")',
        'stow.list_packages("none")',
    )
    assert checked == [
        {
            "linked": [],
            "missing": [".config/vim/rc"],
            "conflicts": [".vimrc (a file)"],
            "stowed_links": 0,
            "total_files": 2,
            "is_valid": False,
        }
    ]
    assert (is_stowed, other, names) == ([False], [True], [["vim", "zsh"]])
    assert missing == [None, f"{folder}/none: No such file or directory"]


def test_a_package_says_itself_what_is_ignored(told: Any, folder: Path) -> None:
    (folder / "dotfiles/vim/.stow-local-ignore").write_text(
        "# comment\n\\.vimrc  # not now\n^/README.*\n^/.git\n"
    )
    told(f"stow.stow{VIM}")
    assert sorted(tree(folder / "home")) == [".config", ".config/vim", ".config/vim/rc", "a~"]
    (folder / "dotfiles/vim/.stow-local-ignore").write_text("(\n")
    ((ok, problem),) = told(f"stow.stow{VIM}")
    assert not ok
    assert problem.startswith(".stow-local-ignore has a pattern that is no regular expression: ")


def test_a_folder_of_packages_can_itself_be_one(told: Any, folder: Path) -> None:
    stowed = told('stow.stow{ package = ".", dir = "dotfiles/vim", target = "home" }')
    assert stowed == [done(True, ". is stowed")]
    assert tree(folder / "home") == STOWED


def test_a_plan_makes_no_link(told: Any, folder: Path) -> None:
    assert told.planned(f"stow.stow{VIM}", f"stow.unstow{VIM}") == [
        ["stow.stow", "vim"],
        ["fs.write", "told"],
    ]
    assert tree(folder / "home") == {}


WRONG = {
    "stow.stow()": "stow.stow: package must be a string or a list of them, not nothing",
    'stow.stow{ package = "../x" }': "stow.stow: '../x' is no name of a folder",
    'stow.stow{ package = "x", no_folding = false }': "stow.stow: folders are never linked as a whole; no_folding cannot be false",
    'stow.stow{ package = "x", targt = "y" }': "stow.stow: it has no field 'targt'; did you mean 'target'?",
    "stow.stow{ package = {} }": "stow.stow: package must not be empty",
    'stow.check{ package = "a b" }': "stow.check: it takes one package",
    'stow.stow{ package = "none" }': [False, "FOLDER/none: No such file or directory"],
}


def test_wrong_arguments_are_errors_and_a_missing_package_is_a_result(told: Any) -> None:
    found = dict(zip(WRONG, told(*WRONG), strict=True))
    (*_, last) = WRONG
    found[last][1] = found[last][1].replace(str(told.sloth.folder), "FOLDER")
    assert found == WRONG
