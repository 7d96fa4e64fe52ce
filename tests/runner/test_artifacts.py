"""Artifacts: files that one task makes and another one needs."""

from __future__ import annotations

from typing import Any

STORY = """
workflow.define("site"):tasks({
  task("deploy"):workdir("there"):consumes("dist/*.txt"):command("cat dist/a.txt dist/b.txt > all.txt"),
  task("build"):workdir("here"):artifacts({ "dist/*", "log" }):command("mkdir -p dist; echo a > dist/a.txt; echo b > dist/b.txt; echo l > log"),
})
"""


def prepared(sloth: Any, source: str) -> None:
    for name in ("here", "there"):
        (sloth.folder / name).mkdir()
    sloth.write("site.sloth", source)


def test_a_consumer_runs_after_the_producer_and_finds_copies(sloth: Any) -> None:
    prepared(sloth, STORY)
    result = sloth("run", "site.sloth")
    assert result.returncode == 0, result.stderr
    assert (sloth.folder / "there/all.txt").read_text() == "a\nb\n"
    assert not (sloth.folder / "there/log").exists()


def test_artifacts_are_recorded_with_their_hashes(sloth: Any) -> None:
    prepared(sloth, STORY)
    assert sloth("run", "site.sloth").returncode == 0
    found = sloth.json("state", "workflow", "resources", "site")
    assert [(each["type"], each["name"], each["attributes"]["size"]) for each in found] == [
        ("artifact", "build/dist/a.txt", 2),
        ("artifact", "build/dist/b.txt", 2),
        ("artifact", "build/log", 2),
    ]
    sloth.write("site.sloth", STORY.replace("echo a", "echo changed"))
    assert sloth("run", "site.sloth").returncode == 0
    (version, _) = sloth.json("state", "workflow", "versions", "site")
    assert version["changes"]["updated"] == 1


def test_an_artifact_that_was_not_made_fails_its_task(sloth: Any) -> None:
    prepared(sloth, STORY.replace('"log" })', '"none" })'))
    result = sloth("run", "site.sloth")
    assert result.returncode == 1
    assert (
        f"task build: nothing in {sloth.folder}/here matches its artifacts 'none'" in result.stderr
    )
    assert not (sloth.folder / "there/all.txt").exists()


def test_consuming_what_nobody_makes_is_an_error_at_load(sloth: Any) -> None:
    sloth.write("t.sloth", 'task("t"):command("true"):consumes("app")')
    result = sloth("run", "t.sloth")
    assert (result.returncode, result.stderr) == (
        1,
        "Error: t.sloth:1: the task 't' consumes 'app', which no other task has among its artifacts\n"
        'Hint: Let the task that makes it say so: :artifacts({ "app" })\n',
    )


def test_a_resumed_run_has_the_artifacts_of_the_failed_one(sloth: Any) -> None:
    prepared(sloth, STORY.replace('command("cat', 'command("test -f ../go && cat'))
    assert sloth("run", "site.sloth").returncode == 1
    (sloth.folder / "there/dist/a.txt").unlink()
    (sloth.folder / "go").touch()
    result = sloth("run", "site.sloth", "--resume")
    assert result.returncode == 0, result.stderr
    assert (sloth.folder / "there/all.txt").read_text() == "a\nb\n"


def test_a_plan_makes_and_copies_nothing(sloth: Any) -> None:
    prepared(sloth, STORY)
    result = sloth("plan", "site.sloth")
    assert result.returncode == 0, result.stderr
    assert [path.name for path in (sloth.folder / "here").iterdir()] == []


def test_a_plan_takes_it_that_a_task_makes_its_artifacts_again(sloth: Any) -> None:
    prepared(sloth, STORY)
    assert sloth("run", "site.sloth").returncode == 0
    assert "No longer declared" not in sloth("plan", "site.sloth").stdout
    sloth.write("site.sloth", STORY.replace(', "log" }', " }"))
    planned = sloth("plan", "site.sloth").stdout.splitlines()
    assert planned[planned.index("No longer declared (--prune deletes them):") + 1 :][:2] == [
        "  - artifact/build/log  record only, stays",
        "",
    ]
