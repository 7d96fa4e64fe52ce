"""The wheel carries everything, and works without the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(ROOT)],
        check=True,
    )
    return next(folder.glob("*.whl"))


def test_it_holds_three_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        top = {name.split("/")[0] for name in archive.namelist()}
    assert {name for name in top if not name.endswith(".dist-info")} == {
        "sloth_lua",
        "sloth_runner",
        "sloth_state",
    }


def test_it_carries_every_lua_file_and_the_type_markers(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    sources = {str(path.relative_to(ROOT / "lua")) for path in (ROOT / "lua").rglob("*.lua")}
    assert {"sloth_lua/host.lua", "sloth_lua/definitions/fs.lua"} <= sources
    assert sources <= packed
    assert {"sloth_state/py.typed", "sloth_lua/py.typed", "sloth_runner/py.typed"} <= packed


def installed(wheel: Path, folder: Path, *arguments: str) -> str:
    """What the program prints that is installed from the wheel below this folder."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    result = subprocess.run(
        [sys.executable, "-m", "sloth_runner", *arguments],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(folder / "installed"),
            "SLOTH_RUNNER_STATE": f"sqlite:///{folder}/state.db",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_it_tells_editors_of_its_own_definitions(wheel: Path, tmp_path: Path) -> None:
    installed(wheel, tmp_path, "init", "site")
    settings = json.loads((tmp_path / "site/.luarc.json").read_text())
    assert settings["workspace.library"] == [f"{tmp_path}/installed/sloth_lua/definitions"]
    assert (tmp_path / "installed/sloth_lua/definitions/fs.lua").exists()


def test_it_runs_the_example_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    script = tmp_path / "hello.sloth"
    script.write_text('task("hello"):command(function() log.info(crypto.sha256("x")) end)\n')
    output = installed(wheel, tmp_path, "run", str(script))
    assert "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881" in output
