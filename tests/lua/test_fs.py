"""The module `fs`: results, failures, and what a write leaves on the disk."""

from __future__ import annotations

import json
import os
import stat
from typing import Any

import pytest

# An expression, and all its results. The folder holds a.txt ("hello"), an empty folder `empty` and
# a folder `full` with b.txt and c/d.txt, and the links `to-a` and `to-nothing`.
RESULTS = {
    "fs.read('a.txt')": ["hello"],
    "fs.read('to-a')": ["hello"],
    "fs.read('full/../a.txt')": ["hello"],
    "fs.read('none')": [None, "PWD/none: No such file or directory"],
    "fs.read('full')": [None, "PWD/full: Is a directory"],
    "fs.read('a.txt/x')": [None, "PWD/a.txt/x: Not a directory"],
    r"fs.read('a\0b')": [None, "embedded null byte"],
    "fs.exists('a.txt')": [True],
    "fs.exists('full')": [True],
    "fs.exists('to-nothing')": [True],
    "fs.exists('none')": [False],
    "fs.exists('')": [False],
    "fs.copy('full', 'full')": [False, "PWD/full cannot be copied into itself"],
    "fs.copy('full', 'full/below')": [False, "PWD/full cannot be copied into itself"],
    "fs.size('a.txt')": [5],
    "fs.size('to-a')": [5],
    "fs.size('none')": [None, "PWD/none: No such file or directory"],
    "fs.ls('full')": [["b.txt", "c"]],
    "fs.ls('empty')": [[]],
    "fs.ls()": [["a.txt", "empty", "full", "t.sloth", "to-a", "to-nothing"]],
    "fs.ls('none')": [None, "PWD/none: No such file or directory"],
    "fs.ls('a.txt')": [None, "PWD/a.txt: Not a directory"],
    "fs.glob('*.txt')": [["a.txt"]],
    "fs.glob('full/**')": [["full/", "full/b.txt", "full/c", "full/c/d.txt"]],
    "fs.glob('PWD/*.txt')": [["PWD/a.txt"]],
    "fs.glob('*.none')": [[]],
    "fs.basename('/a/b.txt')": ["b.txt"],
    "fs.basename('/a/b/')": ["b"],
    "fs.basename('/')": ["/"],
    "fs.basename('')": [""],
    "fs.dirname('/a/b.txt')": ["/a"],
    "fs.dirname('/a')": ["/"],
    "fs.dirname('a')": ["."],
    "fs.dirname('a/b/')": ["a"],
    "fs.stat('none')": [None, "PWD/none: No such file or directory"],
    # with an effect
    "fs.write('new', 'x')": [True],
    "fs.write('none/new', 'x')": [False, "PWD/none/new: No such file or directory"],
    "fs.write('full', 'x')": [False, "PWD/full: Is a directory"],
    "fs.append('a.txt', '!')": [True],
    "fs.append('none/new', 'x')": [False, "PWD/none/new: No such file or directory"],
    "fs.mkdir('x/y/z')": [True],
    "fs.mkdir('full')": [True],
    "fs.mkdir('a.txt')": [False, "PWD/a.txt: File exists"],
    "fs.rm('a.txt')": [True],
    "fs.rm('to-a')": [True],
    "fs.rm('empty')": [True],
    "fs.rm('full')": [False, "PWD/full: Directory not empty"],
    "fs.rm('none')": [False, "PWD/none: No such file or directory"],
    "fs.rmr('full')": [True],
    "fs.rmr('to-a')": [True],
    "fs.rmr('none')": [True],
    "fs.rm_r('full')": [True],
    "fs.copy('a.txt', 'b.txt')": [True],
    "fs.copy('full', 'copy')": [True],
    "fs.copy('a.txt', 'full')": [True],
    "fs.copy('none', 'b.txt')": [False, "PWD/none: No such file or directory"],
    "fs.copy('a.txt', 'a.txt')": [False, "'PWD/a.txt' and 'PWD/a.txt' are the same file"],
    "fs.move('a.txt', 'b.txt')": [True],
    "fs.move('full', 'moved')": [True],
    "fs.move('none', 'b.txt')": [False, "PWD/none: No such file or directory"],
}

LEFT = {
    "fs.write('new', 'x')": {"new": "x"},
    "fs.append('a.txt', '!')": {"a.txt": "hello!"},
    "fs.mkdir('x/y/z')": {"x/y/z": None},
    "fs.rm('a.txt')": {"a.txt": ...},
    "fs.rm('to-a')": {"to-a": ..., "a.txt": "hello"},
    "fs.rm('empty')": {"empty": ...},
    "fs.rmr('full')": {"full": ...},
    "fs.rmr('to-a')": {"to-a": ..., "a.txt": "hello"},
    "fs.rm_r('full')": {"full": ...},
    "fs.copy('a.txt', 'b.txt')": {"a.txt": "hello", "b.txt": "hello"},
    "fs.copy('full', 'copy')": {"full/c/d.txt": "d", "copy/c/d.txt": "d"},
    "fs.copy('a.txt', 'full')": {"full/a.txt": "hello"},
    "fs.move('a.txt', 'b.txt')": {"a.txt": ..., "b.txt": "hello"},
    "fs.move('full', 'moved')": {"full": ..., "moved/c/d.txt": "d"},
}


@pytest.fixture
def files(script: Any) -> Any:
    folder = script.folder
    (folder / "a.txt").write_text("hello")
    (folder / "empty").mkdir()
    (folder / "full/c").mkdir(parents=True)
    (folder / "full/b.txt").write_text("b")
    (folder / "full/c/d.txt").write_text("d")
    (folder / "to-a").symlink_to("a.txt")
    (folder / "to-nothing").symlink_to("nothing")
    return script


@pytest.mark.parametrize(("call", "results"), RESULTS.items(), ids=RESULTS)
def test_a_call_returns_its_value_or_what_went_wrong(
    files: Any, call: str, results: list[Any]
) -> None:
    found = files.values(call.replace("PWD", str(files.folder)))
    assert json.dumps(found) == json.dumps(results).replace("PWD", str(files.folder))
    for name, content in LEFT.get(call, {}).items():
        path = files.folder / name
        if content is ...:
            assert not os.path.lexists(path), name
        elif content is None:
            assert path.is_dir(), name
        else:
            assert path.read_text() == content, name


def test_a_call_with_an_effect_does_nothing_when_the_file_is_only_looked_at(files: Any) -> None:
    before = sorted(files.folder.rglob("*"))
    lines = files(
        """
        print(fs.write("a.txt", "x"), fs.append("a.txt", "x"), fs.mkdir("m"), fs.rm("a.txt"), fs.rmr("full"))
        print(fs.copy("a.txt", "b"), fs.move("a.txt", "b"), fs.tmpname(), fs.tmpdir(), fs.read("a.txt"))
        """,
        inspecting=True,
    ).lines
    assert lines == [
        "true true true true true",
        "true true /tmp/sloth-not-made /tmp/sloth-not-made hello",
    ]
    (files.folder / "t.sloth").unlink()
    assert sorted(files.folder.rglob("*")) == before


def test_any_bytes_can_be_written_and_read(script: Any) -> None:
    source = r"""
        local bytes = {}
        for i = 0, 255 do bytes[#bytes + 1] = string.char(i) end
        local all = table.concat(bytes)
        assert(fs.write("bytes", all)) assert(fs.append("bytes", all))
        print(fs.read("bytes") == all .. all, fs.size("bytes"))
    """
    assert script(source).lines == ["true 512"]
    assert (script.folder / "bytes").read_bytes() == bytes(range(256)) * 2


def test_a_name_that_is_no_text_can_be_used(script: Any) -> None:
    source = r"""
        assert(fs.mkdir("d")) assert(fs.write("d/\255", "x"))
        local name = fs.ls("d")[1]
        print(name == "\255", fs.read("d/" .. name), fs.glob("d/*")[1] == "d/\255", fs.exists("d/\255"))
    """
    assert script(source).lines == ["true x true true"]
    assert os.listdir(os.fsencode(script.folder / "d")) == [b"\xff"]


def test_numbers_and_results_of_exec_can_be_written(script: Any) -> None:
    script("fs.write('a', 12) fs.write('b', exec.run('echo from exec'))")
    assert (script.folder / "a").read_text() == "12"
    assert (script.folder / "b").read_text() == "from exec\n"


def test_stat_tells_all(script: Any) -> None:
    folder = script.folder
    (folder / "file").write_text("12345")
    (folder / "file").chmod(0o640)
    os.utime(folder / "file", (1, 1700000000.5))
    (folder / "link").symlink_to("file")
    found = script.value("{ fs.stat('file'), fs.stat('link'), fs.stat('.'), fs.stat('/dev/null') }")
    user = found[0]["owner"]
    assert found[0] == {
        "path": f"{folder}/file", "type": "file", "size": 5, "mode": "0640", "owner": user,
        "group": found[0]["group"], "mtime": 1700000000.5, "is_dir": False, "is_file": True, "is_link": False,
    }  # fmt: skip
    assert user in {"root", os.environ.get("USER", user)}
    assert [each["type"] for each in found] == ["file", "link", "directory", "other"]
    assert [each["is_link"] for each in found] == [False, True, False, False]
    assert [each["is_dir"] for each in found] == [False, False, True, False]


# -- what a write leaves behind --------------------------------------------------------------------


def test_a_new_file_has_the_mode_that_the_umask_allows(script: Any) -> None:
    before = os.umask(0o027)
    try:
        script("assert(fs.write('new', 'x'))")
    finally:
        os.umask(before)
    assert stat.S_IMODE((script.folder / "new").stat().st_mode) == 0o640


def test_a_replaced_file_keeps_its_mode_and_owner(script: Any) -> None:
    path = script.folder / "old"
    path.write_text("old")
    path.chmod(0o751)
    if os.geteuid() == 0:
        os.chown(path, 12345, 23456)
    before = path.stat()
    script("assert(fs.write('old', 'new'))")
    after = path.stat()
    assert path.read_text() == "new"
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode,
        before.st_uid,
        before.st_gid,
    )
    assert after.st_ino != before.st_ino


def test_a_link_is_followed_and_stays_a_link(script: Any) -> None:
    (script.folder / "real").mkdir()
    (script.folder / "real/file").write_text("old")
    (script.folder / "link").symlink_to("real/file")
    (script.folder / "dangling").symlink_to("real/later")
    script("assert(fs.write('link', 'new')) assert(fs.write('dangling', 'made'))")
    assert (script.folder / "link").is_symlink()
    assert (script.folder / "real/file").read_text() == "new"
    assert (script.folder / "dangling").is_symlink()
    assert (script.folder / "real/later").read_text() == "made"


def test_a_device_is_written_to_and_not_replaced(script: Any) -> None:
    script("assert(fs.write('/dev/null', 'x'))")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_a_failed_write_leaves_the_old_content_and_no_other_file(script: Any) -> None:
    (script.folder / "dir").mkdir()
    (script.folder / "dir/file").write_text("old")
    limit = 100 * 2**20
    source = f"""
        print(select(2, fs.write("dir/file", ("x"):rep({limit} + 1))))
        print(fs.read("dir/file"), #fs.ls("dir"))
    """
    import resource
    import signal

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
        lines = script(source).lines
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, previous)
    assert lines == ["dir/file: File too large", "old 1"]


def test_readers_see_the_old_content_or_the_new_never_a_part(script: Any) -> None:
    """A reader opens the file again and again while it is replaced."""
    import threading

    path = script.folder / "file"
    path.write_bytes(b"a" * 100_000)
    seen: set[tuple[int, int]] = set()
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            content = path.read_bytes()
            seen.add((len(content), len(set(content))))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        script(
            "for i = 1, 60 do assert(fs.write('file', (i % 2 == 0 and 'a' or 'b'):rep(100000))) end"
        )
    finally:
        stop.set()
        reader.join()
    assert seen == {(100_000, 1)}


def test_temporary_names_are_new_private_and_there(script: Any, monkeypatch: Any) -> None:
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(script.folder))
    found = script.value("{ fs.tmpname(), fs.tmpname(), fs.tmpdir() }")
    assert len(set(found)) == 3
    assert [oct(os.stat(path).st_mode) for path in found] == ["0o100600", "0o100600", "0o40700"]
    assert all(path.startswith(f"{script.folder}/sloth-") for path in found)


def test_paths_start_at_the_folder_of_the_task(script: Any, tmp_path: Any) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work/file").write_text("in work")
    loaded = script("task('t'):command(function() return true, fs.read('file') end)")
    loaded.session.top_level.workdir = str(tmp_path / "work")
    assert loaded.call() == {"ok": True, "message": "in work"}


def test_a_home_is_expanded(script: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("HOME", str(script.folder))
    (script.folder / "x").write_text("home")
    assert script.value("{ fs.read('~/x'), fs.glob('~/x') }") == ["home", [f"{script.folder}/x"]]
