"""`state workflow tags` adds, removes and lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sloth_state.model import Run
from sloth_state.store import Store

Sloth = Callable[..., Any]

TAGS = ("state", "workflow", "tags")


@pytest.fixture(autouse=True)
def versions(finished_run: Callable[..., Run]) -> None:
    finished_run("web")
    finished_run("web")


def test_a_name_tags_its_newest_version(sloth: Sloth, store: Store) -> None:
    assert sloth(*TAGS, "add", "web", "stable", "blue") == (0, "blue\nstable\n", "")
    assert sloth(*TAGS, "add", "web", "stable") == (0, "blue\nstable\n", "")
    assert sloth(*TAGS, "list", "web") == (0, "blue\nstable\n", "")
    assert sloth(*TAGS, "list", "web@1") == (0, "", "")


def test_tags_as_json_are_an_array(sloth: Sloth) -> None:
    assert sloth(*TAGS, "add", "web", "stable", "-o", "json") == (0, '[\n  "stable"\n]\n', "")
    assert sloth(*TAGS, "list", "web@1", "-o", "json") == (0, "[]\n", "")


def test_removing_prints_what_is_left(sloth: Sloth) -> None:
    sloth(*TAGS, "add", "web", "stable", "blue", "old")

    assert sloth(*TAGS, "remove", "web", "blue", "old") == (0, "stable\n", "")


def test_a_tag_that_is_not_there_cannot_be_removed(sloth: Sloth) -> None:
    code, out, err = sloth(*TAGS, "remove", "web@1", "stable")

    assert (code, out) == (3, "")
    assert "has no tag stable" in err


def test_all_tags_are_counted(sloth: Sloth) -> None:
    sloth(*TAGS, "add", "web@1", "stable", "blue")
    sloth(*TAGS, "add", "web@2", "stable")

    assert sloth(*TAGS, "list") == (0, "TAG     RUNS\nblue    1\nstable  2\n\n2 tags\n", "")


@pytest.mark.parametrize("verb", ["add", "remove"])
def test_at_least_one_tag_is_needed(sloth: Sloth, verb: str) -> None:
    assert sloth(*TAGS, verb, "web") == (
        2,
        "",
        "Error: Missing argument 'TAG...'\n"
        f"Hint: See: sloth-runner state workflow tags {verb} --help\n",
    )
