"""`resource.line_in_file`: one line of a text, and every other byte as it was."""

from __future__ import annotations

import os
from typing import Any

CREATED = "1 created, 0 updated, 0 deleted, 0 unchanged"
UPDATED = "0 created, 1 updated, 0 deleted, 0 unchanged"
DELETED = "0 created, 0 updated, 1 deleted, 0 unchanged"
UNCHANGED = "0 created, 0 updated, 0 deleted, 1 unchanged"

CONFIG = b"# config\nPort 22\n#Log no\n\xff\nEnd\n"


def line(fields: str, name: str = "l") -> str:
    return f'line_in_file{{ name = "{name}", path = "conf", {fields} }}'


CHANGES = [
    (CONFIG, 'line = "New 1"', CONFIG + b"New 1\n"),
    (CONFIG, 'line = "Port 80", match = "^Port "', CONFIG.replace(b"22", b"80")),
    (CONFIG, 'line = "Log yes", match = "^#?Log "', CONFIG.replace(b"#Log no", b"Log yes")),
    (CONFIG, 'line = "X", match = "^none"', CONFIG + b"X\n"),
    (CONFIG, 'line = "X", insert_after = "^Port"', CONFIG.replace(b"22\n", b"22\nX\n")),
    (CONFIG, 'line = "X", insert_before = "^Port"', CONFIG.replace(b"Port", b"X\nPort")),
    (CONFIG, 'line = "X", insert_before = "^none"', CONFIG + b"X\n"),
    (b"", 'line = "X"', b"X\n"),
    (b"a", 'line = "X"', b"a\nX"),
    (b"a\r\nb\r\n", 'line = "X", match = "a"', b"X\r\nb\r\n"),
    (b"a\r\nb\r\n", 'line = "X"', b"a\r\nb\r\nX\r\n"),
    (CONFIG, 'line = "End", state = "absent"', CONFIG.replace(b"End\n", b"")),
    (b"a\nb\na\nc", 'match = "^[ac]$", state = "absent"', b"b"),
    (b"a\na\n", 'match = "a", state = "absent"', b""),
]
"""The file before, what is declared, the file then."""


def test_only_the_line_changes_and_delete_restores_every_byte(workflow: Any) -> None:
    paths = [workflow.folder / f"conf{number}" for number in range(len(CHANGES))]
    for path, (before, _, _) in zip(paths, CHANGES, strict=True):
        path.write_bytes(before)
        path.chmod(0o640)
        os.chown(path, 1, 2)
    workflow.declares(
        *(
            f'line_in_file{{ name = "{path.name}", path = "{path.name}", {fields} }}'
            for path, (_, fields, _) in zip(paths, CHANGES, strict=True)
        )
    )
    assert workflow.run() == "8 created, 6 updated, 0 deleted, 0 unchanged"
    assert [path.read_bytes() for path in paths] == [after for _, _, after in CHANGES]
    facts = [path.stat() for path in paths]
    assert {(each.st_mode & 0o7777, each.st_uid, each.st_gid) for each in facts} == {(0o640, 1, 2)}
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 14 unchanged"
    workflow.declares()
    workflow.run("--prune")
    assert [path.read_bytes() for path in paths] == [before for before, _, _ in CHANGES]


def test_a_line_that_is_there_already_stays_after_delete(workflow: Any) -> None:
    path = workflow.folder / "conf"
    path.write_bytes(CONFIG)
    workflow.declares(line('line = "Port 22"'))
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 0 unchanged, 1 read"
    workflow.declares()
    workflow.run("--prune")
    assert path.read_bytes() == CONFIG


def test_what_others_changed_is_put_right_and_the_rest_is_theirs(workflow: Any) -> None:
    path = workflow.folder / "conf"
    path.write_bytes(CONFIG)
    workflow.declares(line('line = "Port 80", match = "^Port "'))
    workflow.run()
    path.write_bytes(b"new\nPort 99\nlast\n")
    assert workflow.drift() == {"line_in_file/l": "drifted"}
    assert workflow.run() == UPDATED
    assert path.read_bytes() == b"new\nPort 80\nlast\n"
    path.write_bytes(b"new\n")
    assert workflow.drift() == {"line_in_file/l": "missing"}
    assert workflow.run() == CREATED
    assert path.read_bytes() == b"new\nPort 80\n"


def test_another_line_replaces_the_one_that_was_written(workflow: Any) -> None:
    path = workflow.folder / "conf"
    path.write_bytes(CONFIG)
    for text in ("Log yes", "Log maybe"):  # the pattern finds only what was there at first
        workflow.declares(line(f'line = "{text}", match = "^#Log"'))
        workflow.run()
        assert path.read_bytes() == CONFIG.replace(b"#Log no", text.encode())
    workflow.rolls_back(1)
    assert path.read_bytes() == CONFIG.replace(b"#Log no", b"Log yes")
    workflow.declares(line('line = "Other"'))
    workflow.run()
    assert path.read_bytes() == CONFIG + b"Other\n"


def test_many_lines_of_one_file_come_and_go_together(workflow: Any) -> None:
    path = workflow.folder / "conf"
    declared = [line(f'line = "10.0.0.{n} h{n}", create = true', f"h{n}") for n in (3, 1, 2)]
    workflow.declares(*declared)
    assert workflow.run() == "3 created, 0 updated, 0 deleted, 0 unchanged"
    all_three = path.read_bytes()
    assert all_three == b"10.0.0.3 h3\n10.0.0.1 h1\n10.0.0.2 h2\n"
    assert path.stat().st_mode & 0o7777 == 0o644
    workflow.declares(*declared[1:])
    workflow.run("--prune")
    assert path.read_bytes() == b"10.0.0.1 h1\n10.0.0.2 h2\n"
    workflow.declares()
    workflow.run("--prune")
    assert not path.exists()
    workflow.rolls_back(1)
    assert path.read_bytes() == all_three


def test_lines_come_back_in_the_order_that_they_had(workflow: Any) -> None:
    path = workflow.folder / "conf"
    declared = [line(f'line = "{text}", create = true', text) for text in "cab"]
    workflow.declares(*declared)
    workflow.run()
    workflow.declares(declared[2])
    workflow.run("--prune")
    assert path.read_bytes() == b"b\n"
    workflow.rolls_back(1)
    assert path.read_bytes() == b"c\na\nb\n"
    workflow.declares(*declared[1:])
    workflow.run("--prune")
    workflow.declares()
    workflow.run("--prune")
    assert not path.exists()


def test_absent_stays_so_and_comes_back_where_it_was(workflow: Any) -> None:
    path = workflow.folder / "conf"
    path.write_bytes(b"a\nbad 1\nbad 2\nz\n")
    workflow.declares(line('match = "^bad", state = "absent"'))
    assert workflow.run() == UPDATED
    path.write_bytes(b"new\na\nbad 3\nz\n")
    assert workflow.drift() == {"line_in_file/l": "drifted"}
    assert workflow.run() == UPDATED
    assert path.read_bytes() == b"new\na\nz\n"
    workflow.declares()
    workflow.run("--prune")
    assert path.read_bytes() == b"new\na\nbad 3\nbad 1\nbad 2\nz\n"


def test_absent_in_a_file_that_is_not_there_is_so_already(workflow: Any) -> None:
    workflow.declares(line('line = "x", state = "absent"'))
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 0 unchanged, 1 read"
    assert not (workflow.folder / "conf").exists()
    workflow.declares()
    assert workflow.run("--prune") == DELETED


def test_what_makes_no_sense_is_said_at_its_line(workflow: Any) -> None:
    expected = {
        'path = "conf", line = "x"': "conf does not exist (with create = true it is made)",
        'path = "conf", state = "absent"': "line or match must say which lines shall not be there",
        'path = "conf", match = "x"': "line must be a string, not nothing",
        'path = "conf", line = "x", state = "gone"': "state must be 'present' or 'absent', not 'gone'",
        'path = "conf", line = "x\\ny"': "line has more than one line in it",
        'path = "conf", line = "x", match = "("': "resource.line_in_file: match '(': missing )",
        'path = "conf", line = "x", insert_after = "a", insert_before = "b"': "both insert_after and",
    }
    said = workflow.refusals("line_in_file", *expected)
    for message, each in zip(expected.values(), said, strict=True):
        assert message in each


def test_a_link_is_not_written_through(workflow: Any) -> None:
    (workflow.folder / "real").write_text("theirs\n")
    (workflow.folder / "conf").symlink_to("real")
    workflow.declares(line('line = "x"'))
    assert "/conf is a symlink, which resource.line_in_file neither" in workflow.fails()
    assert (workflow.folder / "real").read_text() == "theirs\n"
