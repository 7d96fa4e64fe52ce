"""Which events are worth making: those that a view or a plugin makes something of."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from sloth_runner.events import ResourceChanged, TaskFinished
from sloth_runner.loading import Loading
from sloth_runner.views.output import AsLongAsItIsRead
from sloth_runner.views.plain import PlainView

if TYPE_CHECKING:
    from pathlib import Path


def plain(*, quiet: bool) -> AsLongAsItIsRead:
    return AsLongAsItIsRead(PlainView(lambda text, _colour: text, quiet=quiet))


def test_a_quiet_view_alone_needs_no_resources() -> None:
    loading = Loading([plain(quiet=True)])
    assert not loading.is_heard(ResourceChanged)
    assert loading.is_heard(TaskFinished)


def test_any_other_listener_needs_them() -> None:
    assert Loading([plain(quiet=False)]).is_heard(ResourceChanged)
    assert Loading([plain(quiet=True), lambda _at, _event: None]).is_heard(ResourceChanged)


PLUGIN = """
from sloth_runner import hookimpl

@hookimpl
def sloth_resource_changed(event):
    print("heard of", event.resource.name)
"""


def test_a_plugin_hears_of_resources_when_the_view_is_quiet(tmp_path: Path) -> None:
    (tmp_path / "listening.py").write_text(PLUGIN)
    info = tmp_path / "listening-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: listening\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[sloth_runner]\nlistening = listening\n")
    (tmp_path / "w.sloth").write_text(
        'task("t"):command(function() state.resource{ type = "site", name = "blog" } end)'
    )
    printed = subprocess.run(
        [sys.executable, "-m", "sloth_runner", "run", "w.sloth", "-q"],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(tmp_path),
            "SLOTH_RUNNER_STATE": str(tmp_path / "state.db"),
        },
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert printed.splitlines()[0] == "heard of blog"
