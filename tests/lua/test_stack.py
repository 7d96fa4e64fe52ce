"""The module `stack`: the older name of this run's state."""

from __future__ import annotations

from typing import Any

RESOURCE = '{ type = "vm", name = "a", module = "cloud", properties = { cpus = CPUS }, dependencies = { "net/b" } }'


def test_resources_and_outputs_are_those_of_the_run(told: Any) -> None:
    register = f"stack.register_resource({RESOURCE})"
    created, unchanged, changed, gone, exists, updated, now, deleted, left, none, output, said = (
        told(
            register.replace("CPUS", "1"),
            register.replace("CPUS", "1"),
            register.replace("CPUS", "2"),
            'stack.get_resource("vm", "z")',
            'stack.resource_exists("vm", "a")',
            'stack.update_resource("vm", "a", { state = "up", error = "none" })',
            'stack.get_resource("vm", "a")',
            'stack.delete_resource("vm", "a")',
            'stack.resource_exists("vm", "a")',
            'stack.get_resource("vm", "a")',
            'stack.set_output("url", { "x" })',
            'stack.get_output("url")',
        )
    )
    run = told.sloth.json("state", "workflow", "show", "w")
    what, resource = created
    assert what == "created"
    assert resource == {
        "id": resource["id"],
        "stack_id": run["id"],
        "type": "vm",
        "name": "a",
        "state": "",
        "module": "cloud",
        "properties": {"cpus": 1},
        "dependencies": ["net/b"],
    }
    assert unchanged == ["unchanged", resource]
    assert changed == ["created", {**resource, "properties": {"cpus": 2}}]  # by this run
    assert (gone, exists, updated) == ([None], [True], [True])
    assert now == [{**resource, "properties": {"cpus": 2}, "state": "up"}]
    assert (deleted, left, none) == ([True], [False], [None])
    assert (output, said) == ([], [["x"]])
    assert run["outputs"] == {"url": ["x"]}


def test_what_an_earlier_run_has_made_is_changed(told: Any) -> None:
    for cpus, what in (("1", "created"), ("2", "changed"), ("2", "unchanged")):
        ((said, _),) = told(f"stack.register_resource({RESOURCE})".replace("CPUS", cpus))
        assert said == what


def test_calling_it_names_the_state_of_the_run(told: Any) -> None:
    questions = (
        "stack.get_name()",
        "stack.get_status()",
        "#stack.get_id()",
        'stack("site") == stack',
    )
    top = 'local before = stack.get_name() stack("site") assert(before == nil and stack.get_name() == "site")'
    assert told(*questions, top=top) == [["site"], ["running"], [12], [True]]
    names = [each["name"] for each in told.sloth.json("state", "workflow", "list")]
    assert names == ["site"]
    planned = told.sloth("plan", "w.sloth").stdout
    assert planned.rstrip().splitlines()[-1].startswith("site: ")


def test_the_command_line_names_it_with_more_weight(told: Any) -> None:
    told.write("stack.get_name()", top='stack("site")')
    assert told.sloth("run", "prod", "--file", "w.sloth").returncode == 0
    names = [each["name"] for each in told.sloth.json("state", "workflow", "list")]
    assert names == ["prod"]
    assert (told.sloth.folder / "told").read_text() == '[["prod"]]'


WRONG = {
    'stack("other")': "stack: the state has the name 'w' already, not 'other'",
    "stack()": "stack: its argument must be a string, not nothing",
    'stack.register_resource{ type = "a" }': "stack.register_resource: name must be a string, not nothing",
    'stack.register_resource{ type = "a", name = "b", propertes = {} }': "stack.register_resource: it has no field 'propertes'; did you mean 'properties'?",
    'stack.update_resource("a", "b", {})': "w has no resource a/b",
    'stack.delete_resource("a", "b")': "w has no resource a/b",
    'stack.get_resource("a")': "stack.get_resource: name must be a string, not nothing",
}


def test_wrong_arguments_are_errors(told: Any) -> None:
    found = dict(zip(WRONG, told(*WRONG), strict=True))
    assert {call: text.partition(" (")[0] for call, text in found.items()} == WRONG


def test_two_names_are_one_too_many(script: Any) -> None:
    error = script.error('stack("a") stack("a")\nstack("b")')
    assert error.message == "t.sloth:2: stack: the state has the name 'a' already, not 'b'"
    assert script.error('stack("")').message == "t.sloth:1: the name of the state is empty"
