"""State files of Terraform and OpenTofu, in their version 4."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sloth_state.differences import step
from sloth_state.errors import HistoryRefused
from sloth_state.exchange.timeline import PastRun, Timeline
from sloth_state.model import Action, History, Output, ResourceDraft
from sloth_state.sensitive import SENSITIVE_ATTRIBUTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

VERSION = 4
_MODES = {"managed": None, "data": Action.READ}


def is_terraform(value: dict[str, Any]) -> bool:
    """Whether a JSON object is a state file, of whatever version."""
    return "version" in value and ("terraform_version" in value or "lineage" in value)


def terraform_history(state: dict[str, Any], now: datetime, actor: str) -> History:
    """The one version that a state file holds. It has no times and no name of its own.

    A resource is named by its address without its type, "module.net.web[0]". Raises
    HistoryRefused for another version of the form, InvalidValue for what cannot be kept.
    """
    if state["version"] != VERSION:
        raise HistoryRefused(
            f"the Terraform state has version {state['version']}, and only {VERSION} can be read",
            hint="Let a newer Terraform rewrite it: terraform state pull",
        )
    timeline = Timeline()
    origin = f"a Terraform state (serial {state.get('serial')})"
    run = PastRun(now, now, actor, f"Imported from {origin}", _metadata(state))
    timeline.add(run, list(_resources(state)), list(_outputs(state)))
    return History(None, origin, timeline.records)


def _metadata(state: dict[str, Any]) -> dict[str, str]:
    known = ("terraform_version", "serial", "lineage")
    return {
        "imported_from": "Terraform state",
        **{name: str(state[name]) for name in known if name in state},
    }


def _resources(state: dict[str, Any]) -> Iterator[ResourceDraft]:
    for resource in state.get("resources") or ():
        for instance in resource.get("instances") or ():
            name = _name(resource, instance)
            attributes = instance.get("attributes") or instance.get("attributes_flat") or {}
            sensitive = [_path(steps) for steps in instance.get("sensitive_attributes") or ()]
            if sensitive:
                attributes = {**attributes, SENSITIVE_ATTRIBUTES: sensitive}
            action = _MODES.get(resource.get("mode", "managed"))
            status = instance.get("status") or ""
            yield ResourceDraft(resource["type"], name, attributes, status, action)


def _name(resource: dict[str, Any], instance: dict[str, Any]) -> str:
    data = "data" if resource.get("mode") == "data" else None
    parts = (resource.get("module"), data, resource["name"])
    name = ".".join(part for part in parts if part)
    index = instance.get("index_key")
    if index is not None:
        name += f"[{index}]" if isinstance(index, int) else f'["{index}"]'
    deposed = instance.get("deposed")
    return f"{name} (deposed {deposed})" if deposed else name


def _path(steps: list[dict[str, Any]]) -> str:
    """The path of an attribute, "tags.owner", from the steps that lead to it."""
    path = ""
    for each in steps:
        key = each["value"]
        path = step(path, key["value"] if isinstance(key, dict) else key)
    return path


def _outputs(state: dict[str, Any]) -> Iterator[Output]:
    for key, output in (state.get("outputs") or {}).items():
        yield Output(key, output["value"], bool(output.get("sensitive")))
