"""Every change of the world is begun durably before it is made, and ended after."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import Any

import apsw
import pytest

from sloth_state import ReferenceNotFound, StoreError

LOOK = """
import json, sys
from sloth_state.open import open_store
with open_store(sys.argv[1]) as store:
    run = store.runs(limit=1)[0]
    print(json.dumps([
        [[each.number, each.verb, each.name, each.ended_at is not None] for each in store.operations(run.id)],
        [[each.name, each.action.value, each.attributes["size"]] for each in store.resources("w")],
    ]))
"""


def test_another_process_sees_the_beginning_before_the_effect_and_the_end_after(
    things: Any,
) -> None:
    (things.folder / "look.py").write_text(LOOK)
    url = f"sqlite:///{things.folder}/state.db"
    look = f'exec.run([[{sys.executable} look.py {url} >> seen]], {{ timeout = "30s" }})'
    seen = (
        f"resource.define('seen', {{\n"
        "  read = function(r) local t = fs.read('world/' .. r.name) return t and { size = tonumber(t) } end,\n"
        f"  create = function(r) {look} fs.write('world/' .. r.name, tostring(r.size)) {look} end,\n"
        f"  update = function(r) {look} fs.write('world/' .. r.name, tostring(r.size)) end,\n"
        f"  delete = function(r) {look} fs.rm('world/' .. r.name) {look} end,\n}})"
    )

    def looked() -> list[Any]:
        file = things.folder / "seen"
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        file.unlink()
        return lines

    things.declares(
        'resource.seen{ name = "a", size = 1 }',
        'resource.seen{ name = "b", size = 1 }',
        before=seen,
    )
    assert looked() == [
        [[[1, "create", "a", False]], []],
        [[[1, "create", "a", False]], []],
        [[[1, "create", "a", True], [2, "create", "b", False]], [["a", "create", 1]]],
        [[[1, "create", "a", True], [2, "create", "b", False]], [["a", "create", 1]]],
    ]
    things.script('resource.seen{ name = "a", size = 2 }', before=seen)
    things.ok("run", "w.sloth", "--prune")
    a1, b1 = ["a", "noop", 1], ["b", "noop", 1]
    assert looked() == [
        [[[1, "update", "a", False]], [a1, b1]],
        [[[1, "update", "a", True], [2, "delete", "b", False]], [["a", "update", 2], b1]],
        [[[1, "update", "a", True], [2, "delete", "b", False]], [["a", "update", 2], b1]],
    ]


def operations(things: Any) -> list[tuple[Any, ...]]:
    """The journal of the newest run."""
    with things.store() as store:
        return [
            (
                each.number,
                each.verb,
                each.name,
                each.task,
                each.key,
                each.before,
                each.wanted,
                each.error,
            )
            for each in store.operations(store.runs(limit=1)[0].id)
            if each.ended_at is not None
        ]


def journal(things: Any, version: int | None = None) -> list[tuple[Any, ...]]:
    """Number, verb, name and end of each operation of a run, the newest by default."""
    with things.store() as store:
        runs = {run.version: run for run in store.runs(name="w")}
        run = runs[version or max(runs)]
        return [
            (each.number, each.verb, each.name, each.ended_at) for each in store.operations(run.id)
        ]


def test_the_journal_says_what_was_there_what_was_wanted_and_why_it_failed(things: Any) -> None:
    things.declares('resource.thing{ name = "a", id = "a", size = 1 }')
    assert operations(things) == [(1, "create", "a", "t", "a", None, {"id": "a", "size": 1}, None)]
    things.script(
        'resource.thing{ name = "a", id = "b", size = 2 }',
        'resource.thing{ name = "c", id = "c", breaks = "before" }',
    )
    result = things("run", "w.sloth")
    problem = result.err.splitlines()[0].rpartition("create: ")[2]
    assert problem.endswith("no room")
    wanted = {"id": "c", "breaks": "before"}
    assert operations(things) == [
        (1, "delete", "a", "t", "b", {"id": "a", "size": 1}, {"id": "a", "size": 1}, None),
        (2, "create", "a", "t", "b", None, {"id": "b", "size": 2}, None),
        (3, "create", "c", "t", "c", None, wanted, problem),
    ]


def test_the_end_and_the_record_are_one_transaction(
    things: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the record cannot be written, the operation has not ended either."""
    from sloth_state.errors import StoreFull
    from sloth_state.sqlite.resource_writer import ResourceWriter

    def no_room(*_: object, **__: object) -> None:
        raise StoreFull("x", "is full")

    things.script('resource.thing{ name = "a", id = "a" }')
    with monkeypatch.context() as patched:
        patched.setattr(ResourceWriter, "record", no_room)
        assert things("run", "w.sloth").code == 6
    assert things.recorded == {}
    with things.store() as store:
        ((_, operation),) = store.unfinished_operations("w")
        assert (operation.verb, operation.name) == ("create", "a")
    result = things("run", "w.sloth")
    assert "was interrupted in: create thing/a; it was done" in result.out
    assert things.calls() == ["create a"]


BUSY = """
task("t"):command(function()
  for number = 1, 3 do
    resource.file{ name = "f" .. number, path = "%s/f" .. number, content = "x" }
    %s
    if number == 2 then while true do end end -- which asks nobody for anything
  end
end)
"""


def test_what_a_script_prints_after_a_change_comes_after_its_end_is_durable(things: Any) -> None:
    script = BUSY % (things.folder, 'print("made " .. number)')
    (things.folder / "w.sloth").write_text(script)
    command = [sys.executable, "-m", "sloth_runner", "run", "w.sloth"]
    with subprocess.Popen(command, cwd=things.folder, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        while "made 2" not in run.stdout.readline():
            pass
        run.kill()
    ends = [(name, ended is not None) for _, _, name, ended in journal(things)]
    assert ends[:2] == [("f1", True), ("f2", True)]
    assert {"file/f1", "file/f2"} <= things.recorded.keys()


def test_what_another_workflow_records_after_a_change_comes_after_its_end_is_durable(
    things: Any,
) -> None:
    script = BUSY % (
        things.folder,
        'state.add_resource(other, { type = "t", name = "r" .. number })',
    )
    create = 'local other = state.create_workflow{ name = "other" }\n  for number'
    (things.folder / "w.sloth").write_text(script.replace("for number", create, 1))
    command = [sys.executable, "-m", "sloth_runner", "run", "w.sloth"]
    with subprocess.Popen(command, cwd=things.folder, stdout=subprocess.DEVNULL) as run:
        while not _is_recorded(things, "other", "r2"):
            time.sleep(0.02)
        run.kill()
    ends = [(name, ended is not None) for _, _, name, ended in journal(things)]
    assert ends[:2] == [("f1", True), ("f2", True)]


def _is_recorded(things: Any, workflow: str, name: str) -> bool:
    try:
        with things.store() as store:
            return any(each.name == name for each in store.resources(workflow))
    except (ReferenceNotFound, StoreError):  # not yet
        return False


def test_a_command_after_a_change_finds_it_recorded(things: Any) -> None:
    (things.folder / "look.py").write_text(LOOK)
    look = f"exec.run([[{sys.executable} look.py sqlite:///{things.folder}/state.db >> seen]])"
    things.script(
        f'resource.file{{ name = "a", path = "{things.folder}/a", content = "x" }}',
        f'resource.file{{ name = "b", path = "{things.folder}/b", content = "yy" }}',
        look,
    )
    things.ok("run", "w.sloth")
    assert json.loads((things.folder / "seen").read_text()) == [
        [[1, "create", "a", True], [2, "create", "b", True]],
        [["a", "create", 1], ["b", "create", 2]],
    ]


def test_a_change_whose_end_was_never_written_is_found_done_by_the_next_run(things: Any) -> None:
    (things.folder / "w.sloth").write_text(BUSY % (things.folder, ""))
    command = [sys.executable, "-m", "sloth_runner", "run", "w.sloth"]
    with subprocess.Popen(command, cwd=things.folder, stdout=subprocess.DEVNULL) as run:
        while not (things.folder / "f2").exists():
            time.sleep(0.01)
        time.sleep(0.1)
        run.kill()
    assert journal(things)[-1][2:] == ("f2", None)
    (things.folder / "w.sloth").write_text(
        BUSY.replace("while true do end", "") % (things.folder, "")
    )
    out = things.ok("run", "w.sloth")
    assert "was interrupted in: create file/f2; it was done" in out
    assert all(ended is not None for *_, ended in journal(things, version=1))


def test_the_end_of_a_change_goes_into_the_transaction_of_the_next_beginning(
    things: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which is one sync less for each of many changes in a row."""
    commits: list[str] = []

    def trace(_cursor: Any, sql: str, _bindings: Any) -> bool:
        commits.extend([sql] if sql == "COMMIT" else [])
        return True

    def watch(connection: apsw.Connection) -> None:
        connection.exec_trace = trace

    def commits_of(*names: str) -> int:
        things.script(
            *(
                f'resource.file{{ name = "{n}", path = "{things.folder}/{n}", content = "x" }}'
                for n in names
            )
        )
        commits.clear()
        things.ok("run", "w.sloth")
        return len(commits)

    monkeypatch.setattr(apsw, "connection_hooks", [*apsw.connection_hooks, watch])
    commits_of("a")  # makes the store
    few, many = commits_of("b", "c"), commits_of(*"defghijklmno")
    assert many - few == 10


# --------------------------------------------------------------- between beginning and end

SLOW = """
local function wait_in(r, moment)
  if r.waits ~= moment then return end
  fs.write("waiting", "")
  while not fs.exists("go on") do sleep(0.01) end
end
resource.define("slow", {
  read = function(r)
    local text = fs.read("world/" .. r.id)
    return text and json.decode(text)
  end,
  create = function(r)
    fs.append("calls", "create\\n")
    wait_in(r, "before")
    if r.waits == "between" then fs.write("world/" .. r.id, '{"size":0}') end
    wait_in(r, "between")
    fs.write("world/" .. r.id, json.encode({ size = r.size }))
    wait_in(r, "after")
  end,
  update = function(r)
    fs.append("calls", "update\\n")
    wait_in(r, "before update")
    if r.waits == "between update" then fs.write("world/" .. r.id, '{"size":0}') end
    wait_in(r, "between update")
    fs.write("world/" .. r.id, json.encode({ size = r.size }))
    wait_in(r, "after update")
  end,
  delete = function(r)
    fs.append("calls", "delete\\n")
    wait_in(r, "before delete")
    fs.rm("world/" .. r.id)
    wait_in(r, "after delete")
  end,
})
"""


def slow(waits: str = "", size: int = 1) -> str:
    return f'resource.slow{{ name = "s", id = "s", size = {size}, waits = "{waits}" }}'


def stop(things: Any, signal_: int, *options: str) -> subprocess.Popen[str]:
    """Start the run and send it this as soon as its hook waits."""
    process = things.process("run", "w.sloth", *options)
    waiting = things.folder / "waiting"
    deadline = time.monotonic() + 20
    while not waiting.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal_)
    process.communicate()
    waiting.unlink()
    things.calls()
    return process  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("moment", "found", "calls"),
    [
        ("before", "nothing is there", ["create"]),
        ("between", "it was done in part", ["update"]),
        # Nobody can read whether what is not read (id, waits) was done: it is done again.
        ("after", "it was done, as far as it can be read", ["update"]),
    ],
)
@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGINT])
def test_after_an_interrupted_create_the_next_run_reads_and_is_right(
    things: Any, by: int, moment: str, found: str, calls: list[str]
) -> None:
    things.script(slow(moment), before=SLOW)
    process = stop(things, by)
    assert process.returncode == (-9 if by == signal.SIGKILL else 130)
    with things.store() as store:
        run = store.runs(limit=1)[0]
        if by == signal.SIGINT:
            ((run_id, operation),) = store.unfinished_operations("w")
            assert (run_id, operation.verb, operation.ended_at) == (run.id, "create", None)
    things.script(slow(), before=SLOW)
    result = things("run", "w.sloth")
    assert result.code == 0
    assert f"run {run.id} was interrupted in: create slow/s; {found}" in result.out
    assert things.calls() == calls
    assert things.world == {"s": {"size": 1}}
    assert things.recorded == {"slow/s": {"id": "s", "size": 1, "waits": ""}}
    with things.store() as store:
        assert store.unfinished_operations("w") == []
        assert store.verify() == []
    assert things.counts(things("run", "w.sloth")) == "0 created, 0 updated, 0 deleted, 1 unchanged"


@pytest.mark.parametrize(
    ("moment", "found", "calls"),
    [("before delete", "it was not done", ["delete"]), ("after delete", "it was done", [])],
)
def test_after_an_interrupted_delete_the_next_run_reads_and_is_right(
    things: Any, moment: str, found: str, calls: list[str]
) -> None:
    things.declares(slow(moment), before=SLOW)
    things.script(before=SLOW)
    stop(things, signal.SIGKILL, "--prune")
    (things.folder / "go on").touch()
    result = things("run", "w.sloth", "--prune")
    assert result.code == 0
    assert f"was interrupted in: delete slow/s; {found}" in result.out
    assert things.calls() == calls
    assert things.world == things.recorded == {}


@pytest.mark.parametrize(
    ("moment", "found", "size", "action", "status"),
    [
        ("before update", "it was not done", 1, "noop", ""),
        ("between update", "it was done in part", 0, "update", "failed"),
        ("after update", "it was done, as far as it can be read", 2, "update", "failed"),
    ],
)
def test_what_an_interrupted_update_left_undone_stays_recorded_as_it_was(
    things: Any, moment: str, found: str, size: int, action: str, status: str
) -> None:
    things.declares(slow(), before=SLOW)
    things.script(slow(moment, size=2), before=SLOW)
    stop(things, signal.SIGKILL)
    result = things.workflow("recover", "w")
    assert result.out == f"✓ update slow/s: {found}\n\n1 operation settled, 0 not\n"
    with things.store() as store:
        (resource,) = store.resources("w")
        error = store.operations(store.version("w", 2).run_id)[0].error
    recorded = resource.attributes["size"], resource.action.value, resource.status
    assert recorded == (size, action, status)
    assert error == (None if size == 2 else "interrupted before its end")
    assert things.versions()[0][0] == 3
    things.script(slow(size=2), before=SLOW)
    things.ok("run", "w.sloth")
    assert things.world == {"s": {"size": 2}}


def test_a_create_that_a_timeout_cuts_off_is_settled_by_the_next_run(things: Any) -> None:
    task = 'task("t"):timeout("200ms"):command(function()\n{}\nend)\nworkflow.define("w"):tasks({{ "t" }})'
    things.write(SLOW + task.format(slow("between")))
    assert things("run", "w.sloth").code == 1
    assert things.calls() == ["create"]
    things.write(SLOW + task.format(slow()))
    result = things("run", "w.sloth")
    assert "was interrupted in: create slow/s; it was done in part" in result.out
    assert things.calls() == ["update"]
    assert things.world == {"s": {"size": 1}}


def test_a_create_that_a_timeout_cut_off_is_undone_by_the_rollback(things: Any) -> None:
    task = 'task("t"):timeout("200ms"):command(function()\n{}\nend)\nworkflow.define("w"):tasks({{ "t" }})'
    things.write(SLOW + task.format(""))
    things.ok("run", "w.sloth")
    things.write(SLOW + task.format(slow("between")))
    result = things("run", "w.sloth", "--on-failure=rollback")
    assert result.code == 1
    assert things.world == things.recorded == {}
    assert things.versions() == [
        (4, "rolled_back", "rolled back from v3 to v1"),
        (3, "failed", "recovered what a run left half-done"),
        (2, "failed", ""),
        (1, "success", ""),
    ]


def test_a_plan_after_a_kill_changes_nothing_and_says_what_the_run_will_do(things: Any) -> None:
    things.script(slow("before"), before=SLOW)
    stop(things, signal.SIGKILL)
    things.script(slow(), before=SLOW)
    assert things.ok("plan", "w.sloth").startswith("+ slow/s\n")
    with things.store() as store:
        (operation,) = store.operations(store.runs(limit=1)[0].id)
        assert operation.ended_at is None


def killed_at_a_create(things: Any, content: str) -> None:
    """A run whose file was not made yet when it was killed; then somebody else makes one."""
    things.script('resource.file{ name = "f", path = "f", content = "ours" }')
    die = (
        "import os, sys\n"
        "from sloth_runner.resources.journal import Journal\n"
        "begin = Journal.begin\n"
        "Journal.begin = lambda *said: (begin(*said), os._exit(9))\n"
        "from sloth_runner.cli import main\n"
        "sys.argv = ['sloth-runner', 'run', 'w.sloth']\n"
        "main()"
    )
    killed = subprocess.run([sys.executable, "-c", die], cwd=things.folder, check=False)
    assert killed.returncode == 9
    (things.folder / "f").write_text(content)


def test_a_file_that_somebody_else_made_after_a_kill_is_not_taken_for_ours(things: Any) -> None:
    killed_at_a_create(things, "theirs")
    result = things.workflow("recover", "w")
    assert result.code == 1
    assert result.out == (
        "? create file/f: something else is there; who made it?\n"
        "\n"
        "0 operations settled, 1 not\n"
        "Look at it, then say whether it was done, with one of:\n"
        "  sloth-runner state workflow recover w --done file/f\n"
        "  sloth-runner state workflow recover w --not-done file/f\n"
    )
    told = things.ok("run", "w.sloth")
    assert "was interrupted in: create file/f; something else is there; who made it?\n" in told
    assert "say so with: sloth-runner state workflow recover w --done file/f" in told
    assert (things.folder / "f").read_text() == "ours"
    # The run has taken it over, keeping what was there: there is nothing to ask any more.
    assert "create file/f; a later run has dealt with it\n" in things.ok("run", "w.sloth")
    with things.store() as store:
        assert store.unfinished_operations("w") == []
    things.script()
    things.ok("run", "w.sloth", "--prune")
    assert (things.folder / "f").read_text() == "theirs"


@pytest.mark.parametrize(("verdict", "left"), [("--done", None), ("--not-done", "theirs")])
def test_somebody_who_looked_can_say_whose_file_it_is(
    things: Any, verdict: str, left: str | None
) -> None:
    killed_at_a_create(things, "theirs")
    things.ok("state", "workflow", "recover", "w", verdict, "file/f")
    with things.store() as store:
        assert store.unfinished_operations("w") == []
    assert sorted(things.recorded) == (["file/f"] if left is None else [])
    things.script()
    things.ok("run", "w.sloth", "--prune")
    file = things.folder / "f"
    assert (file.read_text() if file.exists() else None) == left


def test_a_file_just_like_the_one_that_was_to_be_made_counts_as_made(things: Any) -> None:
    killed_at_a_create(things, "ours")
    assert "create file/f; it was done\n" in things.ok("run", "w.sloth")
    things.script()
    things.ok("run", "w.sloth", "--prune")
    assert not (things.folder / "f").exists()


def test_an_update_that_failed_counts_as_no_update(things: Any) -> None:
    things.declares('resource.thing{ name = "a", id = "a", size = 1 }')
    things.script('resource.thing{ name = "a", id = "a", size = 2, breaks = "after" }')
    result = things("run", "w.sloth")
    assert result.code == 1
    assert "  Resources  0 created, 0 updated, 0 deleted, 0 unchanged, 1 read\n" in result.out
    assert "~ thing/a" not in result.out
    assert things.recorded["thing/a"]["size"] == 2
    changes = things.json("versions", "w")[0]["changes"]
    assert changes == {"created": 0, "updated": 0, "deleted": 0, "read": 1, "unchanged": 0}


def test_a_thing_that_was_there_and_could_not_be_updated_was_not_created(things: Any) -> None:
    things.set("a", size=1)
    things.script('resource.thing{ name = "a", id = "a", size = 2, breaks = "before" }')
    result = things("run", "w.sloth")
    assert result.code == 1
    assert "  Resources  0 created, 0 updated, 0 deleted, 0 unchanged, 1 read\n" in result.out
    assert "+ thing/a" not in result.out


def test_what_is_still_unsettled_after_a_whole_rollback_makes_it_no_failed_one(things: Any) -> None:
    for size in (1, 2):
        things.declares(f'resource.thing{{ name = "a", id = "a", size = {size} }}')
    killed_at_a_create(things, "theirs")
    things.ok("state", "workflow", "rollback", "w", "1", "--force")
    before = things.versions()
    assert before[0][1] == "rolled_back"
    assert things.workflow("recover", "w").code == 1
    assert things.versions() == before
    things.ok("state", "workflow", "reconcile", "w", "--force")


def test_recovering_makes_a_version_only_if_it_settles_something(things: Any) -> None:
    killed_at_a_create(things, "theirs")
    things.ok("state", "workflow", "show", "w")  # which says that it was killed
    before = things.versions()
    for _ in range(2):
        assert things.workflow("recover", "w").code == 1
    assert things.versions() == before
    with things.store() as store:
        assert store.locks() == []
    (things.folder / "f").unlink()
    things.ok("state", "workflow", "recover", "w")
    recovered = (2, "failed", "recovered what a run left half-done")
    assert things.versions() == [recovered, *before]


def test_a_verdict_on_what_is_not_half_done_is_refused(things: Any) -> None:
    killed_at_a_create(things, "theirs")
    things.ok("state", "workflow", "show", "w")  # which says that it was killed
    result = things.workflow("recover", "w", "--done", "exec/nope")
    message = "Error: w has no half-done exec/nope\nHint: Half-done: file/f\n"
    assert result == (3, "", message)
    things.ok("state", "workflow", "recover", "w", "--done", "file/f")
    result = things.workflow("recover", "w", "--not-done", "exec/nope")
    message = "Error: w has no half-done exec/nope\nHint: Nothing of it is half-done.\n"
    assert result == (3, "", message)
