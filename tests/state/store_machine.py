"""Everything that can happen to two stores, in any order, with a model beside each.

After every step each store must say exactly what its model says, and `verify` must find nothing.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from store_model import Workflow
from store_sides import Clock, Side, outcome, plain
from store_strategies import (
    ANY_WORKFLOW,
    ERRORS,
    IDENTITIES,
    KEYS,
    NAMES,
    SAID,
    SIDES,
    SOURCES,
    VALUES,
    WORKFLOWS,
)
from version_model import Identity

from sloth_runner.restoring import plan_restoration, restore
from sloth_runner.surgery import Move, forget_resource, move_resource, plan_move, settled_resource
from sloth_runner.world import World
from sloth_state.errors import LockHeld, ResourceNotFound
from sloth_state.exchange.sources import histories_in
from sloth_state.model import (
    Json,
    Lock,
    NewHistory,
    Output,
    Resource,
    ResourceDraft,
    RunStatus,
)
from sloth_state.retention import Pruning, plan_pruning, prune

IN_MEMORY = Path("/dev/shm")
"""Syncing costs nothing there, and nothing here depends on a disk."""


class StoreMachine(RuleBasedStateMachine):
    """Works in a folder of its own."""

    def __init__(self) -> None:
        super().__init__()
        parent = IN_MEMORY if IN_MEMORY.is_dir() else None
        self.folder = Path(tempfile.mkdtemp(prefix="sloth-store-", dir=parent))
        self.clock = Clock()
        self.sides = {name: Side(self.folder, name, self.clock) for name in ("a", "b")}
        self.touched = {*self.sides}
        """Where something may have changed since the last step."""

    def teardown(self) -> None:
        for side in self.sides.values():
            side.store.close()
        shutil.rmtree(self.folder)

    @invariant()
    def each_store_says_what_its_model_says(self) -> None:
        for where in self.touched:
            self.sides[where].check()
        self.touched.clear()
        self.clock.tick()

    def side(self, where: str) -> Side:
        self.touched.add(where)
        return self.sides[where]

    # -- a run -------------------------------------------------------------------------------

    @rule(where=SIDES, name=WORKFLOWS, source=SOURCES, said=SAID, error=ERRORS)
    def run(
        self,
        where: str,
        name: str,
        source: bytes | None,
        said: Sequence[ResourceDraft],
        error: str | None,
    ) -> None:
        side = self.side(where)
        if name not in side.locks:
            side.begin(name, source)
        self.record(where, name, said)
        self.clock.tick()
        self.finish(where, name, error)

    @rule(where=SIDES, name=WORKFLOWS, said=SAID)
    def record(self, where: str, name: str, said: Sequence[ResourceDraft]) -> None:
        side = self.side(where)
        run_id, lock = side.run_of(name)
        returned = outcome(lambda: side.store.record(run_id, said, lock))
        recorded = [plain(each) for each in returned] if isinstance(returned, list) else returned
        ids = [each.id for each in recorded] if isinstance(recorded, list) else [""] * len(said)
        workflow = side.model.workflows[name]
        assert recorded == outcome(lambda: workflow.record(said, ids, self.clock.now))

    @rule(where=SIDES, name=WORKFLOWS, identity=IDENTITIES)
    def remove(self, where: str, name: str, identity: Identity) -> None:
        side = self.side(where)
        run_id, lock = side.run_of(name)
        returned = outcome(lambda: side.store.remove_resource(run_id, *identity, lock))
        removed = plain(returned) if isinstance(returned, Resource) else returned
        version = side.model.workflows[name].newest
        assert removed == outcome(lambda: version.remove(identity, self.clock.now))

    @rule(where=SIDES, name=WORKFLOWS, key=KEYS, value=VALUES, sensitive=st.booleans())
    def set_output(self, where: str, name: str, key: str, value: Json, sensitive: bool) -> None:
        side = self.side(where)
        run_id, lock = side.run_of(name)
        output = Output(key, value, sensitive)
        side.store.set_output(run_id, output, lock)
        side.model.workflows[name].newest.outputs[key] = output

    @rule(where=SIDES, name=WORKFLOWS, error=ERRORS)
    def finish(self, where: str, name: str, error: str | None) -> None:
        side = self.side(where)
        run_id, lock = side.run_of(name)
        status = RunStatus.SUCCESS if error is None else RunStatus.FAILED
        side.store.finish_run(run_id, status, lock, error=error, unchanged=3)
        side.store.release_lock(side.locks.pop(name))
        side.model.workflows[name].finish(status, error, 3)

    # -- key-value state -----------------------------------------------------------------------

    @rule(where=SIDES, key=KEYS, value=st.none() | VALUES, expected=st.none() | VALUES)
    def change_pairs(self, where: str, key: str, value: Json, expected: Json) -> None:
        """Delete one pair or set it, and swap another."""
        side = self.side(where)
        pairs = side.model.pairs
        if value is None:
            assert side.store.kv_delete(key) is (pairs.pop(key, None) is not None)
        else:
            side.store.kv_set(key, value)
            pairs[key] = value
        swapped = side.store.kv_compare_swap("swapped", expected, value)
        assert swapped is side.model.compare_swap("swapped", expected, value)

    # -- versions that are made by hand --------------------------------------------------------

    @property
    def at_rest(self) -> list[tuple[str, str]]:
        """The workflows that can be written to by others than their runs, with their stores."""
        return [
            (where, name)
            for where, side in self.sides.items()
            for name in sorted(side.model.workflows.keys() - side.locks.keys())
        ]

    @property
    def running(self) -> list[tuple[str, str]]:
        return [(where, name) for where, side in self.sides.items() for name in side.locks]

    def draw_workflow(self, data: st.DataObject) -> tuple[Side, str, Workflow]:
        where, name = data.draw(st.sampled_from(self.at_rest), label="workflow")
        side = self.side(where)
        return side, name, side.model.workflows[name]

    def draw_resource(self, data: st.DataObject) -> tuple[Side, str, Identity]:
        """One that is there, or seldom one that may not be."""
        known = [
            (where, name, identity)
            for where, name in self.at_rest
            for identity in (("file", "x"), *self.sides[where].model.workflows[name].newest.live)
        ]
        where, name, identity = data.draw(st.sampled_from(known), label="resource")
        return self.side(where), name, identity

    @precondition(lambda self: self.at_rest)
    @rule(data=st.data())
    def rm(self, data: st.DataObject) -> None:
        side, name, identity = self.draw_resource(data)
        workflow, newest = side.model.workflows[name], side.newest(name)
        resource = outcome(lambda: settled_resource(side.store, newest, identity))
        if isinstance(resource, Resource):
            run = forget_resource(side.store, newest, resource, "ada")
            workflow.forget(identity, run.id, self.clock.now)
        else:
            assert resource is ResourceNotFound
            assert identity not in workflow.newest.live

    @precondition(lambda self: self.at_rest)
    @rule(data=st.data(), new_name=NAMES, to=st.none() | WORKFLOWS)
    def mv(self, data: st.DataObject, new_name: str, to: str | None) -> None:
        side, name, identity = self.draw_resource(data)
        to, store = to or name, side.store
        planned = outcome(lambda: plan_move(store, side.newest(name), identity, new_name, to))
        refusal = outcome(lambda: side.model.check_move(name, identity, to, new_name))
        if not isinstance(planned, Move):
            assert planned is refusal
            return
        assert refusal is None
        runs = outcome(lambda: move_resource(store, planned, "ada"))
        if to in side.locks:
            assert runs is LockHeld
            return
        assert isinstance(runs, list)
        landed = store.resource(to, identity[0], new_name)
        assert landed is not None
        run_ids = [run.id for run in runs]
        side.model.move(name, identity, to, new_name, run_ids, landed, self.clock.now)

    @precondition(lambda self: self.at_rest)
    @rule(data=st.data())
    def roll_back(self, data: st.DataObject) -> None:
        side, name, workflow = self.draw_workflow(data)
        earlier = sorted(workflow.versions)[:-1]
        if earlier:
            number = data.draw(st.sampled_from(earlier), label="version")
            with World(side.store) as world:
                ends = side.newest(name), side.store.version(name, number)
                planned = plan_restoration(world, side.store, *ends, state_only=True)
                run = restore(world, side.store, planned)
            workflow.roll_back(number, run.id, self.clock.now)

    # -- versions that others have made ---------------------------------------------------------

    @precondition(lambda self: self.at_rest)
    @rule(data=st.data(), keep=st.integers(1, 3))
    def prune(self, data: st.DataObject, keep: int) -> None:
        side, name, workflow = self.draw_workflow(data)
        planned = plan_pruning(side.store, name, keep=keep)
        pruned = prune(side.store, planned, "ada", keep=keep, before=None)
        assert pruned.dropped == planned.dropped == workflow.prune(keep)

    @precondition(lambda self: self.at_rest)
    @rule(data=st.data(), tag=st.sampled_from(("good", "bad")))
    def tag(self, data: st.DataObject, tag: str) -> None:
        side, _, workflow = self.draw_workflow(data)
        number = data.draw(st.sampled_from(sorted(workflow.versions)), label="version")
        version = workflow.versions[number]
        if tag in version.tags:
            side.store.remove_tags(version.run_id, [tag], "ada")
        else:
            side.store.add_tags(version.run_id, [tag], "ada")
        version.tags ^= {tag}

    @precondition(lambda self: self.at_rest)
    @rule(data=st.data(), where=SIDES, name=st.none() | ANY_WORKFLOW)
    def export_and_import(self, data: st.DataObject, where: str, name: str | None) -> None:
        source, exported_as, exported = self.draw_workflow(data)
        target, name = self.side(where), name or exported_as
        path = source.export(exported_as)
        lock = outcome(lambda: target.lock(name))
        if not isinstance(lock, Lock):
            assert (lock, name in target.locks) == (LockHeld, True)
            return
        (history,) = histories_in(str(path), path.name, self.clock.now, "ada")
        wanted = [(NewHistory(name, history), lock)]
        added = outcome(lambda: target.store.add_histories(wanted, "ada"))
        target.store.release_lock(lock)
        refusal = outcome(lambda: target.model.check_import(name, exported, exported_as))
        if refusal is not None:
            assert added is refusal
        elif name == exported_as:
            target.model.continue_with(name, exported)
        else:
            target.copied(name, exported)

    # -- a run that others meet, or that a crash ends ------------------------------------------

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def others_must_wait_for_a_run(self, data: st.DataObject) -> None:
        where, name = data.draw(st.sampled_from(self.running), label="workflow")
        side, nothing = self.side(where), Pruning(name, (), {}, 0)
        assert outcome(lambda: side.lock(name)) is LockHeld
        assert outcome(lambda: side.export(name)) is LockHeld
        waiting = outcome(lambda: prune(side.store, nothing, "ada", keep=1, before=None))
        assert waiting is LockHeld

    @rule(where=SIDES, name=WORKFLOWS, unfinished=st.none() | SAID)
    def crash(self, where: str, name: str, unfinished: Sequence[ResourceDraft] | None) -> None:
        """`unfinished` is what is being written just then."""
        side = self.side(where)
        run_id, lock = side.run_of(name)

        def write(said: Sequence[ResourceDraft]) -> None:
            side.store.set_output(run_id, Output("k", "unfinished"), lock)
            side.store.kv_set("k", "unfinished")
            outcome(lambda: side.store.record(run_id, said, lock))

        side.crash(None if unfinished is None else lambda: write(unfinished))
        side.check()
        side.recover()
