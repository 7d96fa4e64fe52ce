"""`state workflow search` finds texts in what workflows say now; `stats` counts what there is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sloth_state.cli.stats import size
from sloth_state.model import Output, ResourceDraft, Run, RunStatus
from sloth_state.store import Store

Sloth = Callable[..., Any]
SEARCH = ("state", "workflow", "search")


@pytest.fixture
def filled(store: Store, finished_run: Callable[..., Run]) -> Store:
    """`db` and two versions of `web`; "nginx" stands in many places."""
    declaration = {"sensitive": ["password"]}
    finished_run("web", resources=[ResourceDraft("package", "old-nginx", {})])
    finished_run(
        "web",
        removed=[("package", "old-nginx")],
        resources=[
            ResourceDraft(
                "file",
                "site",
                {"content": "root NGINX", "ports": [80, 8080], "password": "nginx-pw"},
                declaration=declaration,
            ),
            ResourceDraft("container", "nginx-1", {"image": {"name": "nginx:1.25"}}, "up"),
        ],
        outputs=[Output("nginx_url", "http://web"), Output("key", "nginx-key", sensitive=True)],
        metadata={"host": "nginx-box"},
        message="upgrade nginx",
    )
    finished_run("db", status=RunStatus.FAILED, error="no nginx here", contents=[b"x" * 2000])
    return store


def test_a_text_is_found_wherever_it_stands(filled: Store, sloth: Sloth) -> None:
    code, out, err = sloth(*SEARCH, "Nginx")

    assert (code, err) == (0, "")
    assert (
        out
        == """\
WORKFLOW  PLACE                         TEXT
db@1      error                         no nginx here
web@2     message                       upgrade nginx
web@2     metadata host                 nginx-box
web@2     output                        nginx_url
web@2     resource                      container/nginx-1
web@2     container/nginx-1 image.name  nginx:1.25
web@2     file/site content             root NGINX

7 matches
"""
    )


def test_resources_of_one_type_can_be_searched(filled: Store, sloth: Sloth) -> None:
    code, out, err = sloth(*SEARCH, "80", "--type", "file", "-o", "json")

    assert (code, err) == (0, "")
    assert json.loads(out) == [
        {"workflow": "web", "version": 2, "place": "file/site ports[0]", "text": "80"},
        {"workflow": "web", "version": 2, "place": "file/site ports[1]", "text": "8080"},
    ]


@pytest.mark.parametrize("text", ["nginx-pw", "nginx-key", "old-nginx", "[x]"])
def test_what_is_sensitive_or_gone_is_not_found(filled: Store, sloth: Sloth, text: str) -> None:
    assert sloth(*SEARCH, text) == (0, "0 matches\n", "")


def test_nothing_is_no_text_to_search_for(filled: Store, sloth: Sloth) -> None:
    assert sloth(*SEARCH, "").err == "Error: TEXT is empty\n"


def test_stats_count_what_there_is(filled: Store, store_path: Path, sloth: Sloth) -> None:
    code, out, err = sloth("state", "workflow", "stats", "-o", "json")

    assert (code, err) == (0, "")
    shown = json.loads(out)
    last = shown.pop("last_runs")
    assert [(run["name"], run["version"]) for run in last] == [("db", 1), ("web", 2), ("web", 1)]
    assert shown == {
        "url": f"sqlite:///{store_path}",
        "workflows": 2,
        "runs": {"failed": 1, "success": 2},
        "resources": {"container": 1, "file": 1},
        "contents": 1,
        "content_bytes": 2000,
        "file_bytes": store_path.stat().st_size,
        "free_bytes": 0,
        "log_bytes": store_path.with_name("state.db-wal").stat().st_size,
    }


def test_stats_are_read_by_people_too(filled: Store, store_path: Path, sloth: Sloth) -> None:
    file, log = store_path.stat(), store_path.with_name("state.db-wal").stat()

    code, out, err = sloth("state", "workflow", "stats")

    assert (code, err) == (0, "")
    facts, _, runs = out.partition("\nLast runs\n")
    assert facts == (
        f"Store:      sqlite:///{store_path}\n"
        "Workflows:  2\n"
        "Runs:       3: 1 failed, 2 success\n"
        "Resources:  2: 1 container, 1 file\n"
        "Contents:   1, 2.0 KiB\n"
        f"File:       {size(file.st_size)}, of which 0 B are free\n"
        f"Log:        {size(log.st_size)}\n"
    )
    assert [line.split()[:2] for line in runs.splitlines()] == [
        ["NAME", "VERSION"],
        ["db", "1"],
        ["web", "2"],
        ["web", "1"],
    ]


def test_an_empty_store_has_stats(sloth: Sloth) -> None:
    assert sloth("state", "workflow", "stats").out.splitlines()[1:4] == [
        "Workflows:  0",
        "Runs:       0",
        "Resources:  0",
    ]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (3 * 2**20, "3.0 MiB"),
        (2**50, "1024.0 TiB"),
    ],
)
def test_sizes_are_in_the_unit_that_fits(number: int, text: str) -> None:
    assert size(number) == text
