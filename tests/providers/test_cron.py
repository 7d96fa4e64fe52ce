"""`resource.cron` in the real crontab of a user made for it."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

USER = f"slothcron{os.getpid()}"
FOREIGN = "# kept \\t as it is\nMAILTO=\"\"\n\n1 2 * * *\techo  'foreign' \n"


@pytest.fixture(autouse=True)
def user() -> Iterator[None]:
    subprocess.run(["useradd", "--no-create-home", USER], check=True)
    yield
    subprocess.run(["crontab", "-u", USER, "-r"], capture_output=True, check=False)
    subprocess.run(["userdel", USER], check=True, capture_output=True)


def crontab() -> str | None:
    """The table; None if the user has none."""
    result = subprocess.run(
        ["crontab", "-u", USER, "-l"], capture_output=True, text=True, check=False
    )
    return result.stdout if result.returncode == 0 else None


def write_crontab(text: str) -> None:
    subprocess.run(["crontab", "-u", USER, "-"], input=text, text=True, check=True)


def entry(name: str, line: str) -> str:
    return f"# sloth-runner begin w/{name}\n{line}\n# sloth-runner end w/{name}\n"


def declare(workflow: Any, *entries: str) -> None:
    workflow.declares(*(f'cron{{ user = "{USER}", {each} }}' for each in entries))


def test_an_entry_comes_stays_changes_and_goes(workflow: Any) -> None:
    declare(workflow, 'name = "a", schedule = "*/5  * * * mon-fri", command = "echo a"')
    assert workflow.run() == "1 created, 0 updated, 0 deleted, 0 unchanged"
    assert crontab() == entry("a", "*/5 * * * mon-fri echo a")
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 1 unchanged"
    declare(workflow, 'name = "a", schedule = "@daily", command = "echo b"')
    assert workflow.run() == "0 created, 1 updated, 0 deleted, 0 unchanged"
    assert crontab() == entry("a", "@daily echo b")
    declare(workflow)
    assert workflow.run("--prune") == "0 created, 0 updated, 1 deleted, 0 unchanged"
    assert crontab() is None


def test_lines_of_others_are_kept_byte_for_byte(workflow: Any) -> None:
    write_crontab(FOREIGN)
    declare(workflow, 'name = "a", schedule = "@daily", command = "echo a"')
    assert workflow.run() == "1 created, 0 updated, 0 deleted, 0 unchanged"
    assert crontab() == FOREIGN + entry("a", "@daily echo a")
    write_crontab(entry("a", "@daily echo a") + FOREIGN)
    declare(workflow, 'name = "a", schedule = "@hourly", command = "echo a"')
    assert workflow.run() == "0 created, 1 updated, 0 deleted, 0 unchanged"
    assert crontab() == entry("a", "@hourly echo a") + FOREIGN, "it stays where it is"
    declare(workflow)
    assert workflow.run("--prune") == "0 created, 0 updated, 1 deleted, 0 unchanged"
    assert crontab() == FOREIGN


def test_what_somebody_changed_is_shown_and_put_right(workflow: Any) -> None:
    declare(workflow, 'name = "a", schedule = "@daily", command = "echo a", env = { A = "1" }')
    assert workflow.run() == "1 created, 0 updated, 0 deleted, 0 unchanged"
    declared = entry("a", "@daily export A='1'; echo a")
    assert crontab() == declared
    write_crontab(entry("a", "5 4 * * * echo changed"))
    assert workflow.drift() == {"cron/a": "drifted"}
    assert workflow.run() == "0 created, 1 updated, 0 deleted, 0 unchanged"
    assert crontab() == declared
    write_crontab(entry("a", "").replace("\n\n", "\n"))
    assert workflow.run() == "0 created, 1 updated, 0 deleted, 0 unchanged"
    assert crontab() == declared


ENV = """env = { B = "it's", A = "50%" }"""
PARTS = f'name = "a", schedule = "@daily", command = "date +%F", {ENV}'
ENTRY = r"""@daily export A='50\%'; export B='it'\''s'; date +\%F"""


@pytest.mark.parametrize(
    ("old", "new", "differences"),
    [
        ("@daily", "5 4 * * *", [("schedule", "@daily", "5 4 * * *")]),
        (r"A='50\%'", "A='60'", [("env.A", "50%", "60")]),
        (r"export B='it'\''s'; ", "", [("env.B", "it's", None)]),
        (
            r"export A='50\%'; export B='it'\''s'; ",
            "",
            [("env.A", "50%", None), ("env.B", "it's", None)],
        ),
        ("date", "export D='x'; date", [("env.D", None, "x")]),
        ("date", "time", [("command", "date +%F", "time +%F")]),
        (r"+\%F", "+%F", [("command", "date +%F", "date +\nF")]),
        ("@daily export A", "@daily  export A", []),
    ],
)
def test_what_somebody_changed_of_an_entry_is_told_apart(
    workflow: Any, old: str, new: str, differences: list[tuple[str, str | None, str | None]]
) -> None:
    declare(workflow, PARTS)
    workflow.run()
    declared = crontab()
    assert declared == entry("a", ENTRY)
    assert old in declared
    write_crontab(declared.replace(old, new))
    (found,) = json.loads(workflow.sloth("state", "workflow", "drift", "w", "-o", "json").stdout)
    paths = [(each["path"], each.get("before"), each.get("after")) for each in found["differences"]]
    assert paths == differences
    workflow.run()
    assert workflow.drift() == {"cron/a": "in-sync"}


def test_a_command_that_begins_like_a_variable_stays_a_command(workflow: Any) -> None:
    declare(workflow, PARTS.replace("date", "export C='1'; date"))
    workflow.run()
    declared = crontab() or ""
    assert declared == entry("a", ENTRY.replace("date", "export C='1'; date"))
    write_crontab(declared.replace("@daily", "@hourly"))
    (found,) = json.loads(workflow.sloth("state", "workflow", "drift", "w", "-o", "json").stdout)
    assert [each["path"] for each in found["differences"]] == ["schedule"]


def test_variables_that_were_not_declared_are_a_part_of_the_command(workflow: Any) -> None:
    declare(workflow, 'name = "a", schedule = "@daily", command = "date +%F"')
    workflow.run()
    for line in (r"@daily export A='1'; date +\%F", "@daily date +%F", r"@hourly date +\%F"):
        write_crontab(entry("a", line))
        assert workflow.drift() == {"cron/a": "drifted"}
        assert workflow.run() == "0 created, 1 updated, 0 deleted, 0 unchanged"
        assert crontab() == entry("a", r"@daily date +\%F")


def test_the_command_means_what_it_means_in_a_shell(workflow: Any) -> None:
    declare(
        workflow,
        r"""name = "a", schedule = "@daily", command = [[date +%F '\.' '\\' \%]], env = { B = "it's", A = "50%" }""",
    )
    assert workflow.run() == "1 created, 0 updated, 0 deleted, 0 unchanged"
    assert crontab() == entry(
        "a",
        r"""@daily export A='50\%'; export B='it'\''s'; date +\%F '\.' '\\\\' \\\%""",
    )
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 1 unchanged"


def test_runs_at_the_same_time_lose_no_entry(workflow: Any) -> None:
    write_crontab(FOREIGN)
    running = []
    for number in range(4):
        name = f"f{number}.sloth"
        tasks = ", ".join(
            f'task("t{each}"):command(function() resource.cron{{ name = "{each}", user = "{USER}", '
            f'schedule = "@daily", command = "echo {number}" }} end)'
            for each in range(3)
        )
        workflow.sloth.write(name, f'workflow.define("f{number}"):tasks({{ {tasks} }})')
        running.append(workflow.sloth.start("run", name))
    for process in running:
        _, error = process.communicate(timeout=30)
        assert process.returncode == 0, error
    table = crontab() or ""
    assert table.startswith(FOREIGN)
    assert sorted(table.removeprefix(FOREIGN).splitlines()) == sorted(
        line
        for number in range(4)
        for each in range(3)
        for line in (
            f"# sloth-runner begin f{number}/{each}",
            f"@daily echo {number}",
            f"# sloth-runner end f{number}/{each}",
        )
    )


def test_a_rollback_brings_the_entry_of_the_version_back(workflow: Any) -> None:
    declare(workflow, 'name = "a", schedule = "1 2 3 4 5", command = "echo 1", env = { A = "1" }')
    workflow.run()
    then = crontab()
    declare(workflow, 'name = "b", schedule = "@daily", command = "echo 2"')
    workflow.run("--prune")
    workflow.rolls_back(1)
    assert crontab() == then


def test_another_user_is_another_crontab(workflow: Any) -> None:
    declare(workflow, 'name = "a", schedule = "@daily", command = "echo a"')
    workflow.run()
    workflow.declares(
        'cron{ name = "a", user = "no-such-user", schedule = "@daily", command = "a" }'
    )
    error = workflow.fails()
    assert "there is no user 'no-such-user' for a crontab" in error


def test_a_user_who_is_not_there_has_no_entry(workflow: Any, sloth: Any) -> None:
    new = f"{USER}n"
    workflow.declares(
        f'user{{ name = "{new}", system = true }}',
        f'cron{{ name = "a", user = "{new}", schedule = "@daily", command = "true" }}',
    )
    try:
        assert sloth("plan", "w.sloth").stdout.startswith(f"+ user/{new}\n+ cron/a\n")
        assert workflow.run() == "2 created, 0 updated, 0 deleted, 0 unchanged"
        subprocess.run(["userdel", new], check=True, capture_output=True)
        assert workflow.drift() == {"cron/a": "missing", f"user/{new}": "missing"}
        workflow.heals()
        assert workflow.drift() == {"cron/a": "in-sync", f"user/{new}": "in-sync"}
        subprocess.run(["userdel", new], check=True, capture_output=True)
        workflow.declares()
        assert workflow.run("--prune") == "0 created, 0 updated, 2 deleted, 0 unchanged"
    finally:
        subprocess.run(["crontab", "-u", new, "-r"], capture_output=True, check=False)
        subprocess.run(["userdel", new], capture_output=True, check=False)


REFUSED = (
    ("'* * * *'", "it must have five fields or be one such as @daily, not '* * * *'"),
    ("'@often'", "there is no '@often'; there is @reboot @yearly"),
    ("'60 * * * *'", "its minute '60' must be within 0 to 59"),
    ("'* * 0 * *'", "its day of the month '0' must be within 1 to 31"),
    ("'* * * foo *'", "its month 'foo' must be within 1 to 12"),
    ("'5-1 * * * *'", "its minute '5-1' is a range that ends before it begins"),
    ("'*/0 * * * *'", "its minute '*/0' has a step that cron refuses"),
    ("'1,x! * * * *'", "its minute '1,x!' is neither *, a number, a range nor a list of these"),
)


def test_a_schedule_that_cron_would_refuse_is_refused_at_its_line(workflow: Any) -> None:
    tries = [
        f"print(select(2, pcall(resource.cron, {{ name = 'c', command = 'x', schedule = {schedule} }})))"
        for schedule, _ in REFUSED
    ]
    body = "\n".join(tries)
    workflow.sloth.write("w.sloth", f'task("t"):command(function()\n{body}\nend)')
    printed = workflow.sloth("run", "w.sloth").stdout
    for number, (_, message) in enumerate(REFUSED):
        assert f"w.sloth:{number + 2}: resource.cron: schedule: {message}" in printed
    assert crontab() is None


def test_a_machine_without_crontab_is_told_apart(workflow: Any) -> None:
    (workflow.folder / "bin").mkdir()
    workflow.sloth.environment["PATH"] = str(workflow.folder / "bin")
    declare(workflow, 'name = "a", schedule = "@daily", command = "echo a"')
    assert "cron/a: read: the command crontab is not installed" in workflow.fails()
