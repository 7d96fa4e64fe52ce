"""A REF finds the run it means, or says what there is instead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sloth_state.errors import AmbiguousReference, ReferenceNotFound
from sloth_state.leases import acquire
from sloth_state.model import LockScope, NewRun, Run, RunStatus
from sloth_state.open import open_store
from sloth_state.references import resolve
from sloth_state.store import Store

Record = Callable[..., Run]


def _run_with_id(path: Path, id: str, name: str) -> Run:
    with open_store(str(path), ids=lambda: id) as store:
        lock = acquire(store, LockScope.WORKFLOW, name)
        run = store.begin_run(NewRun(name, {}), lock)
        run = store.finish_run(run.id, RunStatus.SUCCESS, lock)
        store.release_lock(lock)
        return run


def test_a_name_means_its_newest_run(store: Store, finished_run: Record) -> None:
    finished_run("deploy-prod")
    newest = finished_run("deploy-prod")
    finished_run("other")

    assert resolve(store, "deploy-prod") == newest


def test_the_newest_run_has_the_highest_version_even_if_the_clock_went_back(
    store: Store, clock: Any, finished_run: Record
) -> None:
    finished_run("deploy-prod")
    clock.forward(-3600)
    newest = finished_run("deploy-prod")

    assert resolve(store, "deploy-prod") == newest


@pytest.mark.parametrize("ref", ["deploy-prod@1", "deploy-prod-v1"])
def test_a_name_with_a_version_means_that_version(
    store: Store, finished_run: Record, ref: str
) -> None:
    first = finished_run("deploy-prod")
    finished_run("deploy-prod")

    assert resolve(store, ref) == first


@pytest.mark.parametrize("ref", ["3f2a00000001", "3f2a", "3"])
def test_a_run_id_and_the_beginning_of_one_mean_that_run(
    store: Store, store_path: Path, ref: str
) -> None:
    wanted = _run_with_id(store_path, "3f2a00000001", "deploy-prod")
    _run_with_id(store_path, "b00000000002", "deploy-prod")

    assert resolve(store, ref) == wanted


def test_the_beginning_of_several_run_ids_is_refused_with_them(
    store: Store, store_path: Path
) -> None:
    _run_with_id(store_path, "3f2a00000001", "deploy-prod")
    _run_with_id(store_path, "3f2b00000002", "deploy-dev")

    with pytest.raises(AmbiguousReference) as refused:
        resolve(store, "3f2")

    assert str(refused.value) == "'3f2' is the beginning of several run ids"
    assert refused.value.candidates == ("3f2a00000001", "3f2b00000002")


def test_of_many_run_ids_with_the_same_beginning_five_are_named(
    store: Store, store_path: Path
) -> None:
    for number in range(25):
        _run_with_id(store_path, f"3f2{number:09d}", "deploy-prod")

    with pytest.raises(AmbiguousReference) as refused:
        resolve(store, "3f2")

    assert str(refused.value) == "'3f2' is the beginning of several run ids"
    named = ", ".join(f"3f2{number:09d}" for number in range(5))
    assert refused.value.hint == f"Give more digits: {named} …"


def test_a_name_wins_over_what_else_it_could_mean(store: Store, store_path: Path) -> None:
    _run_with_id(store_path, "3f2a00000001", "web")
    like_an_id = _run_with_id(store_path, "b00000000002", "3f2a")
    like_a_version = _run_with_id(store_path, "b00000000003", "web-v1")

    assert resolve(store, "3f2a") == like_an_id
    assert resolve(store, "web-v1") == like_a_version


def test_an_unknown_name_says_which_are_near(store: Store, finished_run: Record) -> None:
    finished_run("deploy-prod")
    finished_run("nightly")

    with pytest.raises(ReferenceNotFound) as refused:
        resolve(store, "deplyo-prod@3")

    assert str(refused.value) == "no workflow or run is called 'deplyo-prod@3'"
    assert refused.value.nearest == ("deploy-prod",)


def test_an_unknown_version_says_which_there_are(store: Store, finished_run: Record) -> None:
    finished_run("deploy-prod")
    finished_run("deploy-prod")
    finished_run("nightly")

    with pytest.raises(ReferenceNotFound) as refused:
        resolve(store, "deploy-prod@7")
    with pytest.raises(ReferenceNotFound) as refused_too:
        resolve(store, "nightly-v0")

    assert str(refused.value) == "deploy-prod has no version 7; it has versions 1 to 2"
    assert str(refused_too.value) == "nightly has no version 0; it has version 1 only"


@pytest.mark.parametrize(
    "ref", ["", "@1", "deploy-prod@", "deploy-prod@" + "9" * 5000, "-v1", "ABC", "a" * 13]
)
def test_what_means_nothing_is_not_found(store: Store, finished_run: Record, ref: str) -> None:
    finished_run("deploy-prod")

    with pytest.raises(ReferenceNotFound):
        resolve(store, ref)
