"""The module `cron` in the real crontab of a user made for it."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

USER = f"slothk{os.getpid()}"
FOREIGN = "MAILTO=\"\"\n1 2 * * *\techo  'foreign' \n"


@pytest.fixture(autouse=True)
def user() -> Iterator[None]:
    subprocess.run(["useradd", "--no-create-home", USER], check=True)
    subprocess.run(["crontab", "-u", USER, "-"], input=FOREIGN, text=True, check=True)
    yield
    subprocess.run(["crontab", "-u", USER, "-r"], capture_output=True, check=False)
    subprocess.run(["userdel", USER], check=True, capture_output=True)


def crontab() -> str:
    asked = ["crontab", "-u", USER, "-l"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout


def entry(line: str) -> str:
    return f"{FOREIGN}# sloth-runner begin w/backup\n{line}\n# sloth-runner end w/backup\n"


def done(changed: bool, message: str) -> list[Any]:
    return [True, {"changed": changed, "message": message}]


ADD = f'cron.add{{ name = "backup", schedule = "@daily", command = "backup  50% now", user = "{USER}" }}'
NAMED = f'{{ name = "backup", user = "{USER}" }}'


def test_an_entry_is_added_changed_and_removed(told: Any) -> None:
    hourly = ADD.replace("@daily", "0  * * * *")
    assert told(ADD, ADD, f'cron.exists("backup", "{USER}")') == [
        done(True, "the entry backup was added"),
        done(False, "the entry backup is as wanted already"),
        [True, None],
    ]
    assert crontab() == entry(r"@daily backup  50\% now")
    assert told(hourly, f"cron.list('{USER}')") == [
        done(True, "the entry backup was changed"),
        [
            [
                {
                    "name": "backup",
                    "schedule": "0 * * * *",
                    "command": r"backup  50\% now",
                    "user": USER,
                    "enabled": True,
                }
            ]
        ],
    ]
    assert told(f"cron.remove{NAMED}", f"cron.remove{NAMED}", f"cron.exists{NAMED}") == [
        done(True, "the entry backup was removed"),
        done(False, "there is no entry backup"),
        [False, None],
    ]
    assert crontab() == FOREIGN


def test_an_entry_is_disabled_and_enabled(told: Any) -> None:
    results = told(
        ADD,
        f"cron.disable{NAMED}",
        f'cron.disable("backup", "{USER}")',
        f"cron.list('{USER}')[1].enabled",
    )
    assert results[1:] == [
        done(True, "the entry backup is disabled"),
        done(False, "the entry backup is disabled already"),
        [False],
    ]
    assert crontab() == entry(r"# disabled: @daily backup  50\% now")
    assert told(f"cron.enable{NAMED}", f"cron.enable{NAMED}") == [
        done(True, "the entry backup is enabled"),
        done(False, "the entry backup is enabled already"),
    ]
    assert crontab() == entry(r"@daily backup  50\% now")
    told(f"cron.disable{NAMED}", ADD)
    assert crontab() == entry(r"@daily backup  50\% now")


def test_what_is_not_there_is_a_result(told: Any) -> None:
    failed = "there is no user 'nobody-here' for a crontab"
    enabled, listed, (ok, problem), (none, why) = told(
        f"cron.enable{NAMED}",
        f"cron.list('{USER}')",
        ADD.replace(USER, "nobody-here"),
        "cron.list('nobody-here')",
    )
    assert enabled == [False, "there is no entry backup"]
    assert listed == [[]]
    assert (ok, problem.startswith(failed)) == (False, True)
    assert (none, "nobody-here" in why) == (None, True)


def test_a_schedule_is_checked_without_a_run(script: Any) -> None:
    assert script.values('cron.validate_schedule("*/5  * * * mon")') == [True, "*/5 * * * mon"]
    assert script.values('cron.validate_schedule("@dayly")')[0] is False
    assert script.values('cron.validate_schedule("61 * * * *")') == [
        False,
        "its minute '61' must be within 0 to 59",
    ]


def test_a_plan_leaves_the_crontab_alone(told: Any) -> None:
    assert told.planned(ADD, f"cron.disable{NAMED}", f"cron.remove{NAMED}") == [
        ["cron.add", "backup"],
        ["cron.disable", "backup"],
        ["fs.write", "told"],
    ]
    assert crontab() == FOREIGN


WRONG = {
    "cron.add()": "cron.add: command must be a string, not nothing",
    'cron.add("a", "b", "c")': "cron.add: schedule: it must have five fields or be one such as @daily, not 'b'",
    'cron.add("a", "@daily", " ")': "cron.add: command must not be empty",
    'cron.add{ name = "a", schedule = "@daily", command = "x", usr = "b" }': "cron.add: it has no field 'usr'; did you mean 'user'?",
    "cron.remove()": "cron.remove: name must be a string, not nothing",
    "cron.list(true)": "cron.list: user must be a string, not true",
}


def test_wrong_arguments_are_errors(told: Any) -> None:
    found = dict(zip(WRONG, told(*WRONG), strict=True))
    assert found.pop("cron.add()").endswith(" must be a string, not nothing")
    assert found == {call: text for call, text in WRONG.items() if call != "cron.add()"}


def test_entries_belong_to_a_run(script: Any) -> None:
    calls = ("cron.add('a', '@daily', 'x')", "cron.list()", "cron.remove('a')", "cron.exists('a')")
    for call in calls:
        error = script.error(f"local x = {call}")
        name = call.partition("(")[0]
        assert str(error).startswith(f"t.sloth:1: {name} needs a run, and while the file is loaded")
