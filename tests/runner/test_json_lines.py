"""Events as JSON lines tell what a run does, and nothing that is sensitive."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime

from sloth_runner.events import ResourceChanged
from sloth_runner.views.json_lines import JsonLines
from sloth_state.model import Action, Resource

NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def test_a_changed_resource_is_told_without_its_sensitive_attributes() -> None:
    declaration = {"sensitive": ["password"], "depends_on": ["file/a"]}
    attributes = {"password": "hunter2", "host": "db"}
    database = Resource(
        "a00000000001", "database", "main", Action.CREATE, "", attributes, NOON, NOON, declaration
    )
    stream = io.StringIO()

    JsonLines(stream)(NOON, ResourceChanged("deploy", database))

    assert json.loads(stream.getvalue()) == {
        "event": "resource_changed",
        "at": "2026-03-01T12:00:00Z",
        "task": "deploy",
        "id": "a00000000001",
        "type": "database",
        "name": "main",
        "action": "create",
        "status": "",
        "attributes": {"password": "(sensitive)", "host": "db"},
        "depends_on": ["file/a"],
        "created_at": "2026-03-01T12:00:00Z",
        "updated_at": "2026-03-01T12:00:00Z",
    }
