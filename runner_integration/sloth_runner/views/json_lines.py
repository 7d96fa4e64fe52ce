"""One JSON object an event and line, on what was standard output when the run began."""

from __future__ import annotations

import json
import os
import re
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TextIO

from sloth_runner.events import ResourceChanged, ResourcesUndeclared, RunFinished
from sloth_state.shapes import outputs_shape, resource_shape
from sloth_state.times import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sloth_runner.events import Event


class JsonLines:
    """Writes events as `{"event": "task_started", "at": "2026-11-24T10:55:49Z", …}`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, at: datetime, event: Event) -> None:
        line = {"event": _name(event), "at": rfc3339(at), **_fields(event)}
        self._stream.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._stream.flush()


@contextmanager
def standard_output_for_json() -> Iterator[TextIO]:
    """Standard output for JSON alone: all else that writes there goes to standard error instead.

    A plugin that prints, for one, would break the lines.
    """
    sys.stdout.flush()
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
    original = os.dup(1)
    os.dup2(2, 1)
    try:
        yield stream
    finally:
        # Each line was flushed, so what is left could not be written, and that has been told.
        with suppress(OSError):
            stream.close()
        os.dup2(original, 1)
        os.close(original)


def _name(event: Event) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(event).__name__).lower()


def _fields(event: Event) -> dict[str, Any]:
    if isinstance(event, ResourceChanged):
        return {"task": event.task, **resource_shape(event.resource)}
    fields: dict[str, Any] = dict(event._asdict())
    if isinstance(event, ResourcesUndeclared):
        fields["resources"] = [resource_shape(each) for each in event.resources]
    if isinstance(event, RunFinished):
        fields["resources"] = event.resources._asdict()
        fields["outputs"] = outputs_shape(event.outputs, show_sensitive=False)
    return fields
