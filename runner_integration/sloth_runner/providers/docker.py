"""Containers as `docker` tells of them, in the form in which they are declared."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sloth_runner.errors import WorkflowError
from sloth_runner.providers import processes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sloth_runner.session import Session

OWNER = "sloth-runner.owner"
"""The label that says which workflow and resource made a container."""


async def run(session: Session, arguments: str) -> None:
    """Run docker with a JSON list of arguments. Raises WorkflowError with docker's own words."""
    words = json.loads(arguments)
    result = await processes.run(session, json.dumps(["docker", *words]))
    if result["exit_code"] != 0:
        raise WorkflowError(f"docker {words[0]} failed: {_last_line(result['stderr'])}")


async def container(session: Session, name: str, declared: str) -> dict[str, Any] | None:
    """The attributes of a container; None if there is none. Its `owner` is that of its label.

    What it has of its image is left out, unless it is `declared` (JSON: `command`, `env`,
    `labels`) all the same. Raises WorkflowError if docker does not say.
    """
    found = await _inspect(session, "container", name)
    if found is None:
        return None
    config, host = found["Config"], found["HostConfig"]
    image = ((await _inspect(session, "image", found["Image"])) or {}).get("Config") or {}
    wanted, labels = json.loads(declared), config["Labels"] or {}
    command = config["Cmd"] or []
    is_of_image = command == (image.get("Cmd") or []) and command != wanted["command"]
    theirs = {**(image.get("Labels") or {}), OWNER: labels.get(OWNER, "")}
    return {
        "image": config["Image"],
        "container": name,
        "running": found["State"]["Running"],
        "command": [] if is_of_image else command,
        "env": _own(_variables(config), _variables(image), wanted["env"]),
        "labels": _own(labels, theirs, wanted["labels"]),
        "ports": _ports(host["PortBindings"] or {}),
        "volumes": sorted(host["Binds"] or []),
        "network": "bridge" if host["NetworkMode"] == "default" else host["NetworkMode"],
        "restart": _restart(host["RestartPolicy"]),
        "owner": labels.get(OWNER, ""),
    }


async def _inspect(session: Session, kind: str, name: str) -> dict[str, Any] | None:
    result = await processes.run(session, json.dumps(["docker", kind, "inspect", name]))
    if result["exit_code"] == 0:
        found: dict[str, Any] = json.loads(result["stdout"])[0]
        return found
    if f"no such {kind}" in result["stderr"].lower():
        return None
    raise WorkflowError(f"docker {kind} inspect failed: {_last_line(result['stderr'])}")


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it says nothing"])[-1]


def _variables(config: Mapping[str, Any]) -> dict[str, str]:
    return dict(each.split("=", 1) for each in config.get("Env") or [] if "=" in each)


def _own(
    values: Mapping[str, str], theirs: Mapping[str, str], declared: Mapping[str, str]
) -> dict[str, str]:
    return {
        name: value
        for name, value in values.items()
        if theirs.get(name) != value or declared.get(name) == value
    }


def _ports(bindings: Mapping[str, list[dict[str, str]] | None]) -> list[str]:
    ports = []
    for inner, places in bindings.items():
        for place in places or []:
            address = place["HostIp"]
            shown = f"[{address}]" if ":" in address else address
            ports.append(f"{shown}:{place['HostPort']}:{inner}".removeprefix(":"))
    return sorted(ports)


def _restart(policy: Mapping[str, Any]) -> str:
    if policy["Name"] == "on-failure" and policy["MaximumRetryCount"]:
        return f"on-failure:{policy['MaximumRetryCount']}"
    return policy["Name"] or "no"
