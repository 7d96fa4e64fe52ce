"""The module `file_ops`: what it leaves on the disk, and that it does it once."""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from sloth_runner.modules import placing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def mode_of(path: Path) -> str:
    return f"{stat.S_IMODE(path.stat().st_mode):04o}"


def test_the_module_has_three_names(script: Any) -> None:
    assert script.value(
        "{ file == file_ops, require('file') == file, require('file_ops') == file }"
    )


# -- copy ------------------------------------------------------------------------------------------


def test_a_copy_is_made_once(script: Any) -> None:
    (script.folder / "a").write_bytes(b"\0\xffbytes")
    (script.folder / "a").chmod(0o751)
    source = (
        "json.list({ file_ops.copy('a', 'x/y/b') }), json.list({ file_ops.copy('a', 'x/y/b') })"
    )
    result = {"changed": True, "size": 7, "src": "a", "dest": "x/y/b"}
    assert script.values(source) == [[True, result], [True, {**result, "changed": False}]]
    copy = script.folder / "x/y/b"
    assert (copy.read_bytes(), mode_of(copy)) == (b"\0\xffbytes", "0751")
    assert os.listdir(copy.parent) == ["b"]


MODES = {"'0600'": "0600", "'600'": "0600", "600": "0600", "'4755'": "4755", "1777": "1777"}


@pytest.mark.parametrize(("given", "mode"), MODES.items(), ids=MODES)
def test_a_mode_is_given_as_digits(script: Any, given: str, mode: str) -> None:
    found = script.value(
        f"{{ select(2, file_ops.copy{{ content = 'x', dest = 'f', mode = {given} }}).changed,"
        f" select(2, file_ops.copy{{ content = 'x', dest = 'f', mode = {given} }}).changed }}"
    )
    assert found == [True, False]
    assert mode_of(script.folder / "f") == mode


def test_a_changed_file_keeps_its_mode_and_owner(script: Any) -> None:
    path = script.folder / "f"
    path.write_text("old")
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 12345, 23456)
    before = path.stat()
    script("assert(file_ops.copy{ content = 'new', dest = 'f' })")
    after = path.stat()
    assert path.read_text() == "new"
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode,
        before.st_uid,
        before.st_gid,
    )


def test_owner_and_group_are_given_by_name_or_number(script: Any) -> None:
    facts = (script.folder / ".").stat()
    user = script.value("facts.user.name")
    source = f"""
        local by_name = {{ content = "x", dest = "f", owner = "{user}", group = {facts.st_gid} }}
        print(select(2, assert(file_ops.copy(by_name))).changed, select(2, assert(file_ops.copy(by_name))).changed)
        print(select(2, file_ops.copy{{ content = "x", dest = "f", owner = {facts.st_uid} }}).changed)
        print(file_ops.copy{{ content = "x", dest = "f", owner = "no-such-user" }})
    """
    lines = script(source).lines
    assert lines[:2] == ["true false", "false"]
    assert lines[2].startswith("nil ")
    assert "there is no user 'no-such-user' to own it" in lines[2]


def test_a_backup_is_made_of_what_is_changed(script: Any) -> None:
    path = script.folder / "f"
    path.write_text("old")
    path.chmod(0o600)
    source = "select(2, file_ops.copy{ content = 'new', dest = 'f', backup = true })"
    found = script.values(f"{source}, {source}")
    assert "backup" not in found[1]
    backup = found[0]["backup"]
    assert re.fullmatch(rf"{path}\.\d{{8}}-\d{{6}}-\d{{6}}\.bak", backup)
    assert sorted(os.listdir(script.folder)) == ["f", os.path.basename(backup), "t.sloth"]
    with open(backup) as file:
        assert file.read() == "old"
    assert stat.S_IMODE(os.stat(backup).st_mode) == 0o600


def test_a_folder_as_the_target_gets_the_file(script: Any) -> None:
    (script.folder / "a").write_text("x")
    (script.folder / "d").mkdir()
    script("assert(file_ops.copy('a', 'd')) assert(file_ops.copy('a', 'new/'))")
    assert (script.folder / "d/a").read_text() == "x"
    assert (script.folder / "new/a").read_text() == "x"


def test_a_link_is_followed_and_stays_one(script: Any) -> None:
    (script.folder / "real").write_text("a\n")
    (script.folder / "link").symlink_to("real")
    script("""
        assert(file_ops.lineinfile("link", "b"))
        assert(file_ops.replace("link", "a", "A"))
        assert(file_ops.copy{ content = fs.read("link") .. "c\\n", dest = "link" })
    """)
    assert (script.folder / "link").is_symlink()
    assert (script.folder / "real").read_text() == "A\nb\nc\n"


def test_paths_start_at_the_folder_of_the_task(script: Any) -> None:
    (script.folder / "work").mkdir()
    (script.folder / "work/a").write_text("in work")
    loaded = script("task('t'):command(function() assert(file_ops.copy('a', 'b')) end)")
    loaded.session.top_level.workdir = str(script.folder / "work")
    loaded.call()
    assert (script.folder / "work/b").read_text() == "in work"


# -- template and fetch ----------------------------------------------------------------------------


def test_a_template_is_written_once(script: Any) -> None:
    (script.folder / "in.j2").write_text("port = {{ port }} {{ values.env }}\n")
    call = "select(2, file_ops.template('in.j2', 'etc/out', { port = 80 }, { mode = '0640' }))"
    found = script.values(f"{call}, {call}", values={"env": "prod"})
    assert [each["changed"] for each in found] == [True, False]
    out = script.folder / "etc/out"
    assert (out.read_text(), mode_of(out)) == ("port = 80 prod\n", "0640")
    script("assert(file_ops.template{ content = '{{ 1 + 1 }}', dest = 'two' })")
    assert ((script.folder / "two").read_text(), mode_of(script.folder / "two")) == ("2", "0644")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        content = b"\0\xff" * 200_000
        self.send_response(200 if self.path == "/file" else 404)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: 10 if self.path == "/cut" else None])

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_file_is_fetched_from_a_url_or_a_path_once(script: Any, url: str) -> None:
    call = f"select(2, file_ops.fetch('{url}/file', 'in/file', {{ mode = '0600' }}))"
    found = script.values(f"{call}, {call}, select(2, file_ops.fetch('in/file', 'copy'))")
    result = {"changed": True, "size": 400_000, "src": f"{url}/file", "dest": "in/file"}
    assert found[:2] == [result, {**result, "changed": False}]
    assert found[2] == {"changed": True, "size": 400_000, "src": "in/file", "dest": "copy"}
    assert (script.folder / "in/file").read_bytes() == b"\0\xff" * 200_000
    assert mode_of(script.folder / "in/file") == "0600"
    assert os.listdir(script.folder / "in") == ["file"]


def test_what_cannot_be_fetched_leaves_nothing(script: Any, url: str) -> None:
    source = f"""
        print(file_ops.fetch("{url}/none", "a"))
        print(file_ops.fetch("http://127.0.0.1:1/x", "a"))
        print(file_ops.fetch("none", "a"))
    """
    assert script(source).lines == [
        f"nil {url}/none: 404 Not Found",
        "nil http://127.0.0.1:1/x: the connection is refused",
        f"nil {script.folder}/none: No such file or directory",
    ]
    assert os.listdir(script.folder) == ["t.sloth"]


# -- archives --------------------------------------------------------------------------------------


def archive(path: Path) -> None:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as made:
            made.writestr("app/bin/run", "run")
            made.writestr("app/conf", "conf")
        return
    with tarfile.open(path, "w:gz" if path.suffix == ".tgz" else "w") as made:
        for name, content in (("app/bin/run", b"run"), ("app/conf", b"conf")):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))


@pytest.mark.parametrize("name", ["p.tar", "p.tgz", "p.zip"])
def test_an_archive_is_unpacked_once(script: Any, name: str) -> None:
    archive(script.folder / name)
    call = f"select(2, assert(file_ops.unarchive('{name}', 'opt')))"
    result = {"changed": True, "src": name, "dest": "opt"}
    assert script.values(f"{call}, {call}") == [result, {**result, "changed": False}]
    (script.folder / "opt/app/conf").write_text("mine")
    assert script.value(f"{call}.changed") is True
    assert (script.folder / "opt/app/conf").read_text() == "conf"
    assert (script.folder / "opt/app/bin/run").read_text() == "run"


def test_leading_folders_can_be_left_out_and_a_path_says_that_it_is_done(script: Any) -> None:
    archive(script.folder / "p.tgz")
    script("assert(file_ops.unarchive{ src = 'p.tgz', dest = 'opt', strip = 1 })")
    assert sorted(os.listdir(script.folder / "opt")) == ["bin", "conf"]
    (script.folder / "opt/conf").unlink()
    source = (
        "select(2, file_ops.unarchive('p.tgz', 'opt', { strip = 1, creates = 'bin/run' })).changed"
    )
    assert script.value(source) is False
    assert not (script.folder / "opt/conf").exists()


def test_an_archive_cannot_lead_out_of_its_folder(script: Any) -> None:
    with tarfile.open(script.folder / "bad.tar", "w") as made:
        made.addfile(tarfile.TarInfo("../outside"), io.BytesIO())
    found = script.values("file_ops.unarchive('bad.tar', 'opt')")
    assert found[0] is None
    assert "leads out of its folder" in found[1]
    assert not (script.folder / "outside").exists()


# -- lines, blocks, patterns -----------------------------------------------------------------------

LINES = "# conf\nport=80\nname=x\n"

# The options of a call, what it leaves of LINES, and the position of no change if it is none.
LINE_EDITS = {
    "line = 'end'": "# conf\nport=80\nname=x\nend\n",
    "line = 'end\\n'": "# conf\nport=80\nname=x\nend\n",
    "line = 'port=80'": LINES,
    "line = 'port=81', regexp = '^port='": "# conf\nport=81\nname=x\n",
    "line = 'port=80', regexp = '^port='": LINES,
    "line = 'user=y', regexp = '^user='": "# conf\nport=80\nname=x\nuser=y\n",
    "line = 'a', insertafter = '^#'": "# conf\na\nport=80\nname=x\n",
    "line = 'a', insertbefore = '^port'": "# conf\na\nport=80\nname=x\n",
    "line = 'a', insertbefore = 'BOF'": "a\n# conf\nport=80\nname=x\n",
    "line = 'a', insertafter = 'EOF'": "# conf\nport=80\nname=x\na\n",
    "line = 'a', insertafter = 'none'": "# conf\nport=80\nname=x\na\n",
    "line = 'name=x', state = 'absent'": "# conf\nport=80\n",
    "regexp = '=', state = 'absent'": "# conf\n",
    "line = 'none', state = 'absent'": LINES,
    "line = 'port=80', state = 'present'": LINES,
}


@pytest.mark.parametrize(("options", "left"), LINE_EDITS.items(), ids=LINE_EDITS)
def test_a_line_is_seen_to_once(script: Any, options: str, left: str) -> None:
    (script.folder / "f").write_text(LINES)
    call = f"select(2, assert(file_ops.lineinfile{{ path = 'f', {options} }}))"
    result = {"path": "f", "changed": left != LINES}
    assert script.values(f"{call}, {call}") == [result, {"path": "f", "changed": False}]
    assert (script.folder / "f").read_text() == left


def test_positional_forms_do_the_same(script: Any) -> None:
    (script.folder / "f").write_text(LINES)
    script("""
        assert(file_ops.lineinfile("f", "port=81", { regexp = "^port=" }))
        assert(file_ops.blockinfile("f", "one\\ntwo", { marker_begin = "# <", marker_end = "# >" }))
        assert(file_ops.replace("f", "x$", "y"))
    """)
    assert (script.folder / "f").read_text() == "# conf\nport=81\nname=y\n# <\none\ntwo\n# >\n"


def test_a_file_that_is_not_there_is_made_unless_it_is_said_otherwise(script: Any) -> None:
    source = """
        print(select(2, file_ops.lineinfile{ path = "a/b", line = "x", mode = "0600" }).changed)
        print(select(2, file_ops.blockinfile("c", "y")).changed)
        print(file_ops.lineinfile{ path = "none", line = "x", create = false })
        print(select(2, file_ops.lineinfile{ path = "none", line = "x", state = "absent", create = false }).changed)
    """
    message = f"nil {script.folder}/none: No such file or directory"
    assert script(source).lines == ["true", "true", message, "false"]
    assert (script.folder / "a/b").read_text() == "x\n"
    assert mode_of(script.folder / "a/b") == "0600"
    assert (script.folder / "c").read_text() == "# BEGIN MANAGED BLOCK\ny\n# END MANAGED BLOCK\n"
    assert not (script.folder / "none").exists()


def test_untouched_lines_are_the_bytes_that_they_were(script: Any) -> None:
    path = script.folder / "f"
    path.write_bytes(b"\xff\r\nport=1\r\nlast")
    script("assert(file_ops.lineinfile('f', 'port=2', { regexp = '^port' }))")
    assert path.read_bytes() == b"\xff\r\nport=2\r\nlast"
    script("assert(file_ops.replace('f', '2', '3'))")
    assert path.read_bytes() == b"\xff\r\nport=3\r\nlast"


def test_a_block_is_replaced_in_its_place_and_removed(script: Any) -> None:
    path = script.folder / "f"
    path.write_text("top\nbottom\n")
    call = "select(2, assert(file_ops.blockinfile{ path = 'f', insertafter = '^top', %s })).changed"
    first, second = call % "block = 'a\\nb\\n'", call % "block = 'c'"
    gone = call % "state = 'absent'"
    assert script.values(f"{first}, {first}") == [True, False]
    assert path.read_text() == "top\n# BEGIN MANAGED BLOCK\na\nb\n# END MANAGED BLOCK\nbottom\n"
    assert script.values(f"{second}, {second}") == [True, False]
    assert path.read_text() == "top\n# BEGIN MANAGED BLOCK\nc\n# END MANAGED BLOCK\nbottom\n"
    assert script.values(f"{gone}, {gone}") == [True, False]
    assert path.read_text() == "top\nbottom\n"


def test_a_block_without_its_end_is_left_alone(script: Any) -> None:
    text = "# BEGIN MANAGED BLOCK\na\n"
    (script.folder / "f").write_text(text)
    message = f"{script.folder}/f has the line '# BEGIN MANAGED BLOCK', and no '# END MANAGED BLOCK' after it"
    assert script.values("file_ops.blockinfile('f', 'b')") == [None, message]
    assert (script.folder / "f").read_text() == text


def test_all_that_matches_is_replaced(script: Any) -> None:
    (script.folder / "f").write_text("a=1\nb=2\n")
    found = script.value(
        r"""{ select(2, file_ops.replace('f', '^(\\w)=(?P<n>\\d)$', '\\1: \\g<n>')), select(2, file_ops.replace('f', 'none', '')) }"""
    )
    assert found == [
        {"path": "f", "changed": True, "replacements": 2},
        {"path": "f", "changed": False, "replacements": 0},
    ]
    assert (script.folder / "f").read_text() == "a: 1\nb: 2\n"


def test_edits_of_one_file_by_several_goroutines_are_all_made(script: Any) -> None:
    script("""
        local edits = {}
        for i = 1, 40 do edits[i] = goroutine.async(function() assert(file_ops.lineinfile("f", "line " .. i)) end) end
        for _, each in ipairs(edits) do assert(goroutine.await(each)) end
    """)
    lines = (script.folder / "f").read_text().splitlines()
    assert sorted(lines) == sorted(f"line {i}" for i in range(1, 41))


def test_other_goroutines_go_on_meanwhile(script: Any) -> None:
    """A file that somebody else changes at this moment must be waited for."""
    held = placing.changing[os.path.realpath(script.folder / "f")]
    released = threading.Thread(target=release_after, args=(held, script.folder / "seen"))
    held.acquire()
    released.start()
    lines = script("""
        local copy = goroutine.async(function() return file_ops.copy("t.sloth", "f") end)
        goroutine.sleep(20)
        print("meanwhile", fs.exists("f"))
        fs.write("seen", "")
        print(select(2, goroutine.await(copy)), fs.exists("f"))
    """).lines
    released.join()
    assert lines == ["meanwhile false", "true true"]


def release_after(held: threading.Lock, path: Path) -> None:
    while not path.exists():
        time.sleep(0.01)
    held.release()


# -- stat ------------------------------------------------------------------------------------------


def test_stat_tells_what_is_there_by_its_first_result_and_its_second(script: Any) -> None:
    path = script.folder / "f"
    path.write_text("12345")
    path.chmod(0o640)
    (script.folder / "link").symlink_to("f")
    first, second = script.values("file_ops.stat('f')")
    assert first == second
    expected = {
        "exists": True, "path": str(path), "type": "file", "size": 5, "mode": "0640", "mtime": path.stat().st_mtime,
        "owner": first["owner"], "group": first["group"], "is_dir": False, "is_file": True, "is_link": False,
        "checksum": hashlib.sha256(b"12345").hexdigest(),
    }  # fmt: skip
    assert first == pytest.approx(expected)
    link = script.value("(file_ops.stat{ path = 'link' })")
    assert link == pytest.approx({**expected, "path": str(script.folder / "link"), "is_link": True})
    assert script.value("(file_ops.stat('.')).is_dir") is True
    none = {"exists": False, "path": f"{script.folder}/none"}
    assert script.values("file_ops.stat('none')") == [none, none]


# -- what the system refuses, wrong arguments, plans -----------------------------------------------

REFUSED = {
    "file_ops.copy('none', 'b')": "PWD/none: No such file or directory",
    "file_ops.copy('none/none', 'b')": "PWD/none/none: No such file or directory",
    "file_ops.copy('d', 'b')": "PWD/d: Is a directory",
    "file_ops.copy('a', 'a/b')": "PWD/a is no folder",
    "file_ops.copy{ content = 'x', dest = 'd' }": "PWD/d is a folder",
    "file_ops.copy('/dev/zero', 'b')": "/dev/zero is no regular file",
    "file_ops.lineinfile('a/b/c', 'x')": "PWD/a/b/c: Not a directory",
    "file_ops.copy{ content = 'x', dest = '/dev/null' }": "/dev/null is no regular file",
    r"file_ops.copy{ content = 'x', dest = 'a\0b' }": "'PWD/a\\x00b': embedded null byte",
    "file_ops.template('none', 'b')": "none: there is no template 'none'",
    "file_ops.template{ content = '{{ x }}', dest = 'b' }": "<template>:1: 'x' is undefined",
    "file_ops.lineinfile('d', 'x')": "PWD/d is a folder",
    "file_ops.replace('none', 'a', 'b')": "PWD/none: No such file or directory",
    "file_ops.unarchive('none', 'x')": "PWD/none: No such file or directory",
    "file_ops.unarchive('a', 'x')": "the archive PWD/a cannot be unpacked: it is neither tar (plain, gz, bz2, xz) nor zip",
    "file_ops.unarchive('a', 'a')": "PWD/a is no folder",
    r"file_ops.unarchive('a', 'a\0b')": "'PWD/a\\x00b': embedded null byte",
    r"file_ops.fetch('http://127.0.0.1:1/', 'a\0b')": "'PWD/a\\x00b': embedded null byte",
    r"file_ops.stat('a\0b')": "'PWD/a\\x00b': embedded null byte",
}  # fmt: skip


def test_what_the_system_refuses_is_nil_and_a_message(script: Any) -> None:
    (script.folder / "a").write_text("a")
    (script.folder / "d").mkdir()
    lines = script("\n".join(f"print({call})" for call in REFUSED)).lines
    for line, message in zip(lines, REFUSED.values(), strict=True):
        assert line.startswith(f"nil {message}".replace("PWD", str(script.folder)))
    assert sorted(os.listdir(script.folder)) == ["a", "d", "t.sloth"]


WRONG = {
    "file_ops.copy('a')": "file_ops.copy: dest must be a string, not nothing",
    "file_ops.copy{ dest = 'b' }": "file_ops.copy: it needs either src or content",
    "file_ops.copy{ src = 'a', content = 'b', dest = 'b' }": "file_ops.copy: it needs either src or content",
    "file_ops.copy('a', 'b', { mod = '0644' })": "file_ops.copy: it has no field 'mod'; did you mean 'mode'?",
    "file_ops.copy('a', 'b', '0644')": 'file_ops.copy: options must be a table of names to values, not the string "0644"',
    "file_ops.copy('a', 'b', { mode = 'u+x' })": 'file_ops.copy: mode must be three or four octal digits such as "0644", not u+x',
    "file_ops.copy('a', 'b', { mode = 888 })": 'file_ops.copy: mode must be three or four octal digits such as "0644", not 888',
    "file_ops.copy('a', 'b', { mode = 6.5 })": 'file_ops.copy: mode must be three or four octal digits such as "0644", not 6.5',
    "file_ops.template('a', 'b', 'c')": 'file_ops.template: vars must be a table of names to values, not the string "c"',
    "file_ops.template('a', 'b', { f = print })": "file_ops.template: vars.f is a function",
    "file_ops.fetch('a')": "file_ops.fetch: dest must be a string, not nothing",
    "file_ops.unarchive('a', 'b', { strip = -1 })": "file_ops.unarchive: strip must be a number of folders",
    "file_ops.unarchive('a', 'b', { mode = '0644' })": "file_ops.unarchive: it has no field 'mode'",
    "file_ops.lineinfile('f')": "file_ops.lineinfile: line must be a string, not nothing",
    "file_ops.lineinfile{ path = 'f', state = 'absent' }": "file_ops.lineinfile: it needs line or regexp",
    "file_ops.lineinfile('f', 'a\\nb')": "file_ops.lineinfile: line has several lines; file_ops.blockinfile is for these",
    "file_ops.lineinfile('f', 'x', { state = 'gone' })": "file_ops.lineinfile: state must be 'present' or 'absent', not 'gone'",
    "file_ops.lineinfile('f', 'x', { regexp = '(' })": "file_ops.lineinfile: regexp '(' is no regular expression: missing )",
    "file_ops.lineinfile('f', 'x', { insertafter = 'a', insertbefore = 'b' })": "file_ops.lineinfile: insertafter and insertbefore are both given",
    "file_ops.blockinfile('f')": "file_ops.blockinfile: block must be a string, not nothing",
    "file_ops.blockinfile('f', 'x', { marker_begin = '#', marker_end = '#' })": "file_ops.blockinfile: marker_begin and marker_end are the same",
    "file_ops.replace('t.sloth', '[', 'x')": "file_ops.replace: pattern '[' is no regular expression: unterminated character set",
    r"file_ops.replace('t.sloth', 'file', '\\1')": r"file_ops.replace: replacement '\\1': invalid group reference 1",
    "file_ops.replace('f', 'x')": "file_ops.replace: replacement must be a string, not nothing",
    "file_ops.stat()": "file_ops.stat: path must be a string, not nothing",
}  # fmt: skip


def test_a_wrong_argument_is_an_error_at_its_line(script: Any) -> None:
    calls = [f"print(select(2, pcall(function() {call} end)))" for call in WRONG]
    lines = script("\n".join(calls)).lines
    for number, (line, message) in enumerate(zip(lines, WRONG.values(), strict=True), 1):
        assert line.startswith(f"t.sloth:{number}: {message}")
    assert os.listdir(script.folder) == ["t.sloth"]


def test_nothing_is_changed_when_the_file_is_only_looked_at(script: Any) -> None:
    (script.folder / "f").write_text("a")
    found = script.values(
        """
        json.list({ file_ops.copy("f", "g") }), json.list({ file_ops.template("none", "g") }),
        json.list({ file_ops.fetch("http://127.0.0.1:1/", "g") }), json.list({ file_ops.unarchive("none", "g") }),
        json.list({ file_ops.lineinfile("f", "b") }), json.list({ file_ops.blockinfile("f", "b") }),
        json.list({ file_ops.replace("f", "a", "b") }), (file_ops.stat("f")).size
        """,
        inspecting=True,
    )
    assert found == [
        [True, {"changed": True, "src": "f", "dest": "g"}],
        [True, {"changed": True, "src": "none", "dest": "g"}],
        [True, {"changed": True, "src": "http://127.0.0.1:1/", "dest": "g"}],
        [True, {"changed": True, "src": "none", "dest": "g"}],
        [True, {"changed": True, "path": "f"}],
        [True, {"changed": True, "path": "f"}],
        [True, {"changed": True, "path": "f"}],
        1,
    ]
    assert (script.folder / "f").read_text() == "a"
    assert sorted(os.listdir(script.folder)) == ["f", "t.sloth"]


def test_a_plan_lists_what_would_be_changed(script: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLOTH_RUNNER_STATE", f"sqlite:///{script.folder}/state.db")
    (script.folder / "w.sloth").write_text(
        """
        task("t"):command(function()
          file_ops.lineinfile("hosts", "127.0.0.1 db")
          http.post("http://127.0.0.1:1/hook", "x")
          print(http.get("http://127.0.0.1:1/").body)
        end)
        """
    )
    shown = subprocess.run(
        [sys.executable, "-m", "sloth_runner", "plan", "w.sloth"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert [line.split() for line in shown.splitlines() if "would run" in line] == [
        [">", "would", "run", "file_ops.lineinfile", "hosts"],
        [">", "would", "run", "http.post", "http://127.0.0.1:1/hook"],
        [">", "would", "run", "http.get", "http://127.0.0.1:1/"],
    ]
    assert not (script.folder / "hosts").exists()
