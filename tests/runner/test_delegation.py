"""Tasks on other machines: a real sshd on the loopback is the other machine, under several names."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CONFIG = """
Host *
  HostName 127.0.0.1
  User root
  IdentityFile {folder}/key
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known_hosts
Host web-1 web-2
  ControlPath {folder}/control
Host down
  Port 1
Host stranger
  HostKeyAlias stranger
Host *
  Port {port}
"""
"""`web-1` and `web-2` share a connection, which saves time; `plain` and all others have their own."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition: Any, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with an `ssh` for PATH that finds the machines; they are there as long as it is."""
    folder, port = tmp_path_factory.mktemp("machines"), free_port()
    for name in ("key", "host_key"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True
        )
    public = (folder / "host_key.pub").read_text()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {public}")
    (folder / "banner").write_text("Authorized use only.\n")
    (folder / "config").write_text(CONFIG.format(folder=folder, port=port))
    (folder / "bin").mkdir()
    (folder / "bin/ssh").write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {folder}/config "$@"\n')
    (folder / "bin/ssh").chmod(0o755)
    os.makedirs("/run/sshd", mode=0o755, exist_ok=True)  # sshd demands it
    options = {
        "ListenAddress": f"127.0.0.1:{port}",
        "HostKey": folder / "host_key",
        "AuthorizedKeysFile": folder / "key.pub",
        "Banner": folder / "banner",
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PermitRootLogin": "yes",
        "MaxSessions": 100,
        "MaxStartups": 100,
        "SetEnv": "SHLVL=1",  # or bash reads .bashrc, and what is in there may say something
    }
    words = [f"-o{name}={value}" for name, value in options.items()]
    daemon = subprocess.Popen(
        ["/usr/sbin/sshd", "-D", "-f", "/dev/null", *words], stderr=subprocess.DEVNULL
    )
    wait_until(lambda: listens(port))
    shared = subprocess.Popen(
        [folder / "bin/ssh", "-MN", "web-1"],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until((folder / "control").exists)
    yield folder
    for process in (shared, daemon):
        process.terminate()
        process.wait()


@pytest.fixture
def remote(sloth: Any, machines: Path) -> Any:
    sloth.environment["PATH"] = f"{machines}/bin:{os.environ['PATH']}"
    return sloth


def printed(result: Any, task: str = "t") -> list[str]:
    """What a task printed."""
    begin = f"{task} | "
    return [
        line.removeprefix(begin) for line in result.stdout.splitlines() if line.startswith(begin)
    ]


def run(remote: Any, body: str, hosts: str = '"web-1"', *options: str, task: str = "") -> Any:
    """Run a task on machines with this as its command's body."""
    source = f'task("t"):delegate_to({hosts}){task}:command(function(this, params)\n{body}\nend)'
    remote.write("t.sloth", source)
    return remote("run", "t.sloth", *options)


def is_alive(pid: str) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


# -- results -----------------------------------------------------------------------------------


def test_a_shell_command_runs_on_the_machine_in_the_login_folder(remote: Any) -> None:
    remote.write(
        "t.sloth",
        f"""
        task("home"):delegate_to("web-1"):command("pwd; echo ${{SSH_CONNECTION%% *}}")
        task("below"):delegate_to("web-1"):workdir("{remote.folder}"):command("pwd; echo no >&2; exit 255")
        """,
    )
    result = remote("run", "t.sloth", "--verbose")
    assert result.returncode == 1
    assert sorted(printed(result, "home")) == ["/root", "127.0.0.1"]
    assert sorted(printed(result, "below")) == [str(remote.folder), "no"]
    assert "✗ below" in result.stdout
    assert "web-1: exit code 255: no" in result.stdout


RESULTS = {
    "'echo out; echo err >&2'": "out\n|err\n|0|nil",
    "'echo ${SSH_CONNECTION%% *}'": "127.0.0.1\n||0|nil",
    "'exit 7'": "||7|exit code 7",
    "'exit 255'": "||255|exit code 255",
    "'kill -KILL $$'": "||137|exit code 137",
    "'cat; echo end'": "end\n||0|nil",
    "'cat', { stdin = 'a\\nb' }": "a\nb||0|nil",
    "'wc -c', { stdin = ('x'):rep(300000) }": "300000\n||0|nil",
    "'true', { stdin = ('x'):rep(300000) }": "||0|nil",
    "'echo \"$A\"', { env = { A = [[it's $x `id`]] } }": "it's $x `id`\n||0|nil",
    "'pwd', { workdir = '/usr' }": "/usr\n||0|nil",
    "'pwd', { workdir = '~' }": "/root\n||0|nil",
    "'id -un; echo $HOME; pwd', { user = 'nobody' }": "nobody\n/nonexistent\n/\n||0|nil",
    "'id -un', { user = 'root' }": "root\n||0|nil",
    "'sleep 60', { timeout = '3s' }": "||124|timed out after 3 s",
    "'echo now; sleep 60 & '": "now\n||0|nil",
    "[[printf '\\036']]": "\x1e||0|nil",
    "'ps -o pgid= -p $$ | grep -cw $$'": "1\n||0|nil",
}


def test_exec_gives_what_it_gives_for_local_commands(remote: Any) -> None:
    calls = "\n".join(
        f"group:add(1) goroutine.spawn(function() note({number}, exec.run({call})) group:done() end)"
        for number, call in enumerate(RESULTS)
    )
    body = f"""
    local group, found = goroutine.wait_group(), {{}}
    local function note(number, R, problem)
      found["r" .. number] = R.stdout .. "|" .. R.stderr .. "|" .. R.exit_code .. "|" .. tostring(problem)
    end
    {calls}
    group:wait()
    print(json.encode(found))
    """
    result = run(remote, body)
    assert result.returncode == 0, result.stderr

    (line,) = printed(result)
    found = json.loads(line)
    assert {call: found[f"r{number}"] for number, call in enumerate(RESULTS)} == RESULTS


def test_output_that_is_no_text_arrives_as_it_is(remote: Any) -> None:
    body = r"""
    local R = exec.run([[cat; printf '\377\000\r\n']], { stdin = "\0\255" })
    print(R.stdout == "\0\255\255\0\r\n", exec.sh("echo out; echo err >&2; false"))
    """
    assert printed(run(remote, body)) == ["true false out", "err"]


def test_os_execute_and_io_popen_run_there_too(remote: Any) -> None:
    body = """
    local f = io.popen("pwd; echo two; exit 3")
    for line in f:lines() do print(line) end
    print(f:close())
    print(os.execute("exit 4"), pcall(io.popen, "cat", "w"))
    """
    assert printed(run(remote, body, task=':workdir("/usr")')) == [
        "/usr",
        "two",
        "nil exit 3",
        "1024 false t.sloth:6: io.popen cannot write to a command on web-1; "
        "use exec.run, whose option stdin is what the command reads",
    ]


FAILURES = {
    "exec.run('true', { workdir = '/none' })": "the command cannot be started there: cd: /none: No such file or directory",
    "exec.run('true', { env = { ['a-b'] = 1 } })": "the command cannot be started: 'a-b' is no variable of a shell, and others cannot be set on another machine",
    "exec.run('true', { env = { UID = 1 } })": "the command cannot be started there: UID: readonly variable",
    r"exec.run('true\0')": "the command cannot be started: embedded null byte",
    "exec.run('kill -KILL $(ps -o ppid= -p $PPID)')": "the connection was lost before the command ended",
}


def test_what_is_no_result_of_the_command_is_an_error_at_its_line(remote: Any) -> None:
    body = "\n".join(f"print(pcall(function() {call} end))" for call in FAILURES)
    lines = printed(run(remote, body))
    assert [line.split(": Connection to")[0] for line in lines] == [
        f"false t.sloth:{number + 2}: {message}" for number, message in enumerate(FAILURES.values())
    ]


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("down", "ssh: connect to host 127.0.0.1 port 1: Connection refused"),
        ("stranger", "Host key verification failed."),
    ],
)
def test_a_machine_that_cannot_be_reached_is_no_unmet_condition(
    remote: Any, host: str, why: str
) -> None:
    remote.write("t.sloth", f'task("t"):delegate_to("{host}"):run_if("true"):command("true")')
    result = remote("run", "t.sloth")
    assert (result.returncode, result.stderr) == (
        1,
        f"Error: task t: {host}: the connection by ssh failed: {why}\n"
        "Hint: ssh must get there without asking: a key, a known host, a name that it knows.\n",
    )


def test_without_an_ssh_client_the_error_says_so(sloth: Any) -> None:
    (sloth.folder / "bin").mkdir()
    (sloth.folder / "bin/bash").symlink_to("/bin/bash")
    sloth.environment["PATH"] = str(sloth.folder / "bin")
    sloth.write("t.sloth", 'task("t"):delegate_to("web-1"):command("true")')
    assert sloth("run", "t.sloth").stderr == (
        "Error: task t: web-1: the command ssh is not installed\n"
        "Hint: Install ssh, or put it on PATH.\n"
    )


def test_conditions_are_asked_on_the_machine(remote: Any) -> None:
    there = 'test -n "$SSH_CONNECTION"'
    remote.write(
        "t.sloth",
        f"""
        task("there"):delegate_to("web-1"):run_if('{there}'):command("true")
        task("not"):delegate_to("web-1"):run_if('! {there}'):command("false")
        task("here"):run_if('{there}'):command("false")
        task("aborted"):depends_on("there", "not", "here"):delegate_to("web-1"):abort_if('{there}'):command("true")
        """,
    )
    result = remote("run", "t.sloth")
    rows = remote.json("state", "workflow", "show", "t")["tasks"]
    assert {row["name"]: row["status"] for row in rows} == {
        "there": "success",
        "not": "skipped",
        "here": "skipped",
        "aborted": "failed",
    }
    assert "web-1: abort_if is met, so the workflow stops here" in result.stderr


# -- the end -----------------------------------------------------------------------------------

LONG = "echo $$ > {name}; sleep 300 & echo $! >> {name}; echo > {name}.begun; wait"
ENDED = {
    "exec": ':command(function() exec.run("LONG", { timeout = "8s" }) end)',
    "exec in a task": ':timeout("8s"):command(function() exec.run("LONG") end)',
    "shell": ':timeout("8s"):command("LONG")',
    "popen": ':timeout("8s"):command(function() io.popen("LONG"):read() end)',
    "execute": ':timeout("8s"):command(function() os.execute("LONG") end)',
    "left": ':command(function() io.popen("LONG") repeat sleep(0.05) until exec.sh("test -e left.begun") end)',
}


def left_of(pids: Path) -> list[str]:
    """Which of a command's two processes there are still alive."""
    found = pids.read_text().split()
    assert len(found) == 2
    return [pid for pid in found if is_alive(pid)]


def test_the_process_group_there_ends_with_its_time(remote: Any) -> None:
    tasks = []
    for name, rest in ENDED.items():
        task = rest.replace("LONG", LONG.format(name=name.replace(" ", "-")))
        tasks.append(f'task("{name}"):workdir("{remote.folder}"):delegate_to("web-1"){task}')
    remote.write("t.sloth", "\n".join(tasks))
    remote("run", "t.sloth", "--max-parallel", "9")
    assert {name: left_of(remote.folder / name.replace(" ", "-")) for name in ENDED} == {
        name: [] for name in ENDED
    }


@pytest.mark.parametrize(
    ("host", "how"),
    [
        ("plain", signal.SIGINT),
        ("web-1", signal.SIGTERM),
        ("plain", signal.SIGKILL),
        ("web-1", signal.SIGKILL),
    ],
)
def test_the_process_group_there_ends_with_the_runner(
    remote: Any, host: str, how: signal.Signals
) -> None:
    pids = remote.folder / "pids"
    command = LONG.format(name=pids)
    remote.write("t.sloth", f'task("t"):delegate_to("{host}"):command("{command}")')
    runner = remote.start("run", "t.sloth")
    wait_until((remote.folder / "pids.begun").exists)
    runner.send_signal(how)
    runner.communicate()
    assert runner.returncode == (-9 if how is signal.SIGKILL else 130)
    if how is signal.SIGKILL:  # nobody waits for it then
        wait_until(lambda: not left_of(pids))
    assert left_of(pids) == []


def test_a_shell_there_that_hangs_does_not_stay_behind_without_the_runner(remote: Any) -> None:
    pids = remote.folder / "pids"
    command = f"echo $PPID $$ > {pids}; kill -STOP $PPID; touch {pids}.begun; sleep 300"
    remote.write("t.sloth", f'task("t"):delegate_to("plain"):command("{command}")')
    runner = remote.start("run", "t.sloth")
    wait_until((remote.folder / "pids.begun").exists)
    runner.kill()
    runner.communicate()
    wait_until(lambda: not left_of(pids))


def test_a_command_there_that_ignores_sigterm_is_killed(remote: Any) -> None:
    command = f"trap '' TERM; echo $$ > {remote.folder}/pid; while :; do sleep 0.1; done"
    result = run(remote, f'print(exec.run("{command}", {{ timeout = "3s" }}).exit_code)')
    assert printed(result) == ["124"]
    assert not is_alive((remote.folder / "pid").read_text().strip())


# -- several machines --------------------------------------------------------------------------


def test_a_task_runs_on_all_its_machines_at_the_same_time(remote: Any) -> None:
    body = """
    arrived = (arrived or 0) + 1
    while arrived < 3 do sleep(0.02) end
    local there = exec.run("echo ${SSH_CONNECTION%% *}").stdout
    print("here")
    return true, "did " .. this.agent, { there = there, changed = false }
    """
    hosts = '{ "web-1", "web-2", "local", "web-1" }'
    source = f"""
    local t = task("t"):delegate_to({hosts}):command(function(this) {body} end)
    task("after"):depends_on(t):command(function(_, _, deps) print(json.encode(deps.t)) end)
    """
    remote.write("t.sloth", source)
    result = remote("run", "t.sloth")
    assert result.returncode == 0, result.stderr
    assert sorted(printed(result)) == ["local: here", "web-1: here", "web-2: here"]
    assert printed(result, "after") == [
        '{"local":{"changed":false,"there":"\\n"},"web-1":{"changed":false,"there":"127.0.0.1\\n"},"web-2":{"changed":false,"there":"127.0.0.1\\n"}}'
    ]
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("✓ t")]
    assert line.endswith("unchanged  web-1: did web-1; web-2: did web-2; local: did local")


def test_each_line_of_a_text_begins_with_the_machines_name(remote: Any) -> None:
    result = run(remote, 'print("one\\ntwo")', '{ "web-1", "local" }')
    assert sorted(printed(result)) == ["local: one", "local: two", "web-1: one", "web-1: two"]


def test_a_task_fails_if_it_fails_on_one_machine_which_is_named(remote: Any) -> None:
    body = """
    if this.agent == "web-2" and this.attempt == 1 then error("not yet") end
    if this.agent == "down" then exec.run("true") end
    """
    result = run(remote, body, '{ "web-1", "web-2", "down" }', task=":retries(1):on_success(print)")
    assert result.stderr.startswith(
        "Error: task t: down: t.sloth:4: the connection by ssh failed: "
        "ssh: connect to host 127.0.0.1 port 1: Connection refused"
    )
    (row,) = remote.json("state", "workflow", "show", "t")["tasks"]
    assert (row["status"], row["attempts"]) == ("failed", 2)
    assert sorted(line.split(":")[0] for line in printed(result)) == [
        "down",
        "web-1",
        "web-2",
        "web-2",
    ]


def test_steps_and_keyed_commands_belong_to_their_machine(remote: Any) -> None:
    body = f"""
    local who = this.agent
    step("one", function() exec.run("echo step " .. who .. " >> {remote.folder}/did") end)
    exec.run("echo key " .. who:gsub("%d", "x") .. " >> {remote.folder}/did", {{ key = "one" }})
    if values.stop then error("stop") end
    """
    hosts = '{ "web-1", "web-2", "local" }'
    once = ["key local", "key web-x", "key web-x", "step local", "step web-1", "step web-2"]
    assert run(remote, body, hosts, "--set", "stop=true", task=":retries(1)").returncode == 1
    assert sorted((remote.folder / "did").read_text().splitlines()) == once
    result = remote("run", "--resume=force", "t.sloth")
    assert result.returncode == 0, result.stderr
    assert sorted((remote.folder / "did").read_text().splitlines()) == once
    assert remote.json("state", "workflow", "verify")["ok"] is True


def test_a_task_that_waits_for_itself_on_another_machine_is_no_deadlock(sloth: Any) -> None:
    body = """
    channel = channel or goroutine.channel()
    if this.agent == "local" then print((channel:receive())) else sleep(0.1) channel:send("sent") end
    """
    assert printed(run(sloth, body, '{ "local", "web-1" }')) == ["local: sent"]


def test_a_real_deadlock_on_several_machines_is_found(sloth: Any) -> None:
    body = 'if this.agent == "local" then goroutine.channel():receive() else sleep(0.1) end'
    result = run(sloth, body, '{ "local", "web-1" }')
    assert "local: t.sloth:2: deadlock: nothing can go on: the task 't' waits" in result.stderr


# -- which machines ----------------------------------------------------------------------------

TARGETS = {
    '"web-1"': ["web-1"],
    '"ops@web-1"': ["ops@web-1"],
    '"ssh://ops@web-1:2222"': ["ssh://ops@web-1:2222"],
    '{ "a", "b", "a" }': ["a", "b"],
    '"${values.host}"': ["db-1"],
    '"root@${values.nested.host}.example"': ["root@deep.example"],
    '"${values.hosts}"': ["h-1", "h-2"],
    '"${values.hosts.2}"': ["h-2"],
    '"node-${values.number}"': ["node-3"],
    'function() return "${values.host}" end': ["db-1"],
    "function(this, params) return { 'n' .. this.name, params.workflow_name, params.of } end": ["n10", "t", "own"],
    "nil": [None],
    '""': [None],
    '"local"': [None],
    '"localhost"': [None],
    "function() end": [None],
    "{}": [None],
    '{ "local", "web-1" }': [None, "web-1"],
}  # fmt: skip
VALUES = "{host: db-1, nested: {host: deep}, hosts: [h-1, h-2], number: 3}"


def test_a_target_names_machines_in_many_forms(sloth: Any) -> None:
    tasks = [
        f'task("{number}"):params({{ of = "own" }}):command("true"):delegate_to({target})'
        for number, target in enumerate(TARGETS)
    ]
    sloth.write("t.sloth", "\n".join(tasks))
    sloth.write("values.yaml", VALUES)
    plan = sloth.json("plan", "t.sloth", "--values", "values.yaml")
    found: dict[str, list[str | None]] = {target: [] for target in TARGETS}
    for effect in plan["effects"]:
        found[list(TARGETS)[int(effect["task"])]].append(effect.get("host"))
    assert found == TARGETS


NO_TARGETS = {
    '"${values.none.deeper}"': "delegate_to: there is no ${values.none.deeper}",
    '"${env.HOST}"': "delegate_to: there is no ${env.HOST}",
    '"x${values.hosts}"': "delegate_to: 'x${values.hosts}' stands for no name of a host",
    '"-oProxyCommand=id"': "delegate_to: '-oProxyCommand=id' is no name of a host",
    '"web 1"': "delegate_to: 'web 1' is no name of a host",
    "function() return 5 end": "t.sloth:1: task:delegate_to: what its function returns must be a host or a list of them, not 5",
    "function() return 1 == 1 end": "t.sloth:1: task:delegate_to: what its function returns must be a host or a list of them, not true",
    'function() error("no idea") end': "t.sloth:1: no idea",
    '"web-1"):artifacts("x"': "artifacts and consumes name files of the machine that runs the workflow, but this task runs on web-1",
}  # fmt: skip


def test_what_is_no_target_is_an_error_that_says_so(sloth: Any) -> None:
    tasks = "".join(
        f'task("t{number}"):command("true"):delegate_to({target}) '
        for number, target in enumerate(NO_TARGETS)
    )
    sloth.write("t.sloth", tasks)
    sloth.write("values.yaml", VALUES)
    sloth("run", "t.sloth", "--values", "values.yaml")
    rows = {
        row["name"]: row["error_msg"]
        for row in sloth.json("state", "workflow", "show", "t")["tasks"]
    }
    found = {target: rows[f"t{number}"] for number, target in enumerate(NO_TARGETS)}
    assert found == NO_TARGETS


def test_a_plan_says_where_a_command_would_run(sloth: Any) -> None:
    sloth.write(
        "t.sloth",
        """
        task("a"):delegate_to({ "web-1", "local" }):command("make")
        task("b"):delegate_to("web-2"):run_if("test -e x"):command(function() exec.run("make") state.set("k", 1) end)
        """,
    )
    assert sloth("plan", "t.sloth").stdout.splitlines() == [
        "> would run  exec.run  test -e x  on web-2",
        "> would run  exec.run  make  on web-1",
        "> would run  exec.run  make",
        "> would run  exec.run  make  on web-2",
        "> would run  state.set  k",
        "",
        "t: 0 to create, 0 to update, 0 to delete, 0 unchanged; 5 effects to run",
    ]


# -- what works on the runner's own machine ----------------------------------------------------

HERE_ONLY = {
    'fs.write("x", "y")': "fs.write",
    'fs.read("x")': "fs.read",
    'file_ops.copy({ src = "x", dest = "y" })': "file_ops.copy",
    'file_ops.fetch({ src = "http://127.0.0.1/x", dest = "y" })': "file_ops.fetch",
    "local _ = facts.hostname": "facts.hostname",
    'template.render_file("x")': "template.render_file",
    'resource.file{ name = "x", path = "x", content = "x" }': "resource.file",
    'resource.thing{ name = "x" }': "resource.thing",
    'io.open("x")': "io.open",
    'io.lines("x")': "io.lines",
    'os.remove("x")': "os.remove",
    'os.rename("x", "y")': "os.rename",
    "os.tmpname()": "os.tmpname",
    'io.input("x")': "io.input",
    'io.output("x")': "io.output",
    "error(select(2, template.render(\"{% include 'x' %}\")), 0)": "the include of 'x'",
    'pkg.install("x")': "pkg.install",
    "pkg.list()": "pkg.list",
    "pkg.get_manager()": "pkg.get_manager",
    'systemd.start("x")': "systemd.start",
    "systemd.list_services()": "systemd.list_services",
    "user.is_root()": "user.is_root",
    "user.get_current()": "user.get_current",
    'user.set_password("x", "y")': "user.set_password",
    "cron.list()": "cron.list",
    'docker.logs("x")': "docker.logs",
    'docker.is_running("x")': "docker.is_running",
    "this.workdir.exists()": "this.workdir.exists",
    "this.workdir:ensure()": "this.workdir.ensure",
    "this.workdir:recreate()": "this.workdir.recreate",
}


@pytest.mark.parametrize("command", ["run", "plan"])
def test_what_works_here_is_an_error_in_a_task_that_runs_there(sloth: Any, command: str) -> None:
    body = "\n".join(f"note(pcall(function() {call} end))" for call in HERE_ONLY)
    sloth.write(
        "t.sloth",
        f"""
        resource.define("thing", {{ read = function() end, create = function() end }})
        local found = {{}}
        local function note(_, problem) found[#found + 1] = problem end
        task("t"):delegate_to("web-1"):workdir("/srv"):command(function(this)
        {body}
        error(table.concat(found, "\\n"))
        end)
        """,
    )
    result = sloth(command, "t.sloth")
    found = [line for line in result.stderr.splitlines() if "use exec.run there" in line]
    assert [line.rpartition("t.sloth:")[2].partition(": ")[2] for line in found] == [
        f"{name} works on the machine that runs the workflow, but this task runs on web-1; use exec.run there"
        for name in HERE_ONLY.values()
    ]


def test_what_works_nowhere_in_particular_is_allowed(sloth: Any) -> None:
    body = """
    print(this.agent, tostring(this.workdir), params.workdir, fs.basename("/a/b"), json.encode({}), crypto.sha256("x"):sub(1, 4))
    print(template.render("{{ x }}", { x = 1 }), values.none, time.now() > 0, pcall(state.set, "k", 1), os.getenv("HOME") ~= nil)
    state.resource{ type = "note", name = "n", attributes = {} }
    """
    result = run(sloth, body, task=':workdir("app")')
    assert printed(result) == ["web-1 ~/app ~/app b {} 2d71", "1 nil true true true"], result.stderr
