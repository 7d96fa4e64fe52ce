"""What a script may write to define tasks and workflows, and what it is told when it errs."""

from __future__ import annotations

from typing import Any

import pytest

from sloth_runner.definitions import workflows_of
from sloth_runner.errors import DefinitionError, ScriptError
from sloth_runner.workflow import Call, Shell, Task, Workflow


@pytest.fixture
def workflows(script: Any) -> Any:
    def define(source: str, **options: Any) -> list[Workflow]:
        loaded = script(source, **options)
        return workflows_of(loaded.driver.host.describe(), loaded.session.script)

    return define


@pytest.fixture
def task(workflows: Any) -> Any:
    """The only task of a script."""

    def define(source: str) -> Task:
        (workflow,) = workflows(source)
        (only,) = workflow.tasks
        return only

    return define


def shape(workflow: Workflow) -> dict[str, Any]:
    return {each.name: each.depends_on for each in workflow.tasks}


# -- tasks -----------------------------------------------------------------------------------------

EVERYTHING = Task(
    name="build",
    where="t.sloth:2",
    command=Call(1),
    description="makes it",
    depends_on=("fetch", "test"),
    workdir="/src",
    user="ci",
    timeout=300.0,
    retries=3,
    backoff="exponential",
    run_if=Call(2),
    abort_if=Shell("test -f /stop"),
    hooks={
        "pre_hook": (Call(3),), "post_hook": (Call(4),), "on_success": (Call(5), Call(6)),
        "on_failure": (Call(7), Call(8)), "on_timeout": (Call(9),), "on_complete": (Call(10),),
    },
    tags=("web", "eu"),
)  # fmt: skip


def test_a_fluent_task_keeps_everything_that_is_said(workflows: Any) -> None:
    source = """task("fetch"):command("true") task("test"):command("true")
        local f = function() end local build = task("build")
          :command(function() end):description("makes it"):workdir("/src"):user("ci")
          :depends_on({ "fetch", "test", "fetch" }):timeout("5m"):retries(3, "exponential")
          :run_if(function() end):abort_if("test -f /stop")
          :pre_hook(f):post_hook(f):on_success(f):on_success(f):on_failure(f):on_fail(f)
          :on_timeout(f):on_complete(f):async(true):tags({ "web" }):tags({ "eu" })
          :build()
    """
    (workflow,) = workflows(source)
    assert workflow.tasks[2] == EVERYTHING


@pytest.mark.parametrize(
    "form",
    ["task({{ name = 'build', {} }})", "task 'build' {{ {} }}", "task('build'):build() {{ {} }}"],
)
def test_a_table_says_the_same_as_methods(workflows: Any, form: str) -> None:
    fields = """description = "makes it", workdir = "/src", user = "ci", depends_on = { "fetch", "test" },
        timeout = 300, abort_if = "test -f /stop", tags = { "web", "eu" }, shell = "make" """
    (workflow,) = workflows(
        f"task('fetch'):run('a') task('test'):shell('b')\n{form.format(fields)}"
    )
    assert workflow.tasks[0].command == Shell("a")
    assert workflow.tasks[1].command == Shell("b")
    assert workflow.tasks[2] == EVERYTHING._replace(
        command=Shell("make"), retries=0, backoff="fixed", run_if=None, hooks={}
    )


def test_a_task_has_defaults(task: Any) -> None:
    assert task("task('x'):command('true')") == Task("x", "t.sloth:1", Shell("true"))


DEPENDS_ON = {
    "a name": "depends_on('a')",
    "names": "depends_on('a', 'b')",
    "a list": "depends_on({ 'a', 'b' })",
    "a task": "depends_on(a)",
    "tasks": "depends_on(a, b)",
    "a list of both": "depends_on({ a, 'b' })",
    "lists in lists": "depends_on({ { a }, { 'b' } })",
    "one after the other": "depends_on('a'):depends_on(b)",
    "the same twice": "depends_on('a', a, 'a')",
    "an empty list": "depends_on({})",
}
EXPECTED = {"a name": ("a",), "a task": ("a",), "the same twice": ("a",), "an empty list": ()}


@pytest.mark.parametrize("form", DEPENDS_ON)
def test_dependencies_are_named_in_any_form(workflows: Any, form: str) -> None:
    source = f"""
        local a = task("a"):command("true") local b = task("b"):command("true")
        task("c"):command("true"):{DEPENDS_ON[form]}
    """
    (workflow,) = workflows(source)
    assert workflow.tasks[2].depends_on == EXPECTED.get(form, ("a", "b"))


def test_a_task_takes_what_it_does_not_say_itself_from_the_task_whose_command_it_takes(
    workflows: Any,
) -> None:
    source = """
        local build = task("build"):timeout("5s"):retries(2, "linear"):on_success(function() end)
        task("again"):command(build):timeout("1s"):tags({ "b" })
        build:command("make"):depends_on("fetch"):tags({ "a" }):workdir("src")
        task("fetch"):command("true")
    """
    (workflow,) = workflows(source)
    of = {each.name: each for each in workflow.tasks}
    expected = of["build"]._replace(name="again", where="t.sloth:3", timeout=1.0, tags=("b",))
    assert of["again"] == expected
    assert expected.depends_on == ("fetch",)


def test_a_dependency_on_a_task_means_the_one_that_has_taken_its_place(workflows: Any) -> None:
    source = """
        local fetch = task("fetch"):command("true")
        local build = task("build"):command("make"):depends_on(fetch)
        workflow.define("w", { tasks = { one = { command = fetch }, two = { command = build } } })
    """
    (workflow,) = workflows(source)
    assert shape(workflow) == {"one": (), "two": ("one",)}


def test_a_task_that_has_no_command_says_which_option_may_have_been_meant(workflows: Any) -> None:
    with pytest.raises(DefinitionError, match="has no command") as caught:
        workflows("task('x', { comand = 'true' })")
    assert caught.value.hint == (
        "t.sloth:1: task: there is no option 'comand'; did you mean 'command'?"
    )


TWO_ARGUMENTS = {
    "task('x', { command = 'make', tags = 'a' })": (Shell("make"), ("a",)),
    "task('x', function() end):tags('a', { 'b' })": (Call(1), ("a", "b")),
}


@pytest.mark.parametrize(("source", "expected"), TWO_ARGUMENTS.items(), ids=TWO_ARGUMENTS)
def test_a_task_can_be_given_with_its_name_and_the_rest(
    task: Any, source: str, expected: tuple[Any, ...]
) -> None:
    found = task(source)
    assert (found.name, found.command, found.tags) == ("x", *expected)


def test_a_workflow_can_be_given_with_its_name_before_a_table(workflows: Any) -> None:
    source = "workflow 'w' { description = 'd', tasks = { task 'a' { command = 'true' } } }"
    (workflow,) = workflows(source)
    assert (workflow.name, workflow.description, list(shape(workflow))) == ("w", "d", ["a"])


def test_a_task_without_a_name_gets_that_of_its_key(workflows: Any) -> None:
    source = """
        local b = task({ command = "b", depends_on = "a" })
        workflow.define("w", { tasks = { b = b, a = task({ command = "a" }) } })
    """
    (workflow,) = workflows(source)
    assert shape(workflow) == {"a": (), "b": ("a",)}


def test_a_task_that_never_gets_a_name_is_an_error_at_its_line(workflows: Any) -> None:
    with pytest.raises(DefinitionError, match=r"^t\.sloth:2: a task has no name$"):
        workflows('task("a"):command("true")\ntask({ command = "true" })')


def test_a_task_can_take_the_command_of_another(workflows: Any) -> None:
    source = """
        local make = task("make"):command("make all")
        local run = task("run"):command(function() end)
        task("again"):command(make)
        task "more" { command = run }
    """
    (workflow,) = workflows(source)
    assert [each.command for each in workflow.tasks] == [
        Shell("make all"), Call(1), Shell("make all"), Call(1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5", 5), ("1.5", 1.5), ("'90s'", 90), ("'1h30m'", 5400), ("'250ms'", 0.25), ("'2'", 2)],
)
def test_a_timeout_is_a_duration_or_seconds(task: Any, text: str, seconds: float) -> None:
    assert task(f"task('x'):command('true'):timeout({text})").timeout == seconds


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("3", (3, "fixed")),
        ("0", (0, "fixed")),
        ("2, 'linear'", (2, "linear")),
        ("2, 'fixed'", (2, "fixed")),
    ],
)
def test_retries_take_one_argument_or_two(
    task: Any, arguments: str, expected: tuple[int, str]
) -> None:
    found = task(f"task('x'):command('true'):retries({arguments})")
    assert (found.retries, found.backoff) == expected


def test_a_task_is_shown_by_its_name(script: Any) -> None:
    assert script("print(task('x'):command('true'))").lines == ["task x"]


# -- workflows -------------------------------------------------------------------------------------

WHOLE = Workflow(
    name="ci",
    where="t.sloth:3",
    tasks=(Task("a", "t.sloth:1", Shell("true"), retries=1), Task("b", "t.sloth:2", Call(1), depends_on=("a",), retries=1)),
    description="builds",
    version="1.0.0",
    timeout=1800.0,
    max_parallel_tasks=3,
    continue_on_error=False,
    workdir="/tmp",
    hooks={"on_start": (Call(2),), "on_success": (Call(2 + 1),), "on_failure": (Call(4),), "on_complete": (Call(5), Call(6))},
)  # fmt: skip
TASKS = 'local a = task("a"):command("true")\nlocal b = task("b"):command(function() end):depends_on(a)\n'
CONFIG = "{ timeout = '30m', max_parallel_tasks = 3, continue_on_error = false, workdir = '/tmp', max_retries = 1 }"
FLUENT = f"""("ci"):description("builds"):version("1.0.0"):tasks({{ a, b }}):config({CONFIG})
  :on_start(function() end):on_success(function() end):on_failure(function() end)
  :on_complete(function() end):on_complete(function() end)"""


@pytest.mark.parametrize("head", ["workflow.define", "workflow"])
@pytest.mark.parametrize("end", ["", ":build()"])
def test_a_fluent_workflow_keeps_everything_that_is_said(
    workflows: Any, head: str, end: str
) -> None:
    assert workflows(TASKS + head + FLUENT + end) == [WHOLE]


@pytest.mark.parametrize("head", ["workflow.define", "workflow"])
def test_a_table_defines_the_same_workflow(workflows: Any, head: str) -> None:
    source = f"""{TASKS}{head}("ci", {{
        description = "builds", version = "1.0.0", tasks = {{ a, b }}, config = {CONFIG} }})"""
    assert workflows(source) == [WHOLE._replace(hooks={})]


def test_a_workflow_has_defaults(workflows: Any) -> None:
    (found,) = workflows("workflow.define('x'):tasks({ { name = 't', command = 'true' } })")
    assert found == Workflow("x", "t.sloth:1", (Task("t", "t.sloth:1", Shell("true")),))


def test_a_workflow_takes_tasks_of_all_kinds(workflows: Any) -> None:
    source = """
        local built = task("built"):command("true"):build()
        local unbuilt = task("unbuilt"):command("true")
        task("known"):command("true")
        workflow.define("x"):tasks({
          built, unbuilt, "known",
          { name = "table", command = "true", depends_on = unbuilt },
          group "g" { task "in group" { command = "true" }, { name = "table in group", command = "true" } },
          keyed = { command = function() end },
        })
    """
    (found,) = workflows(source)
    assert shape(found) == {
        "built": (), "unbuilt": (), "known": (), "table": ("unbuilt",),
        "in group": (), "table in group": (), "keyed": (),
    }  # fmt: skip


def test_tasks_may_be_given_several_times_and_alone(workflows: Any) -> None:
    source = f"{TASKS}workflow('x'):tasks(a):tasks({{ b }})"
    assert shape(workflows(source)[0]) == {"a": (), "b": ("a",)}


def test_tasks_may_be_several_arguments(workflows: Any) -> None:
    (found,) = workflows(
        "local a = task('a'):command('true') task('b'):command('true')"
        "workflow('x'):tasks(a, 'b', { c = { command = 'true' } }, { { name = 'd', command = 'true' } })"
    )
    assert set(shape(found)) == {"a", "b", "c", "d"}


def test_several_workflows_may_share_tasks(workflows: Any) -> None:
    source = f"{TASKS}workflow('x'):tasks({{ a }}) workflow('y'):tasks({{ a, b }})"
    assert [(each.name, shape(each)) for each in workflows(source)] == [
        ("x", {"a": ()}),
        ("y", {"a": (), "b": ("a",)}),
    ]


KEYS = ["zeta", "alpha", "mid", "b2", "b1", "last_one", "x", "y"]


@pytest.mark.parametrize("newline", ["\n", " "])
@pytest.mark.parametrize(
    "command", ["function() local alpha = { x = {} } return alpha end", '"make"', "named"]
)
@pytest.mark.parametrize(
    "form", ["{key} = {{ command = {command} }}", "[{key!r}] = {{ command = {command} }}"]
)
def test_keyed_tasks_run_in_source_order(
    workflows: Any, newline: str, command: str, form: str
) -> None:
    if newline == " " and "local" in command:
        command = "function() end"  # on one line, only the order of the keys is left
    tasks = f",{newline}".join(form.format(key=key, command=command) for key in KEYS)
    source = f"local function named() end\nlocal last_one, x = 1, {{}}\nworkflow('w'):tasks({{ {newline} {tasks} }})"
    (found,) = workflows(source)
    assert list(shape(found)) == KEYS


def test_a_task_that_is_commented_out_has_no_place(workflows: Any) -> None:
    source = """
    workflow.define("x", { -- b = { }
      tasks = {
        -- c = { command = "make" },
        a = { command = "echo --" }, --[[ d = {
        b = {} ]] b = { command = '-- \\'' }, [ [=[c]=] ] = { command = [[ --[[ ]] }, d = { command = "true" },
      },
    })
    """
    (found,) = workflows(source)
    assert list(shape(found)) == ["a", "b", "c", "d"]


def test_keyed_tasks_of_two_workflows_have_their_own_orders(workflows: Any) -> None:
    source = """
        workflow("one", { tasks = { build = { command = "a" }, test = { command = "b" }, ship = { command = "c" } } })
        workflow("two", { tasks = { ship = { command = "c" }, test = { command = "b" }, build = { command = "a" } } })
    """
    assert [list(shape(each)) for each in workflows(source)] == [
        ["build", "test", "ship"],
        ["ship", "test", "build"],
    ]


def test_keyed_tasks_may_stand_before_their_workflow_and_be_built(workflows: Any) -> None:
    source = """
        local made = task("made"):command("true")
        local tasks = {
          one = { command = function() end },
          two = made,
          three = { command = "true" },
        }
        workflow("w"):tasks(tasks)
    """
    assert list(shape(workflows(source)[0])) == ["one", "made", "three"]


def test_tasks_without_a_workflow_are_one_named_after_the_file(workflows: Any) -> None:
    (found,) = workflows("task('a'):command('x')\ntask('b'):command('y')", name="deploy.prod.sloth")
    assert (found.name, found.where, list(shape(found))) == (
        "deploy.prod", "deploy.prod.sloth:1", ["a", "b"],
    )  # fmt: skip


def test_the_file_may_return_its_workflow(workflows: Any) -> None:
    (found,) = workflows("return workflow('x', { tasks = { { name = 'a', command = 'true' } } })")
    assert found == Workflow("x", "t.sloth", (Task("a", "t.sloth", Shell("true")),))


def test_a_workflow_that_nobody_would_run_is_an_error_at_its_line(script: Any) -> None:
    loaded = script("task('t'):command(function()\nworkflow.define('inner', {}) end)")
    loaded.driver.host.describe()
    with pytest.raises(ScriptError) as caught:
        loaded.call()
    assert str(caught.value) == (
        "t.sloth:2: workflow.define: a workflow is defined at the top level of the file, not in a task or a hook"
    )


# -- mistakes --------------------------------------------------------------------------------------

METHODS = (
    "abort_if, artifacts, async, command, consumes, delegate_to, depends_on, description, "
    "on_complete, on_fail, on_failure, on_success, on_timeout, params, post_hook, pre_hook, "
    "retries, run, run_if, shell, tags, timeout, user, workdir"
)
MISTAKES = {
    "task()": "task: name must be a string, not nothing",
    "task({ name = {} })": "task: name must be a string, not a table",
    "task('x'):depends_on(task({}))": "task:depends_on: the name of the task must be a string, not nothing",
    "task({}):run()": "task:run: the task's name must be a string, not nothing",
    "task(true)": "task: name must be a string, not true",
    r"task('\255')": "task: name is not UTF-8 text; encode bytes first, for instance with crypto.base64",
    "task('x'):comand('y')": "a task has no method 'comand'; did you mean 'command'?",
    "task('x').wrokdir = 1 task('x').wrokdir()": "a task has no method 'wrokdir'; did you mean 'workdir'?",
    "task('x'):zzz()": f"a task has no method 'zzz'; there is {METHODS}",
    "task('x'):command()": "task:command: its argument must be a function or a shell command, not nothing",
    "task('x'):command(5)": "task:command: its argument must be a function or a shell command, not 5",
    "task('x'):run_if(5)": "task:run_if: its argument must be a function or a shell command, not 5",
    "task 'x' { abort_if = 0 }": "task:abort_if: its argument must be a function or a shell command, not 0",
    "task('x'):delegate_to(5)": "task:delegate_to: its argument must be a host, a list of them, or a function, not 5",
    "task('x'):delegate_to({ 'a', 5 })": "task:delegate_to: a host must be a string, not 5",
    "task('x'):delegate_to({ host = 'a' })": (
        "task:delegate_to: its argument must be a list, not a table with the key 'host'"
    ),
    "task('x'):depends_on({ task = 'a' })": (
        "task:depends_on: its argument must be a list, not a table with the key 'task'"
    ),
    "task('x'):tags({ web = true })": "task:tags: its argument must be a list, not a table with the key 'web'",
    **{
        f"task('x').{name}({argument})": f"task:{name}: call it with a colon"
        for name, argument in {
            "command": "'make'", "description": "'x'", "on_failure": "print", "run_if": "'x'", "tags": "{}",
            "depends_on": "", "timeout": "5", "retries": "2", "params": "{}", "run": "", "delegate_to": "'x'", "async": "true",
        }.items()
    },
    "workflow('x').tasks({})": "workflow:tasks: call it with a colon",
    "workflow('x').config({})": "workflow:config: call it with a colon",
    "task('x'):command({})": "task:command: its argument must be a function or a shell command, not a table",
    r"task('x'):command('echo \255')": (
        "task:command: its argument is not UTF-8 text; encode bytes first, for instance with crypto.base64"
    ),
    "task('x'):description({})": "task:description: its argument must be a string, not a table",
    "task('x'):workdir()": "task:workdir: its argument must be a string, not nothing",
    "task('x'):user(false)": "task:user: its argument must be a string, not false",
    "task('x'):depends_on(nil)": "task:depends_on: its argument must be a task or its name, not nothing",
    "task('x'):depends_on({ true })": "task:depends_on: its argument must be a task or its name, not true",
    "task('x'):depends_on({ 'a', nil, 'b' })": "task:depends_on: item 2 of the list is nil; is its name misspelt?",
    "task('x'):timeout('soon')": (
        "task:timeout: its argument: 'soon' is not a duration. Write \"1h30m\", \"90s\", \"250ms\" or a number of seconds."
    ),
    "task('x'):timeout()": "task:timeout: its argument must be a duration, not nothing",
    "task('x'):retries()": "task:retries: count must be a number, not nothing",
    **{
        f"task('x'):retries({count})": f"task:retries: count must be a whole number from 0 to 1000000, not {shown}"
        for count, shown in {"-1": "-1", "1.5": "1.5", "1e9": "1000000000", "1/0": "inf"}.items()
    },
    "task('x'):retries(1, 'expontial')": "task:retries: there is no backoff 'expontial'; did you mean 'exponential'?",
    "task('x'):run_if()": "task:run_if: its argument must be a function or a shell command, not nothing",
    "task('x'):abort_if('')": "task:abort_if: an empty shell command is no condition",
    "task('x'):run_if(' ')": "task:run_if: an empty shell command is no condition",
    "task('x'):abort_if({})": "task:abort_if: its argument must be a function or a shell command, not a table",
    **{
        f"task('x'):{name}('f')": f'task:{name}: its argument must be a function, not the string "f"'
        for name in ("pre_hook", "post_hook", "on_success", "on_failure", "on_timeout", "on_complete")
    },
    "task('x'):on_fail()": "task:on_failure: its argument must be a function, not nothing",
    "task('x'):tags(true)": "task:tags: its argument must be a text or a list of them, not true",
    "task('x', 5)": "task: its second argument must be a table, not 5",
    "workflow 'x' (5)": "workflow: its argument must be a table, not 5",
    "task('x'):async()": "task:async: its argument must be a boolean, not nothing",
    "task('x'):async(false)": "task:async: false is not possible; order tasks with depends_on",
    "task 'x' 'y'": 'task: its argument must be a table, not the string "y"',
    "task 'x' { 'y' }": "task: unexpected item y",
    "workflow()": "workflow.define: name must be a string, not nothing",
    "workflow.define({})": "workflow.define: name must be a string, not nothing",
    "workflow('x', 'y')": 'workflow.define: its second argument must be a table, not the string "y"',
    "task('x', { name = 'y', command = 'true' })": "task: its name is 'x' already, not 'y'",
    "workflow('x'):timeout('5m')": (
        "a workflow has no method 'timeout'; it is one of the settings: config = { timeout = … }"
    ),
    "workflow('x'):task({})": "a workflow has no method 'task'; did you mean 'tasks'?",
    "workflow('x'):description(5 == 5)": "workflow:description: its argument must be a string, not true",
    "workflow('x'):version({})": "workflow:version: its argument must be a string, not a table",
    "workflow('x'):tasks()": "workflow:tasks: its argument must be a table, not nothing",
    "workflow('x'):tasks({ 5 })": "workflow:tasks: each item must be a table, not 5",
    "workflow('x'):tasks({ 'nope' })": "workflow:tasks: no task called 'nope' is defined above",
    "workflow('x'):tasks({ {} })": "workflow:tasks: the name of each task must be a string, not nothing",
    "workflow('x'):tasks({ task({}) })": "workflow:tasks: the name of each task must be a string, not nothing",
    "workflow('x'):tasks({ { name = 'a' }, nil, { name = 'b' } })": "workflow:tasks: item 2 of the list is nil; is its name misspelt?",
    "workflow('x'):tasks({ a = 5 })": "workflow:tasks: each item must be a table, not 5",
    "workflow('x'):config()": "workflow:config: its argument must be a table, not nothing",
    "workflow('x'):config({ timeout = 'x' })": (
        "workflow:config: timeout: 'x' is not a duration. Write \"1h30m\", \"90s\", \"250ms\" or a number of seconds."
    ),
    "workflow('x'):config({ max_parallel_tasks = 0 })": (
        "workflow:config: max_parallel_tasks must be a whole number from 1 to 1000000, not 0"
    ),
    "workflow('x'):config({ max_parallel_tasks = 1.5 })": (
        "workflow:config: max_parallel_tasks must be a whole number from 1 to 1000000, not 1.5"
    ),
    "workflow('x'):config({ max_retries = '3' })": 'workflow:config: max_retries must be a number, not the string "3"',
    "workflow('x'):config({ continue_on_error = 'no' })": (
        'workflow:config: continue_on_error must be a boolean, not the string "no"'
    ),
    "workflow('x'):config({ workdir = {} })": "workflow:config: workdir must be a string, not a table",
    "workflow('x'):on_start('f')": 'workflow:on_start: its argument must be a function, not the string "f"',
    "group()": "group: name must be a string, not nothing",
    "group 'g' 'x'": 'group: its argument must be a table, not the string "x"',
}  # fmt: skip


@pytest.mark.parametrize(("source", "message"), MISTAKES.items(), ids=range(len(MISTAKES)))
def test_a_mistake_in_a_definition_is_told_at_its_line(
    script: Any, source: str, message: str
) -> None:
    error = script.error(f"\n{source}")
    assert str(error) == f"t.sloth:2: {message}"
    assert error.excerpt == f"    2 | {source}"
