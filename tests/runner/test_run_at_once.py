"""`task:run()`: a task that a script runs itself, at its top level or inside another task."""

from __future__ import annotations

import re
from typing import Any

TOP_LEVEL = """
local now = task("now"):command(function(_, params) print("by", params.who) return true, "done", { n = 1 } end):params({ who = "me" })
local ok, message, outputs = now:run()
print(ok, message, outputs.n)
task("later"):depends_on("now"):command(function(_, _, deps) print("after", deps.now.n) end)
"""


def lines(output: str) -> list[str]:
    """What was printed, without the times and ids."""
    return [re.sub(r" +\d+(\.\d+)?m?s\b", "", line) for line in output.splitlines()]


def test_a_task_of_the_top_level_runs_inside_the_files_own_workflow(sloth: Any) -> None:
    sloth.write("now.sloth", TOP_LEVEL)
    result = sloth("run", "now.sloth")
    assert result.returncode == 0, result.stderr
    assert lines(result.stdout)[1:7] == [
        "now | by me",
        "✓ now  done",
        "| true done 1",
        "later | after 1",
        "✓ later",
        "",
    ]
    shown = sloth.json("state", "workflow", "show", "now")
    assert (shown["status"], [task["name"] for task in shown["tasks"]]) == (
        "success",
        ["now", "later"],
    )


def test_it_is_not_run_by_a_command_that_only_looks(sloth: Any) -> None:
    sloth.write("now.sloth", 'print(task("now"):command("touch made"):run())')
    for command in ("validate", "list", "plan"):
        assert sloth(command, "now.sloth").returncode == 0
    assert not (sloth.folder / "made").exists()
    assert sloth("run", "now.sloth").returncode == 0
    assert (sloth.folder / "made").exists()


def test_a_failure_at_the_top_level_is_a_result_and_fails_the_run(sloth: Any) -> None:
    sloth.write("now.sloth", 'print(task("now"):command("exit 3"):run())')
    result = sloth("run", "now.sloth")
    assert (result.returncode, "| false exit code 3 table: " in result.stdout) == (1, True)
    assert sloth.json("state", "workflow", "show", "now")["error_msg"] == "task now: exit code 3"


def test_an_error_after_it_ends_a_run_that_is_recorded(sloth: Any) -> None:
    sloth.write("now.sloth", 'task("now"):command("true"):run()\nerror("later")')
    result = sloth("run", "now.sloth")
    assert (result.returncode, "now.sloth:2: later" in result.stderr) == (1, True)
    shown = sloth.json("state", "workflow", "show", "now")
    assert (shown["status"], shown["error_msg"]) == ("failed", "now.sloth:2: later")


def test_a_task_runs_another_one_with_its_hooks_and_tries(sloth: Any) -> None:
    sloth.write(
        "t.sloth",
        """
        local inner = task("inner"):retries(1):command(function(this) return this.attempt == 2, "try " .. this.attempt end)
          :on_success(function() print("hook") end)
        workflow.define("w"):tasks({ task("outer"):command(function() print(inner:run()) end), inner })
          :config({ max_parallel_tasks = 1 })
        """,
    )
    result = sloth("run", "t.sloth")
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("inner | hook") == 1  # its own turn is over
    assert "outer | true try 2" in result.stdout


def test_a_task_cannot_run_itself(sloth: Any) -> None:
    sloth.write("t.sloth", 'local t t = task("t"):command(function() t:run() end)')
    result = sloth("run", "t.sloth")
    assert (result.returncode, "t.sloth:1: the task 't' is running already" in result.stderr) == (
        1,
        True,
    )


def test_it_does_not_mix_with_a_workflow_of_another_name(sloth: Any) -> None:
    sloth.write(
        "t.sloth",
        'local t = task("t"):command("true")\nt:run()\nworkflow.define("other"):tasks({ t })',
    )
    result = sloth("run", "t.sloth")
    assert result.returncode == 1
    assert result.stderr == (
        "Error: t.sloth:3: the file defines the workflow 'other', but has run a task at its top level, outside of it\n"
        "Hint: Put the task into the workflow, or call its :run() inside another task.\n"
    )


def test_a_resumed_run_does_not_run_it_again(sloth: Any) -> None:
    sloth.write(
        "t.sloth",
        """
        task("first"):command("echo x >> ran"):run()
        task("second"):command("test -f go")
        """,
    )
    assert sloth("run", "t.sloth").returncode == 1
    (sloth.folder / "go").touch()
    result = sloth("run", "t.sloth", "--resume")
    assert result.returncode == 0, result.stderr
    assert (sloth.folder / "ran").read_text() == "x\n"


def test_a_busy_task_takes_the_time_of_the_one_that_runs_it(sloth: Any) -> None:
    sloth.write(
        "t.sloth",
        """
        local busy = task("busy"):command(function() while true do end end)
        workflow.define("w"):tasks({ task("outer"):timeout("500ms"):command(function() busy:run() end) })
        """,
    )
    result = sloth("run", "t.sloth", timeout=30)
    assert result.returncode == 1
    assert "took longer than its timeout of 0.5 s" in result.stderr


def printed(output: str) -> list[str]:
    """What the script printed."""
    return [line for line in output.splitlines() if re.match(r"(\w+ )?\| ", line)]


def test_the_turn_of_a_task_that_another_one_runs_just_then_is_over_with_it(sloth: Any) -> None:
    source = """
    local helper = task("helper"):command(function() print("begins") sleep(0.3) return true, "", { n = 7 } end)
    local caller = task("caller"):command(function() print((helper:run())) end)
    local quick = task("quick"):command(function() sleep(0.1) end)
    local after = task("after"):depends_on("helper"):command(function(_, _, deps) print(deps.helper.n) end)
    workflow.define("w"):tasks({ caller, quick, helper, after }):config({ max_parallel_tasks = 2 })
    """
    result = sloth("run", sloth.write("w.sloth", source))
    assert result.returncode == 0, result.stderr
    assert printed(result.stdout) == ["helper | begins", "caller | true", "after | 7"]


def test_a_task_that_runs_already_is_not_run_beside_itself(sloth: Any) -> None:
    source = """
    local first, second
    first = task("first"):command(function() print(select(2, second:run())) end)
    second = task("second"):command(function() return first:run() end)
    workflow.define("w"):tasks({ first })
    """
    result = sloth("run", sloth.write("w.sloth", source))
    assert result.returncode == 1
    assert "the task 'first' is running already" in printed(result.stdout)[0]


def test_what_a_task_runs_is_left_out_by_skip_but_not_by_only(sloth: Any) -> None:
    source = """
    local helper = task("helper"):command(function() print("helps") end)
    local caller = task("caller"):command(function() print((helper:run())) end)
    workflow.define("w"):tasks({ caller, helper }):config({ max_parallel_tasks = 1 })
    """
    sloth.write("w.sloth", source)
    only = sloth("run", "w.sloth", "--only", "caller")
    assert printed(only.stdout) == ["helper | helps", "caller | true"]
    skipped = sloth("run", "w.sloth", "--skip", "helper")
    assert printed(skipped.stdout) == ["caller | true"]


def test_what_a_resumed_run_has_done_is_not_run_again_by_a_task(sloth: Any) -> None:
    source = """
    local helper = task("helper"):command(function() exec.run("echo x >> count") return true, "", { n = 1 } end)
    local caller = task("caller"):command(function()
      local _, _, output = helper:run()
      print(output.n)
      if not fs.exists("fixed") then error("not yet") end
    end)
    workflow.define("w"):tasks({ caller })
    """
    sloth.write("w.sloth", source)
    assert sloth("run", "w.sloth").returncode == 1
    sloth.write("fixed", "")
    result = sloth("run", "w.sloth", "--resume")
    assert (result.returncode, printed(result.stdout)) == (0, ["caller | 1"])
    assert (sloth.folder / "count").read_text() == "x\n"


def test_a_deadlock_inside_a_task_that_another_one_runs_is_told(sloth: Any) -> None:
    source = """
    local channel = goroutine.channel()
    local waits = task("waits"):command(function() channel:receive() end)
    local caller = task("caller"):command(function()
      local group = goroutine.wait_group()
      group:add(1)
      goroutine.spawn(function() print(select(2, waits:run())) group:done() end)
      group:wait()
    end)
    workflow.define("w"):tasks({ caller })
    if values.top then print(select(2, waits:run())) end
    """
    sloth.write("w.sloth", source)
    why = "the task 'waits' waits to receive from a channel at w.sloth:3"
    inside = sloth("run", "w.sloth", timeout=20)
    assert (inside.returncode, why in inside.stderr) == (1, True)
    sloth.write("w.sloth", source.replace('workflow.define("w"):tasks', "local _ = "))
    top = sloth("run", "w.sloth", "--set", "top=true", timeout=20)
    assert (top.returncode, why in printed(top.stdout)[0]) == (1, True)


def test_tasks_see_what_one_of_the_top_level_made_for_them(sloth: Any) -> None:
    source = """
    task("makes"):command("echo made > thing"):artifacts({ "thing" }):build():run()
    task("needs"):workdir("elsewhere"):consumes({ "thing" })
      :pre_hook(function(this) this.workdir.ensure() end)
      :command(function() print(fs.read("thing")) end)
    """
    result = sloth("run", sloth.write("w.sloth", source))
    assert (result.returncode, printed(result.stdout)) == (0, ["needs | made"])


def test_a_task_is_not_run_before_what_it_depends_on(sloth: Any) -> None:
    source = """
    local first = task("first"):command(function() return true, "", { n = 1 } end)
    local bad = task("bad"):command("false")
    local second = task("second"):depends_on(first):command(function(_, _, deps) print(deps.first.n) end)
    task("main"):command(function()
      print(pcall(second.run, second))
      first:run() second:run() bad:run()
      print(pcall(function() task("third"):depends_on(bad):command("true"):run() end))
    end)
    workflow.define("w"):tasks("main")
    """
    result = sloth("run", sloth.write("w.sloth", source))
    hint = "(task:run() runs one task alone: run those that it needs first.)"
    assert printed(result.stdout) == [
        f"main | false w.sloth:6: the task 'second' depends on first, which has not been run {hint}",
        "second | 1",
        f"main | false w.sloth:8: the task 'third' depends on bad, which failed {hint}",
    ]
