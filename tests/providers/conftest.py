"""Resources as a workflow declares them, run after run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest


class Workflow:
    """A workflow `w` whose only task declares resources; the command line does the rest."""

    def __init__(self, sloth: Any) -> None:
        self.sloth = sloth
        self.folder: Path = sloth.folder

    def declares(self, *declarations: str) -> None:
        """From now on these, each in one line: `file{ name = "a", path = "a" }`."""
        body = "".join(f"  resource.{each}\n" for each in declarations)
        self.sloth.write(
            "w.sloth",
            f'local t = task("t"):command(function()\n{body}end)\n'
            'workflow.define("w"):tasks({ t })\n',
        )

    def run(self, *options: str) -> str:
        """Counts of resources: "1 created, 0 updated, 0 deleted, 0 unchanged"."""
        result = self.sloth("run", "w.sloth", *options)
        assert result.returncode == 0, result.stderr
        return self._counts(result.stdout)

    def fails(self, *options: str) -> str:
        """What a run that must fail says."""
        result = self.sloth("run", "w.sloth", *options)
        assert result.returncode == 1, result.stdout
        return str(result.stderr)

    def refusals(self, type: str, *fields: str) -> list[str]:
        """What is said to each of these declarations, which must name its line."""
        attempts = "".join(
            f'  attempt(function() resource.{type}{{ name = "n{number}", {each} }} end)\n'
            for number, each in enumerate(fields)
        )
        self.sloth.write(
            "bad.sloth",
            "local said = {}\n"
            "local function attempt(f) said[#said + 1] = tostring(select(2, pcall(f))) end\n"
            f'task("t"):command(function()\n{attempts}'
            '  fs.write("said", table.concat(said, "\\0"))\nend)\n',
        )
        result = self.sloth("run", "bad.sloth")
        assert result.returncode == 0, result.stderr
        said = (self.folder / "said").read_text().split("\0")
        for line, each in enumerate(said, 4):
            assert f"bad.sloth:{line}: " in each, each
        return said

    def rolls_back(self, version: int) -> None:
        result = self.sloth("state", "workflow", "rollback", "w", str(version), "--force")
        assert result.returncode == 0, result.stderr

    def heals(self) -> None:
        """Put back what drifted from the newest version."""
        result = self.sloth("state", "workflow", "reconcile", "w", "--force")
        assert result.returncode == 0, result.stderr

    def drift(self) -> dict[str, str]:
        """What has become of each resource, by type/name."""
        rows = self.sloth.json("state", "workflow", "drift", "w")
        return {f"{row['resource_type']}/{row['resource_name']}": row["state"] for row in rows}

    def attributes(self, name: str) -> dict[str, Any]:
        shown = self.sloth.json("state", "workflow", "show", "w")["resources"]
        found: dict[str, Any] = next(each["attributes"] for each in shown if each["name"] == name)
        return found

    @staticmethod
    def _counts(output: str) -> str:
        found = re.search(r"Resources +(.*)", output)
        assert found is not None, output
        return found[1]


@pytest.fixture
def workflow(sloth: Any) -> Workflow:
    return Workflow(sloth)
