"""`resource.docker_container` through a stand-in for docker that keeps its containers in a file."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

STAND_IN = Path(__file__).parents[1] / "docs/stand_ins/docker_container/docker"
FULL = (
    'docker_container{ name = "web", image = "nginx:1.25", command = { "nginx", "-g", "daemon off;" }, '
    'env = { MODE = "production", LANG = "C" }, ports = { "8080:80", "127.0.0.1:53:53/udp", "[::1]:81:80" }, '
    'volumes = { "./data:/data:ro", "cache:/cache" }, network = "front", restart = "on-failure:3", labels = { tier = "web" } }'
)


class Docker:
    """The stand-in's containers."""

    def __init__(self, workflow: Any) -> None:
        self.folder = workflow.folder / "bin"
        self.folder.mkdir()
        shutil.copy(STAND_IN, self.folder)
        environment = workflow.sloth.environment
        environment["PATH"] = f"{self.folder}{os.pathsep}{environment['PATH']}"
        self.state = self.folder / "docker.json"

    def containers(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.state.read_text())
        return found

    def change(self, name: str, **state: Any) -> None:
        containers = self.containers()
        containers[name]["State"] |= state
        self.state.write_text(json.dumps(containers))

    def forget(self, name: str, label: str) -> None:
        containers = self.containers()
        del containers[name]["Config"]["Labels"][label]
        self.state.write_text(json.dumps(containers))

    def calls(self) -> list[str]:
        """The calls since this was asked last, but for those that only look."""
        path = self.folder / "docker.calls"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines


@pytest.fixture
def docker(workflow: Any) -> Docker:
    return Docker(workflow)


def test_a_container_is_made_with_all_that_is_declared_and_then_left_alone(
    workflow: Any, docker: Docker
) -> None:
    workflow.declares(FULL)
    assert workflow.run() == "1 created, 0 updated, 0 deleted, 0 unchanged"
    made = docker.containers()["web"]
    assert made["Config"]["Cmd"] == ["nginx", "-g", "daemon off;"]
    assert sorted(made["Config"]["Env"]) == ["LANG=C", "LANG=C", "MODE=production", "PATH=/usr/bin"]
    assert made["Config"]["Labels"] == {
        "maintainer": "them",
        "sloth-runner.owner": "w/web",
        "tier": "web",
    }
    assert made["HostConfig"] == {
        "Binds": [f"{workflow.folder}/data:/data:ro", "cache:/cache"],
        "NetworkMode": "front",
        "PortBindings": {
            "53/udp": [{"HostIp": "127.0.0.1", "HostPort": "53"}],
            "80/tcp": [{"HostIp": "", "HostPort": "8080"}, {"HostIp": "::1", "HostPort": "81"}],
        },
        "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3},
    }
    docker.calls()
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 1 unchanged"
    assert docker.calls() == []
    assert workflow.drift() == {"docker_container/web": "in-sync"}


def test_what_is_left_out_is_the_image_s_own(workflow: Any, docker: Docker) -> None:
    workflow.declares('docker_container{ name = "web", image = "nginx" }')
    workflow.run()
    assert docker.calls() == [
        "run --detach --name web --network bridge --restart no --label sloth-runner.owner=w/web nginx"
    ]
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 1 unchanged"
    attributes = workflow.attributes("web")
    assert (attributes["command"], attributes["env"], attributes["network"]) == ([], {}, "bridge")


def test_a_text_as_command_is_for_a_shell(workflow: Any, docker: Docker) -> None:
    workflow.declares('docker_container{ name = "web", image = "nginx", command = "a && b" }')
    workflow.run()
    assert docker.containers()["web"]["Config"]["Cmd"] == ["sh", "-c", "a && b"]
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 1 unchanged"


def test_a_container_that_stopped_is_started_and_one_that_is_gone_is_made(
    workflow: Any, docker: Docker
) -> None:
    workflow.declares('docker_container{ name = "web", image = "nginx" }')
    workflow.run()
    docker.calls()
    docker.change("web", Running=False)
    assert workflow.drift() == {"docker_container/web": "drifted"}
    assert workflow.run() == "0 created, 1 updated, 0 deleted, 0 unchanged"
    assert docker.calls() == ["start web"]
    docker.state.write_text("{}")
    assert workflow.drift() == {"docker_container/web": "missing"}
    workflow.run()
    assert docker.containers()["web"]["State"] == {"Running": True}


def test_any_other_change_takes_a_new_container_and_so_does_taking_it_back(
    workflow: Any, docker: Docker
) -> None:
    changes = (
        'env = { A = "1" }',
        'ports = { "80:80" }',
        'labels = { a = "b" }',
        'restart = "always"',
    )
    for change in ('network = "bridge"', *changes):
        workflow.declares(f'docker_container{{ name = "web", image = "nginx", {change} }}')
        workflow.run()
        assert [call.split()[0] for call in docker.calls()] in (["run"], ["stop", "rm", "run"])
    workflow.rolls_back(1)
    assert docker.calls() == [
        "stop web",
        "rm --force web",
        "run --detach --name web --network bridge --restart no --label sloth-runner.owner=w/web nginx",
    ]


def test_another_name_is_another_container(workflow: Any, docker: Docker) -> None:
    workflow.declares('docker_container{ name = "web", image = "nginx" }')
    workflow.run()
    workflow.declares('docker_container{ name = "web", image = "nginx", container = "web-2" }')
    workflow.run()
    assert list(docker.containers()) == ["web-2"]
    workflow.declares()
    assert workflow.run("--prune") == "0 created, 0 updated, 1 deleted, 0 unchanged"
    assert docker.containers() == {}


def test_a_container_of_somebody_else_s_is_left_alone_unless_it_is_adopted(
    workflow: Any, docker: Docker
) -> None:
    workflow.declares('docker_container{ name = "web", image = "nginx" }')
    workflow.run()
    workflow.sloth("run", "other", "--file", "w.sloth")
    refused = workflow.sloth("run", "other", "--file", "w.sloth").stderr
    assert (
        "the container web is there already, and w/web made it; adopt = true takes it over"
        in refused
    )
    docker.forget("web", "sloth-runner.owner")
    assert "and this workflow did not make it" in workflow.fails()
    workflow.declares('docker_container{ name = "web", image = "nginx", adopt = true }')
    docker.calls()
    assert workflow.run().startswith("0 created")
    assert "rm --force web" not in docker.calls()
    workflow.declares()
    workflow.run("--prune")
    assert docker.containers() == {}


def test_a_container_that_could_not_start_is_put_right_by_the_next_run(
    workflow: Any, docker: Docker
) -> None:
    workflow.declares('docker_container{ name = "web", image = "broken" }')
    assert (
        "docker run failed: docker: Error response from daemon: port is already allocated"
        in workflow.fails()
    )
    workflow.declares('docker_container{ name = "web", image = "nginx" }')
    assert workflow.run() == "0 created, 1 updated, 0 deleted, 0 unchanged"
    workflow.declares('docker_container{ name = "db", image = "missing" }')
    assert "docker: pull access denied for missing" in workflow.fails()


def test_a_daemon_that_does_not_answer_is_an_error_and_drift_says_unknown(
    workflow: Any, docker: Docker
) -> None:
    workflow.declares('docker_container{ name = "web", image = "nginx" }')
    workflow.run()
    (docker.folder / "docker.down").touch()
    said = workflow.fails()
    assert "docker_container/web: read: " in said
    assert "docker container inspect failed: Cannot connect to the Docker daemon" in said
    drift = workflow.sloth("state", "workflow", "drift", "w")
    assert (drift.returncode, drift.stdout.split()[0]) == (1, "unknown")


def test_a_machine_without_docker_says_so(workflow: Any) -> None:
    workflow.declares('docker_container{ name = "web", image = "nginx" }')
    workflow.sloth.environment["PATH"] = str(workflow.folder)
    said = workflow.fails()
    assert "docker_container/web: read: " in said
    assert "the command docker is not installed" in said


def test_declarations_that_make_no_sense_are_refused(workflow: Any, docker: Docker) -> None:
    said = workflow.refusals(
        "docker_container",
        "",
        'image = "a", ports = { "80" }',
        'image = "a", ports = { "x:80:80" }',
        'image = "a", volumes = { "data" }',
        'image = "a", ports = { http = "80:80" }',
        'image = "a", command = true',
        'image = "a", pull = "always"',
    )
    assert [each.split("docker_container: ", 1)[1] for each in said] == [
        "image must be a string, not nothing",
        "a port must be 'HOST_PORT:CONTAINER_PORT', with an address before it or '/udp' after it, not '80'",
        "a port must be 'HOST_PORT:CONTAINER_PORT', with an address before it or '/udp' after it, not 'x:80:80'",
        "a volume must be 'PATH_OR_NAME:/PATH', not 'data'",
        "ports must be a list",
        "command must be a string, not true",
        "it has no field 'pull'; there is adopt, command, container, depends_on, env, ignore, image, labels, name, network, ports, restart, sensitive, volumes",
    ]
