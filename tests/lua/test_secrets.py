"""The module `secrets`: where secrets come from, and that nothing that is shown or kept has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sloth_runner.events import TaskOutput
from sloth_runner.secrets import Secrets

PASSWORD = "hunter2-is-long"
KEY = "-----BEGIN KEY-----\nMIIEowIBAAKCAQEA\nq83vEjRWeJASNFZ4\n-----END KEY-----\n"


@pytest.fixture
def told(told: Any) -> Any:
    """Runs have the secrets `db_password` and `key` from a file, and `api` from the environment."""
    lines = "".join(f"  {line}\n" for line in KEY.splitlines())
    told.sloth.write("s.yaml", f"db_password: {PASSWORD}\nkey: |\n{lines}pin: '123'\n")
    told.sloth.environment["SLOTH_SECRET_API"] = "xapi-0815"
    told.sloth.environment["SLOTH_SECRET_DB_PASSWORD"] = "of the environment"
    return told


WITH = ("--secrets", "s.yaml")


def test_a_secret_has_three_spellings_and_a_file_wins_over_the_environment(told: Any) -> None:
    equal = f'(function(a, b, c) return a == b and b == c and #a == {len(PASSWORD)} end)(secrets.db_password, secrets["db_password"], secrets.get("db_password"))'
    names = "(function() local t = {} for name in pairs(secrets) do t[#t + 1] = name end table.sort(t) return t end)()"
    found = told(
        equal,
        "#secrets.api",
        'secrets.has("api")',
        'secrets.has("apy")',
        "#secrets.key",
        names,
        options=WITH,
    )
    assert found == [
        [True],
        [9],
        [True],
        [False],
        [len(KEY)],
        [["api", "db_password", "key", "pin"]],
    ]


WRONG = {
    "secrets.db_pasword": "secrets: neither --secrets nor the environment (SLOTH_SECRET_DB_PASWORD) has a secret 'db_pasword'; did you mean 'db_password'?",
    "secrets.API": "secrets: there is no secret 'API'; those of the environment have names in lower case: api",
    'secrets.get("zzz")': "secrets: neither --secrets nor the environment (SLOTH_SECRET_ZZZ) has a secret 'zzz'; there is api, db_password, key, pin",
    "secrets.get()": "secrets.get: name must be a string, not nothing",
    "secrets.has({})": "secrets.has: name must be a string, not a table",
    "(function() secrets.new = 'x' end)()": "secrets: they cannot be set by a script",
}


def test_an_unknown_secret_is_an_error_that_names_the_nearest(told: Any) -> None:
    assert dict(zip(WRONG, told(*WRONG, options=WITH), strict=True)) == WRONG


def test_without_any_secrets_an_unknown_one_says_where_they_come_from(script: Any) -> None:
    assert script.error("print(secrets.token)").message == (
        "t.sloth:1: secrets: neither --secrets nor the environment (SLOTH_SECRET_TOKEN) has a "
        "secret 'token'"
    )


LEAKS = """
io.write("written ", secrets.db_password, "\\n") io.stdout:write(secrets.db_password, "\\n")
io.stderr:write(secrets.db_password, "\\n")
print("top", secrets.db_password)
local function try(f, ...) local ok, problem = pcall(f, ...) print(ok, problem) end
local a = task("a"):command(function()
  log.info("pw " .. secrets.db_password) log.table({ pw = secrets.db_password })
  print(secrets.key)
  exec.run("echo out $PW; echo err $PW >&2", { env = { PW = secrets.db_password } })
  exec.run("echo keyed " .. secrets.db_password, { key = "k" })
  event.dispatch("e", { list = { secrets.db_password }, [secrets.api] = 1 })
  state.set_metadata("m", secrets.db_password)
  try(state.set, "k", { secrets.db_password })
  try(state.compare_swap, "k", nil, secrets.db_password)
  try(step, "s", function() return secrets.db_password end)
  try(state.resource, { type = "db", name = "x", attributes = { users = { { password = "=" .. secrets.db_password } } } })
  try(resource.file, { name = "f", path = "f", content = secrets.db_password })
  try(error, secrets.api)
  fs.write("real", secrets.db_password)
  return true, "message " .. secrets.db_password, { pw = "x" .. secrets.db_password }
end)
task("shell"):command("echo " .. secrets.db_password .. " >&2; exit 3")
task("b"):depends_on(a):command(function(this, params, deps)
  assert(deps.a.pw == "x" .. secrets.db_password, "a dependent gets the real one")
  error("bad " .. secrets.db_password)
end)
task("c"):command(function() return false, "no " .. secrets.api end)
local w = task("hook"):command("true"):on_success(function() error(secrets.db_password) end)
workflow.define("w"):on_complete(function() error("last " .. secrets.db_password) end)
"""
KEPT_NOWHERE = (PASSWORD, "xapi-0815", *KEY.splitlines()[1:3])


def files_of(folder: Path) -> bytes:
    """The database with its log."""
    return b"".join(path.read_bytes() for path in sorted(folder.glob("state.db*")))


@pytest.mark.parametrize("options", [("-v",), ("-o", "json")])
def test_neither_output_nor_database_has_a_secret(told: Any, options: tuple[str, ...]) -> None:
    sloth = told.sloth
    sloth.write("w.sloth", LEAKS)
    process = sloth("run", "w.sloth", *WITH, *options)
    assert process.returncode == 1
    shown = sloth("state", "workflow", "show", "w").stdout
    for text in (process.stdout, process.stderr, shown):
        assert not any(secret in text for secret in KEPT_NOWHERE)
    kept = files_of(sloth.folder)
    assert len(kept) > 100_000
    assert not any(secret.encode() in kept for secret in KEPT_NOWHERE)
    assert (sloth.folder / "real").read_text() == PASSWORD
    tasks = {each["name"]: each for each in sloth.json("state", "workflow", "show", "w")["tasks"]}
    assert tasks["a"]["output"] == {"pw": "x***"}
    assert tasks["b"]["error_msg"] == "w.sloth:25: bad ***"
    assert tasks["c"]["error_msg"] == "no ***"
    assert sloth.json("state", "workflow", "show", "w")["metadata"]["m"] == "***"


IN_PIECES = """
task("pieces"):command("printf 'pw hunter2-'; sleep 0.2; printf 'is-long; '; sleep 0.2; printf 'more'")
task("pipe"):command(function()
  local f = io.popen("printf 'pw hunter2-' >&2; sleep 0.2; printf 'is-long;' >&2") f:close()
end)
task("cut"):command(function() error(("x"):rep(9980) .. secrets.db_password .. secrets.db_password) end)
task("argument"):command(function() goroutine.sleep(secrets.long) end)
task("complaint"):command("printf '%0490dhunter2-is-long' 0 >&2; exit 3")
"""


@pytest.mark.parametrize("options", [("-v",), ("-o", "json"), ()])
def test_no_part_of_a_secret_is_shown_where_a_text_comes_in_pieces_or_is_cut(
    told: Any, options: tuple[str, ...]
) -> None:
    told.sloth.write("w.sloth", IN_PIECES)
    told.sloth.environment["SLOTH_SECRET_LONG"] = "hunter2-" + "0123456789" * 5
    run = told.sloth("run", "w.sloth", *WITH, *options)
    shown = told.sloth("state", "workflow", "show", "w", "-o", "json").stdout
    assert run.stdout.count("0" * 490 + "***") == (2 if options else 1)
    assert "not the string" in run.stdout
    for text in (run.stdout, run.stderr, shown):
        assert "hunter2" not in text


def test_the_log_of_the_database_has_none_while_the_run_goes_on(told: Any) -> None:
    """A run that is killed leaves its log behind; it is looked at then."""
    sloth = told.sloth
    head = LEAKS.partition('task("shell")')[0].replace(
        'return true, "message', 'exec.run("kill -9 $PPID") return true, "message'
    )
    sloth.write("w.sloth", head + 'workflow.define("w")')
    assert sloth("run", "w.sloth", *WITH).returncode == -9
    assert (sloth.folder / "state.db-wal").stat().st_size > 10_000
    kept = files_of(sloth.folder)
    assert b"echo keyed ***" in kept
    assert not any(secret.encode() in kept for secret in KEPT_NOWHERE)


def test_what_cannot_do_without_its_secret_is_refused(told: Any) -> None:
    not_kept = "(Keep what is not secret, and ask secrets for the rest each time.)"
    declaration = "in it, and is not declared sensitive"
    found = {
        'state.set("k", { a = { secrets.db_password } })': f"the value of 'k' has the secret 'db_password' in it, which is not kept {not_kept}",
        'step("s", function() return secrets.api end)': f"what step 's' returns has the secret 'api' in it, which is not kept {not_kept}",
        'state.resource{ type = "db", name = "x", attributes = { users = { { pw = secrets.api } } } }': f"the attribute users[0].pw of db/x has the secret 'api' {declaration} (Add sensitive_attributes = {{ \"users[0].pw\" }}, so that it is never shown)",
        'resource.file{ name = "f", path = "f", content = "pw=" .. secrets.api }': f"the attribute content of file/f has the secret 'api' {declaration} (Add sensitive = {{ \"content\" }}, so that it is never shown)",
        'resource.file{ name = "g", path = secrets.api, content = "" }': f"the attribute path of file/g has the secret 'api' {declaration} (Add sensitive = {{ \"path\" }}, so that it is never shown)",
    }  # fmt: skip
    assert dict(zip(found, told(*found, options=WITH), strict=True)) == found
    assert not (told.sloth.folder / "f").exists()
    assert told.sloth.json("state", "workflow", "resources", "w") == []


def test_what_is_declared_sensitive_may_hold_a_secret_and_is_not_shown(told: Any) -> None:
    told.write(
        'state.resource{ type = "db", name = "x", attributes = { pw = secrets.api, sensitive_attributes = { "pw" } } }',
        'resource.file{ name = "f", path = "f", content = secrets.db_password, sensitive = { "content" } }',
    )
    for _ in range(2):
        result = told.sloth("run", "w.sloth", *WITH)
        assert result.returncode == 0, result.stderr
    assert "2 unchanged" in result.stdout
    assert (told.sloth.folder / "f").read_text() == PASSWORD
    shown = told.sloth("state", "workflow", "show", "w", "-o", "json").stdout
    assert [each["attributes"].get("pw") for each in json.loads(shown)["resources"]] == [
        "(sensitive)",
        None,
    ]
    assert PASSWORD not in shown


def test_an_output_with_a_secret_in_it_is_sensitive(told: Any) -> None:
    told(
        'state.set_output("plain", "x")',
        'state.set_output("url", { at = "https://a:" .. secrets.db_password .. "@host" })',
        options=WITH,
    )
    outputs = told.sloth.json("state", "workflow", "outputs", "w")
    assert outputs == {"plain": "x", "url": "(sensitive)"}
    shown = told.sloth.json("state", "workflow", "outputs", "w", "--show-sensitive")
    assert shown["url"] == {"at": f"https://a:{PASSWORD}@host"}


def test_a_keyed_command_is_known_again_without_its_secret(told: Any) -> None:
    call = 'exec.run("echo x" .. secrets.db_password .. "; date +%N", { key = "k" }).stdout'
    first, second = told(call, call, options=WITH)
    assert first[0].startswith(f"x{PASSWORD}")
    assert second[0] == first[0].replace(PASSWORD, "***")


def test_plans_lists_and_looks_take_secrets_and_show_none(told: Any) -> None:
    sloth = told.sloth
    sloth.write(
        "w.sloth",
        'print(secrets.db_password)\nlocal t = task("t"):command(function() exec.run("login " .. secrets.db_password) end)\n'
        'workflow.define("w"):tasks({ t })',
    )
    for command in ("plan", "validate", "list"):
        result = sloth(command, "w.sloth", *WITH)
        assert result.returncode == 0, result.stderr
        assert PASSWORD not in result.stdout + result.stderr
    assert "exec.run  login ***" in sloth("plan", "w.sloth", *WITH).stdout
    assert sloth("plan", "w.sloth", *WITH, "--out", "p").returncode == 0
    assert PASSWORD.encode() not in (sloth.folder / "p").read_bytes()
    assert sloth("run", "--plan", "p", *WITH).returncode == 0


BAD_FILES = {
    None: (3, "there is no secrets file s.yaml"),
    "- a\n": (2, "the secrets file s.yaml must hold a map of names to texts"),
    "a: [\n": (2, "the secrets file s.yaml is not YAML, at line 2"),
    f"a: '{PASSWORD}\n": (2, "the secrets file s.yaml is not YAML, at line 2"),
    "pin: 4711\n": (2, "the secret 'pin' in s.yaml is no text"),
    "1: x\n": (2, "the secrets file s.yaml must hold a map of names to texts"),
    "a:\n  b: c\n": (2, "the secret 'a' in s.yaml is no text"),
    "": (2, "the secrets file s.yaml must hold a map of names to texts"),
}


@pytest.mark.parametrize(("content", "expected"), BAD_FILES.items(), ids=range(len(BAD_FILES)))
def test_a_bad_secrets_file_is_an_error_without_its_content(
    sloth: Any, content: str | None, expected: tuple[int, str]
) -> None:
    sloth.write("w.sloth", 'task("t"):command("true")')
    if content is not None:
        sloth.write("s.yaml", content)
    result = sloth("run", "w.sloth", *WITH)
    code, message = expected
    assert (result.returncode, result.stderr.splitlines()[0]) == (code, f"Error: {message}")


def test_masking_covers_every_form_of_text_and_leaves_short_ones() -> None:
    secrets = Secrets({"a": "long", "b": "longer", "c": "abc", "d": "one line\nother line"})
    assert secrets.masked("longer long abc") == "*** *** abc"
    assert secrets.masked({"xlong": ["long", 1, None, {"k": "other line"}]}) == {
        "x***": ["***", 1, None, {"k": "***"}]
    }
    assert secrets.masked(b"\xfflong\xfe") == b"\xff***\xfe"
    event = TaskOutput("t", "info", "so long")
    assert secrets.masked(event) == TaskOutput("t", "info", "so ***")
    assert secrets.found_in({"a": ["x", "one line!"]}) == "d"
    assert secrets.found_in("abc") is None
    assert Secrets({}).masked(event) is event
