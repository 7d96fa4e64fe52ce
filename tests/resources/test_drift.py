"""`drift`: what is recorded against what is there, which it never changes."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

A = 'resource.thing{ name = "a", id = "a", size = 1 }'


def states(things: Any, *options: str) -> dict[str, str]:
    return {each["resource_name"]: each["state"] for each in things.json("drift", "w", *options)}


def test_each_resource_is_in_one_of_four_states(things: Any) -> None:
    sick = (
        "resource.define('sick', { read = function(r) if fs.exists('plague') then error('eyes closed') end "
        "return {} end, create = print })"
    )
    things.declares(
        A,
        'resource.thing{ name = "b", id = "b", size = 1, text = "x" }',
        'resource.thing{ name = "c", id = "c" }',
        'resource.sick{ name = "s" }',
        'state.resource{ type = "note", name = "n" }',
        before=sick,
    )
    assert things.workflow("drift", "w") == (
        0,
        "unknown  note/n: it was only recorded, so no provider can read it\n"
        "in-sync  sick/s\nin-sync  thing/a\nin-sync  thing/b\nin-sync  thing/c\n"
        "\n"
        "w@1: 1 unknown, 4 in sync\n",
        "",
    )
    things.set("b", size=2, text="y", more=True)
    things.remove("c")
    (things.folder / "plague").touch()
    world = things.world
    things.calls()
    code, out, _ = things.workflow("drift", "w")
    assert code == 1
    lines = out.splitlines()
    assert lines.pop(1).startswith("unknown  sick/s: w.sloth@1:")
    assert lines == [
        "unknown  note/n: it was only recorded, so no provider can read it",
        "in-sync  thing/a",
        "drifted  thing/b",
        "    size: 1 → 2",
        '    text: "x" → "y"',
        "missing  thing/c",
        "",
        "w@1: 1 drifted, 1 missing, 2 unknown, 1 in sync",
    ]
    assert things.world == world
    assert things.calls() == []
    assert [version for version, *_ in things.versions()] == [1]


def test_a_built_in_type_that_cannot_be_read_is_unknown_and_named_once(things: Any) -> None:
    things.declares('resource.file{ name = "f", path = "f", content = "x" }')
    (things.folder / "f").unlink()
    (things.folder / "f").mkdir()
    code, out, _ = things.workflow("drift", "w")
    assert code == 1
    first, _, last = out.splitlines()
    assert first.startswith("unknown  file/f: ")
    assert first.count("file/f") == 1
    assert last == "w@1: 1 unknown"


def test_it_never_says_no_drift_when_something_was_not_read(things: Any) -> None:
    things.declares(A, 'state.resource{ type = "note", name = "n" }')
    assert "no drift" not in things.workflow("drift", "w").out
    things.declares('state.remove_resource("note", "n")', A)
    assert things.workflow("drift", "w").out.endswith("w@2: no drift, 1 resource in sync\n")
    things.script()
    things.ok("run", "w.sloth", "--prune")
    assert things.workflow("drift", "w").out == "w@3: no resources to check\n"


def test_exit_codes(things: Any) -> None:
    things.declares(A)
    assert things.workflow("drift", "w", "--exit-code").code == 0
    things.set("a", size=2)
    assert things.workflow("drift", "w").code == 0
    assert things.workflow("drift", "w", "--exit-code").code == 5
    assert things.workflow("drift", "w", "--exit-code", "--type", "file").code == 0
    things.remove("a")
    assert things.workflow("drift", "w", "--exit-code").code == 5
    (things.folder / "world/a").write_text("no JSON")
    assert things.workflow("drift", "w", "--exit-code").code == 1
    assert things.workflow("drift", "nothing").code == 3
    for pair in (("--accept", "--history"), ("--history", "--watch", "1s"), ("--limit", "3")):
        assert things.workflow("drift", "w", *pair).code == 2


def test_as_json(things: Any) -> None:
    things.declares(A)
    things.set("a", size=2)
    (found,) = things.json("drift", "w")
    assert len(found.pop("resource_id")) == 12
    assert found.pop("detected_at").endswith("Z")
    assert found == {
        "resource_type": "thing",
        "resource_name": "a",
        "state": "drifted",
        "drifted": True,
        "expected": {"id": "a", "size": 1},
        "actual": {"id": "a", "size": 2},
        "differences": [{"path": "size", "before": 1, "after": 2, "sensitive": False}],
        "error": None,
    }


IGNORING = """
resource.define("quiet", {
  read = function(r) local text = fs.read("world/" .. r.id) return text and json.decode(text) end,
  create = function(r) fs.write("world/" .. r.id, json.encode({ a = r.a, b = r.b, c = r.c })) end,
  update = function(r) error("never") end,
  ignore = { "a" },
})
"""


@pytest.mark.parametrize(
    ("options", "state"),
    [
        ((), "drifted"),
        (("--ignore", "c"), "in-sync"),
        (("--ignore", "c.x"), "in-sync"),
        (("--ignore", "c.*"), "in-sync"),
        (("--ignore", "c.y"), "drifted"),
        (("--ignore", "a", "--ignore", "b"), "drifted"),
    ],
)
def test_ignores_by_type_by_resource_and_by_call(
    things: Any, options: tuple[str, ...], state: str
) -> None:
    declare = (
        'resource.quiet{ name = "q", id = "q", a = 1, b = 1, c = { x = 1 }, ignore = { "b" } }'
    )
    things.declares(declare, before=IGNORING)
    things.set("q", a=2, b=2, c={"x": 1})
    assert states(things) == {"q": "in-sync"}
    things.set("q", a=2, b=2, c={"x": 2})
    assert states(things, *options) == {"q": state}


def test_an_earlier_version_can_be_checked(things: Any) -> None:
    things.declares(A)
    things.declares('resource.thing{ name = "a", id = "a", size = 2 }')
    assert things.json("drift", "w")[0]["state"] == "in-sync"
    assert things.json("drift", "w@1")[0]["state"] == "drifted"


def test_the_stored_file_counts_not_the_one_on_disk(things: Any) -> None:
    things.declares(A)
    things.write("this is no Lua")
    assert states(things) == {"a": "in-sync"}
    (things.folder / "w.sloth").unlink()
    assert states(things) == {"a": "in-sync"}


def test_modules_that_the_file_required_count_as_they_were(things: Any) -> None:
    (things.folder / "kinds.lua").write_text(
        "resource.define('kind', { read = function() return {} end, create = print })"
    )
    things.declares('resource.kind{ name = "k" }', before='require("kinds")')
    (things.folder / "kinds.lua").write_text("error('not this one')")
    assert states(things) == {"k": "in-sync"}


def test_the_values_of_the_version_count(things: Any) -> None:
    before = (
        "resource.define('valued', { read = function() return { v = values.v } end, create = print, "
        "update = print })"
    )
    things.script('resource.valued{ name = "x" }', before=before)
    things.ok("run", "w.sloth", "--set", "v=one")
    things.ok("run", "w.sloth", "--set", "v=two")
    assert states(things) == {"x": "in-sync"}


def test_a_file_whose_top_level_fails_is_told_of_and_what_it_defined_counts(things: Any) -> None:
    """At its top level a file may need what is there only during a run."""
    things.script(A, before='assert(fs.exists("needed"), "where is it?")')
    (things.folder / "needed").touch()
    things.ok("run", "w.sloth")
    (things.folder / "needed").unlink()
    code, out, err = things.workflow("drift", "w")
    assert (code, out) == (0, "in-sync  thing/a\n\nw@1: no drift, 1 resource in sync\n")
    assert err == (
        "Note: the file of version 1 cannot be loaded whole: w.sloth@1:"
        f"{_line_of(things, 'where is it')}: where is it?\n"
    )


def test_a_type_that_is_not_defined_any_more_is_unknown(things: Any) -> None:
    before = 'if fs.exists("needed") then resource.define("gone", { read = function() return {} end, create = print }) end'
    (things.folder / "needed").touch()
    things.declares('resource.gone{ name = "x" }', A, before=before)
    (things.folder / "needed").unlink()
    code, out, _ = things.workflow("drift", "w")
    assert code == 1
    assert out.startswith("unknown  gone/x: ")
    assert "there is no type 'gone'" in out


def _line_of(things: Any, text: str) -> int:
    lines = (things.folder / "w.sloth").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_relative_paths_are_those_of_the_task_wherever_drift_is_started(
    things: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (things.folder / "deep/world").mkdir(parents=True)
    (things.folder / "scripts").mkdir()
    source = things.source().split('local t = task("t")')[0] + (
        'task("t"):workdir("../deep"):command(function()\n'
        '  resource.thing{ name = "a", id = "a", size = 1 }\nend)\n'
        'task("u"):command(function() resource.thing{ name = "b", id = "b" } end)\n'
        'workflow.define("w"):tasks({ "t", "u" })'
    )
    things.write(source, "scripts/w.sloth")
    things.ok("run", "scripts/w.sloth")
    assert (things.folder / "deep/world/a").exists()
    assert (things.folder / "world/b").exists()
    monkeypatch.chdir("/")
    assert states(things) == {"a": "in-sync", "b": "in-sync"}
    (things.folder / "deep/world/a").unlink()
    things.ok("state", "workflow", "reconcile", "w", "--force")
    assert (things.folder / "deep/world/a").exists()


# ------------------------------------------------------------------- reading side by side


def test_reads_that_wait_run_beside_each_other(things: Any) -> None:
    """Each of 16 reads waits until all have begun, which ends only if none holds up another."""
    before = """
    resource.define("slow", {
      read = function(r)
        if not fs.exists("checking") then return {} end
        exec.run("touch begun." .. r.name .. "; while [ $(ls begun.* | wc -l) -lt 16 ]; do sleep 0.02; done",
          { timeout = "20s" })
        return {}
      end, create = print,
    })"""
    body = 'for i = 1, 16 do resource.slow{ name = "s" .. i } end'
    things.declares(body, before=before)
    (things.folder / "checking").touch()
    assert things.workflow("drift", "w").out.endswith("w@1: no drift, 16 resources in sync\n")
    assert len(list(things.folder.glob("begun.*"))) == 16


def test_one_that_fails_does_not_hold_up_the_others(things: Any) -> None:
    before = (
        "resource.define('odd', { read = function(r) if fs.exists('checking') then return fs.read('checking') end "
        "return {} end, create = print })"
    )
    things.declares(*(f'resource.odd{{ name = "o{n}" }}' for n in range(20)), A, before=before)
    (things.folder / "checking").write_text("nonsense")
    found = states(things)
    assert found.pop("a") == "in-sync"
    assert set(found.values()) == {"unknown"}


def test_a_check_takes_no_lock_and_goes_beside_a_run(things: Any) -> None:
    things.declares(A)
    things.script(A, 'fs.write("running", "") while not fs.exists("go on") do sleep(0.01) end')
    run = things.process("run", "w.sloth")
    while not (things.folder / "running").exists():
        assert run.poll() is None
    assert states(things) == {"a": "in-sync"}
    (things.folder / "go on").touch()
    run.communicate()
    assert run.returncode == 0


def test_a_store_that_can_only_be_read_is_checked_too(things: Any) -> None:
    things.declares(A)
    things.set("a", size=2)
    result = things.with_a_read_only_store("state", "workflow", "drift", "w", "--exit-code")
    assert result.code == 5
    assert result.out.startswith("drifted  thing/a\n")
    assert things.json("drift", "w", "--history") == []


# ------------------------------------------------------------------- history and watching


def test_history_keeps_what_is_new(things: Any) -> None:
    things.declares(A)
    for change in (None, None, 2, 2, None):
        if change:
            things.set("a", size=change)
        else:
            things.set("a", size=1)
        things.workflow("drift", "w")
    assert [
        (each["version"], each["state"], each["actual"]["size"])
        for each in things.json("drift", "w", "--history")
    ] == [(1, "in-sync", 1), (1, "drifted", 2), (1, "in-sync", 1)]
    table = things.workflow("drift", "w", "--history", "--limit", "2").out.splitlines()
    assert table[0].split() == ["DETECTED", "VERSION", "TYPE", "NAME", "STATE", "DIFFERS"]
    assert [line.split()[2:] for line in table[1:3]] == [
        ["1", "thing", "a", "in-sync", "-"],
        ["1", "thing", "a", "drifted", "size"],
    ]
    assert table[3:] == ["", "2 detections"]


def test_history_does_not_name_what_is_ignored_as_differing(things: Any) -> None:
    things.declares(
        'resource.thing{ name = "a", id = "a", size = 1, note = "x", ignore = { "note" } }'
    )
    things.set("a", size=2, note="y")
    things.workflow("drift", "w")
    (line,) = things.workflow("drift", "w", "--history").out.splitlines()[1:2]
    assert line.split()[2:] == ["1", "thing", "a", "drifted", "size"]


def test_ctrl_c_ends_a_check_in_which_one_reads_and_another_waits(things: Any) -> None:
    things.write(
        "resource.define('busy', { create = function() end,\n"
        "  read = function(r)\n"
        "    if fs.exists('slow') then fs.write('reads', '') while true do end end\n"
        "    return { v = r.v }\n"
        "  end })\n"
        "task('t'):command(function()\n"
        "  resource.command{ name = 'c', command = 'true', undo = 'true',\n"
        "    unless = 'test ! -e slow || sleep 60' }\n"
        "  resource.busy{ name = 'b', v = 1 }\n"
        "end)"
    )
    things.ok("run", "w.sloth")
    (things.folder / "slow").touch()
    check = things.process("state", "workflow", "drift", "w")
    while not (things.folder / "reads").exists():
        time.sleep(0.01)
    check.send_signal(2)
    out, err = check.communicate(timeout=20)
    assert (check.returncode, out, err) == (130, "", "Error: interrupted by Ctrl-C\n")


def test_watching_checks_again_and_again(things: Any) -> None:
    things.declares(A)
    watch = things.process("state", "workflow", "drift", "w", "--watch", "50ms")
    assert watch.stdout is not None
    assert watch.stdout.readline() == "in-sync  thing/a\n"
    things.set("a", size=2)
    for line in watch.stdout:
        if line == "w@1: 1 drifted\n":
            break
    things.declares(A)
    for line in watch.stdout:
        if line == "w@2: no drift, 1 resource in sync\n":
            break
    watch.send_signal(2)
    _, err = watch.communicate()
    assert watch.returncode == 130
    assert "Traceback" not in err


# ------------------------------------------------------------------------------ accepting


def test_accepting_makes_reality_the_baseline(things: Any) -> None:
    things.declares(
        A, 'resource.thing{ name = "b", id = "b", unreadable = 1 }', 'state.set_output("url", "x")'
    )
    assert things.workflow("drift", "w", "--accept").err == (
        "Nothing drifted, so there is nothing to accept\n"
    )
    things.set("a", size=2, more="x")
    things.remove("b")
    refused = things.workflow("drift", "w", "--accept")
    assert refused.code == 2
    assert "--force" in refused.err
    assert things.recorded["thing/a"]["size"] == 1
    result = things.workflow("drift", "w", "--accept", "--force")
    assert (result.code, result.err) == (0, "Recorded as version 2 of w\n")
    assert things.recorded == {"thing/a": {"id": "a", "size": 2, "more": "x"}}
    assert things.versions()[0] == (2, "success", "accepted drift of 2 resources")
    assert things.json("outputs", "w") == {"url": "x"}
    assert things.workflow("drift", "w").out.endswith("w@2: no drift, 1 resource in sync\n")
    things.ok("state", "workflow", "rollback", "w", "1", "--force")
    assert things.world == {"a": {"id": "a", "size": 1}, "b": {"id": "b", "unreadable": 1}}


def test_only_what_was_checked_is_accepted(things: Any) -> None:
    things.declares(A, 'resource.directory{ name = "d", path = "d" }')
    things.set("a", size=2)
    (things.folder / "d").rmdir()
    things.ok("state", "workflow", "drift", "w", "--type", "thing", "--accept", "--force")
    assert states(things) == {"a": "in-sync", "d": "missing"}


def test_an_old_version_cannot_be_accepted(things: Any) -> None:
    things.declares(A)
    things.declares('resource.thing{ name = "a", id = "a", size = 2 }')
    result = things.workflow("drift", "w@1", "--accept", "--force")
    assert result.code == 1
    assert "w is at version 2 now" in result.err
    assert things.recorded["thing/a"]["size"] == 2


def test_a_comparison_with_reality_says_what_it_could_not_compare(things: Any) -> None:
    things.declares(A, 'resource.thing{ name = "b", id = "b", size = 1 }')
    (things.folder / "world/a").write_text("no JSON")
    live = "diff", "w", "1", "live"
    result = things.workflow(*live)
    assert result.code == 0
    assert result.out == "No differences between w@1 and live; 1 resource not compared\n"
    assert things.workflow(*live, "--exit-code").code == 1
    things.set("b", size=2)
    result = things.workflow(*live, "--exit-code")
    assert (result.code, result.out.splitlines()[-1]) == (1, "1 updated; 1 resource not compared")
    (left,) = json.loads(things.workflow(*live, "-o", "json").out)["not_compared"]
    assert (left["type"], left["name"]) == ("thing", "a")
    assert "w.sloth@1:" in left["error"]
    things.set("a", size=1)
    assert things.workflow(*live, "--exit-code").code == 5
    things.set("b", size=1)
    result = things.workflow(*live, "--exit-code")
    assert result == (0, "No differences between w@1 and live\n", "")


# ------------------------------------------------------------------------------ sensitive

SECRET = (
    'resource.thing{{ name = "a", id = "a", login = {{ user = "u", password = "{}" }}, '
    'sensitive = {{ "login.password" }} }}'
).format


def test_what_is_sensitive_is_shown_nowhere(things: Any) -> None:
    things.declares(SECRET("hunter1"))
    things.set("a", login={"user": "eve", "password": "hunter2"})
    workflow = ("state", "workflow")
    seen = ""
    for arguments in (
        (*workflow, "drift", "w"),
        (*workflow, "diff", "w", "1", "live"),
        (*workflow, "reconcile", "w", "--dry-run"),
        ("plan", "w.sloth"),
        ("run", "w.sloth"),
        ("run", "w.sloth", "--verbose"),
    ):
        for more in ((), ("-o", "json")):
            result = things(*arguments, *more)
            assert result.code == 0, result
            seen += result.out + result.err
    things.declares(SECRET("hunter3"))
    things.set("a", login={"user": "eve", "password": "hunter2"})
    things.ok(*workflow, "drift", "w")
    things.script()
    seen += "".join(things("run", "w.sloth", *more).out for more in ((), ("-o", "json")))
    things.ok("run", "w.sloth", "--prune")
    things.ok("run", "w.sloth")
    for arguments in (
        ("drift", "w", "--history"),
        ("show", "w@1"),
        ("resources", "w@1"),
        ("diff", "w", "1", "3"),
        ("rollback", "w", "1", "--dry-run"),
        ("rollback", "w", "1", "--force"),
        ("reconcile", "w", "--dry-run"),
    ):
        for more in ((), ("-o", "json")):
            result = things.workflow(*arguments, *more)
            assert result.code == 0, result
            seen += result.out + result.err
    assert "eve" in seen
    assert "(sensitive)" in seen
    assert "hunter" not in seen
    assert (
        json.dumps(things.world)
        == '{"a": {"id": "a", "login": {"password": "hunter1", "user": "u"}}}'
    )
