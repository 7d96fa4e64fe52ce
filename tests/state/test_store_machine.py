"""Whatever happens to stores, in whatever order, they say what whole copies of all versions say."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

sys.path.insert(0, str(Path(__file__).parent))

from store_bugs import BUGS
from store_machine import StoreMachine

from sloth_state.errors import ReferenceNotFound, StoreDamaged

EXAMPLES, SHARDS = 2000, 4
STEPS = 30


def check(examples: int, **options: Any) -> None:
    """Try so many random sequences of steps."""
    run_state_machine_as_test(
        StoreMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            **options,
        ),
    )


@pytest.fixture(autouse=True)
def _outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In no work tree of git, which versions made by hand would ask about themselves."""
    monkeypatch.chdir(tmp_path)


def test_stores_always_say_what_whole_copies_of_their_versions_say() -> None:
    check(60, derandomize=True)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("shard", range(SHARDS))
def test_stores_say_so_in_two_thousand_examples(shard: int) -> None:
    check(EXAMPLES // SHARDS)


@pytest.mark.parametrize("bug", BUGS)
def test_the_check_finds(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    BUGS[bug](monkeypatch)
    with pytest.raises((AssertionError, StoreDamaged, ReferenceNotFound)):
        check(200, derandomize=True, report_multiple_bugs=False, phases=[Phase.generate])
