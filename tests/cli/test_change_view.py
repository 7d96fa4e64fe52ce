"""Changes as lines: what differs is plain to see, what is sensitive is not."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from sloth_state.changes import ResourceChange, VisibleDifference, resource_change
from sloth_state.cli.change_view import ChangeView, change_counts, kept_text
from sloth_state.cli.text_diff import unified_diff
from sloth_state.differences import ABSENT, Difference
from sloth_state.leases import acquire
from sloth_state.model import LockScope, NewRun
from sloth_state.store import Store

OLD, NEW = "a" * 64, "b" * 64


def shown(*changes: ResourceChange, **options: Any) -> list[str]:
    texts = options.pop("texts", {})
    return list(
        ChangeView(texts.get, colour=options.pop("colour", False), **options).lines(changes)
    )


def updated(before: dict[str, Any], after: dict[str, Any], **options: Any) -> list[str]:
    """The lines below the title."""
    sensitive = options.pop("sensitive", ())
    change = resource_change("file", "app.conf", before, after, sensitive=sensitive)
    title, *lines = shown(change, **options)
    assert title == "~ file/app.conf"
    return lines


def test_each_action_has_its_mark() -> None:
    changes = [
        resource_change("file", "a", None, {"mode": "0644"}),
        resource_change("file", "b", {"mode": "0644"}, {"mode": "0600"}),
        resource_change("file", "c", {"mode": "0644"}, None),
        ResourceChange("disk", "d", "replace", (Difference("gb", 1, 2),)),
        resource_change("file", "e", {}, {}),
    ]

    lines = [
        "+ file/a",
        "~ file/b",
        '    mode: "0644" → "0600"',
        "- file/c",
        "-/+ disk/d",
        "    gb: 1 → 2",
    ]
    assert shown(*changes) == lines
    assert shown(*changes, unchanged=True) == [*lines, "= file/e"]
    assert change_counts(changes) == "1 created, 1 updated, 1 replaced, 1 deleted, 1 unchanged"
    assert change_counts([]) == ""


def test_attributes_of_what_is_created_or_deleted_are_details() -> None:
    created = resource_change("file", "a", None, {"mode": "0644", "text": "1\n2\n", "none": None})
    deleted = resource_change("file", "b", {"size": 3, "tags": []}, None)

    assert shown(created, deleted, details=True) == [
        "+ file/a",
        '    + mode: "0644"',
        "    + none: null",
        "    + text:",
        "      @@ -0,0 +1,2 @@",
        "      +1",
        "      +2",
        "- file/b",
        "    - size: 3",
        "    - tags: []",
    ]


def test_attributes_are_added_removed_and_changed() -> None:
    assert updated(
        {"ports": [80, {"to": 1}], "owner": "root", "big": 1},
        {"ports": [80, {"to": 2}, 443], "group": {"id": 3}, "big": None},
    ) == [
        "    big: 1 → null",
        '    + group: {"id": 3}',
        '    - owner: "root"',
        "    ports[1].to: 1 → 2",
        "    + ports[2]: 443",
    ]


def test_the_status_is_told_apart_from_an_attribute() -> None:
    change = resource_change("app", "a", {"status": "new"}, {"status": "paid"})

    assert shown(change._replace(status=Difference("status", ABSENT, "up"))) == [
        "~ app/a",
        '    + (status): "up"',
        '    status: "new" → "paid"',
    ]


def test_text_of_several_lines_is_a_unified_diff() -> None:
    before = "".join(f"line {number}\n" for number in range(1, 21))
    after = before.replace("line 2\n", "line two\n").replace("line 20\n", "")

    assert updated({"text": before}, {"text": after}) == [
        "    text:",
        "      @@ -1,5 +1,5 @@",
        "       line 1",
        "      -line 2",
        "      +line two",
        "       line 3",
        "       line 4",
        "       line 5",
        "      @@ -17,4 +17,3 @@",
        "       line 17",
        "       line 18",
        "       line 19",
        "      -line 20",
    ]


def test_a_missing_line_end_is_told() -> None:
    assert list(unified_diff("a\nb\n", "a\nb", colour=False)) == [
        "@@ -1,2 +1,2 @@",
        " a",
        "-b",
        "+b",
        "\\ No newline at end of file",
    ]
    assert list(unified_diff("a", "b", colour=False)) == ["@@ -1 +1 @@", "-a", "+b"]


def test_other_line_ends_are_visible_and_end_no_line() -> None:
    assert list(unified_diff("a\r\nb\x0cc\n", "a\nb\u2028c\n", colour=False)) == [
        "@@ -1,2 +1,2 @@",
        "-a\\r",
        "-b\\x0cc",
        "+a",
        "+b\\u2028c",
    ]


def test_a_diff_that_would_take_long_is_not_made() -> None:
    assert list(unified_diff("x\n" * 30_000, "y\n" * 20_001, colour=False)) == [
        "(30,000 lines → 20,001 lines, too many to compare)"
    ]


def test_a_long_line_stands_above_the_one_that_replaces_it() -> None:
    assert updated({"run": "x" * 61}, {"run": "y"}) == [
        "    run:",
        "      @@ -1 +1 @@",
        f"      -{'x' * 61}",
        "      +y",
    ]
    assert updated({"run": "x" * 60}, {"run": "y"}) == [f'    run: "{"x" * 60}" → "y"']
    assert updated({}, {"run": "x" * 61}) == [f'    + run: "{"x" * 61}"']


def test_a_large_map_has_lines_of_its_own() -> None:
    labels = {"name": "x" * 50, "tier": 1}

    assert updated({"labels": "none"}, {"labels": labels}) == [
        "    labels:",
        "      @@ -1 +1,4 @@",
        '      -"none"',
        "      +{",
        f'      +  "name": "{"x" * 50}",',
        '      +  "tier": 1',
        "      +}",
    ]


def test_kept_content_is_compared_as_text() -> None:
    texts = {OLD: "port = 80\n", NEW: "port = 81\n"}

    assert updated({"content_sha256": OLD}, {"content_sha256": NEW}, texts=texts) == [
        "    content:",
        "      @@ -1 +1 @@",
        "      -port = 80",
        "      +port = 81",
    ]


@pytest.mark.parametrize("texts", [{}, {OLD: "x"}, {NEW: "x"}])
def test_content_that_is_not_kept_on_both_sides_is_its_hash(texts: dict[str, str]) -> None:
    assert updated({"content_sha256": OLD}, {"content_sha256": NEW}, texts=texts) == [
        '    content_sha256: "aaaaaaaaaaaa…" → "bbbbbbbbbbbb…"'
    ]


def test_content_that_appears_is_its_hash() -> None:
    assert updated({}, {"content_sha256": NEW}, texts={NEW: "x"}) == [
        '    + content_sha256: "bbbbbbbbbbbb…"'
    ]


def test_sensitive_values_are_never_shown() -> None:
    secret = "hunter2\n" * 3
    before = {"password": secret, "old": secret, "content_sha256": OLD, "list": [secret]}
    after = {
        "password": secret * 2,
        "new": secret,
        "content_sha256": NEW,
        "list": {"a": secret, "b": "x" * 80},
    }
    sensitive = ["password", "old", "new", "content", "list[0]", "list.a"]

    lines = updated(before, after, sensitive=sensitive, texts={OLD: secret, NEW: "hunter2"})

    assert lines == [
        "    content_sha256: (changed)",
        "    list:",
        "      @@ -1,3 +1,4 @@",
        "      -[",
        '      -  "(sensitive)"',
        "      -]",
        "      +{",
        '      +  "a": "(sensitive)",',
        f'      +  "b": "{"x" * 80}"',
        "      +}",
        "    + new: (sensitive)",
        "    - old: (sensitive)",
        "    password: (changed)",
    ]


def test_what_is_known_only_after_the_run_stands_without_quotes() -> None:
    unknown = "(known after run)"

    assert updated(
        {"url": "http://a", "text": "1\n2\n" + "x" * 99, "content_sha256": OLD},
        {"url": f"http://{unknown}", "text": f"1\n{unknown}\n", "content_sha256": unknown},
    ) == [
        '    content_sha256: "aaaaaaaaaaaa…" → (known after run)',
        f'    text: "1\\n2\\n{"x" * 52}… → (known after run)',
        '    url: "http://a" → (known after run)',
    ]


def test_nothing_can_write_to_the_terminal() -> None:
    evil = "\x1b[2J\u202e"
    change = resource_change(
        f"type{evil}",
        f"name{evil}",
        {"a": "x", "t": "x\n"},
        {"a": evil, f"key{evil}": evil, "t": evil},
    )
    change = change._replace(status=Difference("status", evil, ABSENT))

    lines = shown(change)

    assert lines == [
        "~ type\\x1b[2J\\u202e/name\\x1b[2J\\u202e",
        '    - (status): "\\u001b[2J\\u202e"',
        '    a: "x" → "\\u001b[2J\\u202e"',
        '    + ["key\\x1b[2J\\u202e"]: "\\u001b[2J\\u202e"',
        "    t:",
        "      @@ -1 +1 @@",
        "      -x",
        "      +\\x1b[2J\\u202e",
        "      \\ No newline at end of file",
    ]


def test_colours_are_those_of_the_actions() -> None:
    changes = [
        resource_change("f", "a", None, {}),
        resource_change(
            "f",
            "b",
            {"x": 1, "y": 1, "s": 1, "t": "1\n"},
            {"x": 2, "z": 1, "s": 2, "t": "2\n"},
            sensitive=["s"],
        ),
        resource_change("f", "c", {}, None),
        ResourceChange("f", "d", "replace"),
        ResourceChange("f", "e", "noop"),
    ]

    assert shown(*changes, colour=True, unchanged=True) == [
        "\x1b[32m+ f/a\x1b[0m",
        "\x1b[33m~ f/b\x1b[0m",
        "    s: \x1b[33m(changed)\x1b[0m",
        "    t:",
        "      \x1b[36m@@ -1 +1 @@\x1b[0m",
        "      \x1b[31m-1\x1b[0m",
        "      \x1b[32m+2\x1b[0m",
        "    x: \x1b[31m1\x1b[0m → \x1b[32m2\x1b[0m",
        "    \x1b[31m-\x1b[0m y: \x1b[31m1\x1b[0m",
        "    \x1b[32m+\x1b[0m z: \x1b[32m1\x1b[0m",
        "\x1b[31m- f/c\x1b[0m",
        "\x1b[31m-/+ f/d\x1b[0m",
        "\x1b[90m= f/e\x1b[0m",
    ]


def test_outputs_look_like_attributes() -> None:
    view = ChangeView({}.get, colour=False)
    changes = [
        VisibleDifference("port", 80, 81, sensitive=False),
        VisibleDifference("token", "(sensitive)", "(sensitive)", sensitive=True),
        VisibleDifference("url", ABSENT, "x", sensitive=False),
    ]

    assert list(view.outputs(changes)) == [
        "    port: 80 → 81",
        "    token: (changed)",
        '    + url: "x"',
    ]


@pytest.mark.parametrize(
    ("content", "text"), [("ü\n".encode(), "ü\n"), (b"\xff\xfe", None), (b"a\0b", None)]
)
def test_only_text_that_the_store_keeps_is_kept_text(
    store: Store, content: bytes, text: str | None
) -> None:
    lock = acquire(store, LockScope.WORKFLOW, "web")
    store.begin_run(NewRun("web", {}, source=content), lock)

    assert kept_text(store, sha256(content).hexdigest()) == text
    assert kept_text(store, NEW) is None
