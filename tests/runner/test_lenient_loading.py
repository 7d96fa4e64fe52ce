"""Files that ask for something unknown can be looked at, and are refused when they are run."""

from __future__ import annotations

import json
from typing import Any

import pytest

METHODS = (
    "abort_if, artifacts, async, command, consumes, delegate_to, depends_on, description, "
    "on_complete, on_fail, on_failure, on_success, on_timeout, params, post_hook, pre_hook, "
    "retries, run, run_if, shell, tags, timeout, user, workdir"
)
UNKNOWN = """
workflow.define("w", {
  tasks = { t = { command = "touch ran", colour = "red" } },
  config = { timout = "5m" },
})
"""


def test_a_file_with_unknown_options_loads_with_a_note(sloth: Any) -> None:
    sloth.write("t.sloth", UNKNOWN)
    result = sloth("validate", "t.sloth")
    assert (result.returncode, result.stdout) == (1, "t.sloth loads: w, 1 task\n")
    assert sorted(result.stderr.splitlines()) == [
        f"Note: t.sloth:2: task t: there is no option 'colour'; there is {METHODS}; `run` refuses that",
        "Note: t.sloth:2: workflow:config: there is no setting 'timout'; did you mean 'timeout'?; `run` refuses that",
    ]
    as_json = json.loads(sloth("validate", "t.sloth", "-o", "json").stdout)
    assert (as_json["valid"], len(as_json["problems"])) == (False, 2)
    assert sloth("list", "t.sloth").returncode == 0


def test_it_is_refused_before_anything_runs(sloth: Any) -> None:
    sloth.write("t.sloth", UNKNOWN)
    for command in ("run", "plan"):
        result = sloth(command, "t.sloth")
        assert (result.returncode, result.stdout) == (1, "")
        assert "t.sloth:2: " in result.stderr
        assert (
            "Take it out, or correct its name. There are 1 more: sloth-runner validate lists them."
            in result.stderr
        )
    assert not (sloth.folder / "ran").exists()
    assert sloth.json("state", "workflow", "list") == []


def test_a_workflow_can_be_given_as_one_table(sloth: Any) -> None:
    sloth.write(
        "t.sloth",
        """
        workflow({ name = "one", metadata = { team = "web", tags = { "a" }, level = 2 },
          config = { fail_fast = true, retry_policy = "linear", max_retries = 1 },
          tasks = { { name = "t", command = "true" } } })
        """,
    )
    assert sloth("run", "t.sloth").returncode == 0
    metadata = sloth.json("state", "workflow", "show", "one")["metadata"]
    assert (metadata["team"], metadata["tags"], metadata["level"]) == ("web", '["a"]', "2")


def test_a_failed_run_removes_the_folders_it_has_made_for_its_tasks(sloth: Any) -> None:
    (sloth.folder / "kept").mkdir()
    sloth.write(
        "t.sloth",
        """
        local function work(this) this.workdir.ensure() fs.write("file", "x") end
        workflow.define("w"):config({ cleanup_on_failure = true }):tasks({
          task("new"):workdir("new"):command(work),
          task("kept"):workdir("kept"):command(work),
          task("fails"):depends_on("new", "kept"):command(values.command or "false"),
        })
        """,
    )
    assert sloth("run", "t.sloth", "--set", "command=exit 0").returncode == 0
    assert (sloth.folder / "new/file").exists()
    (sloth.folder / "new/file").unlink()
    (sloth.folder / "new").rmdir()
    assert sloth("run", "t.sloth").returncode == 1
    assert not (sloth.folder / "new").exists()
    assert (sloth.folder / "kept/file").exists()


NOTES = {
    "task 'x' { command = 'y', comand = 'y' }": "task: there is no option 'comand'; did you mean 'command'?",
    "task 'x' { command = 'y', build = true }": f"task: there is no option 'build'; there is {METHODS}",
    "workflow('x', { tasks = { a = { command = 'y' } }, max_retries = 1 })": (
        "workflow.define: there is no option 'max_retries'; it is one of the settings: config = { max_retries = … }"
    ),
    "workflow('x', { tasks = { a = { command = 'y' } }, taks = {} })": "workflow.define: there is no option 'taks'; did you mean 'tasks'?",
    "workflow('x'):tasks({ a = { command = 'y', comand = 'x' } })": "task a: there is no option 'comand'; did you mean 'command'?",
    "workflow('x'):tasks({ a = { command = 'y' } }):config({ tiemout = 1 })": "workflow:config: there is no setting 'tiemout'; did you mean 'timeout'?",
}


@pytest.mark.parametrize(("source", "note"), NOTES.items(), ids=range(len(NOTES)))
def test_each_unknown_option_is_told_with_its_line(sloth: Any, source: str, note: str) -> None:
    sloth.write("t.sloth", f"\n{source}")
    assert sloth("validate", "t.sloth").stderr == f"Note: t.sloth:2: {note}; `run` refuses that\n"
    result = sloth("run", "t.sloth")
    assert (result.returncode, result.stderr.splitlines()[0]) == (1, f"Error: t.sloth:2: {note}")


def test_a_task_can_be_depended_on_by_its_key_and_by_its_name(sloth: Any) -> None:
    source = """
    workflow.define("w"):tasks({
      ship = task("upload"):depends_on({ "make", "lint" }):command(function() print("ship") end),
      make = task("compile"):command(function() print("make") end),
      other = task("lint"):command(function() print("lint") end),
    })
    """
    result = sloth("run", "--max-parallel", "1", sloth.write("w.sloth", source))
    assert result.returncode == 0
    printed = [line for line in result.stdout.splitlines() if " | " in line]
    assert printed == ["compile | make", "lint | lint", "upload | ship"]
