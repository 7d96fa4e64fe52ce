"""`process.run`, by which providers run programs without a shell."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from sloth_runner.errors import WorkflowError
from sloth_runner.providers.processes import is_installed, run
from sloth_runner.script import Script
from sloth_runner.session import Session

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def session(tmp_path: Path) -> Session:
    session = Session(Script("w.sloth", "w.sloth", b""), emit=lambda _event: None)
    session.current.workdir = str(tmp_path)
    return session


def result(session: Session, *arguments: str, stdin: bytes | None = None, **options: Any) -> Any:
    return asyncio.run(run(session, json.dumps(arguments), json.dumps(options), stdin))


def test_no_shell_sees_the_arguments(session: Session) -> None:
    assert result(session, "printf", "%s|", "$HOME", "a b", "`id`", "'") == {
        "exit_code": 0,
        "stdout": "$HOME|a b|`id`|'|",
        "stderr": "",
    }


def test_a_program_has_its_input_folder_and_variables(session: Session, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    script = "cat; pwd; echo $A $LC_ALL; printf '\\377' >&2; exit 3"
    found = result(session, "sh", "-c", script, stdin=b"in\n", workdir="sub", env={"A": "x"})
    assert found == {
        "exit_code": 3,
        "stdout": f"in\n{tmp_path}/sub\nx C.UTF-8\n",
        "stderr": "\N{REPLACEMENT CHARACTER}",
    }


def test_check_makes_a_failure_an_error_in_the_programs_words(session: Session) -> None:
    with pytest.raises(WorkflowError, match=r"^sh failed: exit code 4: no luck$"):
        result(session, "sh", "-c", "echo no luck >&2; exit 4", check=True)


def test_a_timeout_ends_the_program(session: Session) -> None:
    assert result(session, "sleep", "30", timeout=0.1)["exit_code"] == 124


def test_a_program_that_is_not_installed_is_named(session: Session) -> None:
    assert is_installed(session, "sh")
    assert not is_installed(session, "no-such-program")
    with pytest.raises(WorkflowError, match=r"^the command no-such-program is not installed$"):
        result(session, "no-such-program")


def test_the_systems_own_programs_are_found_without_being_on_path(session: Session) -> None:
    assert result(session, "useradd", "--help", env={"PATH": "/usr/bin"})["exit_code"] == 0


def test_programs_of_one_queue_run_one_after_the_other(session: Session, tmp_path: Path) -> None:
    script = 'test ! -e busy || echo both >> "$0"; touch busy; sleep 0.05; rm busy'

    async def all_at_once() -> None:
        arguments, options = json.dumps(["sh", "-c", script, "log"]), '{"queue": "one"}'
        await asyncio.gather(*(run(session, arguments, options) for _ in range(4)))

    began = time.monotonic()
    asyncio.run(all_at_once())
    assert time.monotonic() - began >= 0.2
    assert not (tmp_path / "log").exists()
