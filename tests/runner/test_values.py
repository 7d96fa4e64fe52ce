"""--values and --set: how they are read and laid over each other."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sloth_runner.values import merged_values
from sloth_state.errors import InvalidValue, NotFound, SlothError, UsageError


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)

    def write(content: str | bytes, name: str = "v.yaml") -> str:
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return name

    return write


ASSIGNMENTS = {
    "a=1": {"a": 1},
    "a=-3": {"a": -3},
    "a=0": {"a": 0},
    "a=true": {"a": True},
    "a=false": {"a": False},
    "a=null": {"a": None},
    "a=": {"a": ""},
    "a=text": {"a": "text"},
    "a=b=c": {"a": "b=c"},
    "a=1.10": {"a": "1.10"},
    "a=007": {"a": "007"},
    "a=1e3": {"a": "1e3"},
    "a=True": {"a": "True"},
    "a= 1": {"a": " 1"},
    "a=1\n": {"a": "1\n"},
    "a=٣": {"a": "٣"},
    "a=9007199254740992": {"a": 2**53},
    "a.b.c=1": {"a": {"b": {"c": 1}}},
    "a-b.c_d=x": {"a-b": {"c_d": "x"}},
    "ä=ö": {"ä": "ö"},
    'a={"b":1}': {"a": '{"b":1}'},
    "a=[1,2]": {"a": "[1,2]"},
}


@pytest.mark.parametrize(("assignment", "values"), ASSIGNMENTS.items(), ids=ASSIGNMENTS)
def test_set_gives_whole_numbers_words_and_text(assignment: str, values: dict[str, Any]) -> None:
    found = merged_values([], [assignment])
    assert found == values
    assert repr(found) == repr(values)  # True is not 1


WRONG_ASSIGNMENTS = {
    "a": ("--set 'a' is not name=value", UsageError),
    "": ("--set '' is not name=value", UsageError),
    "=1": ("--set '=1' is not name=value", UsageError),
    "a..b=1": ("--set 'a..b=1' is not name=value", UsageError),
    ".a=1": ("--set '.a=1' is not name=value", UsageError),
    "a.=1": ("--set 'a.=1' is not name=value", UsageError),
    "a=9007199254740993": ("--set a is 9007199254740993, an integer beyond 2^53", InvalidValue),
    "a.b=" + "1" * 5000: (f"--set a.b is {'1' * 20}, an integer beyond 2^53", InvalidValue),
    "a=\udcff": ("--set a is not valid UTF-8 text", InvalidValue),
    "\udcff=a": ("a name in --set is not valid UTF-8 text", InvalidValue),
}


@pytest.mark.parametrize("assignment", WRONG_ASSIGNMENTS, ids=range(len(WRONG_ASSIGNMENTS)))
def test_an_assignment_that_cannot_be_kept_is_refused(assignment: str) -> None:
    message, kind = WRONG_ASSIGNMENTS[assignment]
    with pytest.raises(kind) as caught:
        merged_values([], [assignment])
    assert caught.value.message == message
    assert caught.value.exit_code == 2


def test_later_ones_win_and_maps_are_merged(file: Any) -> None:
    base = file("web: { replicas: 1, image: nginx, tags: [a, b] }\nname: base\nold: { x: 1 }\n")
    more = file("web: { replicas: 2, tags: [c] }\nold: gone\nnew: { y: 1 }\n", "more.yaml")
    found = merged_values([base, more], ["web.image=caddy", "new.z=2", "new.z=3", "name=x"])
    assert found == {
        "web": {"replicas": 2, "image": "caddy", "tags": ["c"]},
        "name": "x",
        "old": "gone",
        "new": {"y": 1, "z": 3},
    }


@pytest.mark.parametrize("below", ["name=x", "name.first=x", "name=5"])
def test_an_assignment_does_not_lead_into_what_is_no_map(below: str) -> None:
    first, _, _ = below.partition("=")
    with pytest.raises(UsageError) as caught:
        merged_values([], [below, f"{first}.last=y"])
    assert caught.value.message == f"--set {first}.last: {first} is set to something that is no map"
    assert merged_values([], ["name=null", "name.last=y"]) == {"name": {"last": "y"}}


def test_nothing_gives_nothing() -> None:
    assert merged_values([], []) == {}


FILES = {
    "": {},
    "# only a comment\n": {},
    "null": {},
    "{}": {},
    "a: 1\nb: 1.5\nc: true\nd: ~\ne: text\nf: [1, x]\n": {"a": 1, "b": 1.5, "c": True, "d": None, "e": "text", "f": [1, "x"]},
    '{"a": {"b": [1, null, "ä"]}}': {"a": {"b": [1, None, "ä"]}},
    "day: 2024-02-29\ntime: 2024-02-29T10:11:12Z\n": {"day": "2024-02-29", "time": "2024-02-29 10:11:12+00:00"},
    "a: &x [1]\nb: *x\n": {"a": [1], "b": [1]},
    "a: '80'\n'80': b\n": {"a": "80", "80": "b"},
}  # fmt: skip


@pytest.mark.parametrize(("content", "values"), FILES.items(), ids=range(len(FILES)))
def test_a_file_is_yaml_or_json(file: Any, content: str, values: dict[str, Any]) -> None:
    assert merged_values([file(content)], []) == values


WRONG_FILES = {
    "- a\n- b\n": ("the values file v.yaml must hold a map of names to values", UsageError),
    "just text": ("the values file v.yaml must hold a map of names to values", UsageError),
    "a: [1\nb: 2\n": ("the values file v.yaml is not YAML: expected ',' or ']', but got ':' at line 2", UsageError),
    "a: b: c\n": ("the values file v.yaml is not YAML: mapping values are not allowed here at line 1", UsageError),
    "a: !!python/object:os.system x": (
        "the values file v.yaml is not YAML: could not determine a constructor for the tag "
        "'tag:yaml.org,2002:python/object:os.system' at line 1",
        UsageError,
    ),
    "a: 2024-99-99\n": ("the values file v.yaml is not YAML: month must be in 1..12", UsageError),
    b"a: \xff": ("the values file v.yaml is not UTF-8 text", UsageError),
    "80: web\n": ("v.yaml: values has the key 80, and keys must be strings", InvalidValue),
    "on: push\n": ("v.yaml: values has the key True, and keys must be strings", InvalidValue),
    "a: { null: b }\n": ("v.yaml: values.a has the key None, and keys must be strings", InvalidValue),
    "a: .nan\n": ("v.yaml: values.a is nan, which JSON does not have", InvalidValue),
    "a: { b: [1, .inf] }\n": ("v.yaml: values.a.b[1] is inf, which JSON does not have", InvalidValue),
    "id: 9007199254740993\n": ("v.yaml: values.id is 9007199254740993, an integer beyond 2^53", InvalidValue),
    "a: !!binary aGk=\n": ("v.yaml: values.a is a bytes, which JSON does not have", InvalidValue),
    "a: !!set { x }\n": ("v.yaml: values.a is a set, which JSON does not have", InvalidValue),
    'a: "\\ud800"\n': ("v.yaml: values.a is not valid UTF-8 text", InvalidValue),
    "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{b}: &{b} [{','.join([f'*{a}'] * 10)}]\n" for a, b in pairwise("abcdefgh")
    ): ("v.yaml has more than 1,000,000 values, repeated ones included", InvalidValue),
    "a: &a [*a]\n": ("v.yaml: values is nested too deeply, or contains itself", InvalidValue),
}  # fmt: skip


@pytest.mark.parametrize("content", WRONG_FILES, ids=range(len(WRONG_FILES)))
def test_a_file_that_cannot_be_kept_is_refused(file: Any, content: str | bytes) -> None:
    message, kind = WRONG_FILES[content]
    with pytest.raises(kind) as caught:
        merged_values([file(content)], [])
    assert caught.value.message == message
    assert caught.value.exit_code == 2


def test_a_missing_file_and_a_folder_are_named(file: Any, tmp_path: Path) -> None:
    with pytest.raises(NotFound) as missing:
        merged_values(["none.yaml"], [])
    assert (missing.value.message, missing.value.exit_code) == (
        "there is no values file none.yaml",
        3,
    )
    with pytest.raises(SlothError) as folder:
        merged_values([str(tmp_path)], [])
    assert folder.value.message == f"the values file {tmp_path} cannot be read: Is a directory"
