"""Several runs, each of a workflow of its own, that change the same files at the same moment."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from sloth_runner.errors import WorkflowError
from sloth_runner.providers import durable

RUNS = 8
RUN = (sys.executable, "-m", "sloth_runner", "run")


def run_at_once(workflow: Any, declaration: str) -> None:
    """Run it for each `values.i` from 1 on; every run must succeed."""
    workflow.declares(declaration)
    runs = [
        subprocess.Popen(
            [*RUN, f"w{number}", "--file", "w.sloth", "--set", f"i={number}"],
            cwd=workflow.folder,
            env={**os.environ, "SLOTH_RUNNER_STATE": f"sqlite:///{workflow.folder}/state.db"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for number in range(1, RUNS + 1)
    ]
    said = [run.communicate(timeout=120)[0] for run in runs]
    assert [run.returncode for run in runs] == [0] * RUNS, said
    assert [each.name for each in workflow.folder.glob(".sloth-*") if each.is_file()] == []


def test_each_keeps_the_lines_of_the_others(workflow: Any) -> None:
    hosts = workflow.folder / "hosts"
    hosts.write_text("".join(f"{number}\n" for number in range(100_000)))
    run_at_once(workflow, 'line_in_file{ name = "l", path = "hosts", line = "host " .. values.i }')
    found = [line for line in hosts.read_text().splitlines() if line.startswith("host ")]
    assert sorted(found) == sorted(f"host {number}" for number in range(1, RUNS + 1))


def test_a_file_is_that_of_one_of_them_as_a_whole(workflow: Any) -> None:
    run_at_once(
        workflow, 'file{ name = "f", path = "f", content = tostring(values.i):rep(3000000) }'
    )
    content = (workflow.folder / "f").read_text()
    assert content == content[0] * 3_000_000


def test_links_and_folders_are_made_by_all_or_found(workflow: Any) -> None:
    run_at_once(workflow, 'symlink{ name = "l", path = "l", target = "to" .. values.i }')
    assert (workflow.folder / "l").readlink().name.startswith("to")
    run_at_once(workflow, 'directory{ name = "d", path = "d" }')
    assert (workflow.folder / "d").is_dir()


def test_a_process_that_does_not_go_on_is_not_waited_for_for_ever(
    workflow: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable, "PATIENCE_SECONDS", 0.1)
    path = str(workflow.folder / "f")
    said = "is being changed by another process for more than 0 s"
    with durable.alone_in(workflow.folder):
        with pytest.raises(WorkflowError, match=said) as refused, durable.alone_in(workflow.folder):
            pass
        assert refused.value.hint == f"See which one with: fuser -v {workflow.folder}"
    with durable.replacing(path, durable.Permissions()) as file:
        file.write(b"first")
        others = durable.replacing(path, durable.Permissions())
        with pytest.raises(WorkflowError, match=said), others:
            pass
    assert (workflow.folder / "f").read_text() == "first"
