"""The reference cannot lie: it is compared with the commands, errors, hooks and modules themselves."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

import sloth_runner.errors  # noqa: F401 - defines its branch of the tree
import sloth_state.cli.app  # noqa: F401 - so does this
from sloth_runner import hookspecs
from sloth_state.errors import SlothError

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text()


def error_classes(base: type[SlothError] = SlothError) -> Iterator[type[SlothError]]:
    for child in base.__subclasses__():
        yield child
        yield from error_classes(child)


def test_the_page_of_commands_is_what_the_commands_say() -> None:
    result = subprocess.run(
        [sys.executable, str(ROOT / "scripts/docs"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_every_error_code_stands_beside_its_exit_code() -> None:
    rows = dict(re.findall(r"^\| (\d+) \|[^|]*\| ([^|]*) \|$", page("reference/errors.md"), re.M))
    documented = {
        (code, int(exit)) for exit, codes in rows.items() for code in codes.strip("` ").split()
    }
    real = {
        (each.code, each.exit_code)
        for each in error_classes()
        if each.__module__.startswith("sloth_")
    }
    assert documented == real


def test_every_hook_is_documented() -> None:
    hooks = [name for name in vars(hookspecs) if name.startswith("sloth_")]
    assert hooks
    text = page("how-to/plugin.md")
    assert [name for name in hooks if f"`{name}`" not in text] == []


def test_every_lua_function_is_documented(sloth: Any) -> None:
    sloth.write(
        "all.sloth",
        """
        for _, name in ipairs { "log", "exec", "fs", "json", "crypto", "state", "resource" } do
          for key, value in pairs(_G[name]) do
            if type(value) == "function" then print(name .. "." .. key) end
          end
        end
        task("t"):command(function() end)
        """,
    )
    printed = sloth("run", "all.sloth").stdout
    functions = re.findall(r"^\| ([a-z]+\.\w+)$", printed, re.M)
    assert len(functions) > 60
    text = page("reference/language.md")
    assert sorted(name for name in functions if f"\n### {name}(" not in text) == []


PAGES = [ROOT / "README.md", *DOCS.rglob("*.md"), *(ROOT / "examples").rglob("*.md")]


@pytest.mark.parametrize("path", sorted(PAGES), ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text())
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_the_readme_has_two_setup_commands_that_exist() -> None:
    text = (ROOT / "README.md").read_text()
    blocks = re.findall(r"```sh\n(.*?)```", text, re.S)
    setups = [block for block in blocks if "pip install" in block or "scripts/setup" in block]
    assert len(setups) == 2
    assert (ROOT / "scripts/setup").exists()
    assert (ROOT / "examples/quickstart/site.sloth").exists()


def blocks(name: str, language: str) -> list[str]:
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", page(name), re.S)
    return found


def test_the_python_examples_run(sloth: Any) -> None:
    sloth.write("deploy.sloth", 'task("t"):command(function() assert(values.env == "prod") end)')
    first, second = blocks("how-to/python.md", "python")
    for code, expected in ((first, ""), (second, "1 success\n")):
        result = subprocess.run(
            [sys.executable, "-c", code],
            cwd=sloth.folder,
            env=sloth.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (result.returncode, result.stderr) == (0, "")
        assert result.stdout.endswith(expected)
    shown = sloth.json("state", "workflow", "show", "deploy-prod")
    assert shown["outputs"] == {"url": "https://example.org"}


def test_the_tutorial_says_what_happens(sloth: Any) -> None:
    (script,) = blocks("tutorial/first-workflow.md", "lua")
    sloth.write("hello.sloth", script)
    walk(sloth, page("tutorial/first-workflow.md"), may_fail=True)


def shell(sloth: Any, command: str, *, may_fail: bool = False) -> str:
    """What a shell prints whose PATH has the installed command."""
    programs = Path(sys.executable).parent
    path = f"{programs}{os.pathsep}{sloth.environment['PATH']}"
    result = subprocess.run(
        ["bash", "-c", command],
        cwd=sloth.folder,
        env={**sloth.environment, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert result.returncode == 0 or may_fail, (command, result.stdout)
    return result.stdout


def walk(sloth: Any, text: str, *, may_fail: bool = False) -> None:
    """Do what a page says, in its order; each command must print what stands below it."""
    steps = re.findall(r"^(?:```sh\n(.*?)```|\$ ([^\n]*)\n(.*?)(?=^\$ |^```))", text, re.S | re.M)
    assert len(steps) > 4
    for silent, command, expected in steps:
        printed = shell(sloth, silent or command, may_fail=may_fail)
        printed = printed.replace(str(sloth.folder), "/home/ada")
        assert varying(printed).rstrip() == varying(expected).rstrip(), silent or command


def test_the_page_about_plan_drift_and_rollback_shows_what_happens(sloth: Any) -> None:
    text = page("how-to/plan-drift-rollback.md")
    (script,) = blocks("how-to/plan-drift-rollback.md", "lua")
    sloth.write("app.sloth", script)
    walk(sloth, text)


def test_the_page_about_resuming_shows_what_happens(sloth: Any) -> None:
    (script,) = blocks("how-to/resume.md", "lua")
    sloth.write("site.sloth", script)
    walk(sloth, page("how-to/resume.md"), may_fail=True)


def test_the_page_about_moving_state_shows_what_happens(sloth: Any) -> None:
    (script,) = blocks("how-to/move-state.md", "lua")
    sloth.write("blog.sloth", script)
    walk(sloth, page("how-to/move-state.md"))


def test_the_page_about_repairing_shows_what_happens(sloth: Any) -> None:
    sloth.environment.pop("SLOTH_RUNNER_STATE")
    sloth.environment["HOME"] = str(sloth.folder)
    sloth.write("app.sloth", THREE_VERSIONS)
    for number in (1, 2, 3):
        shell(sloth, f"sloth-runner run app.sloth --set number={number}")
    shell(sloth, "sloth-runner state workflow tags add app@2 stable")
    database = apsw.Connection(str(sloth.folder / ".sloth-runner/state.db"))
    database.execute(
        "UPDATE workflow_resources SET attributes = '{}' WHERE resource_key = 1 AND name = 'app.conf'"
    )
    assert database.changes() == 1
    database.close()
    walk(sloth, page("how-to/repair.md"), may_fail=True)


THREE_VERSIONS = """
local configure = task("configure"):command(function()
  state.resource { type = "file", name = "app.conf", attributes = { path = "/etc/app.conf" } }
  state.resource { type = "file", name = "motd", attributes = { number = values.number } }
end)
workflow.define("app"):tasks({ configure })
"""


def test_the_readme_shows_what_happens_to_declared_resources(sloth: Any) -> None:
    _, part = (ROOT / "README.md").read_text().split("## Declare, plan", 1)
    part, _ = part.split("\n## ", 1)
    (script,) = re.findall(r"```lua\n(.*?)```", part, re.S)
    sloth.write("app.sloth", script)
    walk(sloth, part)


def test_the_example_of_a_type_of_ones_own_can_be_updated_and_rolled_back(sloth: Any) -> None:
    _, section = page("reference/language.md").split("\n### resource.define(")
    defined = section.split("```lua\n")[1].split("```")[0]
    sloth.write("defined.sloth", defined)
    for text in ("one", "two"):
        printed = shell(
            sloth, f"sloth-runner run defined.sloth --set text={text}; cat greeting.txt"
        )
        assert printed.endswith(text)
    assert "write | update two" in printed
    shell(sloth, "sloth-runner state workflow rollback defined 1 --force")
    assert (sloth.folder / "greeting.txt").read_text() == "one"


def test_the_page_about_comparing_shows_what_diff_prints(sloth: Any) -> None:
    (script,) = blocks("how-to/compare-versions.md", "lua")
    sloth.write("blog.sloth", script)
    first, second, diff = blocks("how-to/compare-versions.md", "console")[0].split(
        "$ sloth-runner "
    )[1:]
    assert sloth(*first.split()).returncode == sloth(*second.split()).returncode == 0
    command, _, expected = diff.partition("\n")
    times = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
    printed = sloth(*command.split()).stdout
    assert re.sub(times, "TIME", printed) == re.sub(times, "TIME", expected)


def test_the_plugin_example_works(sloth: Any) -> None:
    (metadata,) = blocks("how-to/plugin.md", "toml")
    code, provider = blocks("how-to/plugin.md", "python")
    (configure,) = blocks("how-to/plugin.md", "lua")
    package = sloth.folder / "site/my_package"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "plugin.py").write_text(code + provider)
    info = sloth.folder / "site/my_package-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1\n")
    name, _, module = metadata.splitlines()[1].replace('"', "").partition(" = ")
    (info / "entry_points.txt").write_text(f"[sloth_runner]\n{name} = {module}\n")
    sloth.environment["PYTHONPATH"] = str(sloth.folder / "site")
    sloth.write("greet.sloth", 'task("t"):command(function() print(greet.hello("Ada")) end)')
    result = sloth("run", "greet.sloth")
    assert result.returncode == 0, result.stderr
    assert "t | Hello, Ada" in result.stdout
    assert "greet 1 success" in result.stdout
    sloth.write("configure.sloth", configure)
    settings = sloth.folder / "settings.json"
    settings.write_text('{"host": "::1"}')
    for port in (80, 81):
        shell(sloth, f"sloth-runner run configure.sloth --set port={port}")
        assert json.loads(settings.read_text()) == {"host": "::1", "port": port}
    shell(sloth, "sloth-runner state workflow rollback configure 1 --force")
    assert json.loads(settings.read_text()) == {"host": "::1", "port": 80}
    drift = sloth.json("state", "workflow", "drift", "configure")
    assert [(row["resource_type"], row["state"]) for row in drift] == [("setting", "in-sync")]


VARYING = {
    r"\d+ms|\d+\.\ds": "TIME",
    r"run [0-9a-f]{12}": "run ID",
    r"[0-9a-f]{12} file ": "ID file ",
    r"backup-\d{8}T\d{6}Z": "backup-TIME",
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +[^ \n]+@[^ \n]+": "AT BY",
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d": "AT",
    r" {2,}": "  ",  # columns are as wide as a user's name
}


def varying(text: str) -> str:
    for pattern, name in VARYING.items():
        text = re.sub(pattern, name, text)
    return text
