"""A long history on its way from one store to another."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import versions
from measure import Figure, seconds

from sloth_state import open_store


def figures(folder: Path) -> list[Figure]:
    """Export and import, both as processes."""
    source, target = versions.history(folder).database, folder / "imported.db"
    file = folder / "history.json"
    export = seconds(lambda: _command(source, "export", "deploy", "-O", str(file)))
    size = file.stat().st_size
    taken = export + seconds(lambda: _command(target, "import", str(file)))
    with open_store(str(source)) as first, open_store(str(target)) as second:
        assert first.versions("deploy") == second.versions("deploy")
        assert second.verify() == []
    return [
        Figure("export + import of 100 versions x 10,000 resources", taken, "s", 15),
        Figure("the exported file", size / 2**20, "MB"),
    ]


def _command(database: Path, *words: str) -> None:
    command = [sys.executable, "-m", "sloth_runner", "state", "workflow", *words]
    command += ["--state", str(database)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
