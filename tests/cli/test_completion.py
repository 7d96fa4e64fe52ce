"""Shells complete commands, options and what is in the store, and are never bothered by errors."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sloth_state.leases import acquire
from sloth_state.model import LockScope, Output, ResourceDraft, Run
from sloth_state.store import Store

Sloth = Callable[..., Any]

PROGRAM = Path(sys.executable).with_name("sloth-runner")
WORKFLOW = ("state", "workflow")


@pytest.fixture(autouse=True)
def recorded(finished_run: Callable[..., Run], store: Store) -> None:
    run = finished_run(
        "deploy-prod",
        resources=[ResourceDraft("file", "a", {}), ResourceDraft("package", "b", {})],
        outputs=[Output("url", "x"), Output("user", "y")],
    )
    store.add_tags(run.id, ["blue", "stable"], "ada")
    finished_run("deploy-prod")
    finished_run("nightly")
    acquire(store, LockScope.SCRIPT, "database")


@pytest.fixture
def complete(
    monkeypatch: pytest.MonkeyPatch, sloth: Sloth, capsys: pytest.CaptureFixture[str]
) -> Callable[..., list[str]]:
    """What is offered for the last of these words."""

    def offered(*words: str) -> list[str]:
        monkeypatch.setenv("_SLOTH_RUNNER_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", " ".join(["sloth-runner", *words]))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        code, out, err = sloth()
        monkeypatch.delenv("_SLOTH_RUNNER_COMPLETE")
        assert (code, err) == (0, "")
        return [line.removeprefix("plain,") for line in out.splitlines() if line]

    return offered


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("st",), ["state"]),
        ((*WORKFLOW, "l"), ["list", "locks"]),
        ((*WORKFLOW, "list", "--l"), ["--latest", "--limit"]),
        ((*WORKFLOW, "list", "--status", "r"), ["running", "rolled_back"]),
        ((*WORKFLOW, "list", "--name", "d"), ["deploy-prod"]),
        ((*WORKFLOW, "list", "--tag", ""), ["blue", "stable"]),
        ((*WORKFLOW, "show", ""), ["deploy-prod", "nightly"]),
        ((*WORKFLOW, "versions", "n"), ["nightly"]),
        ((*WORKFLOW, "show", "deploy-prod@"), ["deploy-prod@2", "deploy-prod@1"]),
        ((*WORKFLOW, "resources", "deploy-prod", "--type", "p"), ["package"]),
        ((*WORKFLOW, "diff", "n"), ["nightly"]),
        ((*WORKFLOW, "diff", "deploy-prod", ""), ["2", "1", "latest"]),
        ((*WORKFLOW, "diff", "deploy-prod", "1", "l"), ["latest"]),
        ((*WORKFLOW, "diff", "nobody", ""), []),
        ((*WORKFLOW, "outputs", "deploy-prod@1", "u"), ["url", "user"]),
        ((*WORKFLOW, "tags", "remove", "deploy-prod@1", "s"), ["stable"]),
        ((*WORKFLOW, "tags", "add", "nightly", "b"), ["blue"]),
        ((*WORKFLOW, "unlock", "--script", ""), ["database"]),
        (("completion", ""), ["bash", "zsh", "fish"]),
        ((*WORKFLOW, "show", "nobody@"), []),
        ((*WORKFLOW, "outputs", "nobody", ""), []),
        (("--state", "/no/such/store", *WORKFLOW, "show", ""), []),
        (("--state", "postgresql://host/db", *WORKFLOW, "show", ""), []),
    ],
    ids=" ".join,
)
def test_what_begins_like_the_word_is_offered(
    complete: Callable[..., list[str]], words: tuple[str, ...], offered: list[str]
) -> None:
    assert complete(*words) == offered


def test_completing_never_prints_an_error(
    sloth: Sloth, store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_SLOTH_RUNNER_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "sloth-runner")

    monkeypatch.setenv("COMP_CWORD", "not a number")
    broken = sloth()

    assert broken == (1, "", "")


def test_completing_makes_no_store(
    complete: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SLOTH_RUNNER_STATE")

    assert complete(*WORKFLOW, "show", "") == []
    assert not (tmp_path / "home").exists()


def test_bash_completes_with_the_script_it_is_given(store_path: Path) -> None:
    script = """
        eval "$(sloth-runner completion bash)"
        COMP_WORDS=(sloth-runner state workflow show deploy-prod@)
        COMP_CWORD=4
        _sloth_runner_completion sloth-runner
        echo "${COMPREPLY[@]}"
        [[ $COMP_WORDBREAKS == *@* ]] && echo "an @ would end the word"
        complete -p sloth-runner
    """
    environment = {**os.environ, "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}"}

    ran = subprocess.run(
        ["bash", "--norc", "-c", script],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
    )

    assert (ran.stdout, ran.stderr) == (
        "deploy-prod@2 deploy-prod@1\n"
        "complete -o nosort -F _sloth_runner_completion sloth-runner\n",
        "",
    )


@pytest.mark.parametrize(
    ("shell", "line"),
    [
        ("zsh", "    compdef _sloth_runner_completion sloth-runner"),
        (
            "fish",
            'complete --no-files --command sloth-runner --arguments "(_sloth_runner_completion)";',
        ),
    ],
)
def test_other_shells_get_the_script_that_registers_the_program(
    sloth: Sloth, shell: str, line: str
) -> None:
    code, out, err = sloth("completion", shell)

    assert (code, err) == (0, "")
    assert line in out.splitlines()
