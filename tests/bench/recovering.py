"""What the first command after a kill has to do when the run had come far."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

from measure import Figure, seconds

from sloth_state import open_store

RESOURCES = 10_000
TRIES = 5
SCRIPT = f"""
local made = {{}}
resource.define("thing", {{
  read = function(r)
    if made[r.name] or fs.exists(r.name) then return {{ number = r.number }} end
  end,
  create = function(r)
    made[r.name] = true
    if r.number > {RESOURCES} then
      fs.write(r.name, "")
      print("killed here")
      sleep(60)
    end
  end,
}})
local work = task("work"):command(function()
  for number = 1, {RESOURCES} + 1 do
    resource.thing{{ name = "thing-" .. number, number = number }}
  end
end)
workflow.define("work"):tasks({{ work }})
"""


def figures(folder: Path) -> list[Figure]:
    """`recover` as a process, which settles the change that the run was killed in."""
    killed = folder / "killed"
    killed.mkdir()
    _run_and_kill(killed)
    tries = [shutil.copytree(killed, folder / f"killed-{number}") for number in range(TRIES)]
    taken = statistics.median(seconds(lambda folder=folder: _recover(folder)) for folder in tries)  # type: ignore[misc]
    for each in tries:
        _check(each)
    return [Figure("recover after a kill, 10,000 resources declared", taken, "s", 1)]


def _command(folder: Path, *words: str) -> list[str]:
    sloth = str(Path(sys.executable).parent / "sloth-runner")
    return [sloth, *words, "--state", str(folder / "state.db")]


def _run_and_kill(folder: Path) -> None:
    (folder / "work.sloth").write_text(SCRIPT)
    command = _command(folder, "run", "work.sloth")
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert any("killed here" in line for line in run.stdout)
        run.kill()


def _recover(folder: Path) -> None:
    command = _command(folder, "state", "workflow", "recover", "work")
    subprocess.run(
        command, check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def _check(folder: Path) -> None:
    with open_store(str(folder / "state.db")) as store:
        assert len(store.resources("work")) == RESOURCES + 1
        assert store.unfinished_operations("work") == []
        assert "interrupted" in (store.run(store.version("work", 1).run_id).error_msg or "")
        assert os.path.exists(folder / "state.db-wal")
