"""Times, in one process or of whole processes, as medians and ratios."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple


class Figure(NamedTuple):
    """One line of the table."""

    what: str
    value: float
    unit: str
    limit: float | None = None
    """The most that is allowed."""
    at_least: float | None = None

    @property
    def met(self) -> bool:
        """Whether it is within its limits."""
        return (self.limit is None or self.value <= self.limit) and (
            self.at_least is None or self.value >= self.at_least
        )


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def ratio_of_commands(ours: Sequence[str], theirs: Sequence[str], runs: int = 15) -> float:
    """Median of the ratios of two commands' times, run in turn, after one warm-up of each."""
    ratios = []
    for run in range(runs + 1):
        ratio = _command_seconds(ours) / _command_seconds(theirs)
        if run:
            ratios.append(ratio)
    return statistics.median(ratios)


def _command_seconds(command: Sequence[str]) -> float:
    return seconds(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))


def table(figures: Sequence[Figure]) -> str:
    """The figures as aligned text, with their limits."""
    width = max(len(figure.what) for figure in figures)
    lines = []
    for figure in figures:
        limit = "" if figure.limit is None else f"  limit {figure.limit:g}"
        if figure.at_least is not None:
            limit = f"  at least {figure.at_least:g}"
        verdict = "" if figure.met else "  MISSED"
        lines.append(
            f"{figure.what:<{width}}  {figure.value:>10.3f} {figure.unit:<4}{limit}{verdict}"
        )
    return "\n".join(lines)
