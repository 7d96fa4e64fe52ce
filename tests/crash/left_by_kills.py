"""What must be true of what a killed run leaves, and of the run that goes on."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any

from killed_runs import Folder, Prepared, final_state
from told import WORKFLOW, Facts, kept_facts, lost, read_log

from sloth_state.store import Store

# -- what a kill may leave -----------------------------------------------------------------


def check_what_is_left(prepared: Prepared) -> None:
    """The store is sound and has all that was told; the world is what the journal says."""
    folder = prepared.folder
    told, asked = read_log(folder.path)
    if not folder.has_store:
        assert (told, folder.world()) == ({}, prepared.before), "there is no store"
        return
    with folder.store() as store:
        assert store.verify() == []
        assert lost(told, asked, kept_facts(store)) == {}, "lost what was told"
        check_effects_are_begun(prepared, store)
        check_ends_have_effects(prepared, store)


def check_effects_are_begun(prepared: Prepared, store: Store) -> None:
    """Whatever is not as it was before is in the journal of the run."""
    world, operations = prepared.folder.world(), journal(prepared, store)
    changed = {path for path in world.keys() | prepared.before.keys() if is_changed(prepared, path)}
    begun = {each.key for each in operations}
    unfinished = [each for each in operations if each.ended_at is None]
    temporary = {path for path in changed if Path(path).name.startswith(".sloth-")}
    assert changed - temporary <= begun, "an effect without a beginning"
    assert len(temporary) <= len(unfinished), "half a file without a beginning"
    commands, steps = done_now(prepared)
    begun_commands = {each.name for each in operations if each.verb == "run"}
    assert commands.keys() <= begun_commands, "a command without a beginning"
    if steps:
        assert f"task {prepared.scenario.version} build" in kept_facts(store)


def check_ends_have_effects(prepared: Prepared, store: Store) -> None:
    """What the journal calls done is done."""
    world, (commands, _) = prepared.folder.world(), done_now(prepared)
    for each in journal(prepared, store):
        if each.ended_at is None or each.error is not None:
            continue
        if each.verb == "run":
            assert commands[each.name] == 1, "a command's end without its effect"
        elif each.verb == "delete":
            assert each.key not in world, "the end of a delete without its effect"
        else:
            assert each.key in world, "an end without its effect"
            _, content = world[each.key]
            found = None if content is None else sha256(content).hexdigest()
            assert found == each.wanted.get("content_sha256"), "an end without its effect"


def journal(prepared: Prepared, store: Store) -> list[Any]:
    """The operations of the scenario's run; none if it had not begun."""
    for run in store.runs(name=WORKFLOW):
        if run.version == prepared.scenario.version:
            return list(store.operations(run.id))
    return []


def is_changed(prepared: Prepared, path: str) -> bool:
    world, before = prepared.folder.world(), prepared.before
    return (path in world) != (path in before) or world.get(path) != before.get(path)


def done_now(prepared: Prepared) -> tuple[Counter[str], Counter[str]]:
    """Which commands and steps were done since the folder was as before."""
    folder, (commands, steps) = prepared.folder, prepared.done_before
    return folder.lines("commands") - commands, folder.lines("steps") - steps


# -- what comes after ----------------------------------------------------------------------


def go_on(prepared: Prepared, *, resume: bool = False, kills: int = 1) -> None:
    """The next run does what is left, and then all is as if nobody had been killed."""
    folder = prepared.folder
    if resume:
        told, _ = read_log(folder.path)
        run_again(prepared, "--resume")
        check_nothing_is_open(folder)
        check_little_was_repeated(prepared, told, kills)
    # A resumed run keeps what the tasks that it did not run had declared earlier; this one prunes.
    run_again(prepared)
    check_nothing_is_open(folder)
    assert folder.world() == prepared.after
    assert final_state(folder) == prepared.state
    assert folder.names() == prepared.names, "something is left behind"


def run_again(prepared: Prepared, *options: str) -> None:
    """Do what a user would do: run it, and settle what only a user can."""
    folder, arguments = prepared.folder, [*prepared.scenario.arguments, *options]
    code, said = folder.run(*arguments)
    if code == 1 and "or --not-done exec/fetch" in said:
        was_done = done_now(prepared)[0]["fetch"] > 0
        verdict = "--done" if was_done else "--not-done"
        folder.ok("state", "workflow", "recover", WORKFLOW, verdict, "exec/fetch")
        code, said = folder.run(*arguments)
    assert code == 0, said


def can_be_resumed(folder: Folder) -> bool:
    """Whether the newest run did not succeed: it was begun, and killed before it was finished."""
    if not folder.has_store:
        return False
    with folder.store() as store:
        return any(run.status in ("running", "failed") for run in store.runs(limit=1))


def check_nothing_is_damaged(folder: Folder) -> None:
    if folder.has_store:
        with folder.store() as store:
            assert store.verify() == []


def check_nothing_is_open(folder: Folder) -> None:
    check_nothing_is_damaged(folder)
    with folder.store() as store:
        assert store.locks() == []
        for run in store.runs():
            assert run.status in ("success", "failed")
            assert all(each.ended_at is not None for each in store.operations(run.id))


def check_little_was_repeated(prepared: Prepared, told: Facts, kills: int) -> None:
    """What a killed run was told is done was not done again; the rest at most once more a kill."""
    commands, steps = done_now(prepared)
    version = prepared.scenario.version
    assert commands["fetch"] == 1
    assert commands["tune"] in range(1, 2 + kills)
    for name in ("compile", "push"):
        was_told = kills == 1 and f"step {version} build {name}" in told
        assert steps[name] in range(1, 2 if was_told else 2 + kills)
