"""The installed program: terminals, pipes, what it imports."""

from __future__ import annotations

import fcntl
import os
import pty
import subprocess
import sys
import termios
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from struct import pack

import pytest

from sloth_state.model import ResourceDraft, Run, RunStatus
from sloth_state.store import Store

Record = Callable[..., Run]

PROGRAM = str(Path(sys.executable).with_name("sloth-runner"))
LIST = ("state", "workflow", "list")
DELETE = ("state", "workflow", "delete", "web")

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1
"""From <linux/prctl.h> and <linux/capability.h>."""

GREEN, RED, MAGENTA, YELLOW = "\x1b[32m", "\x1b[31m", "\x1b[35m", "\x1b[33m"
BOLD, END = "\x1b[1m", "\x1b[0m"


def _run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, *arguments], check=False, capture_output=True, text=True, **options
    )


def _at_a_terminal(
    *arguments: str, typed: str = "", columns: int = 100, **variables: str
) -> tuple[int, str]:
    """Exit code, and what the screen got, line ends made plain; `typed` is sent at once."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, pack("HHHH", 24, columns, 0, 0))
    os.write(ours, typed.encode())
    process = subprocess.Popen(
        [PROGRAM, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, **variables},
        start_new_session=True,
    )
    os.close(theirs)
    screen = b""
    try:
        while chunk := os.read(ours, 4096):
            screen += chunk
    except OSError:  # the other end was closed
        pass
    os.close(ours)
    return process.wait(), screen.decode().replace("\r\n", "\n")


@pytest.fixture
def two_runs(finished_run: Record) -> None:
    finished_run("web", status=RunStatus.FAILED)
    finished_run("web")


@pytest.mark.usefixtures("two_runs")
def test_a_terminal_gets_colours() -> None:
    assert _at_a_terminal(*LIST) == (
        0,
        f"{BOLD}NAME{END}  {BOLD}VERSION{END}  {BOLD}STATUS{END}   {BOLD}STARTED{END}"
        f"              {BOLD}DURATION{END}  {BOLD}RESOURCES{END}\n"
        f"web   2        {GREEN}success{END}  2026-03-01 14:01:00  1.2s      0\n"
        f"web   1        {RED}failed{END}   2026-03-01 14:00:00  1.2s      0\n"
        "\n"
        "2 runs\n",
    )


@pytest.mark.usefixtures("two_runs")
@pytest.mark.parametrize(
    ("before", "after", "variables"),
    [
        ((), ("--no-color",), {}),
        (("--no-color",), (), {}),
        ((), (), {"NO_COLOR": "1"}),
        ((), (), {"TERM": "dumb"}),
    ],
)
def test_colours_can_be_turned_off(
    before: tuple[str, ...], after: tuple[str, ...], variables: dict[str, str]
) -> None:
    code, screen = _at_a_terminal(*before, *LIST, *after, **variables)

    assert code == 0
    assert "\x1b" not in screen
    assert screen == _run(*LIST).stdout


def test_each_status_and_action_has_its_colour(finished_run: Record) -> None:
    file, other = ResourceDraft("file", "a", {}), ResourceDraft("file", "b", {})
    finished_run("web", resources=[file, other])
    finished_run("web", resources=[file._replace(attributes={"x": 1})], removed=[("file", "b")])
    finished_run("web", status=RunStatus.ROLLED_BACK)

    _, first = _at_a_terminal("state", "workflow", "resources", "web@1")
    _, second = _at_a_terminal("state", "workflow", "resources", "web@2")
    _, third = _at_a_terminal("state", "workflow", "resources", "web@3")
    _, shown = _at_a_terminal("state", "workflow", "show", "web")

    assert f"{GREEN}create{END}" in first
    assert f"{YELLOW}update{END}" in second
    assert f"{RED}delete{END}" in second
    assert f"\x1b[90mnoop{END}" in third
    assert f"{BOLD}Workflow: web (v3){END}" in shown
    assert f"Status:     {MAGENTA}rolled_back{END}\n" in shown


def test_errors_are_red_and_hints_yellow_at_a_terminal(store: Store) -> None:
    assert _at_a_terminal("state", "workflow", "show", "web") == (
        3,
        f"{RED}Error:{END} no workflow or run is called 'web'\n"
        f"{YELLOW}Hint:{END} List what there is with: sloth-runner state workflow list\n",
    )


def test_long_cells_are_shortened_at_a_terminal_only(finished_run: Record) -> None:
    finished_run("web", message="a description that is a good deal longer than the terminal")
    versions = ("state", "workflow", "versions", "web", "--no-color")

    _, screen = _at_a_terminal(*versions, columns=80)
    piped = _run(*versions).stdout

    assert screen.splitlines()[1] == (
        "1        2026-03-01 14:00:00  ada@build-7  success  +0 ~0 -0  a description tha…"
    )
    assert piped.splitlines()[1].endswith("a good deal longer than the terminal")


@pytest.mark.usefixtures("two_runs")
@pytest.mark.parametrize("answer", ["y", "YES"])
def test_delete_asks_and_goes_on_after_a_yes(store: Store, answer: str) -> None:
    code, screen = _at_a_terminal(*DELETE, typed=f"{answer}\n")

    assert code == 0
    assert screen == (
        f"{answer}\n"
        "This deletes the records of web: 2 versions, 0 resources.\n"
        "The things themselves stay as they are, and nothing remembers them any more.\n"
        "Delete web? [y/N] Deleted web: 2 versions, 0 resources\n"
    )
    assert store.workflow_names() == []


@pytest.mark.usefixtures("two_runs")
@pytest.mark.parametrize("answer", ["n\n", "\n", "yup\n", "\x04"])
def test_any_other_answer_changes_nothing(store: Store, answer: str) -> None:
    code, screen = _at_a_terminal(*DELETE, "--no-color", typed=answer)

    assert code == 1
    assert screen.endswith("Error: declined; nothing was changed\n")
    assert store.workflow_names() == ["web"]


@pytest.mark.usefixtures("two_runs")
def test_ctrl_c_at_the_question_changes_nothing(store: Store) -> None:
    leader, follower = pty.openpty()
    process = subprocess.Popen([PROGRAM, *DELETE], stdin=follower, stdout=follower, stderr=follower)
    os.close(follower)
    screen = b""
    while not screen.endswith(b"[y/N] "):
        screen += os.read(leader, 4096)
    process.send_signal(2)

    assert process.wait() == 130
    os.close(leader)
    assert store.workflow_names() == ["web"]


@pytest.mark.usefixtures("two_runs")
def test_words_do_not_mix_with_data(dead_run: Run) -> None:
    ran = _run(*LIST, "-o", "json", "--status", "running")

    assert (ran.returncode, ran.stdout) == (0, "[]\n")
    assert ran.stderr == (
        f"Note: run {dead_run.id} of dead was interrupted (its process is gone); marked as failed\n"
    )


@pytest.mark.usefixtures("two_runs")
def test_a_store_that_can_only_be_read_is_read_and_that_is_said(
    store: Store, tmp_path: Path
) -> None:
    store.close()
    (tmp_path / "state.db").chmod(0o444)
    # Root may write in spite of that, unless it gives up the capability.
    give_up = f"import ctypes, os; ctypes.CDLL(None).prctl({PR_CAPBSET_DROP}, {CAP_DAC_OVERRIDE})"

    ran = subprocess.run(
        [sys.executable, "-c", f"{give_up}; os.execv({PROGRAM!r}, {[PROGRAM, *LIST]!r})"],
        check=False,
        capture_output=True,
        text=True,
    )

    assert (ran.returncode, ran.stderr) == (0, "Note: the file is read-only; reading only\n")
    assert ran.stdout.splitlines()[-1] == "2 runs"


def test_a_reader_that_goes_away_is_no_error(finished_run: Record) -> None:
    finished_run("web", metadata={"note": "x" * 300_000})
    process = subprocess.Popen(
        [PROGRAM, "state", "workflow", "show", "web"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate()

    assert (process.returncode, err) == (141, "")


def test_a_reader_of_errors_that_goes_away_is_no_bug(store: Store) -> None:
    reading, writing = os.pipe()
    os.close(reading)

    ran = subprocess.run([PROGRAM, "state", "workflow", "show", "web"], check=False, stderr=writing)
    os.close(writing)

    assert ran.returncode == 141


@pytest.mark.usefixtures("two_runs")
@pytest.mark.parametrize("words", [("--help",), ("--version",), ("completion", "bash"), LIST])
def test_output_that_cannot_be_written_is_an_error_of_every_command(words: tuple[str, ...]) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        ran = subprocess.run([PROGRAM, *words], check=False, stdout=full, stderr=subprocess.PIPE)

    assert (ran.returncode, ran.stderr) == (
        1,
        b"Error: the output cannot be written: No space left on device\n",
    )


@pytest.mark.usefixtures("two_runs")
def test_words_that_cannot_be_written_change_neither_what_is_done_nor_the_exit_code() -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        codes = [
            subprocess.run([PROGRAM, *words], check=False, stderr=full, stdout=full).returncode
            for words in ((*DELETE, "--force"), (*LIST, "--wrong"), DELETE)
        ]

    assert codes == [1, 2, 3]  # the first one has deleted all and cannot say so


@pytest.mark.parametrize(
    ("number", "name"), [("SIGINT", "Ctrl-C"), ("SIGTERM", "SIGTERM"), ("SIGHUP", "SIGHUP")]
)
def test_a_signal_while_the_program_starts_is_told_like_any_other(number: str, name: str) -> None:
    start = f"""
import os, signal, sys
class Signal:
    def find_spec(self, name, *_):
        if name == "sloth_state.cli.tables" and sys.meta_path.pop(0) is self:
            os.kill(os.getpid(), signal.{number})
signal.signal(signal.SIGINT, signal.default_int_handler)
from sloth_runner.cli import main
sys.meta_path.insert(0, Signal())
sys.exit(main())
"""
    ran = subprocess.run(
        [sys.executable, "-c", start, *LIST], check=False, capture_output=True, text=True
    )

    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", f"Error: interrupted by {name}\n")


def test_a_terminal_of_another_encoding_gets_escapes(finished_run: Record) -> None:
    finished_run("東京")

    ran = _run("state", "workflow", "show", "東京", env={**os.environ, "PYTHONIOENCODING": "ascii"})

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("Workflow: \\u6771\\u4eac (v1)\n")


def test_the_version_is_that_of_the_package() -> None:
    assert _run("--version").stdout == f"sloth-runner {version('sloth-runner')}\n"


def test_python_dash_m_is_the_same_program(store: Store) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "sloth_runner", *LIST], check=False, capture_output=True, text=True
    )

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "0 runs\n", "")


@pytest.mark.usefixtures("two_runs")
def test_looking_at_state_imports_nothing_slow() -> None:
    code = (
        "import sys, click; before = set(sys.modules)\n"
        "import sloth_runner.cli\n"
        "from sloth_runner.cli.root import root\n"
        "from sloth_state.cli import run_cli\n"
        f"assert run_cli(root, {list(LIST)!r}) == 0\n"
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before}, file=sys.stderr)"
    )

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    slow = "lupa asyncio rich pluggy yaml hashlib pathlib dataclasses difflib shutil subprocess"
    assert set(ran.stderr.split()) & set(slow.split()) == set()
    assert "sloth_state" in ran.stderr.split()


def test_the_help_of_the_program_imports_no_command() -> None:
    code = (
        "import sys\n"
        "from sloth_runner.cli import main\n"
        "sys.argv[1:] = ['--help']\n"
        "assert main() == 0\n"
        "print(*sys.modules, file=sys.stderr)"
    )

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert not {"sloth_runner.cli.run", "sloth_state.cli.groups", "apsw", "lupa"} & set(
        ran.stderr.split()
    )
