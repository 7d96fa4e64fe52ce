"""Any sequence of runs leaves every version as a plain copy of all resources would have it."""

from __future__ import annotations

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sloth_state.model import Action, Changes, Holder, LockScope, NewRun, ResourceDraft, RunStatus
from sloth_state.open import open_store

HOLDER = Holder("ada", "build-7", 4711, 99, "boot-1")
NAMES = ("a", "b", "c")
Step: TypeAlias = tuple[str, int | None]
"""A name, and the content to record, or None to remove it if it is there."""
Seen: TypeAlias = dict[str, tuple[str, int]]

steps = st.tuples(st.sampled_from(NAMES), st.one_of(st.none(), st.integers(1, 2)))
runs = st.lists(st.lists(st.lists(steps, max_size=3), max_size=3), min_size=1, max_size=5)


def expected(before: dict[str, int], after: dict[str, int], touched: set[str]) -> Seen:
    """What a version must show, by the contents before and after it."""
    shown: Seen = {}
    for name in before.keys() | after.keys():
        if name not in after:
            shown[name] = ("delete", before[name])
        elif name not in before:
            shown[name] = ("create", after[name])
        else:
            shown[name] = ("update" if name in touched else "noop", after[name])
    return shown


def play(store: Any, lock: Any, transactions: list[list[Step]], live: dict[str, int]) -> Seen:
    """One run with its transactions; `live` becomes what is there after it."""
    before, last, touched = dict(live), dict(live), set()
    run = store.begin_run(NewRun("deploy", {}), lock)
    for transaction in transactions:
        drafts = []
        for name, content in transaction:
            if content is not None:
                if live.get(name) != content:
                    touched.add(name)
                live[name] = last[name] = content
                drafts.append(ResourceDraft("file", name, {"content": content}))
            elif name in live:
                del live[name]
                touched.add(name)
                drafts.append(ResourceDraft("file", name, {}, action=Action.DELETE))
        store.record(run.id, drafts, lock)
    store.finish_run(run.id, RunStatus.SUCCESS, lock)
    shown = expected(before, live, touched)
    deleted = {
        name: ("delete", last[name]) for name, (action, _) in shown.items() if action == "delete"
    }
    return shown | deleted


def seen(store: Any, version: int) -> Seen:
    return {
        each.name: (each.action.value, each.attributes["content"])
        for each in store.resources("deploy", version=version)
    }


def counted(shown: Seen) -> Changes:
    actions = [action for action, _ in shown.values()]
    return Changes(*(actions.count(action) for action in ("create", "update", "delete")))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(runs)
@example([[[("b", 1)]], [[("b", None)]], [[("b", 1), ("b", None)]]])
@example([[[("b", 1)]], [[("b", None)]], [[("b", 1)], [("b", None)]]])
def test_every_version_shows_what_a_full_copy_would(all_runs: list[list[list[Step]]]) -> None:
    folder = Path(tempfile.mkdtemp(prefix="sloth-intervals-"))
    try:
        with open_store(f"{folder}/state.db") as store:
            lock = store.acquire_lock(
                LockScope.WORKFLOW, "deploy", HOLDER, timedelta(hours=1), lambda _: False
            )
            live: dict[str, int] = {}
            history = [
                (play(store, lock, transactions, live), len(live)) for transactions in all_runs
            ]
            for number, (shown, live_count) in enumerate(history, start=1):
                assert seen(store, number) == shown
                version = store.version("deploy", number)
                assert version.changes == counted(shown)
                assert version.resource_count == live_count
            assert store.verify() == []
    finally:
        shutil.rmtree(folder)
