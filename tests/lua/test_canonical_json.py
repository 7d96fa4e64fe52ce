"""Lua writes attributes as the store keeps them, so that equal ones are equal bytes from anywhere."""

from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING, Any

import pytest

from sloth_runner import RunRequest, run_file
from sloth_state import open_store
from sloth_state.json_map import JsonMap
from sloth_state.model import Action
from sloth_state.values import to_json

if TYPE_CHECKING:
    from pathlib import Path

RECORD = """
task("record"):command(function()
  for index, value in ipairs(values.list) do
    state.resource{ type = "value", name = "v" .. index, attributes = { value = value } }
  end
end)
"""

random.seed(4711)
NUMBERS: list[Any] = [
    *(
        0,
        -1,
        2**53,
        -(2**53),
        0.1,
        1e-7,
        5e-324,
        1.5e-300,
        0.0001,
        0.00001,
        1 / 3,
        123456789012345.5,
    ),
    *(random.uniform(-1, 1) * 10.0 ** random.randint(-20, 5) for _ in range(300)),
    *(round(random.uniform(-1000, 1000), random.randint(1, 13)) for _ in range(300)),
    *(struct.unpack("<d", struct.pack("<Q", random.getrandbits(52)))[0] for _ in range(20)),
]
TEXTS = [
    "".join(map(chr, range(0x80))),
    *('"', "\\", "\\u0041", "\x7f", "/", "é", "\u2028", "😀", "\u0301e", "\x00"),
]
MAPS: list[Any] = [
    {},
    {"b": 1, "a": {"z": [], "y": [{}, {"n": None, "m": True}]}, "B": False, "": 0},
    {name: index for index, name in enumerate(["é", "z", "😀", "\uffff", "e", "Z", "\x7f", "\n"])},
    {f"k{number}": number for number in range(50)},
]


def recorded(folder: Path, values: list[Any]) -> list[tuple[str, str]]:
    """What is kept of each value that a script records, beside what is kept of it from Python."""
    script = folder / "w.sloth"
    script.write_text(RECORD)
    path = str(folder / "state.db")
    with open_store(path) as store:
        run_file(store, RunRequest(str(script), values={"list": values}))
        rows = store._db.select("SELECT name, attributes FROM workflow_resources")  # type: ignore[attr-defined]
    kept = dict(rows)
    return [(kept[f"v{index + 1}"], to_json({"value": each})) for index, each in enumerate(values)]


@pytest.mark.parametrize("values", [NUMBERS, TEXTS, MAPS], ids=["numbers", "texts", "maps"])
def test_what_lua_records_is_kept_in_the_same_bytes_as_from_python(
    tmp_path: Path, values: list[Any]
) -> None:
    for from_lua, from_python in recorded(tmp_path, values):
        assert from_lua == from_python


def test_empty_attributes_of_any_kind_are_an_empty_map(tmp_path: Path) -> None:
    script = tmp_path / "w.sloth"
    script.write_text(
        'task("t"):command(function()\n'
        '  state.resource{ type = "t", name = "none" }\n'
        '  state.resource{ type = "t", name = "map", attributes = {} }\n'
        '  state.resource{ type = "t", name = "list", attributes = json.decode("[]") }\n'
        "end)"
    )
    with open_store(str(tmp_path / "state.db")) as store:
        run = run_file(store, RunRequest(str(script)))
        found = {each.name: each.attributes for each in store.resources(run.name)}
    assert found == {"none": {}, "map": {}, "list": {}}


def test_a_listener_can_look_into_what_was_recorded(tmp_path: Path) -> None:
    from sloth_runner.events import ResourceChanged

    script = tmp_path / "w.sloth"
    script.write_text(RECORD)
    heard = []
    with open_store(str(tmp_path / "state.db")) as store:
        run_file(
            store,
            RunRequest(str(script), values={"list": [{"b": [1.5], "a": "x"}]}),
            [lambda _at, event: heard.append(event)],
        )
    (resource,) = [each.resource for each in heard if isinstance(each, ResourceChanged)]
    assert resource.action is Action.CREATE
    assert dict(resource.attributes) == {"value": {"a": "x", "b": [1.5]}}


def test_a_json_map_is_a_map() -> None:
    attributes = JsonMap('{"a":1,"b":[2]}')
    assert (len(attributes), list(attributes), attributes["b"]) == (2, ["a", "b"], [2])
    assert attributes == {"a": 1, "b": [2]}
    assert repr(attributes) == """JsonMap('{"a":1,"b":[2]}')"""
