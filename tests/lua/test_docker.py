"""The module `docker`, through stand-ins for the program: one that records, one with containers."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

WITH_CONTAINERS = Path(__file__).parents[1] / "docs/stand_ins/docker_container/docker"
RECORDING = """#!/bin/bash
# `docker ps` knows the container "web", which runs, and "old", which does not.
case $1 in
  ps) [[ "$*" = *"^/?web$"* ]] && echo running; [[ "$*" = *"^/?old$"* ]] && echo exited; exit 0;;
  logs) echo "to out"; echo "to err" >&2; exit 0;;
esac
printf '%q ' "$@" >> "$(dirname "$0")/calls"; echo >> "$(dirname "$0")/calls"
[ "${!#}" = warned ] && { printf 'DEPRECATED: so\n  do that\n\nno such folder\n' >&2; exit 1; }
[ "${!#}" = broken ] && { echo "Error response from daemon: no such image" >&2; exit 1; }
echo "said $1"
"""


class Docker:
    """The stand-in's calls."""

    def __init__(self, sloth: Any) -> None:
        self.folder: Path = sloth.folder / "bin"
        self.folder.mkdir()
        sloth.environment["PATH"] = f"{self.folder}{os.pathsep}{sloth.environment['PATH']}"

    def calls(self) -> list[str]:
        """The calls since this was asked last that change something."""
        path = self.folder / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [line.rstrip() for line in lines]


@pytest.fixture
def docker(told: Any) -> Docker:
    found = Docker(told.sloth)
    (found.folder / "docker").write_text(RECORDING)
    (found.folder / "docker").chmod(0o755)
    return found


def done(changed: bool, message: str, stdout: str = "") -> list[Any]:
    facts = {"stdout": stdout, "stderr": "", "exit_code": 0, "success": True}
    return [True, {"changed": changed, "message": message, **facts}]


def test_images_are_built_pushed_and_pulled(told: Any, docker: Docker) -> None:
    assert told(
        'docker.build{ tag = "site:1", path = "src", dockerfile = "D", build_args = { B = "2", A = 1 } }',
        'docker.build("site:1")',
        'docker.push{ tag = "site:1" }',
        'docker.pull("site:1")',
        'docker.pull("broken")',
        'docker.pull("warned")',
    ) == [
        done(True, "built site:1", "said build\n"),
        done(True, "built site:1", "said build\n"),
        done(True, "pushed site:1", "said push\n"),
        done(True, "pulled site:1", "said pull\n"),
        [False, "Error response from daemon: no such image"],
        [False, "no such folder"],
    ]
    assert docker.calls() == [
        "build --tag site:1 --file D --build-arg A=1 --build-arg B=2 src",
        "build --tag site:1 .",
        "push site:1",
        "pull site:1",
        "pull broken",
        "pull warned",
    ]


def test_a_container_without_a_name_is_waited_for(told: Any, docker: Docker) -> None:
    assert (
        told(
            'docker.run{ image = "tool", command = { "a", "b c" }, env = { Y = "2", X = "1" }, ports = { "80:80" }, volumes = { "v:/v" } }',
            'docker.run("tool", { command = "a | b" })',
            'docker.run{ image = "tool", name = "once", detach = false }',
        )
        == [done(True, "a container of tool ran", "said run\n")] * 3
    )
    assert docker.calls() == [
        r"run --rm --env X=1 --env Y=2 --publish 80:80 --volume v:/v tool a b\ c",
        r"run --rm tool sh -c a\ \|\ b",
        "run --rm --name once tool",
    ]


def test_containers_are_started_stopped_and_removed_once(told: Any, docker: Docker) -> None:
    calls = [
        f'docker.{verb}("{name}")'
        for verb in ("start", "stop", "rm")
        for name in ("web", "old", "none")
    ]
    assert told(*calls) == [
        done(False, "the container web is started already"),
        done(True, "the container old is started", "said start\n"),
        [False, "there is no container none"],
        done(True, "the container web is stopped", "said stop\n"),
        done(False, "the container old is stopped already"),
        done(False, "the container none is stopped already"),
        done(True, "the container web is gone", "said rm\n"),
        done(True, "the container old is gone", "said rm\n"),
        done(False, "the container none is gone already"),
    ]
    assert docker.calls() == ["start old", "stop web", "rm --force web", "rm --force old"]


def test_any_command_can_be_run_and_questions_are_answered(told: Any, docker: Docker) -> None:
    assert told(
        'docker.exec({ "volume", "prune" })',
        'docker.exec("volume", "prune")',
        'docker.logs("web")',
        'docker.is_running("web")',
        'docker.is_running("old")',
    ) == [
        done(True, "ran docker volume", "said volume\n"),
        done(True, "ran docker volume", "said volume\n"),
        ["to out\nto err\n"],
        [True, None],
        [False, None],
    ]


def test_a_container_with_a_name_is_kept_as_it_is_said(told: Any) -> None:
    docker = Docker(told.sloth)
    shutil.copy(WITH_CONTAINERS, docker.folder)
    run = 'docker.run{ image = "nginx:1", name = "web", ports = { "8080:80" }, env = { A = "1" } }'
    other = run.replace("nginx:1", "nginx:2")
    assert told(run, run, other, other) == [
        done(True, "the container web runs"),
        done(False, "the container web runs already"),
        done(True, "the container web runs"),
        done(False, "the container web runs already"),
    ]
    calls = (docker.folder / "docker.calls").read_text().splitlines()
    assert [each.split()[0] for each in calls] == ["run", "stop", "rm", "run"]


def test_a_plan_runs_nothing(told: Any, docker: Docker) -> None:
    assert told.planned(
        'docker.build("a")', 'docker.exec("x", "y")', 'docker.stop("web")', 'docker.start("new")'
    ) == [
        ["docker.build", "a"],
        ["docker.exec", "docker", "x", "y"],
        ["docker.stop", "web"],
        ["docker.start", "new"],
        ["fs.write", "told"],
    ]
    assert docker.calls() == []


def test_a_machine_without_docker_says_so(told: Any) -> None:
    (told.sloth.folder / "bash").symlink_to("/bin/bash")
    told.sloth.environment["PATH"] = str(told.sloth.folder)
    missing = "the command docker is not installed (Install docker, or put it on PATH.)"
    assert (
        told('docker.exec("ps")', 'docker.run{ image = "a", name = "b" }') == [[False, missing]] * 2
    )


WRONG = {
    "docker.exec()": "docker.exec: an argument is missing",
    "docker.exec({ true })": "docker.exec: an argument must be a string, not true",
    "docker.run()": "docker.run: image must be a string, not nothing",
    'docker.run{ image = "a", detach = true }': "docker.run: a container that stays needs a name",
    'docker.run{ image = "a", restart = "always" }': "docker.run: restart and labels are for a container that stays",
    'docker.run{ image = "a", name = "b", ports = { "x" } }': "docker.run: a port must be 'HOST_PORT:CONTAINER_PORT', with an address before it or '/udp' after it, not 'x'",
    'docker.build{ tga = "x" }': "docker.build: it has no field 'tga'; did you mean 'tag'?",
    'docker.pull("-x")': "docker.pull: image must not begin with a dash",
    'docker.stop("a b")': "docker.stop: 'a b' is no name of a container",
}


def test_wrong_arguments_are_errors(told: Any, docker: Docker) -> None:
    assert dict(zip(WRONG, told(*WRONG), strict=True)) == WRONG
    assert docker.calls() == []
