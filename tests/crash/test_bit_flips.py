"""Whatever is damaged in the store's file: no command gives a wrong answer that nobody can see."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from random import Random

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from damaged_store import PAGE, Damage, DamagedStore, Flip, Overwritten, Said, WrongAnswer, flips

from sloth_runner.cli.root import root
from sloth_state.cli import run_cli
from sloth_state.sqlite import integrity, resource_rows


@pytest.fixture
def store(
    memory_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> DamagedStore:
    path = memory_path / "state.db"
    monkeypatch.setenv("SLOTH_RUNNER_STATE", f"sqlite:///{path}")

    def say(*arguments: str) -> Said:
        capsys.readouterr()
        code = run_cli(root, arguments)
        return Said(code, *capsys.readouterr())

    return DamagedStore(path, say)


def sweep(store: DamagedStore, damages: Iterable[Damage]) -> Counter[str]:
    """How often a command gave the right answer, a clear error, or what only `verify` sees."""
    results: Counter[str] = Counter()
    for damage in damages:
        try:
            results += store.check(damage)
        except AssertionError as error:
            error.add_note(f"damage: {damage}")
            raise
    return results


def every_page(store: DamagedStore, seed: int) -> list[Damage]:
    """Each page zeroed, and each with the content of some other page."""
    random, pages = Random(seed), range(len(store.content) // PAGE)
    swaps = [(page, other) for page in pages for other in random.sample(pages, 2) if page != other]
    return [*map(Overwritten, pages), *(Overwritten(*swap) for swap in swaps)]


def test_a_store_that_is_sound_gives_its_answers(store: DamagedStore) -> None:
    results = store.check(bytes)
    assert results.keys() == {"right", "verify"}
    assert results["verify"] == 0


def test_a_flipped_bit_is_no_wrong_answer(store: DamagedStore) -> None:
    results = sweep(store, flips(store.content, seed=1, number=60))
    assert min(results["right"], results["clear error"], results["verify"]) > 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 6))
def test_none_of_many_flipped_bits_is_a_wrong_answer(store: DamagedStore, seed: int) -> None:
    sweep(store, flips(store.content, seed, number=100))


def test_some_lost_pages_are_no_wrong_answers(store: DamagedStore) -> None:
    results = sweep(store, every_page(store, seed=1)[::7])
    assert results["clear error"] > 0


@pytest.mark.slow
def test_no_lost_page_is_a_wrong_answer(store: DamagedStore) -> None:
    sweep(store, every_page(store, seed=2))


def test_another_word_in_the_schema_is_found_by_whoever_opens_the_store(
    store: DamagedStore,
) -> None:
    places = [match.start() for match in re.finditer(b"CASCADE", store.content)]
    results = sweep(store, [Flip(place, 5) for place in places])  # "cASCADE" means the same
    assert results["clear error"] > 0
    assert results["wrong"] == 0


# -- the check can fail --------------------------------------------------------------------


def values(store: DamagedStore) -> list[Damage]:
    """The bits in the value of an attribute that every version has."""
    place = store.content.index(b'"version":4')
    return [Flip(place + len('"version":'), bit) for bit in range(3)]


def test_the_check_finds_that_checksums_are_not_compared(
    store: DamagedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sweep(store, values(store))["clear error"] > 0
    monkeypatch.setattr(resource_rows, "is_sound", lambda row: True)
    monkeypatch.setattr(integrity, "TABLES", ())
    monkeypatch.setattr(integrity, "check_versions", lambda db: iter(()))
    with pytest.raises(WrongAnswer, match=r"w@4"):
        sweep(store, values(store))


def test_the_check_finds_that_what_only_verify_sees_is_not_looked_for(
    store: DamagedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(integrity, "all_problems", lambda db: [])
    monkeypatch.setattr(resource_rows, "is_sound", lambda row: True)
    with pytest.raises(WrongAnswer):
        sweep(store, values(store))


def test_the_check_finds_a_traceback(store: DamagedStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource_rows, "damaged_row", lambda *_: ValueError("row"))
    with pytest.raises(AssertionError, match="Traceback"):
        sweep(store, values(store))
