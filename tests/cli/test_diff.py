"""`state workflow diff` tells what differs between two versions."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from sloth_state.model import Output, ResourceDraft, Run, RunStatus

Record = Callable[..., Run]
Sloth = Callable[..., Any]

DIFF = ("state", "workflow", "diff", "app")

OLD, NEW = b"port = 80\nhost = a\n", b"port = 81\nhost = a\n"


def _config(content: bytes, mode: str, token: str) -> ResourceDraft:
    attributes = {"content_sha256": sha256(content).hexdigest(), "mode": mode, "token": token}
    return ResourceDraft("file", "app.conf", attributes, declaration={"sensitive": ["token"]})


@pytest.fixture(autouse=True)
def versions(finished_run: Record) -> None:
    """Three: the second changes all there is, the third nothing."""
    finished_run(
        "app",
        contents=[OLD],
        resources=[
            _config(OLD, "0644", "hunter1"),
            ResourceDraft("file", "gone", {"mode": "0644"}),
            ResourceDraft("service", "web", {"port": 80}, "running"),
        ],
        outputs=[Output("url", "http://a:80"), Output("key", "hunter1", sensitive=True)],
    )
    finished_run(
        "app",
        contents=[NEW],
        resources=[
            _config(NEW, "0600", "hunter2"),
            ResourceDraft("link", "new", {"to": "app.conf"}),
            ResourceDraft("service", "web", {"port": 80}, "stopped"),
        ],
        removed=[("file", "gone")],
        outputs=[Output("url", "http://a:81"), Output("key", "hunter2", sensitive=True)],
        status=RunStatus.FAILED,
    )
    finished_run(
        "app", outputs=[Output("url", "http://a:81"), Output("key", "hunter2", sensitive=True)]
    )


def test_the_differences_of_two_versions_read_like_a_unified_diff(sloth: Sloth) -> None:
    assert sloth(*DIFF, "1", "2") == (
        0,
        """\
--- app@1  2026-03-01 14:00:00  success
+++ app@2  2026-03-01 14:01:00  failed

~ file/app.conf
    content:
      @@ -1,2 +1,2 @@
      -port = 80
      +port = 81
       host = a
    mode: "0644" → "0600"
    token: (changed)
- file/gone
+ link/new
~ service/web
    (status): "running" → "stopped"

Outputs
    key: (changed)
    url: "http://a:80" → "http://a:81"

1 created, 2 updated, 1 deleted; 2 outputs changed
""",
        "",
    )


def test_details_are_what_created_and_deleted_resources_consist_of(sloth: Sloth) -> None:
    _, out, _ = sloth(*DIFF, "1", "2", "--details")

    assert '- file/gone\n    - mode: "0644"\n+ link/new\n    + to: "app.conf"\n' in out


def test_differences_as_json_are_one_object(sloth: Sloth) -> None:
    code, out, err = sloth(*DIFF, "2", "1", "-o", "json")

    assert (code, err) == (0, "")
    assert json.loads(out) == {
        "workflow": "app",
        "from": 2,
        "to": 1,
        "resources": [
            {
                "type": "file",
                "name": "app.conf",
                "action": "update",
                "differences": [
                    {
                        "path": "content_sha256",
                        "before": sha256(NEW).hexdigest(),
                        "after": sha256(OLD).hexdigest(),
                        "sensitive": False,
                    },
                    {"path": "mode", "before": "0600", "after": "0644", "sensitive": False},
                    {
                        "path": "token",
                        "before": "(sensitive)",
                        "after": "(sensitive)",
                        "sensitive": True,
                    },
                ],
            },
            {
                "type": "file",
                "name": "gone",
                "action": "create",
                "differences": [{"path": "mode", "after": "0644", "sensitive": False}],
            },
            {
                "type": "link",
                "name": "new",
                "action": "delete",
                "differences": [{"path": "to", "before": "app.conf", "sensitive": False}],
            },
            {
                "type": "service",
                "name": "web",
                "action": "update",
                "differences": [],
                "status": {"before": "stopped", "after": "running"},
            },
        ],
        "outputs": [
            {"key": "key", "before": "(sensitive)", "after": "(sensitive)", "sensitive": True},
            {
                "key": "url",
                "before": "http://a:81",
                "after": "http://a:80",
                "sensitive": False,
            },
        ],
        "not_compared": [],
    }


@pytest.mark.parametrize(
    ("words", "compared"),
    [
        (("app", "1", "2"), (1, 2)),
        (("app", "v3", "@1"), (3, 1)),
        (("app", "1", "latest"), (1, 3)),
        (("app", "current", "2"), (3, 2)),
        (("app",), (2, 3)),
        (("app@2",), (1, 2)),
        (("app", "1"), (1, 3)),
        (("app-v2", "3"), (3, 2)),
        (("a00000000001", "2", "3"), (2, 3)),
        (("app", "2", "2"), (2, 2)),
    ],
)
def test_versions_are_named_or_follow_from_ref(
    sloth: Sloth, words: tuple[str, ...], compared: tuple[int, int]
) -> None:
    shown = json.loads(sloth("state", "workflow", "diff", *words, "-o", "json").out)

    assert (shown["from"], shown["to"]) == compared


def test_versions_that_do_not_differ_are_said_to(sloth: Sloth) -> None:
    assert sloth(*DIFF) == (0, "No differences between app@2 and app@3\n", "")
    assert sloth(*DIFF, "-o", "json", "--exit-code") == (
        0,
        '{\n  "workflow": "app",\n  "from": 2,\n  "to": 3,\n  "resources": [],\n'
        '  "outputs": [],\n  "not_compared": []\n}\n',
        "",
    )


def test_the_exit_code_tells_on_demand_whether_anything_differs(sloth: Sloth) -> None:
    told = sloth(*DIFF, "1", "2")

    assert sloth(*DIFF, "1", "2", "--exit-code") == (5, told.out, "")
    assert sloth(*DIFF, "2", "3", "--exit-code").code == 0


def test_one_type_is_compared_without_outputs(sloth: Sloth) -> None:
    assert sloth(*DIFF, "1", "2", "--type", "link") == (
        0,
        "--- app@1  2026-03-01 14:00:00  success\n"
        "+++ app@2  2026-03-01 14:01:00  failed\n"
        "\n"
        "+ link/new\n"
        "\n"
        "1 created\n",
        "",
    )
    assert sloth(*DIFF, "1", "2", "--type", "disk", "--exit-code") == (
        0,
        "No differences between app@1 and app@2 in resources of type disk\n",
        "",
    )


def test_outputs_alone_can_differ(sloth: Sloth, finished_run: Record) -> None:
    finished_run("solo", outputs=[Output("port", 80)])
    finished_run("solo")

    assert sloth("state", "workflow", "diff", "solo", "--exit-code") == (
        5,
        "--- solo@1  2026-03-01 14:03:00  success\n"
        "+++ solo@2  2026-03-01 14:04:00  success\n"
        "\n"
        "Outputs\n"
        "    - port: 80\n"
        "\n"
        "no resource changed; 1 output changed\n",
        "",
    )


@pytest.mark.parametrize(
    ("words", "sentence", "hint"),
    [
        (("1", "7"), "app has no version 7", "Did you mean 3?"),
        (("0", "2"), "app has no version 0", "Did you mean 1?"),
        (("1", "latst"), "app has no version 'latst'", "Did you mean latest?"),
        (
            ("1", "²"),
            "app has no version '²'",
            "List its versions with: sloth-runner state workflow versions app",
        ),
        (
            ("9" * 5000,),
            f"app has no version '{'9' * 5000}'",
            "List its versions with: sloth-runner state workflow versions app",
        ),
    ],
)
def test_an_unknown_version_says_which_is_near(
    sloth: Sloth, words: tuple[str, ...], sentence: str, hint: str
) -> None:
    assert sloth(*DIFF, *words) == (3, "", f"Error: {sentence}\nHint: {hint}\n")


def test_nothing_comes_before_the_first_version(sloth: Sloth) -> None:
    assert sloth("state", "workflow", "diff", "app@1") == (
        3,
        "",
        "Error: version 1 of app is its first, there is none before it\n"
        "Hint: List its versions with: sloth-runner state workflow versions app\n",
    )
