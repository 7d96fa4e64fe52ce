"""`state workflow outputs` gives values to people, to JSON and to shell scripts."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from sloth_state.model import Output, Run
from sloth_state.store import Store

Sloth = Callable[..., Any]

OUTPUTS = ("state", "workflow", "outputs", "web")


@pytest.fixture(autouse=True)
def published(finished_run: Callable[..., Run]) -> None:
    finished_run(
        "web",
        outputs=[
            Output("url", "https://example.org/ü"),
            Output("password", "hunter2", sensitive=True),
            Output("ports", [80, 443]),
            Output("replicas", 3),
            Output("ready", True),
            Output("nothing", None),
            Output("key", "line 1\nline 2\n"),
        ],
    )


def test_all_outputs_are_a_table(sloth: Sloth) -> None:
    assert sloth(*OUTPUTS) == (
        0,
        "KEY       VALUE\n"
        "url       https://example.org/ü\n"
        "password  (sensitive)\n"
        "ports     [80, 443]\n"
        "replicas  3\n"
        "ready     true\n"
        "nothing   null\n"
        "key       line 1\\nline 2\\n\n"
        "\n"
        "7 outputs\n",
        "",
    )


def test_all_outputs_as_json_are_a_map(sloth: Sloth) -> None:
    code, out, err = sloth(*OUTPUTS, "-o", "json")

    assert (code, err) == (0, "")
    assert json.loads(out) == {
        "url": "https://example.org/ü",
        "password": "(sensitive)",
        "ports": [80, 443],
        "replicas": 3,
        "ready": True,
        "nothing": None,
        "key": "line 1\nline 2\n",
    }


def test_a_run_without_outputs_has_none(sloth: Sloth, finished_run: Callable[..., Run]) -> None:
    finished_run("silent")

    assert sloth("state", "workflow", "outputs", "silent") == (0, "0 outputs\n", "")
    assert sloth("state", "workflow", "outputs", "silent", "-o", "json") == (0, "{}\n", "")


@pytest.mark.parametrize(
    ("key", "printed"),
    [
        ("url", "https://example.org/ü\n"),
        ("password", "(sensitive)\n"),
        ("ports", "[80, 443]\n"),
        ("key", "line 1\nline 2\n\n"),
    ],
)
def test_one_output_is_its_value_alone(sloth: Sloth, key: str, printed: str) -> None:
    assert sloth(*OUTPUTS, key) == (0, printed, "")


@pytest.mark.parametrize(
    ("key", "printed"), [("url", '"https://example.org/ü"\n'), ("replicas", "3\n")]
)
def test_one_output_as_json_is_its_value_alone(sloth: Sloth, key: str, printed: str) -> None:
    assert sloth(*OUTPUTS, key, "-o", "json") == (0, printed, "")


@pytest.mark.parametrize(
    ("key", "printed"),
    [
        ("url", "https://example.org/ü"),
        ("replicas", "3"),
        ("ready", "true"),
        ("key", "line 1\nline 2\n"),
    ],
)
def test_raw_adds_nothing_to_the_value(sloth: Sloth, key: str, printed: str) -> None:
    assert sloth(*OUTPUTS, key, "--raw") == (0, printed, "")


@pytest.mark.parametrize("key", ["ports", "nothing"])
def test_raw_refuses_what_has_no_plain_text(sloth: Sloth, key: str) -> None:
    assert sloth(*OUTPUTS, key, "--raw") == (
        2,
        "",
        f"Error: output '{key}' is no text, number or boolean, which is all that --raw prints\n"
        "Hint: Use -o json instead.\n",
    )


@pytest.mark.parametrize("wrong", [("--raw",), ("url", "--raw", "-o", "json")])
def test_raw_is_for_one_value_as_text(sloth: Sloth, wrong: tuple[str, ...]) -> None:
    code, out, err = sloth(*OUTPUTS, *wrong)

    assert (code, out) == (2, "")
    assert "--raw prints the text of one KEY" in err


def test_a_sensitive_output_is_printed_only_on_demand_and_that_is_written_down(
    sloth: Sloth, store: Store
) -> None:
    refused = sloth(*OUTPUTS, "password", "--raw")
    assert store.audit_trail() == []
    allowed = sloth(*OUTPUTS, "password", "--raw", "--show-sensitive")

    assert refused == (
        2,
        "",
        "Error: output 'password' is sensitive\nHint: Add --show-sensitive.\n",
    )
    assert allowed == (0, "hunter2", "")
    entries = [(entry.action, entry.workflow, entry.detail) for entry in store.audit_trail()]
    assert entries == [("read sensitive outputs", "web", "version 1: password")]


def test_seeing_what_is_not_sensitive_is_not_written_down(sloth: Sloth, store: Store) -> None:
    sloth(*OUTPUTS)
    sloth(*OUTPUTS, "url", "--show-sensitive")

    assert store.audit_trail() == []


def test_an_unknown_key_says_which_are_near(sloth: Sloth) -> None:
    assert sloth(*OUTPUTS, "pasword") == (
        3,
        "",
        "Error: web has no output 'pasword'\nHint: Did you mean password?\n",
    )
