"""Examples as their READMEs tell them: a copy of the folder, one shell, command after command."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
END = "--- the command has ended ---"
VARYING = {
    rf"{getpass.getuser()}@{re.escape(socket.gethostname())}": "root@host",
    r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b": "TIME",
    r"\b\d+(ms|(\.\d)?s)\b": "DURATION",
    r"\b[0-9a-f]{12}\b": "ID",
    r"(?<=\S) {2,}": "  ",  # columns are as wide as what is in them
}
"""What differs from run to run and from machine to machine, and what stands for it."""


class Story:
    """An example's README, walked through chapter by chapter in a copy of its folder.

    `names` are what must be other in the copy, for instance a port: text to text, in all files.
    """

    def __init__(self, example: Path, folder: Path, names: Mapping[str, str]) -> None:
        self.folder = folder
        _copy(example, folder, names)
        self._files_at_the_start = self.files()
        self._chapters = iter(_chapters((folder / "README.md").read_text()))
        self._shell = _shell(folder)
        self._follow(next(self._chapters)[1])

    def chapter(self, title: str) -> None:
        """Does what the next chapter shows, which must be this one, and compares what is printed."""
        found, commands = next(self._chapters)
        assert found == title
        assert commands
        self._follow(commands)

    def assert_over(self) -> None:
        """There are no more chapters, and the folder is as it was before the first one."""
        assert list(self._chapters) == []
        assert self.files() == self._files_at_the_start

    def files(self) -> dict[str, str]:
        """All there is below the folder, with what is in it; nothing is in a folder."""
        return {
            str(path.relative_to(self.folder)): ""
            if path.is_dir()
            else path.read_text(errors="replace")
            for path in self.folder.rglob("*")
        }

    def mode(self, path: str) -> str:
        """Mode, owner and group of a file."""
        found = self.folder / path
        return f"{found.stat().st_mode & 0o7777:04o} {found.owner()} {found.group()}"

    def _follow(self, commands: list[tuple[str, str]]) -> None:
        for command, shown in commands:
            assert _comparable(self._run(command)) == _comparable(shown), command

    def _run(self, command: str) -> str:
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        # A command must not read those that come after it, and need not end its last line.
        self._shell.stdin.write(f"{{ {command}\n}} </dev/null; printf '\\n%s\\n' '{END}'\n")
        self._shell.stdin.flush()
        lines = []
        for line in self._shell.stdout:
            if line == f"{END}\n":
                return "".join(lines)
            lines.append(line)
        raise AssertionError(f"the shell ended at: {command}\n{''.join(lines)}")

    def close(self) -> None:
        """Ends the shell."""
        self._shell.communicate()


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Callable[..., Story]]:
    """Opens the story of an example: `story("quickstart")`, `story("shop", {"8099": "4711"})`."""
    with ExitStack() as stack:

        def open_story(example: str, names: Mapping[str, str] | None = None) -> Story:
            return stack.enter_context(
                closing(Story(EXAMPLES / example, tmp_path / "example", names or {}))
            )

        yield open_story


def _copy(example: Path, folder: Path, names: Mapping[str, str]) -> None:
    made = (example / ".gitignore").read_text().split()
    ignored = shutil.ignore_patterns(*(name.strip("/") for name in made))
    shutil.copytree(example, folder, ignore=ignored)
    for path in folder.rglob("*"):
        if path.is_file():
            path.write_text(_replaced(path.read_text(), names))


def _replaced(text: str, names: Mapping[str, str]) -> str:
    for old, new in names.items():
        text = text.replace(old, new)
    return text


def _shell(folder: Path) -> subprocess.Popen[str]:
    beside_python = Path(sys.executable).parent
    return subprocess.Popen(
        ["bash"],
        cwd=folder,
        env={
            **os.environ,
            "PATH": f"{beside_python}{os.pathsep}{os.environ['PATH']}",
            "PYTHONWARNINGS": "error",
            "SLOTH_RUNNER_STATE": f"sqlite:///{folder.parent}/state.db",
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _chapters(readme: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """What comes before the chapters, and these: titles, and commands with what they print."""
    for chapter in readme.split("\n## "):
        assert chapter.count("```") % 2 == 0, "a title in the middle of a block"
        blocks = "".join(re.findall(r"```console\n(.*?)```", chapter, re.S))
        parts = re.split(r"^\$ (.*)\n", blocks, flags=re.M)[1:]
        yield chapter.partition("\n")[0], list(zip(parts[::2], parts[1::2], strict=True))


def _comparable(text: str) -> str:
    for pattern, name in VARYING.items():
        text = re.sub(pattern, name, text)
    return text.rstrip("\n")
