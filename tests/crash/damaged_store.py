"""A finished store, damage done to its file, and what commands may then say."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, TypeAlias

from recorded_log import make_version

from sloth_state.open import open_store

PAGE = 4096
NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
VERSIONS = (1, 2, 3, 4)
QUESTIONS = (
    ("list",),
    ("versions", "w"),
    *(("show", f"w@{version}") for version in VERSIONS),
    *(("resources", f"w@{version}") for version in VERSIONS),
    *(("outputs", f"w@{version}") for version in VERSIONS),
    ("diff", "w", "1", "4"),
    ("tags", "list", "w"),
    ("search", "n1"),
    ("stats",),
    ("locks",),
)
EXPORT = ("export", "w")

Command: TypeAlias = Callable[..., "Said"]
Damage: TypeAlias = Callable[[bytes], bytes]


class Said(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def is_clear_error(self) -> bool:
        """One sentence that says what is wrong with the store, and a hint."""
        if self.code != 6:
            return False
        if self.err.startswith("{"):
            error = json.loads(self.err)["error"]
            return "the state store" in error["message"] and bool(error["hint"])
        return bool(re.fullmatch(r"Error: the state store .*\nHint: .*\n", self.err))


class WrongAnswer(AssertionError):
    """A command says what is not so, and `verify` sees nothing."""


class DamagedStore:
    """A store, what the commands say of it, and a place where it is damaged."""

    def __init__(self, path: Path, say: Command) -> None:
        self._path = path
        self._say = say
        numbers = count(1)
        store: Any = open_store(str(path), clock=_clock(), ids=lambda: f"{next(numbers):012x}")
        with store:
            for version in VERSIONS:
                make_version(store, version)
            # The one time that does not come from the clock.
            with store._db.transaction():
                store._db.write("UPDATE schema_migrations SET applied_at = 0")
            store.add_tags(store.runs(limit=1)[0].id, ["stable"], "ada")
        self.content = path.read_bytes()
        self._answers = dict(self._ask())
        assert all(said.code == 0 for said in self._answers.values())

    def check(self, damage: Damage) -> Counter[str]:
        """Damage the file: every command then gives the right answer or a clear error.

        How often which was given. A wrong answer counts too, if `verify` says that something is
        wrong; otherwise it raises WrongAnswer.
        """
        self._put(damage(self.content))
        is_found = self._is_found()
        results: Counter[str] = Counter()
        for question, said in self._ask():
            results[self._result(question, said)] += 1
            if self._result(question, said) == "wrong" and not is_found:
                raise WrongAnswer(f"{' '.join(question)}: {said}")
        results["verify"] += is_found
        return results

    def _put(self, content: bytes) -> None:
        for path in self._path.parent.iterdir():
            path.unlink()
        self._path.write_bytes(content)

    def _is_found(self) -> bool:
        """Whether `verify` says that something is wrong, as a list of problems or as an error."""
        said = self._say("state", "workflow", "verify")
        has_problems = said.code == 6 and said.out.startswith("PLACE")
        assert said.is_clear_error or has_problems or said.code == 0, said
        return said.code != 0

    def _ask(self) -> Iterator[tuple[tuple[str, ...], Said]]:
        for question in QUESTIONS:
            yield question, self._say("state", "workflow", *question, "-o", "json")
        yield EXPORT, self._say("state", "workflow", *EXPORT)

    def _result(self, question: tuple[str, ...], said: Said) -> str:
        assert "Traceback" not in said.err, f"{' '.join(question)}: {said.err}"
        if said == self._answers[question]:
            return "right"
        return "clear error" if said.is_clear_error else "wrong"


def _clock() -> Callable[[], datetime]:
    """A clock that goes on by a second when it is looked at: the file is the same each time."""
    seconds = count()
    return lambda: NOON + timedelta(seconds=next(seconds))


# -- damage --------------------------------------------------------------------------------


def flips(content: bytes, seed: int, number: int) -> Iterator[Damage]:
    """So many single bits, most of them where there is something else than zeros."""
    random = Random(seed)
    used = [place for place, byte in enumerate(content) if byte]
    for _ in range(number):
        place = random.choice(used) if random.random() < 0.8 else random.randrange(len(content))
        yield Flip(place, random.randrange(8))


class Flip(NamedTuple):
    """A bit that is the other way round."""

    place: int
    bit: int

    def __call__(self, content: bytes) -> bytes:
        changed = bytearray(content)
        changed[self.place] ^= 1 << self.bit
        return bytes(changed)


class Overwritten(NamedTuple):
    """A page that has the content of another one, or zeros."""

    page: int
    other: int | None = None

    def __call__(self, content: bytes) -> bytes:
        pages = [content[start : start + PAGE] for start in range(0, len(content), PAGE)]
        pages[self.page] = bytes(PAGE) if self.other is None else pages[self.other]
        return b"".join(pages)
