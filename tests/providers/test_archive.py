"""`resource.archive`: what was unpacked, file by file, and nothing else."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path
from typing import Any

CREATED = "1 created, 0 updated, 0 deleted, 0 unchanged"
UPDATED = "0 created, 1 updated, 0 deleted, 0 unchanged"
DELETED = "0 created, 0 updated, 1 deleted, 0 unchanged"
UNCHANGED = "0 created, 0 updated, 0 deleted, 1 unchanged"

Members = dict[str, "bytes | str | None"]
"""Bytes are a file, a text is the target of a link, None is a folder."""

V1: Members = {"app/bin/run": b"one", "app/conf": b"c1", "app/old": b"old", "app/empty": None}
V2: Members = {"app/bin/run": b"two", "app/conf": b"c1", "app/link": "bin/run"}
ARCHIVE = 'archive{ name = "app", source = "app.tar.gz", path = "opt/app", strip = 1 }'


def pack(path: Path, members: Members) -> None:
    with tarfile.open(path, f"w:{path.suffix[1:] if path.suffix != '.tar' else ''}") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.mode = 0o777 if "bin/" in name else 0o664
            if content is None:
                info.type = tarfile.DIRTYPE
            elif isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
            else:
                info.size = len(content)
            tar.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)


def pack_zip(path: Path, members: Members) -> None:
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            info = zipfile.ZipInfo(f"{name}/" if content is None else name)
            mode = 0o120777 if isinstance(content, str) else 0o755 if "bin/" in name else 0o644
            info.external_attr = mode << 16
            file.writestr(info, content or b"")


def tree(folder: Path) -> dict[str, str]:
    """Each thing below a folder: mode and content, target, or nothing."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            what = f"-> {os.readlink(path)}"
        elif path.is_dir():
            what = "/"
        else:
            what = f"{path.stat().st_mode & 0o7777:o} {path.read_text()}"
        found[str(path.relative_to(folder))] = what
    return found


TREE_1 = {
    "app": "/",
    "app/bin": "/",
    "app/bin/run": "755 one",
    "app/conf": "644 c1",
    "app/empty": "/",
    "app/old": "644 old",
}
TREE_2 = {
    "app": "/",
    "app/bin": "/",
    "app/bin/run": "755 two",
    "app/conf": "644 c1",
    "app/link": "-> bin/run",
}


def test_versions_are_unpacked_over_each_other_and_rolled_back(workflow: Any) -> None:
    source, opt = workflow.folder / "app.tar.gz", workflow.folder / "opt"
    workflow.declares(ARCHIVE)
    pack(source, V1)
    assert workflow.run() == CREATED
    assert tree(opt) == TREE_1
    assert workflow.run() == UNCHANGED
    inode = (opt / "app/conf").stat().st_ino
    pack(source, V2)
    assert workflow.run() == UPDATED
    assert tree(opt) == TREE_2
    assert (opt / "app/conf").stat().st_ino == inode
    source.unlink()
    workflow.rolls_back(1)
    assert tree(opt) == TREE_1
    workflow.rolls_back(3)
    assert tree(opt) == TREE_2
    assert workflow.drift() == {"archive/app": "in-sync"}


def test_a_changed_or_missing_file_is_drift_and_put_right(workflow: Any) -> None:
    opt = workflow.folder / "opt"
    workflow.declares(ARCHIVE)
    pack(workflow.folder / "app.tar.gz", V1)
    workflow.run()
    (opt / "app/theirs").write_text("not ours")
    assert workflow.run() == UNCHANGED
    (opt / "app/conf").write_text("changed")
    assert workflow.drift() == {"archive/app": "drifted"}
    (opt / "app/bin/run").chmod(0o644)
    (opt / "app/old").unlink()
    assert workflow.run() == UPDATED
    assert tree(opt) == {**TREE_1, "app/theirs": "644 not ours"}
    workflow.folder.joinpath("opt").rename(workflow.folder / "away")
    assert workflow.drift() == {"archive/app": "missing"}


def test_delete_removes_what_was_unpacked_and_restores_what_was_there(workflow: Any) -> None:
    opt = workflow.folder / "opt"
    (opt / "app").mkdir(parents=True)
    (opt / "app/conf").write_text("before")
    (opt / "app/conf").chmod(0o600)
    (opt / "app/old").symlink_to("nowhere")
    (opt / "app/theirs").write_text("x")
    before = tree(opt)
    workflow.declares(ARCHIVE)
    pack(workflow.folder / "app.tar.gz", V1)
    workflow.run()
    assert tree(opt) == {**TREE_1, "app/theirs": "644 x"}
    pack(workflow.folder / "app.tar.gz", V2)  # has no "old" any more
    workflow.run()
    assert tree(opt)["app/old"] == "-> nowhere"
    workflow.declares()
    assert workflow.run("--prune") == DELETED
    assert tree(opt) == before


def test_delete_leaves_what_somebody_changed_and_says_so(workflow: Any) -> None:
    opt = workflow.folder / "opt"
    workflow.declares(ARCHIVE)
    pack(workflow.folder / "app.tar.gz", V1)
    workflow.run()
    (opt / "app/conf").write_text("changed")
    workflow.declares()
    result = workflow.sloth("run", "w.sloth", "--prune")
    assert f"archive/app: {opt}/app/conf was changed, so it is left there" in result.stdout
    assert tree(opt) == {"app": "/", "app/conf": "644 changed"}


def test_a_zip_is_unpacked_alike(workflow: Any) -> None:
    pack_zip(workflow.folder / "app.zip", {**V1, "app/link": "bin/run"})
    workflow.declares('archive{ name = "app", source = "app.zip", path = "opt" }')
    assert workflow.run() == CREATED
    assert tree(workflow.folder / "opt") == {**TREE_1, "app/link": "-> bin/run"}
    assert workflow.run() == UNCHANGED


def test_tar_archives_are_known_by_what_is_in_them(workflow: Any) -> None:
    endings = ("tar", "tar.bz2", "tar.xz")
    for ending in endings:
        pack(workflow.folder / f"app.{ending}", V1)
    workflow.declares(
        *(f'archive{{ name = "{e}", source = "app.{e}", path = "{e}.d" }}' for e in endings)
    )
    assert workflow.run() == "3 created, 0 updated, 0 deleted, 0 unchanged"
    assert [tree(workflow.folder / f"{ending}.d") for ending in endings] == [TREE_1] * 3


def test_with_creates_nothing_is_unpacked_while_that_is_there(workflow: Any) -> None:
    opt = workflow.folder / "opt"
    pack(workflow.folder / "app.tar.gz", V1)
    workflow.declares(ARCHIVE.replace(" }", ', creates = "conf" }'))
    assert workflow.run() == CREATED
    (opt / "app/old").write_text("changed")
    assert workflow.run() == UNCHANGED
    (opt / "app/conf").unlink()
    assert workflow.run() == CREATED
    assert tree(opt) == TREE_1


def test_with_creates_what_others_unpacked_is_never_deleted(workflow: Any) -> None:
    opt = workflow.folder / "opt"
    (opt / "app").mkdir(parents=True)
    (opt / "app/conf").write_text("c1")
    pack(workflow.folder / "app.tar.gz", V1)
    workflow.declares(ARCHIVE.replace(" }", ', creates = "conf" }'))
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 0 unchanged, 1 read"
    workflow.declares()
    workflow.run("--prune")
    assert tree(opt) == {"app": "/", "app/conf": "644 c1"}


def test_members_that_lead_out_of_the_folder_are_refused(workflow: Any) -> None:
    bad: list[Members] = [
        {"app/x": b"fine", "app/../../out": b"bad"},
        {"app/l": "../../.."},
        {"app/l": "/etc"},
        {"app/sub/l": "../../out"},  # leads out once the first folder is stripped
        {"app/a\nb": b"bad"},
    ]
    fields = []
    for number, members in enumerate(bad):
        pack(workflow.folder / f"{number}.tar", members)
        pack_zip(workflow.folder / f"{number}.zip", members)
        fields += [
            f'source = "{number}.{kind}", path = "opt", strip = 1' for kind in ("tar", "zip")
        ]
    for said in workflow.refusals("archive", *fields):
        assert " cannot be unpacked: " in said
    assert not (workflow.folder / "opt").exists()
    assert not (workflow.folder / "out").exists()


def test_a_link_in_the_place_of_a_folder_is_not_followed(workflow: Any) -> None:
    outside = workflow.folder / "outside"
    outside.mkdir()
    (outside / "run").write_text("theirs")
    pack(workflow.folder / "app.tar.gz", V1)
    workflow.declares(ARCHIVE)
    workflow.run()
    (workflow.folder / "opt/app/bin/run").unlink()
    (workflow.folder / "opt/app/bin").rmdir()
    (workflow.folder / "opt/app/bin").symlink_to(outside)
    assert "is outside the destination" in workflow.fails()
    workflow.declares()
    workflow.run("--prune")
    assert (outside / "run").read_text() == "theirs"


def test_what_makes_no_sense_is_said_at_its_line(workflow: Any) -> None:
    pack(workflow.folder / "a.tar", V1)
    expected = {
        'source = "none.tgz", path = "opt"': "none.tgz: No such file or directory",
        'source = "bad.sloth", path = "opt"': "bad.sloth cannot be unpacked: it is neither tar",
        'source = "a.tar", path = "opt", strip = 9': "nothing is left to unpack of a.tar",
        'source = "a.tar", path = "opt", strip = 0.5': "strip must be a number of folders",
        'source = "a.tar", path = "bad.sloth"': "bad.sloth is a file, which resource.archive",
    }
    said = workflow.refusals("archive", *expected)
    for message, each in zip(expected.values(), said, strict=True):
        assert message in each
