"""What `pulumi stack export` prints."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sloth_state.differences import step
from sloth_state.exchange.timeline import PastRun, Timeline
from sloth_state.model import History, Output, ResourceDraft
from sloth_state.sensitive import SENSITIVE_ATTRIBUTES

if TYPE_CHECKING:
    from collections.abc import Iterator

_STACK = "pulumi:pulumi:Stack"
_MARK, _SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"
"""The key that tells special values from plain ones, and what it says of a secret
(https://github.com/pulumi/pulumi, sdk/go/common/resource/properties.go)."""


def is_pulumi(value: dict[str, Any]) -> bool:
    """Whether a JSON object is an exported stack."""
    return isinstance(value.get("deployment"), dict)


def pulumi_history(stack: dict[str, Any], now: datetime, actor: str) -> History:
    """The one version that an exported stack holds; its workflow is "project-stack".

    A secret that is not shown in the export is kept as its cipher text. Both kinds are sensitive.
    Raises InvalidValue for what cannot be kept.
    """
    deployment = stack["deployment"]
    resources = deployment.get("resources") or []
    at = _time(deployment) or now
    run = PastRun(at, at, actor, "Imported from a Pulumi stack", _metadata(stack))
    timeline = Timeline()
    timeline.add(run, list(_drafts(resources)), list(_outputs(resources)))
    return History(_workflow(resources), "a Pulumi stack", timeline.records)


def _time(deployment: dict[str, Any]) -> datetime | None:
    text = (deployment.get("manifest") or {}).get("time")
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo else None


def _metadata(stack: dict[str, Any]) -> dict[str, str]:
    manifest = stack["deployment"].get("manifest") or {}
    version = {"pulumi_version": str(manifest["version"])} if manifest.get("version") else {}
    return {"imported_from": "Pulumi stack", **version}


def _workflow(resources: list[dict[str, Any]]) -> str | None:
    if not resources:
        return None
    stack, project = resources[0]["urn"].removeprefix("urn:pulumi:").split("::")[:2]
    return f"{project}-{stack}"


def _drafts(resources: list[dict[str, Any]]) -> Iterator[ResourceDraft]:
    taken: set[tuple[str, str]] = set()
    for resource in resources:
        type = resource["type"]
        if type == _STACK:
            continue
        name = _name(resource, taken)
        taken.add((type, name))
        sensitive: list[str] = []
        facts = resource.get("outputs") or resource.get("inputs") or {}
        attributes = {key: _plain(value, key, sensitive) for key, value in facts.items()}
        if resource.get("id"):
            attributes.setdefault("id", resource["id"])
        if sensitive:
            attributes[SENSITIVE_ATTRIBUTES] = sensitive
        status = "to be deleted" if resource.get("delete") else ""
        yield ResourceDraft(type, name, attributes, status)


def _name(resource: dict[str, Any], taken: set[tuple[str, str]]) -> str:
    """The name in its URN; with the types of its parents where another one has that name."""
    types, _, name = str(resource["urn"]).split("::", 2)[2].partition("::")
    if (resource["type"], name) in taken:
        name = f"{types.rpartition('$')[0]}::{name}"
    if (resource["type"], name) in taken:
        name = f"{name} ({resource.get('id') or 'to be deleted'})"
    return name


def _outputs(resources: list[dict[str, Any]]) -> Iterator[Output]:
    for resource in resources:
        if resource["type"] == _STACK:
            for key, value in (resource.get("outputs") or {}).items():
                sensitive: list[str] = []
                plain = _plain(value, key, sensitive)
                yield Output(key, plain, bool(sensitive))


def _plain(value: Any, path: str, sensitive: list[str]) -> Any:
    """A value without Pulumi's marks; the paths of what was secret in it are noted."""
    if isinstance(value, list):
        return [_plain(item, step(path, at), sensitive) for at, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if value.get(_MARK) == _SECRET:
        sensitive.append(path)
        if "plaintext" in value:
            return _plain(json.loads(value["plaintext"]), path, [])
        return value.get("ciphertext", "")
    return {key: _plain(item, step(path, key), sensitive) for key, item in value.items()}
